-- restaurant_os_test.sql - the form of orders in that dialect, its lists, and changes of status.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.make(id text, state text default 'new', more text default '') returns void language sql as $$
    select pg_temp.call('order_create', '{}',
        format('{"orderId":%s,"customerName":"Ada","totalAmount":10,"status":"%s",'
               '"items":[]%s}', id, state, more))
$$;
create function pg_temp.types(a pos.answer) returns text language sql as $$
    select coalesce((select string_agg(e::json ->> 'type', ' ' order by n)
           from unnest(a.events) with ordinality x(e, n)), '-')
$$;
create function pg_temp.ids(orders json) returns text language sql as $$
    select coalesce(string_agg(o ->> 'id', ' ' order by n), '-')
      from json_array_elements(orders) with ordinality x(o, n)
$$;
create function pg_temp.sync(body text, more jsonb default '{}') returns text language sql as $$
    select coalesce(a.body::json #>> '{error,code}', pg_temp.ids(a.body::json -> 'orders'))
      from pg_temp.call('orders_sync', '{}', body, more) a
$$;
create function pg_temp.v1(query jsonb) returns text language sql as $$
    select case when a.status = 200 then pg_temp.ids(a.body::json) else pg_temp.outcome(a) end
      from pg_temp.call('v1_orders', '{}', null, jsonb_build_object('query', query, 'method', 'GET')) a
$$;

-- The shape.
select is(pg_temp.outcome(pg_temp.call('order_create', '{}',
                                       '{"orderId":20481,"orderNumber":"KIT-1","customerName":"Zoë \"Z\"",'
                                       '"totalAmount":21.4,"orderType":"delivery","orderSource":"qr",'
                                       '"tableNumber":7,"status":"served","createdAt":"2025-10-17T18:02:11Z",'
                                       '"specialInstructions":"none","items":[{"id":1,"name":"Ramen\n\"hot\"",'
                                       '"price":9.5,"quantity":2,"specialInstructions":"no egg",'
                                       '"selectedAddons":[{"id":"a","groupId":"g","name":"Noodles","price":-0.5,'
                                       '"quantity":1}],"station":"wok"},{"name":"Tea","price":"2.40",'
                                       '"quantity":0.5}]}')), '201', 'made');
create temp table shown (text text);
insert into shown
    values ('{"id":"20481","order_number":"KIT-1","status":"picked-up","type":"delivery","table_number":"7",'
            '"items":[{"id":"1","name":"Ramen\n\"hot\"","quantity":2,"price":9.50,"modifiers":[{"id":"a",'
            '"name":"Noodles","price":-0.50,"quantity":1}],"special_instructions":"no egg"},{"id":"i2",'
            '"name":"Tea","quantity":0.5,"price":2.40}],"total":21.40,"created_at":"2025-10-17T18:02:11.000Z",'
            '"restaurant_id":"aaaaaaaa-0000-4000-8000-000000000001","customer_name":"Zoë \"Z\"","order_source":"qr",'
            '"notes":"none"}');
select is(pos.orders_restaurant_os(:alpha, array['nope', '20481', '']), array[shown.text], 'exactly') from shown;
select is(left(a.body, length(shown.text)), left(shown.text, -1) || ',', 'v1: one order, bare, and more'),
       is(a.status, 200, 'found'),
       is(a.events, null, 'no event')
  from shown, pg_temp.call('v1_order', '{"id":"20481"}') a;
select is(left(a.body, length(shown.text) + 1), '[' || left(shown.text, -1) || ',', 'v1: a bare list') from shown, pg_temp.call('v1_orders', '{}') a;
select matches(a.body,
               '^\{"restaurantId":"aaaaaaaa-0000-4000-8000-000000000001","orders":\[\],"count":0,'
               '"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","seq":1\}$', 'sync: nothing, exactly')
  from pg_temp.call('orders_sync', '{}') a;
select matches(a.body,
               '^\{"restaurantId":"[-a0-48]+","orders":\[\{"id":"20481",.*\}\],"count":1,"timestamp":"[^"]+",'
               '"seq":1\}$', 'sync: one')
  from pg_temp.call('orders_sync', '{}', '{"statuses":["picked-up"]}') a;
select is(pg_temp.outcome(pg_temp.call('v1_order', format('{"id":"%s"}', v.id))), v.wanted, 'v1: order ' || v.id)
  from (values ('nope', '404 ORDER_NOT_FOUND'),
               ('', '404 ORDER_NOT_FOUND'),
               ('11111111-1111-1111-1111-111111111111', '404 ORDER_NOT_FOUND')) v(id, wanted);
select is(pg_temp.outcome(pos.call('v1_order',
                                   pg_temp.ctx('{"id":"20481"}',
                                               jsonb_build_object('tenant', 'beta', 'keyHash',
                                                                  pg_temp.key_hash('beta', 'pos'))), null)),
          '404 ORDER_NOT_FOUND', 'another tenant''s is not there');
-- Orders that a shop wrote by SQL have the same shape.
insert into pos.orders (tenant_id, id, customer_name, total_amount, items, created_at)
    values (:alpha, 'bySQL', 'Ben', 3, '[{"name":"Soup"},{"price":"2","selectedAddons":["hot"]}]', '2025-10-18');
select pg_temp.commit() \g /dev/null
select is((pg_temp.call('v1_order', '{"id":"bySQL"}')).body::json ->> 'items',
          '[{"id":"i1","name":"Soup","quantity":1,"price":0.00},{"id":"i2","name":"","quantity":1,"price":2.00,'
          '"modifiers":[{"id":"a1","name":"hot","price":0.00,"quantity":1}]}]', 'of odd lines the best');

-- Lists.
delete from pos.orders where tenant_id = :alpha;
select pg_temp.commit() \g /dev/null
select pg_temp.make(format('"%s"', replace(v.s, '_', '')), v.s,
                    format(',"createdAt":"2025-01-%sT00:00:00Z","orderType":"%s","orderSource":"%s"', 10 + v.n,
                           v.kind, v.source))
  from (values (9, 'new', 'pickup', 'online'),
               (8, 'pending', 'delivery', 'online'),
               (7, 'confirmed', 'pickup', 'pos'),
               (6, 'preparing', 'pickup', 'kiosk'),
               (5, 'ready', 'delivery', 'online'),
               (4, 'picked_up', 'pickup', 'online'),
               (3, 'out_for_delivery', 'delivery', 'online'),
               (2, 'served', 'dinein', 'pos'),
               (1, 'completed', 'pickup', 'online'),
               (0, 'cancelled', 'pickup', 'online'),
               (10, 'rejected', 'pickup', 'online')) v(n, s, kind, source) \g /dev/null
select is(pg_temp.sync(v.body), v.wanted, coalesce(v.body, 'no body'))
  from (values (null, 'ready preparing confirmed pending new'),
               ('{}', 'ready preparing confirmed pending new'),
               ('{"statuses":null}', 'ready preparing confirmed pending new'),
               ('{"statuses":[]}', 'ready preparing confirmed pending new'),
               ('{"statuses":["picked-up"]}', 'served outfordelivery pickedup'),
               ('{"statuses":["cancelled","new","new"]}', 'cancelled new rejected'),
               ('{"statuses":["completed"],"restaurantId":"alpha"}', 'completed'),
               ('{"statuses":["completed"],"restaurantId":"AAAAAAAA-0000-4000-8000-000000000001"}', 'completed'),
               ('{"restaurantId":"beta"}', 'PERMISSION_DENIED'),
               ('{"restaurantId":"nobody"}', 'PERMISSION_DENIED'),
               ('{"restaurantId":5}', 'VALIDATION_ERROR'),
               ('{"statuses":["Picked_Up"]}', 'served outfordelivery pickedup'),
               ('{"statuses":["served"]}', 'served'),
               ('{"statuses":["new","cooking"]}', 'VALIDATION_ERROR'),
               ('{"statuses":[null]}', 'VALIDATION_ERROR'),
               ('{"statuses":["new",5]}', 'VALIDATION_ERROR'),
               ('{"statuses":"new"}', 'VALIDATION_ERROR'),
               ('[]', 'INVALID_PAYLOAD'),
               ('"new"', 'INVALID_PAYLOAD')) v(body, wanted);
select is(pg_temp.sync(null, v.more::jsonb), v.wanted, v.more)
  from (values ('{"query":{"statuses":"ready,picked-up"}}', 'served outfordelivery pickedup ready'),
               ('{"query":{"statuses":""}}', 'ready preparing confirmed pending new'),
               ('{"query":{"statuses":"ready,"}}', 'VALIDATION_ERROR'),
               ('{"scope":"platform"}', 'FORBIDDEN')) v(more, wanted);
select is((a.body::json -> 'error')::text,
          '{"code":"VALIDATION_ERROR","message":"\"statuses\" must be one of [new, pending, confirmed, preparing, '
          'ready, picked-up, completed, cancelled]","details":{"event":"orders:sync","field":"statuses"},"help":"/docs/errors#VALIDATION_ERROR"}',
          'the validator''s words')
  from pg_temp.call('orders_sync', '{}', '{"statuses":["x"]}') a;
select is((a.body::json ->> 'seq')::bigint, pg_temp.head(), 'seq is the head'),
       is(a.body::json -> 'hasMore' is null, true, 'all of them')
  from pg_temp.call('orders_sync', '{}') a;
select is(pg_temp.v1(v.query::jsonb), v.wanted, v.query)
  from (values ('{}',
                'rejected new pending confirmed preparing ready pickedup outfordelivery served completed cancelled'),
               ('{"status":"new"}', 'new'),
               ('{"status":"new,picked-up"}', 'new pickedup outfordelivery served'),
               ('{"type":"delivery"}', 'pending ready outfordelivery'),
               ('{"status":"cancelled","type":"pickup"}', 'rejected cancelled'),
               ('{"type":"none"}', '-'),
               ('{"limit":"2"}', 'rejected new'),
               ('{"limit":"2","offset":"1"}', 'new pending'),
               ('{"offset":"9"}', 'completed cancelled'),
               ('{"offset":"99"}', '-'),
               ('{"limit":"500","offset":"","status":""}',
                'rejected new pending confirmed preparing ready pickedup outfordelivery served completed cancelled'),
               ('{"limit":"0"}', '400 INVALID_FIELD'),
               ('{"limit":"501"}', '400 INVALID_FIELD'),
               ('{"limit":"x"}', '400 INVALID_FIELD'),
               ('{"limit":"-1"}', '400 INVALID_FIELD'),
               ('{"offset":"-1"}', '400 INVALID_FIELD'),
               ('{"offset":"1000000"}', '400 INVALID_FIELD'),
               ('{"status":"cooking"}', '400 VALIDATION_ERROR'),
               ('{"status":",new"}', '400 VALIDATION_ERROR')) v(query, wanted);
select is((a.body::json #> '{error,details}')::text, '{"field":"status"}', 'a request has no event')
  from pg_temp.call('v1_orders', '{}', null, '{"query":{"status":"x"}}') a;

-- Limits.
insert into pos.orders (tenant_id, id, customer_name, total_amount, items, created_at)
    select :alpha, 'm' || n, 'x', 1, '[]', timestamptz '2026-01-01' + n * interval '1 minute'
      from generate_series(1, 505) n;
select is(b ->> 'count', '500', 'the newest 500'),
       is(b ->> 'hasMore', 'true', 'and there are more'),
       is(b #>> '{orders,0,id}', 'm6', 'oldest first'),
       is(b #>> '{orders,499,id}', 'm505', 'to the newest')
  from (select (pg_temp.call('orders_sync', '{}', '{"statuses":["new","ready"]}')).body::json as b) x;
select is(pg_temp.v1('{"limit":"1","offset":"504"}'), 'm1', 'v1 reads on');
select is(json_array_length((pg_temp.call('v1_orders', '{}')).body::json), 50, 'fifty when nobody says');
delete from pos.orders where tenant_id = :alpha;
insert into pos.orders (tenant_id, id, customer_name, total_amount, items, created_at)
    select :alpha, 'fat' || n, 'x', 1,
           ('[{"name":"' || repeat('x', 500) || '","price":1,"selectedAddons":['
            || repeat('{"name":"' || repeat('y', 490) || '"},', 900) || '"z"]}]')::json,
           timestamptz '2026-01-01' + n * interval '1 minute'
      from generate_series(1, 12) n;
select ok(length(a.body) < 5500000, 'about 4 MiB'),
       is(a.body::json ->> 'hasMore', 'true', 'and says so')
  from pg_temp.call('orders_sync', '{}') a;
delete from pos.orders where tenant_id = :alpha;
select pg_temp.commit() \g /dev/null

-- An order gets another status.
create function pg_temp.move(body text, more jsonb default '{}') returns pos.answer language sql as $$
    select pg_temp.call('order_status', '{}', body, '{"kind":"socket"}'::jsonb || more)
$$;
select pg_temp.make('12345'), pg_temp.make('"69FB5687-044A-48AF-AC0E-D6B817AEC684"', 'pending') \g /dev/null
select is(x.status, 200, 'moved'),
       is(x.body, '{"success":true,"orderId":"12345","previousStatus":"new","status":"preparing"}', 'exactly'),
       is(pg_temp.types(x), 'order.status_changed', 'told'),
       is(x.events[1]::json #>> '{data,status}', 'preparing', 'to'),
       is(x.events[1]::json #>> '{data,previousStatus}', 'new', 'from'),
       is((x.events[1]::json #> '{data,orderId}')::text, '12345', 'the log keeps the id''s type'),
       is(x.events[1]::json #>> '{origin,kind}', 'socket', 'by a socket')
  from pg_temp.move('{"orderId":"12345","status":"preparing",'
                    '"restaurantId":"aaaaaaaa-0000-4000-8000-000000000001"}') x;
select is(pg_temp.outcome(x) || ' ' || pg_temp.types(x)
          || coalesce(' ' || (x.body::json ->> 'previousStatus') || '>' || (x.body::json ->> 'status'), ''), v.wanted,
          v.body)
  from (values (1, '{"orderId":12345,"status":"preparing"}', '200 - preparing>preparing'),
               (2, '{"orderId":"12345","status":"new"}', '409 INVALID_TRANSITION -'),
               (3, '{"orderId":"12345","status":"new","recall":false}', '409 INVALID_TRANSITION -'),
               (4, '{"orderId":"12345","status":"new","recall":true}', '200 order.status_changed preparing>new'),
               (5, '{"orderId":"12345","status":"picked-up"}', '200 order.status_changed new>picked-up'),
               (6, '{"orderId":"12345","status":"picked-up"}', '200 - picked-up>picked-up'),
               (7, '{"orderId":"12345","status":"cancelled"}',
                '200 order.status_changed order.deleted picked-up>cancelled'),
               (8, '{"orderId":"12345","status":"cancelled"}', '200 - cancelled>cancelled'),
               (9, '{"orderId":"12345","status":"new","recall":true}', '409 INVALID_TRANSITION -'),
               (10, '{"orderId":"69fb5687-044a-48af-ac0e-d6b817aec684","status":"completed"}',
                '200 order.status_changed pending>completed')) v(n, body, wanted), lateral pg_temp.move(v.body) x
   order by v.n;
select is((x.body::json -> 'error')::text,
          '{"code":"INVALID_TRANSITION","message":"An order that is completed cannot become picked-up. To go back on purpose, '
          'send \"recall\": true.","details":{"event":"order:update_status","from":"completed","to":"picked-up"},"help":"/docs/errors#INVALID_TRANSITION"}',
          'the refusal, whole')
  from pg_temp.move('{"orderId":"69fb5687-044a-48af-ac0e-d6b817aec684","status":"picked-up"}') x;
select is((select string_agg(o.status, ' ' order by o.id) from pos.orders o where o.tenant_id = :alpha),
          'cancelled completed', 'stored in our words');
select pg_temp.make('"s"', 'served'), pg_temp.make('"r"', 'rejected') \g /dev/null
select is(pg_temp.types(x) || ' ' || (x.body::json ->> 'status'), v.wanted, v.body)
  from (values ('{"orderId":"s","status":"picked-up"}', '- picked-up'),
               ('{"orderId":"r","status":"cancelled"}', '- cancelled')) v(body, wanted),
       lateral pg_temp.move(v.body) x;

-- Refusals, in the validator's words.
select pg_temp.make('"o"') \g /dev/null
create temp table before as select pg_temp.head() as head;
select is(concat_ws(' ', pg_temp.outcome(x), x.body::json ->> 'message', x.body::json #>> '{error,details}'),
          v.wanted, v.body)
  from (values ('{}', '400 VALIDATION_ERROR "orderId" is required {"event":"order:update_status","field":"orderId"}'),
               ('{"orderId":null,"status":"ready"}',
                '400 VALIDATION_ERROR "orderId" is required {"event":"order:update_status","field":"orderId"}'),
               ('{"orderId":"","status":"ready"}',
                '400 VALIDATION_ERROR "orderId" is not allowed to be empty {"event":"order:update_status",'
                '"field":"orderId"}'),
               ('{"orderId":true,"status":"ready"}',
                '400 VALIDATION_ERROR "orderId" must be a string {"event":"order:update_status","field":"orderId"}'),
               ('{"orderId":1.5,"status":"ready"}',
                '400 VALIDATION_ERROR "orderId" must be a string {"event":"order:update_status","field":"orderId"}'),
               ('{"orderId":{"id":1},"status":"ready"}',
                '400 VALIDATION_ERROR "orderId" must be a string {"event":"order:update_status","field":"orderId"}'),
               ('{"orderId":"order-123","status":"ready"}',
                '400 VALIDATION_ERROR "orderId" must be a valid GUID {"event":"order:update_status",'
                '"field":"orderId"}'),
               ('{"orderId":-7,"status":"ready"}',
                '400 VALIDATION_ERROR "orderId" must be a valid GUID {"event":"order:update_status",'
                '"field":"orderId"}'),
               ('{"orderId":"11111111-1111-1111-1111-111111111111","status":"ready"}',
                '404 ORDER_NOT_FOUND No such order here. Check the id.'),
               ('{"orderId":"o"}',
                '400 VALIDATION_ERROR "status" is required {"event":"order:update_status","field":"status"}'),
               ('{"orderId":"o","status":"cooking"}',
                '400 VALIDATION_ERROR "status" must be one of [new, pending, confirmed, preparing, ready, '
                'picked-up, completed, cancelled] {"event":"order:update_status","field":"status"}'),
               ('{"orderId":"o","status":"eaten"}',
                '400 VALIDATION_ERROR "status" must be one of [new, pending, confirmed, preparing, ready, '
                'picked-up, completed, cancelled] {"event":"order:update_status","field":"status"}'),
               ('{"orderId":"o","status":["ready"]}',
                '400 VALIDATION_ERROR "status" must be one of [new, pending, confirmed, preparing, ready, '
                'picked-up, completed, cancelled] {"event":"order:update_status","field":"status"}'),
               ('{"orderId":"o","status":"ready","recall":"yes"}',
                '400 VALIDATION_ERROR "recall" must be a boolean {"event":"order:update_status","field":"recall"}'),
               ('{"orderId":"o","status":"ready","restaurantId":7}',
                '400 VALIDATION_ERROR "restaurantId" must be a string {"event":"order:update_status",'
                '"field":"restaurantId"}'),
               ('{"orderId":"o","status":"ready","restaurantId":"beta"}',
                '403 PERMISSION_DENIED This is another restaurant''s. Use your own restaurantId.')) v(body, wanted),
       lateral pg_temp.move(v.body) x;
select is(pg_temp.outcome(pg_temp.move('{"orderId":"o","status":"ready"}',
                                       jsonb_build_object('tenant', 'beta',
                                                          'keyHash', pg_temp.key_hash('beta', 'pos')))),
          '400 VALIDATION_ERROR', 'another tenant''s order is not there');
select is(pg_temp.head(), before.head, 'nothing told') from before;
select is(pg_temp.outcome(x), v.wanted, v.what)
  from (values (1, '{"idempotencyKey":"k"}', '200', 'with a key'),
               (2, '{"idempotencyKey":"k"}', '200 replayed', 'again'),
               (3, '{"scope":"pos"}', '200', 'a till may'),
               (4, '{"attempt":"a-1"}', '200', 'an attempt'),
               (5, '{"attempt":"a-1"}', '200', 'again')) v(n, more, wanted, what),
       lateral pg_temp.move('{"orderId":"o","status":"ready"}', v.more::jsonb) x
   order by v.n;
select is(pg_temp.head(), before.head + 1, 'told once') from before;

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the log is whole');
select * from finish();
rollback;
