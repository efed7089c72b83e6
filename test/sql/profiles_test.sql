-- profiles_test.sql - the profile of a key: the same answers, in the types that its client reads.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

insert into test_key select 'alpha', 'till', pos.key_issue('alpha', array['pos'], 'published till', profile => 'orderweb-net');
create function pg_temp.till(operation text, path text, body text default null, query text default '{}') returns pos.answer
language sql as $$
    select pos.call(operation, pg_temp.ctx(path, jsonb_build_object('keyHash', pg_temp.key_hash('alpha', 'till'),
                    'query', query::jsonb)), body::json)
$$;
create function pg_temp.key_id() returns uuid language sql as $$
    select k.id from pos.api_key k join test_key t on k.key_hash = sha256(convert_to(t.key, 'UTF8')) where t.scope = 'till'
$$;

-- Keys.
select is((select k.profile::text from pos.api_key k where k.id = pg_temp.key_id()), 'orderweb-net', 'issued with it');
select is((select string_agg(distinct k.profile, ' ') from pos.api_key k where k.id <> pg_temp.key_id()), 'default', 'else the default');
select throws_ok($$select pos.key_issue('alpha', array['pos'], 'x', profile => 'toaster')$$, '22023', 'no profile "toaster"', 'no such one');
select throws_ok(format('select pos.key_profile_set(%L, %L)', pg_temp.key_id(), 'toaster'), '22023', null, 'nor later');
select throws_ok(format('select pos.key_profile_set(%L, %L)', gen_random_uuid(), 'default'), 'P0002', null, 'no such key');
insert into test_key select 'alpha', 'next', pos.key_rotate(pg_temp.key_id());
select is((select k.profile::text from pos.api_key k join test_key t on k.key_hash = sha256(convert_to(t.key, 'UTF8'))
            where t.scope = 'next'), 'orderweb-net', 'a successor has it too');

-- Pull-orders.
select pg_temp.try('order_create', '{}', '{"orderId":20481,"orderNumber":"KIT-1","customerName":"Ada","customerPhone":"07700 900111",'
       '"status":"confirmed","totalAmount":21.4,"subtotal":20,"deliveryFee":1.40,"tax":0,"paymentMethod":{"kind":"card"},'
       '"deliveryAddress":{"line1":"3 Mews","postcode":"N1"},"scheduledFor":"2026-01-05T19:00:00Z","scheduledTime":"after eight",'
       '"items":[{"id":"l1","name":"Ramen","price":9.5,"quantity":2,"menuItemId":7,"specialInstructions":"no nori",'
       '"selectedAddons":[{"id":1,"name":"Egg","price":1,"quantity":1},{"id":"a2","name":"Nori","price":0.25,"quantity":2}]},'
       '{"id":"l2","name":"Cheese","price":20,"quantity":0.345}]}') = '201' as done \gset
