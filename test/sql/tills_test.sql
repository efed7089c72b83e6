-- tills_test.sql - the addresses of OrderWeb's tills: heartbeats, cards, customers and points in their words.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.said(operation text, body text default null, query text default '{}') returns json language sql as $$
    select (pg_temp.call(operation, '{}', body, jsonb_build_object('query', query::jsonb))).body::json
$$;

-- Heartbeats.
select is(pg_temp.try('till_heartbeat', '{}', v.body, v.more::jsonb), v.wanted, v.body || v.more)
  from (values ('{"tenant":"alpha","device_id":"POS_A","status":"online","pending_acks_count":0,"pending_orders_count":2,'
                '"last_print_at":null}', '{}', '200'),
               ('{"device_id":"POS_B","last_print_at":"2026-01-05T18:00:00Z","pending_acks_count":-1}', '{}', '200'),
               ('{}', '{}', '200'), ('{}', '{"device":null}', '400 INVALID_FIELD'),
               ('{"device_id":""}', '{"device":null}', '400 INVALID_FIELD'), ('{"device_id":[]}', '{}', '400 INVALID_FIELD'),
               ('{"device_id":"x","last_print_at":"noon"}', '{}', '400 INVALID_DATE'),
               ('{"device_id":"x","status":7}', '{}', '400 INVALID_FIELD')) v(body, more, wanted);
select is(pg_temp.try('till_heartbeat', '{}', '{"device_id":"POS_A","status":"busy","pending_orders_count":3}'), '200', 'again');
select is((select string_agg(concat_ws(' ', t.device, t.status, t.pending_orders, pos.utc(t.last_print_at)), ', ' order by t.device)
             from pos.till t where t.tenant_id = :alpha), 'POS_A busy 3, POS_B online 2026-01-05T18:00:00.000Z, till-1 online', 'one row each');
