-- shared_state_orders_test.sql - orders that tablets and tills make and change.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();
\ir support/shared_state.sql
create function pg_temp.tablet(id text, data text, action text default 'add', more text default '')
returns text language sql as $$
    select pg_temp.results(format('{"kind":"orders","action":"%s","data":{"id":"%s"%s}%s}',
                                  action, id, data, more), 'minipos')
$$;
create function pg_temp.ord(id text) returns pos.orders language sql as $$
    select o from pos.orders o where o.tenant_id = 'aaaaaaaa-0000-4000-8000-000000000001' and o.id = ord.id
$$;

-- A tablet's order, and the same again.
create temp table d as
    select ',"tableNumber":5,"customerName":"Ada","orderDate":"2026-01-05","status":"pending","total":21.4,'
           '"items":"[{\"id\":\"i1\",\"name\":\"Ramen\",\"price\":10.7,\"quantity\":2}]",'
           '"createdAt":"2026-01-05T18:00:02.101Z","waiter":"Bo"' as body;
select is(pg_temp.tablet('POS-000123', d.body), 'applied 1', 'made') from d;
select is(o.order_source::text, 'pos', 'its source'),
       is(o.order_number::text, 'POS-000123', 'its number'),
       is(o.status::text, 'pending', 'its status'),
       is(o.total_amount::text, '21.40', 'total'),
       is(o.table_number::text, '5', 'table'),
       is(o.order_type::text, 'dine_in', 'type'),
       is(o.items::text, '[{"id":"i1","name":"Ramen","price":10.70,"quantity":2,"selectedAddons":[]}]', 'lines'),
       is(o.details::text, '{"waiter":"Bo"}', 'and all else')
  from pg_temp.ord('POS-000123') o;
select is(pg_temp.types_after(0), 'order.created', 'told');
select is(pg_temp.newest() ->> 'version', '1', 'with its version');
select is(pg_temp.tablet('POS-000123', d.body), 'unchanged 1', 'the same') from d;
select is(pg_temp.tablet('POS-000123',
                         replace(d.body, '"[{\"id\":\"i1\",\"name\":\"Ramen\",\"price\":10.7,\"quantity\":2}]"',
                                 '[{"id":"i1","name":"Ramen","price":"10.70","quantity":2.0}]')), 'unchanged 1',
          'as a list')
  from d;
-- A tablet sends back the lines that it was shown.
create temp table shown as select pos.minipos_order(pg_temp.ord('POS-000123')) as text;
select is(text,
          '{"id":"POS-000123","orderNumber":"POS-000123","tableNumber":"5","customerName":"Ada",'
          '"orderDate":"2026-01-05","status":"pending","total":21.40,"items":[{"id":"i1","name":"Ramen",'
          '"price":10.70,"quantity":2,"selectedAddons":[]}],"createdAt":"2026-01-05T18:00:02.101Z","version":1,'
          '"waiter":"Bo"}', 'exactly'),
       is(pg_temp.results(format('{"kind":"orders","action":"add","data":%s}', text), 'minipos'), 'unchanged 1',
          'is what we have')
  from shown;

-- Forward, and back.
select is(pg_temp.tablet('POS-000123', ',"status":"preparing"'), 'applied 2', 'on');
select is(pg_temp.tablet('POS-000123', ',"status":"pending"'), 'applied 3', 'back');
select is(pg_temp.tablet('POS-000123', ',"status":"ready","total":22'), 'applied 5', 'and a field');
select is(pg_temp.types_after(1),
          'order.status_changed order.status_changed order.updated order.status_changed table.ready', 'each told');