select ok(:'done', 'an order');
select is(pg_temp.outcome(a), '200', 'pulled'),
       is((b #> '{orders,0}')::text,
          format('{"id":"20481","orderNumber":"KIT-1","customerName":"Ada","total":"21.40","status":"confirmed","items":['
          '{"id":1,"itemId":"l1","name":"Ramen","price":9.50,"quantity":2,"selectedAddons":[{"id":"1","name":"Egg","price":1.00,'
          '"quantity":1},{"id":"a2","name":"2 x Nori","price":0.50,"quantity":1}],"menuItemId":"7","specialInstructions":"no nori"},'
          '{"id":2,"itemId":"l2","name":"0.345 x Cheese","price":6.90,"quantity":1,"selectedAddons":[]}],"totalAmount":21.40,'
          '"customerPhone":"07700 900111","orderType":"pickup","orderSource":"online","createdAt":"%s","specialInstructions":null,'
          '"scheduledFor":"2026-01-05T19:00:00.000Z","tableNumber":null,"updatedAt":"%s","print_status":"pending",'
          '"subtotal":"20.00","deliveryFee":"1.40","tax":"0.00","paymentMethod":"card",'
          '"deliveryAddress":{"line1":"3 Mews","postcode":"N1"},"scheduledTime":null,"address":"3 Mews, N1"}',
          pos.utc(o.created_at), pos.utc(o.updated_at)), 'in its types, exactly'),
       is(b -> 'data' is null, true, 'once'),
       is((b -> 'tenant')::text, '{"id":"aaaaaaaa-0000-4000-8000-000000000001","name":"Alpha","slug":"alpha"}', 'the rest is as it was')
  from (select a, a.body::json as b from pg_temp.till('orders_pull', '{}') a) x(whole, b), lateral (select (x.whole).*) a, pos.orders o
 where o.tenant_id = :alpha and o.id = '20481';
select is((b #>> '{orders,0,items,0,id}'), 'l1', 'documented types stay the default'),
       is((b #> '{orders,0,total}')::text, '21.40', 'a number')
  from (select (pg_temp.call('orders_pull', '{}')).body::json as b) x;

-- What the client means when it does not say so.
select is(pg_temp.try('order_ack', '{}', '{"order_id":20481,"status":"printed"}'), '200', 'acknowledged');
select is((b ->> 'count'), '0', 'its server leaves out what is printed'),
       is(((pg_temp.till('orders_pull', '{}', null, '{"include_all":"true"}')).body::json ->> 'count'), '1', 'unless asked for all')
  from (select (pg_temp.till('orders_pull', '{}')).body::json as b) x;

-- Money and points.
select pg_temp.card('GC-1', 50);
insert into pos.customers (tenant_id, phone, phone_e164, name) values (:alpha, '07700 900111', '+447700900111', 'Ada');
select is(json_typeof(b -> 'transactionId') || ' ' || json_typeof(b #> '{data,transactionId}'), 'string string', 'a text, in both places')
  from (select (pg_temp.till('gift_card_deduct', '{"cardNumber":"GC-1"}', '{"amount":10}')).body::json as b) x;
select is(json_typeof(b -> 'transactionId'), 'string', v.operation), is(json_typeof(b -> 'newPoints'), 'number', 'the rest is as it was')
  from (values ('loyalty_add'), ('loyalty_redeem')) v(operation),
       lateral (select (pg_temp.till(v.operation, '{"phone":"07700900111"}', '{"points":5}')).body::json as b) x;
select is(b #>> '{gift_card,balance}', '40.00', 'a text'), is(json_typeof(b #> '{gift_card,balance}'), 'string', 'of two decimals')
  from (select (pg_temp.till('till_card_lookup', '{}', '{"card_number":"GC-1"}')).body::json as b) x;

-- Refusals.
select is(a.status, 400, 'the status is the same'),
       is(b ->> 'error', 'The card has 40.00 left. Deduct at most that, or take the rest by other means.', 'error is a text'),
       is(b #>> '{errorDetails,code}', 'INSUFFICIENT_FUNDS', 'the object is in errorDetails'),
       is(b ->> 'currentBalance', '40.00', 'what is besides stays')
  from (select a, a.body::json as b from pg_temp.till('gift_card_deduct', '{"cardNumber":"GC-1"}', '{"amount":100}') a) x(whole, b),
       lateral (select (x.whole).*) a;
select is((a.body::json ->> 'error'), 'This API key belongs to another tenant. Use the tenant that it was issued for.', 'also before the operation')
  from pos.call('health', pg_temp.ctx('{}', jsonb_build_object('keyHash', pg_temp.key_hash('alpha', 'till'), 'tenant', 'beta')), null) a;

-- A repeat is answered in the types of the key that asks; what is kept are the documented ones.
select is(json_typeof(b -> 'transactionId'), 'string', 'first') from (select pos.call('gift_card_deduct',
       pg_temp.ctx('{"cardNumber":"GC-1"}', jsonb_build_object('keyHash', pg_temp.key_hash('alpha', 'till'), 'idempotencyKey', 'k1')),
       '{"amount":1}') as a) x, lateral (select (x.a).body::json as b) y;
select is(pos.key_profile_set(pg_temp.key_id(), 'default'), 'orderweb-net', 'changed later');
select is(json_typeof(b -> 'transactionId'), 'number', 'and again'), ok((a).replayed, 'the same answer')
  from (select pos.call('gift_card_deduct', pg_temp.ctx('{"cardNumber":"GC-1"}', jsonb_build_object('keyHash',
        pg_temp.key_hash('alpha', 'till'), 'idempotencyKey', 'k1')), '{"amount":1}') as a) x, lateral (select (x.a).body::json as b) y;
select is((select count(*) from pos.audit u where u.action = 'key.profile'), 1::bigint, 'and that is in the audit');

-- The renderer on odd values.
select is(pos.profile_render(v.value::json, v.rule::jsonb, 3), v.wanted, v.value || ' by ' || v.rule)
  from (values ('1.5', '"money"', '"1.50"'), ('"x"', '"money"', '"x"'), ('null', '"money"', 'null'), ('7', '"text"', '"7"'),
               ('true', '"text"', '"true"'), ('[]', '"text"', 'null'), ('["a",{"b":1}]', '"text"', '"a, 1"'),
               ('"2026-01-05T18:00:00Z"', '"instant"', '"2026-01-05T18:00:00.000Z"'), ('"18:30"', '"instant"', 'null'), ('"2026-01-05 18:00"', '"instant"', '"2026-01-05T18:00:00"'),
               ('1.255', '"money"', '"1.255"'),
               ('17', '"instant"', 'null'), ('{"A":1,"b":2}', '{"a":"text"}', '{"A":"1","b":2}'),
               ('{"a":1,"b":2}', '{"a":"drop"}', '{"b":2}'), ('{"a":1}', '{"a":"drop"}', '{}'),
               ('{"a":1}', '{"+":{"b":"a"},"b":"text"}', '{"a":1,"b":"1"}'), ('{"a":null}', '{"+":{"b":"a"}}', '{"a":null}'),
               ('{"a":1,"B":2}', '{"+":{"b":"a"}}', '{"a":1,"B":2}'), ('[]', '{"[]":"text"}', '[]'), ('7', '{"[]":"text"}', '7'),
               ('{}', '{"a":"text"}', '{}'), ('{"selectedAddons":[{}]}', '"line"', '{"id":3,"itemId":null,"name":"","price":0,"quantity":1,"selectedAddons":[{"id":null,"name":"","price":0.00,"quantity":1}]}'),
               ('{}', '"line"', '{"id":3,"itemId":null,"name":"","price":0,"quantity":1,"selectedAddons":[]}'))
       v(value, rule, wanted);
-- Every word of a rule is one that the renderer knows.
select lives_ok(format('select pos.profile_render(''{"x":{}}'', jsonb_build_object(''x'', %L), 1)', w.word), w.word)
  from (select distinct m[1] as word from pos.profiles() p, regexp_matches(p.answers::text, ': "([a-z]+)"', 'g') m
         where m[1] not in ('drop', 'sentence')) w;

select * from finish();
rollback;
