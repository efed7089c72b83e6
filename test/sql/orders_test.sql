-- orders_test.sql - create, read, list, pull.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.create(body text) returns json language sql as $$
    select (pg_temp.call('order_create', '{}', body)).body::json -> 'order'
$$;

-- Every field.
create temp table d as
    select pg_temp.call('order_create', '{}',
                        '{"orderId":20481,"orderNumber":"KIT-20481","customerName":"Maren Holt",'
                        '"customerPhone":"+447700900456","orderType":"delivery","orderSource":"online",'
                        '"status":"pending","totalAmount":20.10,"items":[{"id":"l1","menuItemId":"mi",'
                        '"name":"Margherita","price":9.50,"quantity":1.00,"selectedAddons":[{"id":"a","groupId":"g",'
                        '"name":"12 inch","price":2.5,"quantity":1}],"station":"pizza"}],"specialInstructions":"No '
                        'onions","scheduledFor":"2099-01-01T12:00:00+01:00","createdAt":"2025-10-17T18:02:11Z",'
                        '"tableNumber":7,"tip":1,"deliveryAddress":{"line1":"3 Mews","n":1e131071},"zeros":1.500}')
             as a;
select is((d.a).status, 201, 'created'),
       is((d.a).body,
          format('{"success":true,"order":{"id":20481,"orderNumber":"KIT-20481","customerName":"Maren Holt",'
                 '"customerPhone":"+447700900456","orderType":"delivery","orderSource":"online","status":"pending",'
                 '"totalAmount":20.10,"items":[{"id":"l1","name":"Margherita","price":9.50,"quantity":1,'
                 '"selectedAddons":[{"id":"a","name":"12 inch","price":2.50,"quantity":1,"groupId":"g"}],'
                 '"menuItemId":"mi","station":"pizza"}],"createdAt":"2025-10-17T18:02:11.000Z",'
                 '"specialInstructions":"No onions","scheduledFor":"2099-01-01T11:00:00.000Z","tableNumber":"7",'
                 '"updatedAt":"%s","tip":1.00,"deliveryAddress":{"line1":"3 Mews","n":1e131071},"zeros":1.500},'
                 '"warnings":[{"code":"UNKNOWN_FIELD","message":"Kept and given back, but not known here and not shown by tills: '
                 'items[0].station.","fields":["items[0].station"]}],"tillsOnline":0}',
                 pos.utc(o.updated_at)), 'exactly'),
       is(cardinality((d.a).events), 1, 'one event'),
       is((d.a).events[1]::json ->> 'type', 'order.created', 'order.created'),
       is((d.a).events[1]::json ->> 'data',
          format('{"orderId":20481,"orderNumber":"KIT-20481","customerName":"Maren Holt",'
                 '"customerPhone":"+447700900456","orderType":"delivery","orderSource":"online","status":"pending",'
                 '"totalAmount":20.10,"items":[{"id":"l1","name":"Margherita","price":9.50,"quantity":1,'
                 '"selectedAddons":[{"id":"a","name":"12 inch","price":2.50,"quantity":1}],"menuItemId":"mi"}],'
                 '"specialInstructions":"No onions","scheduledFor":"2099-01-01T11:00:00.000Z",'
                 '"createdAt":"2025-10-17T18:02:11.000Z","tableNumber":"7","updatedAt":"%s","previousStatus":null,'
                 '"version":1}', pos.utc(o.updated_at)), 'lean, exactly'),
       is(position(E'\n' in (d.a).events[1]), 0, 'one line')
  from d, pos.orders o where o.tenant_id = :alpha and o.id = '20481';
select is(pg_temp.call('order_get', '{"id":"20481"}') ::text,
       (200, regexp_replace((d.a).body, '},"warnings":.*', ',"businessDate":"2025-10-17"}}'), null, :alpha::uuid, false)::pos.answer::text, 'read back the same, with its day') from d;

