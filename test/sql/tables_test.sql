-- tables_test.sql - tables whose orders are all ready, tables that are completed, and alerts.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.make(id text, state text, tbl text default null) returns void language sql as $$
    select pg_temp.call('order_create', '{}',
        format('{"orderId":%s,"customerName":"Ada","totalAmount":10,"status":"%s",'
               '"items":[],"tableNumber":%s}', id, state, coalesce(tbl, 'null')))
$$;
create function pg_temp.patch(id text, body text) returns pos.answer language sql as $$
    select pg_temp.call('order_update', format('{"id":"%s"}', id), body)
$$;
create function pg_temp.types(a pos.answer) returns text language sql as $$
    select coalesce((select string_agg(e::json ->> 'type', ' ' order by n)
           from unnest(a.events) with ordinality x(e, n)), '-')
$$;

-- A number and a text are the same table.
select pg_temp.make('1', 'new', '7'), pg_temp.make('"b"', 'preparing', '"7"'), pg_temp.make('"other"', 'new', '8'),
       pg_temp.make('"none"', 'new') \g /dev/null
select is(pg_temp.types(pg_temp.patch('1', '{"status":"ready"}')), 'order.status_changed',
          'another is still being made');
select is(pg_temp.types(x), 'order.status_changed table.ready', 'the last one'),
       matches(x.events[2],
               '^\{"seq":\d+,"type":"table\.ready","at":"[^"]+","origin":\{"kind":"api","device":"till-1",'
               '"requestId":"req-1"\},"data":\{"tableNumber":"7","orderIds":\["1","b"\],"readyAt":"[-0-9T:.]+Z"\}\}$',
               'exactly'),
       is((x.events[2]::json ->> 'seq')::bigint, (x.events[1]::json ->> 'seq')::bigint + 1, 'right after it')
  from pg_temp.patch('b', '{"status":"ready"}') x;
