-- loyalty_undo_test.sql - points that are reversed and adjusted; the laws of their ledger.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();
insert into pos.customers (tenant_id, id, phone, name, loyalty_points) values
    (:alpha, 9001, '07700 900456', 'Ada', 250), (:alpha, 9002, '07700 900457', 'Eve', 0), (:beta, 9001, '+447700900456', 'Bee', 70);
select pg_temp.commit() \g /dev/null
create function pg_temp.points(customer int default 9001) returns int language sql as $$
    select p.loyalty_points::int from pos.customers p where p.tenant_id = 'aaaaaaaa-0000-4000-8000-000000000001' and p.id = customer
$$;
-- As a till asks: loyalty_reverse may be called by both sides.
create function pg_temp.till(operation text, body text, more jsonb default '{}', phone text default '07700900456') returns pos.answer language sql as $$
    select pg_temp.commit();
    select pos.call(operation, pg_temp.ctx(json_build_object('phone', phone)::text, more), body::json)
$$;
create function pg_temp.tried(operation text, body text, more jsonb default '{}', phone text default '07700900456') returns text language sql as $$
    select pg_temp.outcome(pg_temp.till(operation, body, more, phone))
$$;

-- An order that redeemed 100 and earned 20 comes back: what was redeemed is there first.
select pg_temp.tried('loyalty_redeem', '{"points":250,"orderId":"A-1","reason":"dinner"}'),
       pg_temp.tried('loyalty_add', '{"points":20,"orderId":"A-1"}'), pg_temp.tried('loyalty_redeem', '{"points":15,"orderId":"A-2"}') \g /dev/null