-- The smallest order.
select is(o ->> 'orderType', 'pickup', 'type'),
       is(o ->> 'orderSource', 'online', 'source'),
       is(o ->> 'status', 'new', 'status'),
       matches(o ->> 'id', '^[0-9a-f-]{36}$', 'id'),
       matches(o ->> 'orderNumber', '^ALP-\d{4}$', 'number'),
       is(o ->> 'items', '[]', 'no lines'),
       is(o ->> 'totalAmount', '0.00', 'nothing to pay'),
       is(o ->> 'customerPhone', null, 'no phone'),
       is(o ->> 'tableNumber', null, 'no table')
  from (select pg_temp.create('{"customerName":"Guest","totalAmount":0,"items":[]}') as o) x;
select is(pg_temp.newest() ->> 'customerPhone', '', 'in the event a phone is a text');

-- Ids.
select is((pg_temp.create(format('{"orderId":%s,"customerName":"x","totalAmount":1,"items":[]}',
       v.given)) -> 'id')::text, v.shown, 'id ' || v.given)
  from (values ('"12346"', '"12346"'), ('"0012345"', '"0012345"'), ('9007199254740993', '9007199254740993'),
      ('12347.0', '12347'), ('1e3', '1000'),
               ('"69FB5687-044A-48AF-AC0E-D6B817AEC684"', '"69FB5687-044A-48AF-AC0E-D6B817AEC684"'),
                   ('"qr-5/2025#8 ü"', '"qr-5/2025#8 ü"')) v(given, shown);
select is((pg_temp.create('{"id":555,"customerName":"x","totalAmount":1,"items":[]}') -> 'id')::text, '555',
          'id is another word for orderId');
select is((pg_temp.create('{"id":556,"orderId":557,"customerName":"x","totalAmount":1,"items":[]}') -> 'id')::text,
          '557', 'orderId goes before');
select is(pg_temp.try('order_get', format('{"id":%s}', to_json(v.id))), v.wanted, 'read ' || v.id)
  from (values ('12346', '200'), ('9007199254740993', '200'), ('69fb5687-044a-48af-ac0e-d6b817aec684', '200'),
      ('69FB5687-044A-48AF-AC0E-D6B817AEC684', '200'), ('qr-5/2025#8 ü', '200'), ('1000', '200'),
               ('012346', '404 ORDER_NOT_FOUND'), ('1e3', '404 ORDER_NOT_FOUND'), ('', '404 ORDER_NOT_FOUND'),
                   ('gone', '404 ORDER_NOT_FOUND')) v(id, wanted);
select is(pg_temp.try('order_create', '{}', format('{"orderId":%s,"customerName":"x","totalAmount":1,"items":[]}',
       v.given)), '409 ORDER_EXISTS', 'again ' || v.given)
  from (values ('12346'), ('"12346"'), ('12346.0'), ('"69fb5687-044a-48af-ac0e-d6b817aec684"')) v(given);
select is(pg_temp.outcome(pos.call('order_get', pg_temp.ctx('{"id":"12346"}',
       jsonb_build_object('scope', 'platform')), null)), '200', 'a platform key reads too');
select is(pg_temp.try('order_get', '{"id":"12346"}', null,
       jsonb_build_object('tenant', 'beta', 'keyHash', pg_temp.key_hash('beta', 'pos'))), '404 ORDER_NOT_FOUND',
       'another tenant''s is not there');
select is(pg_temp.outcome(pos.call('order_create', pg_temp.ctx('{}',
       jsonb_build_object('tenant', 'beta', 'keyHash', pg_temp.key_hash('beta', 'platform'))),
       '{"orderId":12346,"customerName":"x","totalAmount":1,"items":[]}')), '201',
       'the same id is free for another tenant');

