-- loyalty_test.sql - points, add, redeem, customers.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();
insert into pos.customers (tenant_id, id, phone, name, loyalty_points, total_spent) values
    (:alpha, 9001, '07700 900456', 'Ada', 250, 1250), (:alpha, 9002, '+12125550142', 'Far', 0, 0),
        (:alpha, 9003, null, 'Gone', 0, 0),
    (:beta, 9001, '(212) 555-0142', 'Bee', 70, 0);
select pg_temp.commit() \g /dev/null

-- Points.
create temp table o as select id from pos.pos_loyalty_transactions where tenant_id = :alpha and customer_id = 9001;
select is(a.status, 200, 'points'),
       is(a.body,
          format('{"success":true,"customerId":9001,"phone":"07700 900456","name":"Ada","loyaltyPoints":250,'
                 '"totalSpent":1250.00,"recentTransactions":[%1$s],"points":250,"data":{"customerId":9001,'
                 '"phone":"07700 900456","name":"Ada","loyaltyPoints":250,"totalSpent":1250.00,'
                 '"recentTransactions":[%1$s]}}',
                 format('{"transactionId":%s,"type":"add","points":250,"balance":250,"orderId":null,"reason":"",'
                        '"createdAt":"%s"}', o.id,
                        (select pos.utc(created_at) from pos.pos_loyalty_transactions t where t.id = o.id))),
          'exactly')
  from o, pg_temp.call('loyalty_points', '{"phone":"+447700900456"}') a;
select is((pg_temp.call('loyalty_points', format('{"phone":%s}', to_json(v.phone)))).body::json ->> 'customerId',
       '9001', 'by ' || v.phone)
  from (values ('07700900456'), ('0044 7700 900456'), (' 447700900456'), ('+44 (0)7700-900456'),
      ('7700900456')) v(phone);
select is((pg_temp.call('loyalty_points', '{"phone":"07700900456"}')).body::json ->> 'phone', '07700 900456',
       'shown as it was given');
select is((pg_temp.call('loyalty_points', '{"phone":"2125550142"}', null,
       jsonb_build_object('tenant', 'beta', 'keyHash', pg_temp.key_hash('beta', 'pos')))).body::json ->> 'name',
       'Bee', 'each tenant its own customer');
select is(pg_temp.try('loyalty_points', format('{"phone":%s}', v.phone)), v.wanted, 'phone ' || v.phone)
  from (values ('"07700900999"', '404 CUSTOMER_NOT_FOUND'), ('"12345"', '400 INVALID_PHONE'),
      ('""', '400 INVALID_PHONE'), ('null', '400 INVALID_PHONE'),
               ('"abc"', '400 INVALID_PHONE'), ('"'' or 1=1"', '400 INVALID_PHONE')) v(phone, wanted);

-- Add: the answer, the ledger, the event.
create temp table d as select pg_temp.call('loyalty_add', '{"phone":"07700900456"}',
    '{"points":50,"orderId":"A-1","reason":"dinner"}') as a;
create temp table t as select * from pos.pos_loyalty_transactions
    where tenant_id = :alpha and customer_id = 9001 and entry_no = 2;
select is((d.a).status, 200, 'add'),
       is((d.a).body,
          format('{"success":true,"customerId":9001,"previousPoints":250,"pointsAdded":50,"newPoints":300,'
                 '"transactionId":%s,"points":300,"remainingPoints":300,"customer":{"id":9001,"name":"Ada",'
                 '"email":null,"phone":"07700 900456","displayPhone":"07700 900456","loyaltyCardNumber":"9001",'
                 '"customerName":"Ada","pointsBalance":300,"totalPointsEarned":300,"totalPointsRedeemed":0,"isActive":1,'
                 '"joinedDate":"%s","totalSpent":"1250.00"},"data":{"customerId":9001,'
                 '"previousPoints":250,"pointsAdded":50,"newPoints":300}}', t.id, (select pos.utc(p.created_at)
                  from pos.customers p where p.tenant_id = :alpha and p.id = 9001)), 'exactly'),
       is((d.a).events[1]::json ->> 'type', 'loyalty.updated', 'its event'),
       is((d.a).events[1]::json ->> 'data',
          format('{"customerId":9001,"customerPhone":"07700 900456","pointsChange":50,"newBalance":300,'
                 '"transactionType":"add","reason":"dinner","updatedAt":"%s","transactionId":%s}',
                 pos.utc(t.created_at), t.id), 'exactly'),
       is(t.points, 50, 'points'),
       is(t.previous_points::int, 250, 'from'),
       is(t.new_points::int, 300, 'to'),
       is(t.order_id::text, 'A-1', 'order'),
       is(t.reason::text, 'dinner', 'reason')
  from d, t;