select is(pg_temp.tablet('POS-000123', ',"status":"served"', 'updated'), 'applied 6', 'served');
select is(pg_temp.tablet('POS-000123', ',"status":"picked-up"', 'updated'), 'unchanged 6', 'the same to a tablet');
select is(pg_temp.tablet('POS-000123', '', 'completed'), 'applied 7', 'an action and a status');
select is(pg_temp.tablet('POS-000123', ',"status":"preparing"'), '409 INVALID_TRANSITION 0', 'the end is the end');
select is(pg_temp.tablet('POS-000123', '', 'deleted'), '409 INVALID_TRANSITION 0', 'nor cancelled');
select is(pg_temp.tablet('POS-000123', ',"paid":true'), 'applied 8', 'but paid');
select is(pg_temp.tablet('POS-000123', ',"status":"refunded"'), 'unchanged 8', 'a refund is no status');
select is(x.body::json #>> '{error,details,from}', 'completed', 'from'),
       is(x.body::json #>> '{error,details,current,orderId}', 'POS-000123', 'as it is')
  from pg_temp.change('{"kind":"orders","id":"POS-000123","data":{"status":"new"}}') x;
select is(string_agg(h.status, ' ' order by h.id), 'pending preparing pending ready served completed', 'its history')
  from pos.order_status_history h where h.tenant_id = :alpha and h.order_id = 'POS-000123';

-- The words of cloud sync; an order with nothing but an id.
select is(pg_temp.results('{"kind":"orders","action":"updated","id":"7f3d9b52-1c84-4e0a-8d6b-2a9e5c470b22",'
                          '"data":{"order_number":"ORD1","status":"OrderStatus.confirmed",'
                          '"type":"OrderType.dineIn","total_amount":28.815,"items_count":2,'
                          '"updated_at":"2026-01-05T10:00:00.000","tax":3.315}}'), 'applied 1', 'made');
select is(o.order_number::text || ' ' || o.status || ' ' || o.order_type || ' ' || o.total_amount || ' ' || o.items
          || ' ' || o.details || ' ' || o.customer_name,
          'ORD1 confirmed dine_in 28.82 [] {"items_count":2,"tax":3.32} Walk-in', 'in ours')
  from pg_temp.ord('7f3d9b52-1c84-4e0a-8d6b-2a9e5c470b22') o;
select is(pg_temp.outcome(x), '200', 'again'),
       is(x.body::json #>> '{warnings,0,code}', 'AMOUNT_ROUNDED', 'it says that it rounds'),
       is(x.body::json #>> '{changes,0,result}', 'unchanged', 'to the same')
  from pg_temp.change('{"kind":"orders","id":"7F3D9B52-1c84-4e0a-8d6b-2a9e5c470b22","data":{"total":28.815,'
                      '"orderNumber":"ORD1"}}') x;
select is(pos.cloudsync_order(pg_temp.ord('7f3d9b52-1c84-4e0a-8d6b-2a9e5c470b22'))::json ->> v.name, v.wanted, v.name)
  from (values ('id', '7f3d9b52-1c84-4e0a-8d6b-2a9e5c470b22'),
               ('order_number', 'ORD1'),
               ('status', 'OrderStatus.confirmed'),
               ('type', 'OrderType.dineIn'),
               ('total_amount', '28.815'),
               ('customer_name', 'Walk-in'),
               ('customer_phone', ''),
               ('items_count', '2'),
               ('version', '1'),
               ('table_number', null)) v(name, wanted);
select is(pg_temp.results('{"kind":"orders","action":"deleted","id":"7f3d9b52-1c84-4e0a-8d6b-2a9e5c470b22"}'),
          'applied 2', 'deleting cancels');
select is(pg_temp.types_after(pg_temp.head() - 2), 'order.status_changed order.deleted', 'told');
select is(pg_temp.results('{"kind":"orders","action":"deleted","id":"7f3d9b52-1c84-4e0a-8d6b-2a9e5c470b22"}'),
          'unchanged 2', 'once');
select is(pg_temp.results('{"kind":"orders","action":"deleted","id":"never"}'), 'unchanged 0', 'what never was');
select is(pg_temp.results('{"kind":"orders","id":4711}'), 'applied 1', 'the least');
select is((pg_temp.call('v1_order', '{"id":"4711"}')).status, 200, 'seen by others');
select is(pg_temp.results('{"kind":"orders","id":"sum","data":{"customer":"Cy","items":[{"menuItem":{"name":"Tea",'
                          '"price":2.405},"quantity":3},{"name":"Off","price":-1,"quantity":1}],'
                          '"created_at":"2026-07-05T10:00:00"}}'), 'applied 1', 'without a total');
select is(o.total_amount::text, '6.23', 'the sum of its lines'),
       is(o.items::json -> 0 ->> 'name', 'Tea', 'a line''s name'),
       is(o.customer_name::text, 'Cy', 'customer'),
       is(pos.utc(o.created_at), '2026-07-05T09:00:00.000Z', 'a clock without a zone is the restaurant''s')
  from pg_temp.ord('sum') o;

-- An online order: a tablet knows only a part of it, and removes nothing.
select pg_temp.call('order_create', '{}',
                    '{"orderId":900,"customerName":"Web","totalAmount":21.5,"status":"confirmed",'
                    '"specialInstructions":"ring","items":[{"id":"a","name":"Ramen","price":9.5,"quantity":2,'
                    '"specialInstructions":"no egg","selectedAddons":[{"id":"x","name":"Egg","price":1.25,'
                    '"quantity":1}],"station":"wok"},{"id":"b","name":"Tea","price":2.5,"quantity":1}]}') \g /dev/null
select is(pg_temp.tablet('900',
                         ',"customerName":"Web","status":"pending","total":21.5,"items":[{"id":"a","name":"Ramen",'
                         '"price":9.5,"quantity":2},{"id":"b","name":"Tea","price":2.5,"quantity":1}]'),
          'unchanged 1', 'sent back');
select is(pg_temp.tablet('900',
                         ',"customerName":"Web","status":"preparing","total":21.5,"items":[{"id":"a","name":"Ramen",'
                         '"price":9.5,"quantity":3}]'), 'applied 3', 'moved on, with other lines');
select is((pg_temp.ord('900')).items::text,
          '[{"id":"a","name":"Ramen","price":9.50,"quantity":3,"selectedAddons":[{"id":"x","name":"Egg",'
          '"price":1.25,"quantity":1}],"specialInstructions":"no egg","station":"wok"}]', 'what it did not say stays');
select is((pg_temp.ord('900')).order_source::text, 'online', 'it stays an online order');
select is((pg_temp.ord('900')).special_instructions, 'ring', 'and all else');

-- Versions.
select is(pg_temp.tablet('900', ',"customerPhone":"1"', 'updated', ',"version":1'), 'merged 4', 'another field');
select is(pg_temp.tablet('900', ',"status":"ready"', 'updated', ',"version":1'), '409 STALE_VERSION 0',
          'its status was changed since');
select is(pg_temp.tablet('900', ',"status":"ready"', 'updated', ',"version":4'), 'applied 5', 'seen');
select is(pg_temp.tablet('900', ',"status":"ready"', 'updated', ',"version":1'), 'unchanged 5', 'the same');
select is(pg_temp.tablet('900', ',"x":1', 'updated', ',"version":9'), '409 STALE_VERSION 0', 'of tomorrow');
select pg_temp.call('order_update', '{"id":"900"}', '{"status":"served","note":1}'),
       pg_temp.call('order_update', '{"id":"900"}', '{"note":1}') \g /dev/null
update pos.orders set special_instructions = 'knock' where tenant_id = :alpha and id = '900';
update pos.orders set special_instructions = 'knock' where tenant_id = :alpha and id = '900';
select pg_temp.commit() \g /dev/null
select is(o.version, 8::bigint, 'who else changes it counts'),
       is(o.field_versions::json ->> 'specialInstructions', '8', 'its field'),
       is(o.field_versions::json ->> 'note', '6', 'an unknown one')
  from pg_temp.ord('900') o;
select is(pg_temp.newest() ->> 'version', '8', 'told by SQL too');

-- Wrong changes.
select is(pg_temp.results(format('{"kind":"orders","id":"bad","data":{%s}}', v.data)), v.wanted, left(v.data, 80))
  from (values ('"status":"eaten"', '400 VALIDATION_ERROR 0 status'),
               ('"status":7', '400 VALIDATION_ERROR 0 status'),
               ('"total":-1', '400 VALIDATION_ERROR 0 total'),
               ('"total_amount":"much"', '400 VALIDATION_ERROR 0 total_amount'),
               ('"total":1e131071', '400 VALIDATION_ERROR 0 total'),
               ('"items":"x"', '400 VALIDATION_ERROR 0 items'),
               ('"items":[7]', '400 VALIDATION_ERROR 0 items[0]'),
               ('"items":[{"name":"x","price":"y"}]', '400 VALIDATION_ERROR 0 items[0].price'),
               ('"items":[{"name":"x","quantity":0}]', '400 VALIDATION_ERROR 0 items[0].quantity'),
               (format('"items":[%s{}]', repeat('{},', 500)), '400 VALIDATION_ERROR 0 items'),
               (format('"customerName":"%s"', repeat('x', 201)), '400 VALIDATION_ERROR 0 customerName'),
               ('"createdAt":"yesterday"', '400 VALIDATION_ERROR 0 createdAt'),
               ('"tableNumber":{}', '400 VALIDATION_ERROR 0 tableNumber')) v(data, wanted);
select is(pg_temp.results('{"kind":"orders","data":{}}'), '400 MISSING_ID 0 id', 'no id');
select is(pg_temp.results(format('{"kind":"orders","id":"%s"}', repeat('x', 65))), '400 VALIDATION_ERROR 0 orderId',
          'a long one');
select is((pg_temp.ord('bad')).id, null, 'none of them is there');

-- A batch: an order made and moved in one; rows and orders together; one wrong change, and none is made.
select is(pg_temp.results('{"kind":"orders","action":"created","id":"z","data":{"tableNumber":"9"}},'
                          '{"kind":"tables","action":"occupied","id":"9","data":{"orderId":"z"}},{"kind":"orders",'
                          '"action":"status_changed","id":"z","data":{"status":"preparing"}},{"kind":"orders",'
                          '"action":"created","id":"a"}'), 'applied 1, applied 1, applied 2, applied 1',
          'in its order');
select is(pg_temp.types_after(pg_temp.head() - 4), 'order.created table.updated order.status_changed order.created',
          'told in it');
select is(pg_temp.results('{"kind":"orders","action":"created","id":"y"},{"kind":"orders","id":"POS-000123",'
                          '"data":{"status":"ready"}}'), '409 INVALID_TRANSITION 1', 'the second is at its end');
select is((pg_temp.ord('y')).id, null, 'so the first is not made');

-- A history that is cleared. What a shop has under way meanwhile is in front of it and hidden, or behind it and shown
-- (races/clear).
select is(json_array_length((pg_temp.call('minipos_state', '{}')).body::json -> 'orderHistory'), 7, 'a history');
select is(pg_temp.results('{"kind":"orders","action":"clear","data":{}}', 'minipos'), 'applied', 'cleared');
select is(pg_temp.types_after(pg_temp.head() - 1), 'history.cleared', 'told');
select is(pg_temp.newest()::text, '{"clientId":"till-1"}', 'by whom');
select is(pg_temp.results('{"kind":"orders","action":"clear"}', 'minipos'), 'applied', 'again, for one that was away'),
       is(pg_temp.types_after(pg_temp.head() - 1), 'history.cleared', 'told again');
select is(json_array_length((pg_temp.call('minipos_state', '{}')).body::json -> 'orderHistory'), 0, 'none is shown');
select is((select count(*) from pos.orders where tenant_id = :alpha), 7::bigint, 'none is deleted');
select is(pg_temp.tablet('z', ',"status":"ready"'), 'applied 3', 'what goes on');
select is(json_array_length((pg_temp.call('minipos_state', '{}')).body::json -> 'orderHistory'), 0, 'stays hidden'),
       is((select e.data ->> 'cleared' from pos.event e where e.tenant_id = :alpha and e.type = 'order.status_changed'
            order by e.seq desc limit 1), 'true', 'the event says so');
select is(pg_temp.tablet('after', ',"status":"pending"'), 'applied 1', 'another one');
select is((pg_temp.call('minipos_state', '{}')).body::json #>> '{orderHistory,0,id}', 'after', 'is shown'),
       is(json_array_length((pg_temp.call('minipos_state', '{}')).body::json -> 'orderHistory'), 1, 'alone'),
       is(pg_temp.newest() ->> 'cleared', null, 'its event is as ever');
select is(s.action || ' ' || s.client_id, 'clear till-1', 'in the log')
  from pos.sync_log s where s.tenant_id = :alpha and s.action = 'clear';

-- Most orders were never written by a cloud sync device; they have a shorter way to the same.
insert into pos.orders (tenant_id, order_number, customer_name, customer_phone, order_type, order_source, status, total_amount,
                        items, special_instructions, scheduled_for, table_number, details)
select :alpha, 'PLAIN-' || n, 'Ada "A" Lövelace', phone, type, source, status, 12.5, items::json, said, at::timestamptz, seat,
       details::json
  from (values (1, null, 'pickup', 'online', 'new', '[]', null, null, null, '{}'),
               (2, '+447700900111', 'dine_in', 'online', 'picked_up', '[{"name":"Ramen","price":10.7,"quantity":1}]', 'no nuts',
                '2030-01-02 03:04:05.678+00', '12', '{"version":7,"restaurant_id":"x","orderDate":"2026-01-05","tip":1.5}'),
               (3, '', 'delivery', 'pos', 'rejected', '[{"name":"Gyoza","price":1,"quantity":2,"specialInstructions":"hot"}]', null,
                null, 'A 4', '{"nested":{"a":[1,2]},"empty":null}'))
       v(n, phone, type, source, status, items, said, at, seat, details);
select ok(count(*) >= 3 and bool_and(pos.cloudsync_order_plain(o)::jsonb = pos.cloudsync_order_said(o)::jsonb),
          'both ways say the same')
  from pos.orders o where o.words::text = '{}';

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the log is whole');
select * from finish();
rollback;