create temp table seen as select pg_temp.head() as head;
create temp table r as select pg_temp.till('loyalty_reverse', '{"orderId":"A-1","reason":"sent back"}', '{"idempotencyKey":"k-1"}') as a;
create temp table e as select t.* from pos.pos_loyalty_transactions t where t.tenant_id = :alpha and t.customer_id = 9001;
select is((r.a).status, 201, 'reversed'),
       is((r.a).body, format('{"success":true,"customerId":9001,"previousPoints":5,"pointsChange":230,"newPoints":235,"transactionId":%1$s,'
              '"remainingPoints":235,"reversals":[{"transactionId":%2$s,"reverses":%3$s,"points":250,"newPoints":255},'
              '{"transactionId":%1$s,"reverses":%4$s,"points":-20,"newPoints":235}],"customer":%5$s,"data":{"customerId":9001,'
              '"previousPoints":5,"pointsChange":230,"newPoints":235}}', (select id from e where entry_no = 6), (select id from e where entry_no = 5),
              (select id from e where entry_no = 2), (select id from e where entry_no = 3),
              pos.till_customer((select p from pos.customers p where p.tenant_id = :alpha and p.id = 9001))), 'exactly'),
       is(cardinality((r.a).events), 2, 'one event an entry'),
       is((r.a).events[1]::json #>> '{data,pointsChange}', '250', 'the first'),
       is((r.a).events[1]::json #>> '{data,transactionType}', 'add', 'in the words that tills know'),
       is((r.a).events[2]::json #>> '{data,newBalance}', '235', 'the second'),
       is((r.a).events[2]::json #>> '{data,reason}', 'sent back', 'and why')
  from r;
select is(pg_temp.types_after((select head from seen)), 'loyalty.updated loyalty.updated', 'in the log');
select is(string_agg(concat_ws(' ', e.type, e.points, e.order_id, e.reason, e.idempotency_key), ', ' order by e.entry_no),
          'reverse 250 A-1 sent back k-1, reverse -20 A-1 sent back', 'the entries; one request has one key') from e where e.entry_no > 4;
select is(b.replayed and b.body = (r.a).body, true, 'the same request again'), is(pg_temp.points(), 235, 'moves nothing')
  from r, pg_temp.till('loyalty_reverse', '{"orderId":"A-1","reason":"sent back"}', '{"idempotencyKey":"k-1"}') b;
select is(pg_temp.outcome(a), '409 ALREADY_REVERSED', 'nor does another one'), is((a).body::json #>> '{error,details,left}', '0', 'nothing is left')
  from pg_temp.till('loyalty_reverse', '{"orderId":"A-1"}') a;

select is((select string_agg(t ->> 'type', ' ') from json_array_elements((a).body::json -> 'recentTransactions') t), 'adjust adjust redeem add redeem add',
          'in the words that tills know'), is((a).body::json ->> 'points', '235', 'and all of it') from pg_temp.till('loyalty_points', null) a;
select is(concat_ws(' ', c ->> 'totalPointsEarned', c ->> 'totalPointsRedeemed'), '250 15', 'what was reversed was neither earned nor redeemed')
  from (select pos.till_customer(p) as c from pos.customers p where p.tenant_id = 'aaaaaaaa-0000-4000-8000-000000000001' and p.id = 9001) x;

-- Sold again: it moves points again, without being taken for a repeat, and can be reversed again.
update dinedesk_main.tenants set dedupe_seconds = 60 where slug = 'alpha';
select is(pg_temp.tried('loyalty_add', '{"points":20,"orderId":"A-1"}'), '200', 'what was reversed is no twin'), is(pg_temp.points(), 255, 'it counts');
select is(pg_temp.tried('loyalty_add', '{"points":20,"orderId":"A-1"}'), '200 replayed', 'the next one is one');
update dinedesk_main.tenants set dedupe_seconds = 0 where slug = 'alpha';
select is((a).body::json ->> 'pointsChange', '-20', 'only what is not reversed yet') from pg_temp.till('loyalty_reverse', '{"orderId":"A-1"}') a;

-- Refusals.
select is(pg_temp.tried('loyalty_reverse', v.body, v.more::jsonb, v.phone), v.wanted, format('%s %s %s', v.body, v.more, v.phone))
  from (values ('{}', '{}', '07700900456', '400 INVALID_ORDER_ID'), ('{"orderId":null}', '{}', '07700900456', '400 INVALID_ORDER_ID'),
               ('{"orderId":""}', '{}', '07700900456', '400 INVALID_ORDER_ID'), ('{"orderId":{}}', '{}', '07700900456', '400 INVALID_ORDER_ID'),
               ('{"orderId":"A-9"}', '{}', '07700900456', '404 NOTHING_TO_REVERSE'), ('{"orderId":"A-2"}', '{}', '07700900457', '404 NOTHING_TO_REVERSE'),
               ('{"orderId":"A-2","reason":5}', '{}', '07700900456', '400 INVALID_FIELD'), ('{"orderId":"A-2"}', '{}', 'A-2', '400 INVALID_PHONE'),
               ('{"orderId":"A-2","allowNegative":1}', '{}', '07700900456', '400 INVALID_FIELD'),
               ('{"orderId":"A-2","allowNegative":true}', '{}', '07700900456', '403 PERMISSION_DENIED'),
               ('{"orderId":"A-2","allowNegative":false}', '{}', '07700900999', '404 CUSTOMER_NOT_FOUND')) v(body, more, phone, wanted);
select is(pg_temp.tried('loyalty_reverse', '{"orderId":"A-2"}', jsonb_build_object('tenant', 'beta', 'keyHash', pg_temp.key_hash('beta', 'pos')), '+447700900456'),
          '404 NOTHING_TO_REVERSE', 'another restaurant''s order');

-- What was added and spent.
select pg_temp.tried('loyalty_add', '{"points":30,"orderId":7}', phone => '07700900457'), pg_temp.tried('loyalty_redeem', '{"points":25}', phone => '07700900457') \g /dev/null
create temp table n as select pg_temp.till('loyalty_reverse', '{"orderId":"7"}', phone => '07700900457') as a;
select is(pg_temp.outcome(n.a), '400 INSUFFICIENT_POINTS', 'is not taken'),
       is((n.a).body::json #>> '{error,details}', '{"currentPoints":5,"shortfall":25}', 'how much is missing'), is(pg_temp.points(9002), 5, 'and nothing was done')
  from n;
select is((a).body::json ->> 'newPoints', '-25', 'the platform side may')
  from pg_temp.till('loyalty_reverse', '{"orderId":7,"allowNegative":true}', '{"scope":"platform"}', '07700900457') a;
select is(pg_temp.tried('loyalty_redeem', '{"points":1}', phone => '07700900457'), '400 INSUFFICIENT_POINTS', 'who owes spends nothing');
select is((a).body::json #>> '{error,details}', '{"currentPoints":-25,"shortfall":26}', 'with the shortfall')
  from pg_temp.till('loyalty_redeem', '{"points":1}', phone => '07700900457') a;
select is((a).body::json ->> 'newPoints', '-15', 'what is added pays for it') from pg_temp.till('loyalty_add', '{"points":10}', phone => '07700900457') a;
select is((a).body::json ->> 'loyaltyPoints', '-15', 'and it is shown') from pg_temp.till('loyalty_points', null, phone => '07700900457') a;
-- Giving back helps whoever owes, also when not all is covered.
select pg_temp.tried('loyalty_adjust', '{"points":20,"reason":"gift"}', '{"scope":"platform"}', '07700900457'),
       pg_temp.tried('loyalty_redeem', '{"points":5,"orderId":8}', phone => '07700900457'),
       pg_temp.tried('loyalty_adjust', '{"points":-40,"reason":"mistake","allowNegative":true}', '{"scope":"platform"}', '07700900457') \g /dev/null
select is((a).body::json ->> 'newPoints', '-35', 'given back') from pg_temp.till('loyalty_reverse', '{"orderId":8}', phone => '07700900457') a;

-- Adjusting.
select is(pg_temp.tried('loyalty_adjust', v.body, '{"scope":"platform"}'), v.wanted, v.body)
  from (values ('{"points":-10,"reason":"counted twice"}', '201'), ('{"points":"5","notes":"gift"}', '201'), ('{"points":5}', '400 INVALID_FIELD'),
               ('{"points":5,"reason":" "}', '400 INVALID_FIELD'), ('{"points":0,"reason":"x"}', '400 INVALID_POINTS'),
               ('{"points":1.5,"reason":"x"}', '400 INVALID_POINTS'), ('{"points":-1000001,"reason":"x"}', '400 INVALID_POINTS'),
               ('{"points":1e131071,"reason":"x"}', '400 INVALID_POINTS'), ('{"points":null,"reason":"x"}', '400 INVALID_POINTS'),
               ('{"points":[5],"reason":"x"}', '400 INVALID_POINTS'), ('{"points":-999999,"reason":"x"}', '400 INSUFFICIENT_POINTS'),
               ('{"points":-5,"reason":"x","allowNegative":"yes"}', '400 INVALID_FIELD')) v(body, wanted);
select is(pg_temp.tried('loyalty_adjust', '{"points":5,"reason":"x"}'), '403 FORBIDDEN', 'a till may not');
create temp table j as select pg_temp.till('loyalty_adjust', '{"points":-5,"reason":"exactly"}', '{"scope":"platform"}') as a;
select is((j.a).body, format('{"success":true,"customerId":9001,"previousPoints":230,"pointsChange":-5,"newPoints":225,"transactionId":%s,"remainingPoints":225,'
          '"data":{"customerId":9001,"previousPoints":230,"pointsChange":-5,"newPoints":225}}',
          (select max(id) from pos.pos_loyalty_transactions)), 'exactly') from j;

-- The ledger.
create temp table l as select (pg_temp.till('loyalty_transactions', null, '{"query":{"limit":"3"}}')).body::json as b;
select is((select string_agg(concat_ws(' ', t ->> 'entry', t ->> 'type', t ->> 'points', t ->> 'balance', t ->> 'reason'), ', ')
             from json_array_elements(b -> 'transactions') t), '11 adjust -5 225 exactly, 10 adjust 5 230 gift, 9 adjust -10 225 counted twice', 'the newest first'),
       is(b ->> 'next', '9', 'where to go on'), is(b #>> '{data,loyaltyPoints}', '225', 'and all in data') from l;
select is((select string_agg(concat_ws(' ', t ->> 'entry', t ->> 'type', 'of ' || (o ->> 'entry'), 'by ' || (r ->> 'entry')), ', ' order by (t ->> 'entry')::int)
             from json_array_elements(b -> 'transactions') t
             left join json_array_elements(b -> 'transactions') o on o ->> 'transactionId' = t ->> 'reverses'
             left join json_array_elements(b -> 'transactions') r on r ->> 'transactionId' = t ->> 'reversedBy'),
          '1 add, 2 redeem by 5, 3 add by 6, 4 redeem, 5 reverse of 2, 6 reverse of 3, 7 add by 8, 8 reverse of 7', 'what reversed what'),
       is(b ->> 'next', null, 'that is all')
  from (select (pg_temp.till('loyalty_transactions', null, '{"query":{"after":"9"}}')).body::json as b) x;
select is(pg_temp.tried('loyalty_transactions', null, v.more::jsonb), v.wanted, v.more)
  from (values ('{"query":{"limit":"0"}}', '400 INVALID_FIELD'), ('{"query":{"limit":"201"}}', '400 INVALID_FIELD'),
               ('{"query":{"after":"x"}}', '400 INVALID_FIELD'), ('{"query":{"after":"1"}}', '200')) v(more, wanted);

-- By plain SQL.
select throws_ok(format(v.sql, :alpha), '23514', v.message, v.sql)
  from (values ($$update pos.customers set loyalty_points = loyalty_points - 1 where tenant_id = '%s' and id = 9002$$, 'points are never negative'),
               ($$insert into pos.customers (tenant_id, phone, loyalty_points) values ('%s', '07700900458', -1)$$, 'points are never negative'),
               ($$insert into pos.pos_loyalty_transactions (tenant_id, customer_id, type, points) values ('%s', 9001, 'redeem', -226)$$, 'points are never negative'),
               ($$insert into pos.pos_loyalty_transactions (tenant_id, customer_id, type, points) values ('%s', 9001, 'reverse', -5)$$, 'this reverses no entry of the customer'),
               ($$insert into pos.pos_loyalty_transactions (tenant_id, customer_id, type, points, reverses)
                  select tenant_id, 9002, 'reverse', -points, id from pos.pos_loyalty_transactions where tenant_id = '%s' and order_id = 'A-2'$$, 'this reverses no entry of the customer'),
               ($$insert into pos.pos_loyalty_transactions (tenant_id, customer_id, type, points, reverses)
                  select tenant_id, customer_id, 'adjust', -points, id from pos.pos_loyalty_transactions where tenant_id = '%s' and order_id = 'A-2'$$, 'this reverses no entry of the customer')
       ) v(sql, message);
select throws_ok(format($$insert into pos.pos_loyalty_transactions (tenant_id, customer_id, type, points, reverses)
                  select tenant_id, customer_id, 'reverse', -points, id from pos.pos_loyalty_transactions where tenant_id = '%s' and entry_no = 2 and customer_id = 9001$$, :alpha),
                 '23505', null, 'nothing is reversed twice');
select lives_ok(format($$update pos.customers set loyalty_points = -10 where tenant_id = '%s' and id = 9002$$, :alpha), 'who owes may owe less');
select lives_ok(format($$insert into pos.pos_loyalty_transactions (tenant_id, customer_id, type, points, reverses)
                  select tenant_id, customer_id, 'reverse', -points, id from pos.pos_loyalty_transactions where tenant_id = '%s' and order_id = 'A-2'$$, :alpha), 'a reversal');

-- The laws, unbroken; then one after the other.
select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the ledgers are whole');
create function pg_temp.broken(sql text) returns text language plpgsql as $$
declare
    said text;
begin
    begin
        perform set_config('session_replication_role', 'replica', true);
        execute sql;
        select string_agg(distinct l.what, ', ' order by l.what) into said from pos.laws_broken() l;
        raise exception using errcode = 'TWUND', message = coalesce(said, 'none');
    exception when sqlstate 'TWUND' then
        said := sqlerrm;
    end;
    perform set_config('session_replication_role', 'origin', true);
    return said;
end $$;
select is(pg_temp.broken(v.sql), v.wanted, v.sql)
  from (values ('update pos.customers set loyalty_points = loyalty_points + 1 where id = 9002', 'points are not the sum of their ledger'),
               ('update pos.customers set entries = entries + 1 where id = 9002', 'customer counts other entries than it has'),
               ($$update pos.pos_loyalty_transactions set type = 'add' where type = 'redeem' and order_id = '8'$$, 'points entry has the wrong sign'),
               ('update pos.pos_loyalty_transactions set reverses = null where entry_no = 5 and customer_id = 9001', 'reversal of points does not fit what it reverses'),
               ('update pos.pos_loyalty_transactions set reverses = id where entry_no = 5 and customer_id = 9001', 'reversal of points does not fit what it reverses'),
               ($$update pos.pos_loyalty_transactions set type = 'redeem', reverses = null where type = 'reverse' and new_points < 0 and points < 0$$, 'points are negative'),
               ('delete from pos.pos_loyalty_transactions where entry_no = 2 and customer_id = 9002',
                'points are not the sum of their ledger, points entry does not continue the one before')) v(sql, wanted);
-- An adjustment that comes again without a key.
create temp table adjusted as select pg_temp.till('loyalty_adjust', '{"points":3,"reason":"a gift"}', '{"scope":"platform"}') as a;
select is(b.body::json ->> 'possibleDuplicateOf', (j.a).body::json ->> 'transactionId', 'a likely repeat'), is(b.status, 201, 'is made'),
       is(o.body::json ->> 'possibleDuplicateOf', null, 'for another reason it is none')
  from adjusted j, pg_temp.till('loyalty_adjust', '{"points":3,"reason":"a gift"}', '{"scope":"platform"}') b,
       pg_temp.till('loyalty_adjust', '{"points":3,"reason":"another gift"}', '{"scope":"platform"}') o;
update dinedesk_main.tenants set dedupe_seconds = 60 where slug = 'alpha';
select is(b.replayed, true, 'or answered again'), is(b.body::json ->> 'previousPoints', (a.body::json ->> 'previousPoints'), 'as it was')
  from pg_temp.till('loyalty_adjust', '{"points":4,"reason":"a gift"}', '{"scope":"platform"}') a,
       pg_temp.till('loyalty_adjust', '{"points":4,"reason":"a gift"}', '{"scope":"platform"}') b;
update dinedesk_main.tenants set dedupe_seconds = 0 where slug = 'alpha';

select * from finish();
rollback;