-- Refusals.
select is(pg_temp.try('order_create', '{}', v.body), v.wanted, left(v.body, 110))
  from (values ('{}', '400 INVALID_FIELD'),
               ('{"customerName":"x"}', '400 INVALID_AMOUNT'),
               ('{"customerName":"x","totalAmount":1}', '400 INVALID_FIELD'),
               ('{"customerName":"","totalAmount":1,"items":[]}', '400 INVALID_FIELD'),
               ('{"customerName":"  ","totalAmount":1,"items":[]}', '400 INVALID_FIELD'),
               ('{"customerName":5,"totalAmount":1,"items":[]}', '400 INVALID_FIELD'),
               ('{"customerName":null,"totalAmount":1,"items":[]}', '400 INVALID_FIELD'),
               ('{"customerName":"x","totalAmount":-0.01,"items":[]}', '400 INVALID_AMOUNT'),
               ('{"customerName":"x","totalAmount":null,"items":[]}', '400 INVALID_AMOUNT'),
               ('{"customerName":"x","totalAmount":1e131071,"items":[]}', '400 INVALID_AMOUNT'),
               ('{"customerName":"x","totalAmount":100000000,"items":[]}', '400 INVALID_AMOUNT'),
               ('{"customerName":"x","totalAmount":"NaN","items":[]}', '400 INVALID_AMOUNT'),
               ('{"customerName":"x","totalAmount":1,"items":{}}', '400 INVALID_FIELD'),
               ('{"customerName":"x","totalAmount":1,"items":null}', '400 INVALID_FIELD'),
               ('{"customerName":"x","totalAmount":1,"items":"[]"}', '400 INVALID_FIELD'),
               ('{"customerName":"x","totalAmount":1,"items":[5]}', '400 INVALID_FIELD'),
               ('{"customerName":"x","totalAmount":1,"items":[],"status":"cooking"}', '400 INVALID_STATUS'),
               ('{"customerName":"x","totalAmount":1,"items":[],"status":5}', '400 INVALID_STATUS'),
               ('{"customerName":"x","totalAmount":1,"items":[],"orderId":1.5}', '400 INVALID_ORDER_ID'),
               ('{"customerName":"x","totalAmount":1,"items":[],"customerPhone":447700900456}', '400 INVALID_FIELD'),
               ('{"customerName":"x","totalAmount":1,"items":[],"orderType":[]}', '400 INVALID_FIELD'),
               ('{"customerName":"x","totalAmount":1,"items":[],"orderSource":7}', '400 INVALID_FIELD'),
               ('{"customerName":"x","totalAmount":1,"items":[],"orderNumber":{}}', '400 INVALID_FIELD'),
               ('{"customerName":"x","totalAmount":1,"items":[],"scheduledFor":"soon"}', '400 INVALID_DATE'),
               ('{"customerName":"x","totalAmount":1,"items":[],"createdAt":1760724131}', '400 INVALID_DATE'),
               ('{"customerName":"x","totalAmount":1,"items":[],"createdAt":"2025-02-30T00:00:00Z"}',
                '400 INVALID_DATE'),
               ('{"customerName":"x","totalAmount":1,"items":[],"tableNumber":1.5}', '400 INVALID_FIELD'),
               ('{"customerName":"x","totalAmount":1,"items":[],"tableNumber":9e15}', '201'),
               ('{"customerName":"x","totalAmount":1,"items":[],"specialInstructions":5}', '400 INVALID_FIELD'),
               ('{"customerName":"x","totalAmount":1,"items":[],"subtotal":"abc"}', '400 INVALID_AMOUNT'),
               ('{"customerName":"x","totalAmount":1,"items":[],"tax":{}}', '400 INVALID_AMOUNT'),
               ('{"customerName":"x","totalAmount":1,"items":[],"recall":1}', '400 INVALID_FIELD'),
               ('{"customerName":"x","totalAmount":1,"items":[],"status":"picked-up"}', '201'),
               ('{"customerName":"x","totalAmount":1,"items":[],"orderNumber":17,"status":null,"orderType":"",'
                '"orderSource":null,"scheduledFor":null}', '201')) v(body, wanted);
select is((pg_temp.call('order_create', '{}',
                        '{"customerName":"x","totalAmount":1,"items":[{"name":"a","price":1,"quantity":1},'
                        '{"name":"b","price":"x","quantity":1}]}')).body::json #>> '{error,details,field}',
          'items[1].price', 'the place is named');