-- Redeem.
create temp table r as select pg_temp.call('loyalty_redeem', '{"phone":"07700900456"}', '{"points":"300"}') as a;
select is((r.a).body::json ->> 'pointsRedeemed', '300', 'redeem'),
       is((r.a).body::json ->> 'newPoints', '0', 'all of them'),
       is((r.a).events[1]::json #>> '{data,pointsChange}', '-300', 'negative in the event'),
       is((r.a).events[1]::json #>> '{data,transactionType}', 'redeem', 'as redeem'),
       is((r.a).events[1]::json #>> '{data,reason}', '', 'no reason is an empty one')
  from r;
select is(a.body::json #>> '{error,code}', 'INSUFFICIENT_POINTS', 'none left'),
       is(a.status, 400, 'is a 400'),
       is(a.body::json #>> '{error,details,currentPoints}', '0', 'with what there is'),
       is(a.body::json #>> '{error,details,shortfall}', '1', 'and what is missing')
  from pg_temp.call('loyalty_redeem', '{"phone":"07700900456"}', '{"points":1}') a;

-- Refusals: fields, then the phone, then the customer, then the points.
select is(pg_temp.try(v.operation, format('{"phone":%s}', to_json(v.phone)), v.body), v.wanted,
       format('%s %s %s', v.operation, v.phone, left(v.body, 40)))
  from (values ('loyalty_add', '07700900456', '{}', '400 INVALID_POINTS'),
      ('loyalty_add', '07700900456', '{"points":0}', '400 INVALID_POINTS'),
      ('loyalty_add', '07700900456', '{"points":-5}', '400 INVALID_POINTS'),
               ('loyalty_add', '07700900456', '{"points":1000001}', '400 INVALID_POINTS'),
                   ('loyalty_add', '07700900456', '{"points":1e131071}', '400 INVALID_POINTS'),
               ('loyalty_redeem', '07700900456', '{"points":0.5}', '400 INVALID_POINTS'),
                   ('loyalty_add', 'x', '{"points":0}', '400 INVALID_POINTS'),
                   ('loyalty_add', 'x', '{"points":1}', '400 INVALID_PHONE'),
               ('loyalty_add', '07700900999', '{"points":1}', '404 CUSTOMER_NOT_FOUND'),
                   ('loyalty_redeem', '07700900999', '{"points":1}', '404 CUSTOMER_NOT_FOUND'),
               ('loyalty_add', '07700900456', '{"points":1,"orderId":true}', '400 INVALID_ORDER_ID'),
                   ('loyalty_add', '07700900456', '{"points":1,"reason":5}', '400 INVALID_FIELD'),
               ('loyalty_add', '07700900456', '{"points":1,"reason":null,"orderId":null}', '200'),
                   ('loyalty_add', '07700900456', '{"points":1000000}', '200')) v(operation, phone, body, wanted);
select is((pg_temp.call('loyalty_add', '{"phone":"07700900456"}',
       json_build_object('points', 3, 'reason', repeat('x', 3000))::text)).body::json #>> '{warnings,0,code}',
       'NOTES_TRUNCATED', 'a long reason is cut');
update pos.customers set loyalty_points = 2000000000 where tenant_id = :alpha and id = 9002;
select is(pg_temp.try('loyalty_add', '{"phone":"+12125550142"}', '{"points":1}'), '400 INVALID_POINTS',
       'there is an end to points');

-- Repeats without a key.
select is(b.body::json -> 'possibleDuplicateOf' is null, true, 'the first is none')
       from pg_temp.call('loyalty_add', '{"phone":"07700900456"}', '{"points":77,"orderId":9}') b;
select is((b.body::json ->> 'possibleDuplicateOf')::bigint,
       (select max(id) from pos.pos_loyalty_transactions
       where points = 77 and order_id = '9' and id < (b.body::json ->> 'transactionId')::bigint),
       'the second names the first')
  from pg_temp.call('loyalty_add', '{"phone":"07700900456"}', '{"points":77,"orderId":9}') b;
select is(b.body::json -> 'possibleDuplicateOf' is null, true, 'redeeming is another thing')
       from pg_temp.call('loyalty_redeem', '{"phone":"07700900456"}', '{"points":77,"orderId":9}') b;
update dinedesk_main.tenants set dedupe_seconds = 60 where slug = 'alpha';
create temp table dd as select pg_temp.call('loyalty_add', '{"phone":"07700900456"}',
    '{"points":88,"orderId":9}') as a;
select is(b.replayed, true, 'a tenant may have it replayed'),
       is(b.body, (dd.a).body, 'the same answer')
  from dd, pg_temp.call('loyalty_add', '{"phone":"07700900456"}', '{"points":88,"orderId":9}') b;

-- The ten newest.
select pg_temp.try('loyalty_add', '{"phone":"+447700900456"}', format('{"points":%s}', n))
       from generate_series(200, 212) n \g /dev/null
select is(json_array_length(b -> 'recentTransactions'), 10, 'ten'),
       is(b #>> '{recentTransactions,0,points}', '212', 'newest first'),
       is(b #>> '{recentTransactions,9,points}', '203', 'oldest last')
  from (select (pg_temp.call('loyalty_points', '{"phone":"07700900456"}')).body::json as b) x;

-- Customers.
create temp table c as select pg_temp.call('customer_create', '{}',
    '{"phone":" 07700 900777 ","name":"Cleo","email":"cleo@example.com","loyaltyPoints":9999}') as a;
select is((c.a).status, 201, 'created'),
       is(b ->> 'phone', ' 07700 900777 ', 'phone as given'),
       is(b ->> 'name', 'Cleo', 'name'),
       is(b ->> 'email', 'cleo@example.com', 'email'),
       is(b ->> 'loyaltyPoints', '0', 'points are earned, not sent'),
       is(b ->> 'totalSpent', '0.00', 'nothing spent'),
       is(b ->> 'id', b ->> 'customerId', 'both names'),
       is((c.a).events, null, 'nobody has to know')
  from c, lateral (select (c.a).body::json -> 'customer' as b) x;
select is(a.status, 409, 'the phone again'),
       is(a.body::json #>> '{error,code}', 'CUSTOMER_EXISTS', 'exists'),
       is(a.body::json #>> '{error,details,customer,name}', 'Cleo', 'with the customer')
  from pg_temp.call('customer_create', '{}', '{"phone":"+44 7700 900777","name":"Other"}') a;
select is(pg_temp.try('customer_create', '{}', v.body), v.wanted, v.body)
  from (values ('{}', '400 INVALID_PHONE'), ('{"phone":"123","name":"x"}', '400 INVALID_PHONE'),
      ('{"phone":447700900778,"name":"x"}', '400 INVALID_PHONE'),
      ('{"phone":null,"name":"x"}', '400 INVALID_PHONE'),
               ('{"phone":"07700900778"}', '400 INVALID_FIELD'),
                   ('{"phone":"07700900778","name":""}', '400 INVALID_FIELD'),
                   ('{"phone":"07700900778","name":"  "}', '400 INVALID_FIELD'),
                   ('{"phone":"07700900778","name":5}', '400 INVALID_FIELD'),
               ('{"phone":"07700900778","name":"x","email":5}', '400 INVALID_FIELD'),
                   ('{"phone":"07700900778","name":"李伟","extra":{}}', '201')) v(body, wanted);
select is(pg_temp.try('loyalty_add', '{"phone":"07700900777"}', '{"points":5}'), '200',
       'a new customer earns at once');

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the ledgers are whole');
select * from finish();
rollback;