select is(pg_temp.types(pg_temp.patch('b', '{"status":"ready"}')), '-', 'ready already');
select is(pg_temp.types(pg_temp.patch('none', '{"status":"ready"}')), 'order.status_changed', 'no table');
select pg_temp.make('"late"', 'new', '7') \g /dev/null
select is(pg_temp.types(pg_temp.patch('1', '{"status":"served"}')), 'order.status_changed', 'taken to the table');
select is(pg_temp.types(x), 'order.status_changed table.ready', 'a late one'),
       is(x.events[2]::json #>> '{data,orderIds}', '["b","late"]', 'what is ready, not what was served')
  from pg_temp.call('order_status', '{}', '{"orderId":"late","status":"ready"}') x;
select is(pg_temp.types(pg_temp.patch('late', '{"status":"preparing","recall":true}')), 'order.status_changed',
          'sent back');
select is(pg_temp.types(x), 'order.updated order.status_changed',
          'brought to another table and ready, where one is new')
  from pg_temp.patch('late', '{"status":"ready","tableNumber":8}') x;
select is(pg_temp.types(x), 'order.updated order.status_changed table.ready', 'a field beside it'),
       is(x.events[3]::json ->> 'data' like '{"tableNumber":"8","orderIds":["other","late"],%', true, 'at its new one')
  from pg_temp.patch('other', '{"status":"ready","note":1}') x;

-- By plain SQL. With several orders in one transaction the table is ready once, with the event of the last one.
select pg_temp.make('"s' || n || '"', 'preparing', '"T"') from generate_series(1, 3) n \g /dev/null
select pg_temp.commit() \g /dev/null
create temp table h as select pg_temp.head() as head;
update pos.orders set status = 'ready' where tenant_id = :alpha and id = 's1';
select is(pg_temp.types_after(h.head), 'order.status_changed', 'one of three') from h;
set constraints all deferred;
update pos.orders set status = 'ready' where tenant_id = :alpha and id = 's2';
update pos.orders set status = 'ready' where tenant_id = :alpha and id = 's3';
select pg_temp.commit() \g /dev/null
select is(pg_temp.types_after(h.head), 'order.status_changed order.status_changed order.status_changed table.ready',
          'the other two at once'),
       is(pg_temp.newest() ->> 'orderIds', '["s1","s2","s3"]', 'all three')
  from h;
select is(e.origin::text, '{"kind":"sql"}', 'by SQL')
  from pos.event e where e.tenant_id = :alpha order by e.seq desc limit 1;
update h set head = pg_temp.head();
set constraints all deferred;
update pos.orders set status = 'preparing' where tenant_id = :alpha and id = 's1';
update pos.orders set status = 'ready' where tenant_id = :alpha and id in ('s1');
update pos.orders set status = 'served' where tenant_id = :alpha and id in ('s1');
select pg_temp.commit() \g /dev/null
select is(pg_temp.types_after(h.head), 'order.status_changed order.status_changed order.status_changed',
          'what is past is past')
  from h;
update h set head = pg_temp.head();
set constraints all deferred;
insert into pos.orders (tenant_id, id, customer_name, total_amount, items, table_number, status)
    values (:alpha, 's4', 'x', 1, '[]', 'T', 'ready'), (:alpha, 's5', 'x', 1, '[]', 'T', 'new');
update pos.orders set status = 'cancelled' where tenant_id = :alpha and id = 's2';
update pos.orders set status = 'ready' where tenant_id = :alpha and id = 's5';
select pg_temp.commit() \g /dev/null
select is(pg_temp.types_after(h.head),
          'order.created order.created order.status_changed order.deleted order.status_changed table.ready',
          'a mixture'),
       is((select string_agg(i, ' ' order by i) from json_array_elements_text(pg_temp.newest() -> 'orderIds') i),
          's3 s4 s5', 'what is ready now')
  from h;

-- A table is completed.
update h set head = pg_temp.head();
create temp table d as
    select pg_temp.call('table_complete', '{}', '{"tableNumber":"T","restaurantId":"alpha"}',
                        '{"kind":"socket","idempotencyKey":"t"}') as a;
select is((d.a).status, 200, 'done'),
       is(pg_temp.types(d.a),
          'order.status_changed order.status_changed order.status_changed order.status_changed table.completed',
          'each, then the table'),
       is((select string_agg((e::json #>> '{data,orderId}') || ' ' || (e::json #>> '{data,previousStatus}') || '>'
                             || (e::json #>> '{data,status}'), ', ' order by n)
             from unnest((d.a).events[1:2]) with ordinality u(e, n)), 's4 ready>completed, s5 ready>completed',
          'oldest first'),
       is((d.a).body::json ->> 'success', 'true', 'success'),
       is((d.a).body::json ->> 'orderIds', (d.a).events[5]::json #>> '{data,orderIds}', 'the same ids'),
       matches((d.a).body,
               '^\{"success":true,"tableNumber":"T","orderIds":\["s4","s5","s1","s3"\],'
               '"completedAt":"[-0-9T:.]+Z"\}$', 'exactly'),
       is((d.a).events[5]::json #>> '{data,completedAt}', (d.a).body::json ->> 'completedAt', 'one time'),
       is(pg_temp.head(), h.head + 5, 'all of it told')
  from d, h;
select is(pg_temp.outcome(x), '200 replayed', 'again'),
       is(x.body, (d.a).body, 'byte for byte')
  from d,
       pg_temp.call('table_complete', '{}', '{"tableNumber":"T","restaurantId":"alpha"}',
                    '{"kind":"socket","idempotencyKey":"t"}') x;
select is(concat_ws(' ', pg_temp.outcome(x), x.body::json ->> 'message'), v.wanted, v.body)
  from (values ('{"tableNumber":"T"}', '404 TABLE_NOT_FOUND There is no open order at table T. Check its number.'),
               ('{"tableNumber":99}', '404 TABLE_NOT_FOUND There is no open order at table 99. Check its number.'),
               ('{}', '400 VALIDATION_ERROR "tableNumber" is required'),
               ('{"tableNumber":""}', '400 VALIDATION_ERROR "tableNumber" is not allowed to be empty'),
               ('{"tableNumber":[7]}', '400 VALIDATION_ERROR "tableNumber" must be a string'),
               ('{"tableNumber":7.5}', '400 VALIDATION_ERROR "tableNumber" must be a string'),
               (format('{"tableNumber":"%s"}', repeat('x', 33)),
                '400 VALIDATION_ERROR "tableNumber" length must be less than or equal to 32 characters long'),
               ('{"tableNumber":7,"restaurantId":"beta"}',
                '403 PERMISSION_DENIED This is another restaurant''s. Use your own restaurantId.')) v(body, wanted),
       lateral pg_temp.call('table_complete', '{}', v.body) x;
select is(pg_temp.outcome(pg_temp.call('table_complete', '{}', '{"tableNumber":7}',
                                       jsonb_build_object('tenant', 'beta',
                                                          'keyHash', pg_temp.key_hash('beta', 'pos')))),
          '404 TABLE_NOT_FOUND', 'another tenant''s table');
select is(pg_temp.outcome(pg_temp.call('table_complete', '{}', '{"tableNumber":7.0}', '{"scope":"pos"}')), '200',
          'by its number');
select is((select string_agg(o.id || ' ' || o.status, ', ' order by o.id)
             from pos.orders o
            where o.tenant_id = :alpha and o.table_number = '7'), '1 completed, b completed', 'served ones too');

-- Alerts.
select matches(x.body,
               '^\{"success":true,"alert":\{"type":"urgent","message":"Allergy: nuts","severity":4,'
               '"orderId":"20481","tableNumber":"7","station":"expo"\},"seq":\d+\}$', 'exactly'),
       is(x.status, 201, 'created'),
       is(pg_temp.types(x), 'kitchen.alert', 'told'),
       is(x.events[1]::json ->> 'data', x.body::json ->> 'alert', 'the same'),
       is(x.events[1]::json ->> 'seq', x.body::json ->> 'seq', 'and its seq')
  from pg_temp.call('kitchen_alert', '{}',
                    '{"type":"urgent","message":"Allergy: nuts","severity":"4","orderId":20481,"tableNumber":7,'
                    '"station":"expo"}') x;
select is((x.body::json -> 'alert')::text,
          format('{"type":"%s","message":"x","severity":%s,"orderId":null,"tableNumber":null,"station":null}', v.kind,
                 v.severity), v.kind)
  from (values ('urgent', 5), ('warning', 3), ('info', 1)) v(kind, severity),
       lateral pg_temp.call('kitchen_alert', '{}', format('{"type":"%s","message":"x","severity":null}', v.kind)) x;
select is(concat_ws(' ', pg_temp.outcome(x), x.body::json #>> '{error,details,field}'), v.wanted, v.body)
  from (values ('{"message":"x"}', '400 INVALID_FIELD type'),
               ('{"type":"Urgent","message":"x","station":"KITCHEN","severity":""}', '201'),
               ('{"type":"loud","message":"x"}', '400 INVALID_FIELD type'),
               ('{"type":1,"message":"x"}', '400 INVALID_FIELD type'),
               ('{"type":"info"}', '400 INVALID_FIELD message'),
               ('{"type":"info","message":" "}', '400 INVALID_FIELD message'),
               ('{"type":"info","message":7}', '400 INVALID_FIELD message'),
               (format('{"type":"info","message":"%s"}', repeat('x', 501)), '400 INVALID_FIELD message'),
               (format('{"type":"info","message":"%s"}', repeat('x', 500)), '201'),
               ('{"type":"info","message":"x","severity":0}', '400 INVALID_FIELD severity'),
               ('{"type":"info","message":"x","severity":6}', '400 INVALID_FIELD severity'),
               ('{"type":"info","message":"x","severity":2.5}', '400 INVALID_FIELD severity'),
               ('{"type":"info","message":"x","severity":1e131071}', '400 INVALID_FIELD severity'),
               ('{"type":"info","message":"x","severity":[]}', '400 INVALID_FIELD severity'),
               ('{"type":"info","message":"x","severity":5.0}', '201'),
               ('{"type":"info","message":"x","station":"bath"}', '400 INVALID_FIELD station'),
               ('{"type":"info","message":"x","station":7}', '400 INVALID_FIELD station'),
               ('{"type":"info","message":"x","orderId":1.5}', '400 INVALID_ORDER_ID orderId'),
               ('{"type":"info","message":"x","tableNumber":{}}', '400 INVALID_FIELD tableNumber')) v(body, wanted),
       lateral pg_temp.call('kitchen_alert', '{}', v.body) x;
select is(pg_temp.outcome(pos.call('kitchen_alert', pg_temp.ctx('{}'), '{"type":"info","message":"x"}')),
          '403 FORBIDDEN', 'not a till''s to send');
select is(pg_temp.outcome(x), v.wanted, v.what)
  from (values (1, '201', 'with a key'), (2, '201 replayed', 'again')) v(n, wanted, what),
       lateral pg_temp.call('kitchen_alert', '{}', '{"type":"info","message":"once"}',
                            jsonb_build_object('idempotencyKey', 'a', 'requestId', v.n)) x
   order by v.n;

-- Clients without a socket read them too.
select is((select string_agg(distinct e ->> 'type', ' ')
             from json_array_elements((pg_temp.call('events_list', '{}', null,
                                                    '{"query":{"after":"0","limit":"1000"}}')).body::json
                                        -> 'events') e
            where e ->> 'type' ~ '^(table|kitchen)'), 'kitchen.alert table.completed table.ready', 'in the stream');

-- The planner uses the index for the orders of a table.
set local enable_seqscan = off;
prepare open_orders(uuid, text) as
    select 1
      from pos.orders p
     where p.tenant_id = $1 and p.table_number = $2 and p.status not in ('completed', 'cancelled', 'rejected');
create function pg_temp.plan() returns text language plpgsql as $$
declare line text; plan text := '';
begin
    for line in execute 'explain (costs off) execute open_orders(null, ''7'')' loop plan := plan || line; end loop;
    return plan;
end $$;
set local plan_cache_mode = force_generic_plan;
select ok(position('orders_of_table' in pg_temp.plan()) > 0, 'by its index');

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the log is whole');
select * from finish();
rollback;