select is(o -> 'subtotal' is null, true, 'money that is null is left out'),
       is(o ->> 'deliveryFee', '2.50', 'money as text becomes a number'),
       is(o ->> 'discount', '-1.00', 'a discount may be negative'),
       is(o -> 'updatedBy' is null and o -> 'requestId' is null and o -> 'total' is null, true,
          'what is ours to say is not kept')
  from (select pg_temp.create('{"customerName":"x","totalAmount":1,"items":[],"subtotal":null,'
                              '"deliveryFee":"2.5","discount":-1,"updatedAt":"1999-01-01T00:00:00Z",'
                              '"updatedBy":"me","changes":[],"total":5,"requestId":"not-a-key"}') as o) x;
select is(a.status, 201, 'long instructions are cut'),
       is(a.body::json #>> '{warnings,0,code}', 'NOTES_TRUNCATED', 'with a warning'),
       is(length(a.body::json #>> '{order,specialInstructions}'), 2000, 'to 2000')
  from pg_temp.call('order_create', '{}',
                    json_build_object('customerName', 'x', 'totalAmount', 1, 'items', '[]'::json,
                                      'specialInstructions', repeat('x', 2001))::text) a;

-- Lines.
select is(i.line, v.wanted, v.given)
  from (values ('{"name":"a","price":1,"quantity":2.00}',
                '{"id":"i1","name":"a","price":1.00,"quantity":2,"selectedAddons":[]}'),
               ('{"name":"a","price":"1.5","quantity":"3"}',
                '{"id":"i1","name":"a","price":1.50,"quantity":3,"selectedAddons":[]}'),
               ('{"id":7,"name":"a","price":0,"quantity":0.345,"unit":"kg"}',
                '{"id":"7","name":"a","price":0.00,"quantity":0.345,"selectedAddons":[],"unit":"kg"}'),
               ('{"name":"a","price":1}', '{"id":"i1","name":"a","price":1.00,"quantity":1,"selectedAddons":[]}'),
               ('{"name":5,"price":1,"menuItemId":17,"specialInstructions":"hot","selectedAddons":null}',
                '{"id":"i1","name":"5","price":1.00,"quantity":1,"selectedAddons":[],"menuItemId":"17",'
                '"specialInstructions":"hot"}'),
               ('{"name":"a","price":1,"selectedAddons":[{"name":"less","price":-1}]}',
                '{"id":"i1","name":"a","price":1.00,"quantity":1,"selectedAddons":[{"id":"a1","name":"less",'
                '"price":-1.00,"quantity":1}]}'),
               ('{"name":"a","price":1,"selectedAddons":[{"name":"free","selectedAddons":[1]}]}',
                '{"id":"i1","name":"a","price":1.00,"quantity":1,"selectedAddons":[{"id":"a1","name":"free",'
                '"price":0.00,"quantity":1,"selectedAddons":[1]}]}')) v(given, wanted),
       lateral (select ((pos.order_items(('[' || v.given || ']')::json, 2, true)).lines -> 0)::text as line) i;
select throws_ok(format('select pos.order_items(%L, 2, true)', '[' || v.given || ']'), 'TWREF', null,
       'line ' || left(v.given, 60)) from (values
    ('{}'), ('{"name":"a"}'), ('{"price":1}'), ('{"name":"","price":1}'), ('{"name":null,"price":1}'),
        ('{"name":"a","price":null}'), ('{"name":"a","price":100000000}'),
        ('{"name":"a","price":"NaN"}'),
    ('{"name":"a","price":1,"quantity":0}'), ('{"name":"a","price":1,"quantity":-1}'),
        ('{"name":"a","price":1,"quantity":"many"}'), ('{"name":"a","price":1,"quantity":1e15}'),
        ('{"name":"a","price":1,"quantity":0.0000001}'),
    ('{"name":"a","price":1,"selectedAddons":{}}'), ('{"name":"a","price":1,"selectedAddons":[1]}'),
        ('{"name":"a","price":1,"selectedAddons":[{}]}'), ('{"name":"a","price":1,"id":{}}'),
        ('{"name":"a","price":1,"menuItemId":1.5}'), ('[]'), ('null'), ('"a"')) v(given);
select lives_ok(format('select pos.order_items(%L, 2, true)',
                       '[' || repeat('{"name":"a","price":1},', 499) || '{"name":"a","price":1}]'), '500 lines');
select throws_ok(format('select pos.order_items(%L, 2, true)',
                        '[' || repeat('{"name":"a","price":1},', 500) || '{"name":"a","price":1}]'), 'TWREF', null,
                 '501 are too many');
create function pg_temp.many(lines int, addons int) returns text language sql as $$
    select '[' || string_agg('{"name":"a","price":1,"selectedAddons":[' || rtrim(repeat('{"name":"b","price":1},', addons), ',') || ']}', ',')
           || ']' from generate_series(1, lines)
$$;
select lives_ok(format('select pos.order_items(%L, 2, true)', pg_temp.many(50, 99)), '5000 lines and add-ons'),
       throws_ok(format('select pos.order_items(%L, 2, true)', pg_temp.many(50, 100)), 'TWREF', null, '5050 are too many'),
       lives_ok(format('select pos.order_items(%L, 2, false)', pg_temp.many(50, 100)), 'but not for plain SQL');
select is(pos.lean_items('[]')::text, '[]', 'no lines, no lean ones');

-- Pending: orders that are not finished, oldest first, online only.
delete from pos.orders where tenant_id = :alpha;
select pg_temp.commit() \g /dev/null
select pg_temp.create(format('{"orderId":%s,"customerName":"x","totalAmount":1,"items":[],"status":"%s",'
                             '"orderSource":"%s","createdAt":"2025-01-%sT00:00:00Z"}', to_json(v.id), v.status,
                             v.source, v.day))
  from (values ('p4', 'preparing', 'online', '04'),
               ('p1', 'new', 'online', '01'),
               ('p3', 'confirmed', 'online', '03'),
               ('p2', 'pending', 'online', '02'),
               ('r', 'ready', 'online', '01'),
               ('c', 'completed', 'online', '01'),
               ('x', 'cancelled', 'online', '01'),
               ('pos', 'new', 'pos', '01'),
               ('k1', 'confirmed', 'kiosk', '05'),
               ('k2', 'confirmed', 'online', '06')) v(id, status, source, day) \g /dev/null
select is((select string_agg(o ->> 'id', ' ' order by n)
             from json_array_elements(b -> 'orders') with ordinality x(o, n)), 'p1 p2 p3 p4 k2', 'pending'),
       is(b ->> 'count', '5', 'count'),
       is((b ->> 'asOfSeq')::bigint, pg_temp.head(), 'as of'),
       is((b #> '{data,orders}')::text, (b -> 'orders')::text, 'in data too'),
       is(b -> 'hasMore' is null, true, 'all of them'),
       is((select string_agg(k, ' ' order by n)
             from json_object_keys(b #> '{orders,0}') with ordinality x(k, n)
            where n <= 10),
          'id orderNumber customerName customerPhone orderType orderSource status totalAmount items createdAt',
          'documented fields first')
  from (select (pg_temp.call('orders_pending', '{}')).body::json as b) x;
select is(b ->> 'count', '1', 'another tenant sees its own'),
       is(b #>> '{orders,0,orderNumber}', '0001', 'numbered by itself')
  from (select (pg_temp.call('orders_pending', '{}', null,
                             jsonb_build_object('tenant', 'beta',
                                                'keyHash', pg_temp.key_hash('beta', 'pos')))).body::json as b) x;

-- A list ends before it is too long to send.
savepoint lists;
insert into pos.orders (tenant_id, customer_name, total_amount, items)
    select :alpha, 'n' || n, 1, '[]' from generate_series(1, 1001) n;
select is(b ->> 'count', '1000', 'a thousand'),
       is(b ->> 'hasMore', 'true', 'and more')
  from (select (pg_temp.call('orders_pending', '{}')).body::json as b) x;
update pos.orders set status = 'confirmed', details = json_build_object('blob', repeat('x', 900000))
 where tenant_id = :alpha and customer_name in ('n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7', 'n8');
select ok((b ->> 'count')::int < 1000, 'fewer fat ones'),
       is(b ->> 'hasMore', 'true', 'and more')
  from (select (pg_temp.call('orders_pending', '{}')).body::json as b) x;
select is(b ->> 'count', '7', 'pulled: two lean ones and five fat ones'),
       is(b ->> 'hasMore', 'true', 'and more')
  from (select (pg_temp.call('orders_pull', '{}')).body::json as b) x;
rollback to lists;

-- Pull.
create function pg_temp.pull(query text) returns text language sql as $$
    select coalesce((select string_agg(o ->> 'id', ' ' order by n)
           from json_array_elements(a.body::json -> 'orders') with ordinality x(o, n)), pg_temp.outcome(a))
      from pg_temp.call('orders_pull', '{}', null, jsonb_build_object('query', query::jsonb)) a
$$;
select is(pg_temp.pull(v.query), v.wanted, 'pull ' || v.query) from (values
    ('{}', 'p3 k2'), ('{"status":"new"}', 'p1'), ('{"status":""}', 'p3 k2'), ('{"limit":"1"}', 'p3'),
        ('{"limit":"0001"}', 'p3'), ('{"limit":"99999999999999999999"}', 'p3 k2'),
        ('{"since":"2025-01-05T00:00:00Z"}', 'p3 k2'),
    ('{"since":"2025-01-04T23:59:59.999Z"}', 'p3 k2'), ('{"since":"2025-01-05T00:00:00 00:00"}', 'p3 k2'),
        ('{"since":"2025-01-05"}', 'p3 k2'), ('{"since":"2025-01-05T02:00:00+02:00"}', 'p3 k2'),
        ('{"since":"2099-01-05T00:00:00Z"}', '200'), ('{"status":"rejected"}', '200'),
    ('{"limit":"0"}', '400 INVALID_FIELD'), ('{"limit":"-1"}', '400 INVALID_FIELD'),
        ('{"limit":"1.5"}', '400 INVALID_FIELD'), ('{"limit":"ten"}', '400 INVALID_FIELD'),
        ('{"limit":"5; drop"}', '400 INVALID_FIELD'), ('{"limit":"1e1"}', '400 INVALID_FIELD'),
    ('{"status":"cooking"}', '400 INVALID_STATUS'), ('{"status":"confirmed,new"}', '400 INVALID_STATUS'),
        ('{"since":"yesterday"}', '400 INVALID_DATE'), ('{"since":"-infinity"}', '400 INVALID_DATE'),
        ('{"since":"2025-02-30"}', '400 INVALID_DATE')) v(query, wanted);
select is((b -> 'tenant')::text, '{"id":"aaaaaaaa-0000-4000-8000-000000000001","name":"Alpha","slug":"alpha"}',
          'tenant'),
       is(b #>> '{orders,0,total}', '1.00', 'total'),
       is(b #>> '{orders,0,totalAmount}', '1.00', 'and totalAmount'),
       is(b ->> 'count', '2', 'count'),
       is((select string_agg(k, ' ' order by n)
             from json_object_keys(b #> '{orders,0}') with ordinality x(k, n)
            where n <= 6), 'id orderNumber customerName total status items', 'documented fields first')
  from (select (pg_temp.call('orders_pull', '{}')).body::json as b) x;
insert into pos.orders (tenant_id, customer_name, total_amount, items, status) select :alpha, 'n' || n, 1, '[]',
    'served' from generate_series(1, 520) n;
select is((select count(*) from json_array_elements((pg_temp.call('orders_pull', '{}', null,
       jsonb_build_object('query', v.query::jsonb))).body::json -> 'orders')), v.wanted, 'at most ' || v.query)
  from (values ('{"status":"served"}', 50::bigint), ('{"status":"served","limit":"100"}', 100),
      ('{"status":"served","limit":"500"}', 500), ('{"status":"served","limit":"501"}', 500),
      ('{"status":"served","limit":"1"}', 1)) v(query, wanted);

-- A repeat without an idempotency key.
create function pg_temp.sent(body text, more jsonb default '{}') returns text language sql as $$
    select concat_ws(' ', a.status, a.body::json #>> '{order,id}', case when a.body::json ->> 'duplicate' = 'true' then 'duplicate' end,
                     'of ' || (a.body::json ->> 'possibleDuplicateOf'), cardinality(a.events))
      from pg_temp.call('order_create', '{}', body, more) a
$$;
select is(pg_temp.sent(v.body), v.wanted, v.body) from (values
    ('{"orderId":"d1","orderNumber":"D-1","customerName":"Ada","totalAmount":5,"items":[],"createdAt":"2026-01-05T18:00:00Z"}', '201 d1 1'),
    ('{"customerName":"Ada","orderNumber":"D-1","orderId":"d1","totalAmount":5,"items":[],"createdAt":"2026-01-05T18:00:09Z"}', '200 d1 duplicate'),
    ('{"orderId":"d1","orderNumber":"D-1","customerName":"Ada","totalAmount":5,"items":[],"requestId":"r-2"}', '200 d1 duplicate'),
    ('{"orderId":"d2","orderNumber":"D-1","customerName":"Ada","totalAmount":6,"items":[]}', '201 d2 of d1 1'),
    ('{"orderId":"d3","orderNumber":"D-1","customerName":"Ada","totalAmount":5,"items":[]}', '201 d3 of d2 1'),
    ('{"orderId":"d2","orderNumber":"D-1","customerName":"Ada","totalAmount":6,"items":[]}', '200 d2 duplicate'),
    ('{"orderId":"d4","externalId":"E-1","customerName":"Ada","totalAmount":5,"items":[]}', '201 d4 1'),
    ('{"orderId":"d4","externalId":"E-1","customerName":"Ada","totalAmount":5,"items":[]}', '200 d4 duplicate'),
    ('{"orderId":"d5","externalId":"E-1","orderNumber":"D-1","customerName":"Eve","totalAmount":5,"items":[]}', '201 d5 of d4 1'),
    ('{"orderId":"d6","customerName":"Ada","totalAmount":5,"items":[]}', '201 d6 1'),
    ('{"orderId":"d7","externalId":{"a":1},"orderNumber":null,"customerName":"Ada","totalAmount":5,"items":[]}', '201 d7 1')) v(body, wanted);
select is(pg_temp.sent('{"orderNumber":"D-9","customerName":"Ada","totalAmount":5,"items":[]}') ~ '^201', true, 'without an id'),
       is(pg_temp.sent('{"orderNumber":"D-9","customerName":"Ada","totalAmount":5,"items":[]}') ~ '^200 .* duplicate$', true, 'too');
select is(pg_temp.try('order_update', '{"id":"d1"}', '{"status":"ready"}'), '200', 'moved on');
select is((pg_temp.call('order_create', '{}', '{"orderId":"d1","orderNumber":"D-1","customerName":"Ada","totalAmount":5,"items":[]}'))
          .body::json #>> '{order,status}', 'ready', 'a repeat shows the order as it is now');
select is(pg_temp.sent('{"orderNumber":"D-1","orderId":"d1","customerName":"Ada","totalAmount":5,"items":[]}', jsonb_build_object('tenant', 'beta',
          'keyHash', pg_temp.key_hash('beta', 'platform'))), '201 d1 1', 'another tenant''s is not a repeat');
update pos.order_given g set at = now() - interval '25 hours';
select is(pg_temp.sent('{"orderId":"d8","orderNumber":"D-1","customerName":"Ada","totalAmount":5,"items":[]}'), '201 d8 1', 'the next day it is another one');

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the log is whole');
select is((select h.status || ' ' || h.device from pos.order_status_history h where h.tenant_id = :alpha and h.order_id = 'd4'),
          'new till-1', 'a history begins with the order');

select * from finish();
rollback;