select is(b #>> '{websocket,connected}', '3', 'alive'), is(b #>> '{websocket,url}', '/ws/pos/alpha', 'where'),
       is(b ->> 'tenant', 'alpha', 'whose'), is(json_array_length(b -> 'tills'), 3, 'each of them')
  from (select pg_temp.said('pos_status') as b) x;
update pos.till t set seen_at = now() - interval '2 minutes' where t.device = 'POS_B';
select is(pg_temp.said('pos_status') #>> '{websocket,connected}', '2', 'one is silent');
insert into pos.till (tenant_id, device, status) select :alpha, 'x' || n, 'online' from generate_series(1, 997) n;
select is(pg_temp.try('till_heartbeat', '{}', '{"device_id":"one too many"}'), '400 TOO_MANY_DEVICES', 'bounded'),
       is(pg_temp.try('till_heartbeat', '{}', '{"device_id":"POS_A"}'), '200', 'the known ones stay');
update pos.till t set seen_at = now() - interval '31 days' where t.device like 'x%';
select is(pos.maintain('tills'), 997, 'forgotten after a month'), is(pos.maintain('tills'), 0, 'and no other');

-- Configuration: texts only, because the till reads a table of texts.
select is((select string_agg(json_typeof(e.value), ' ') from json_each(pg_temp.said('till_config')) e), 'string string string string string', 'texts');
select is(pg_temp.said('pos_config')::text, '{"endpointUrl":"","apiKey":"","timeout":30,"enabled":false}', 'tills come to us');

-- Gift cards.
select pg_temp.card('GC-1', 50, 'active', '2099-01-31');
select is(pg_temp.said('till_card_lookup', '{"card_number":"GC-1"}')::text, format('{"success":true,"gift_card":{"card_number":"GC-1",'
          '"balance":50.00,"status":"active","card_type":"digital","created_at":"%s","expiry_date":"2099-01-31"}}', pos.utc(g.purchased_at)), 'looked up'),
       is(pg_temp.said('till_card_balance', '{"code":"GC-1"}')::text, format('{"success":true,"code":"GC-1","balance":50.00,'
          '"original_amount":50.00,"status":"active","created_at":"%s","expires_at":"2099-01-31"}', pos.utc(g.purchased_at)), 'by its code')
  from pos.gift_cards g where g.tenant_id = :alpha and g.card_number = 'GC-1';
select b ->> 'remaining_balance' as remaining, b ->> 'amount_redeemed' as redeemed, b ->> 'transaction_id' as transaction
  from pg_temp.said('till_card_redeem', '{"card_number":"GC-1","amount":12.5,"description":"POS sale","order_id":"o1"}') b \gset
select is(:'remaining'::text, '37.50', 'what is left'), is(:'redeemed'::text, '12.50', 'what was taken'),
       is(concat_ws(' ', t.id, t.amount, t.order_id, t.notes), :'transaction' || ' -12.50 o1 POS sale', 'in the ledger')
  from pos.pos_gift_card_transactions t where t.tenant_id = :alpha order by t.id desc limit 1;
select is(pg_temp.newest() ->> 'balance', '37.50', 'and told');
select is(pg_temp.try(v.operation, '{}', v.body), v.wanted, v.operation || ' ' || v.body)
  from (values ('till_card_redeem', '{"card_number":"GC-1","amount":100}', '400 INSUFFICIENT_FUNDS'),
               ('till_card_redeem', '{"card_number":"GC-1"}', '400 INVALID_AMOUNT'),
               ('till_card_redeem', '{"card_number":"GC-1","amount":"x"}', '400 INVALID_AMOUNT'),
               ('till_card_redeem', '{"amount":1}', '400 INVALID_FIELD'),
               ('till_card_redeem', '{"card_number":"none","amount":1}', '404 CARD_NOT_FOUND'),
               ('till_card_lookup', '{"card_number":"none"}', '404 CARD_NOT_FOUND'),
               ('till_card_lookup', '{}', '400 INVALID_FIELD'), ('till_card_balance', '{"code":null}', '400 INVALID_FIELD'),
               ('till_card_balance', '{"code":"none"}', '404 CARD_NOT_FOUND')) v(operation, body, wanted);

-- Customers: .NET writes its own case, and has no "exists already".
select is(a.status, 201, 'made'), is(b #>> '{customer,customerName}', 'Ada', 'named'), is(b #>> '{customer,pointsBalance}', '0', 'no points')
  from (select a, a.body::json as b from pg_temp.call('till_customer_create', '{}', '{"Phone":"07700900111","Name":"Ada","Email":null}') a) x(whole, b),
       lateral (select (x.whole).*) a;
select is(a.status, 200, 'again'), is(a.body::json ->> 'existing', 'true', 'it is the same'), is(a.body::json #>> '{customer,customerName}', 'Ada', 'unchanged')
  from pg_temp.call('till_customer_create', '{}', '{"phone":"+447700900111","name":"Other"}') a;
select is(pg_temp.try('till_customer_create', '{}', v.body), v.wanted, v.body)
  from (values ('{"Phone":"x","Name":"y"}', '400 INVALID_PHONE'), ('{"Phone":"07700900112"}', '400 INVALID_FIELD'), ('{}', '400 INVALID_PHONE')) v(body, wanted);

-- Points: the till shows nothing but `customer`.
select is(b #>> '{customer,pointsBalance}', '30', 'added'), is(b #>> '{customer,totalPointsEarned}', '30', 'and earned')
  from (select (pg_temp.call('loyalty_add', '{"phone":"07700900111"}', '{"points":30,"reason":"sale"}')).body::json as b) x;
select is(b #>> '{customer,pointsBalance}', '20', 'redeemed'), is(b #>> '{customer,totalPointsRedeemed}', '10', 'ten')
  from (select (pg_temp.call('loyalty_redeem', '{"phone":"07700900111"}', '{"points":10}')).body::json as b) x;
select is(b #>> '{customer,phone}', '07700900111', 'phone'), is(b #>> '{loyalty,points_balance}', '20', 'in their words'),
       is((select string_agg(concat_ws(' ', t ->> 'transactionType', t ->> 'pointsChange'), ', ' order by n)
             from json_array_elements(b -> 'transactions') with ordinality x(t, n)), 'redeemed -10, earned 30', 'the newest first'),
       is((select string_agg(e.key || ' ' || json_typeof(e.value), ', ' order by e.key collate "C") from json_each(b -> 'customer') e),
          'customerName string, displayPhone string, email null, id number, isActive number, joinedDate string, loyaltyCardNumber string, '
          'name string, phone string, pointsBalance number, totalPointsEarned number, totalPointsRedeemed number, totalSpent string', 'each of its type')
  from (select pg_temp.said('till_loyalty_lookup', null, '{"phone":"07700 900111"}') as b) x;
select is(pg_temp.try('till_loyalty_lookup', '{}', null, v.more::jsonb), v.wanted, v.more)
  from (values ('{"query":{"phone":"07700900999"}}', '404 CUSTOMER_NOT_FOUND'), ('{"query":{}}', '400 INVALID_PHONE')) v(more, wanted);

-- Movements, page by page.
create function pg_temp.moved(query text) returns text language sql as $$
    select concat_ws(' ', (select string_agg(t ->> 'points_amount', ',' order by n) from json_array_elements(b -> 'transactions') with ordinality x(t, n)),
                     b ->> 'hasMore', b #>> '{summary,total_points_earned}', b #>> '{summary,total_points_redeemed}')
      from pg_temp.said('till_loyalty_pull', null, query) b
$$;
select is(pg_temp.moved('{}'), '30,-10 false 30 10', 'all'), is(pg_temp.moved('{"limit":"1"}'), '30 true 30 0', 'the first'),
       is(pg_temp.moved('{"phone":"07700900111"}'), '30,-10 false 30 10', 'of one'), is(pg_temp.moved('{"phone":"07700900112"}'), 'false 0 0', 'of another'),
       is(pg_temp.moved('{"since":"2099-01-01"}'), 'false 0 0', 'later'), is(pg_temp.moved('{"since":"2020-01-01T00:00:00Z"}'), '30,-10 false 30 10', 'since'),
       is(pg_temp.moved(format('{"since":"%s","limit":"1"}', b ->> 'nextSince')), '-10 false 0 10', 'and the next')
  from pg_temp.said('till_loyalty_pull', null, '{"limit":"1"}') b;
select is(pg_temp.moved(format('{"since":"%s"}', b ->> 'nextSince')), 'false 0 0', 'nothing twice') from pg_temp.said('till_loyalty_pull') b;
select is(pg_temp.try('till_loyalty_pull', '{}', null, jsonb_build_object('query', v.query::jsonb)), v.wanted, v.query)
  from (values ('{"limit":"0"}', '400 INVALID_FIELD'), ('{"since":"x"}', '400 INVALID_DATE'), ('{"phone":"x"}', '400 INVALID_PHONE'),
               ('{"since":"s999999"}', '200')) v(query, wanted);
select is(pg_temp.said('till_loyalty_pulled', format('{"transaction_ids":[%s,%s,"x",null,-1]}', min(l.id), max(l.id))) ->> 'synced_count', '2', 'seen')
  from pos.pos_loyalty_transactions l where l.tenant_id = :alpha;
select is(pg_temp.try('till_loyalty_pulled', '{}', v), '400 INVALID_FIELD', v) from (values ('{}'), ('{"transaction_ids":7}')) x(v);

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the ledgers are whole');
select * from finish();
rollback;
