-- tablets_test.sql - what MiniPOS tablets take as the truth: lists that were handed over, pictures, ids that two
-- tablets have drawn, and orders that are theirs to see.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();
\ir support/shared_state.sql
create function pg_temp.import(kind text, body text) returns pos.answer language sql as $$
    select pg_temp.call('list_import', format('{"kind":"%s"}', kind), body)
$$;
-- "created 2 completed 0 kept 0 total 2 mastered true".
create function pg_temp.imported(kind text, body text) returns text language sql as $$
    select case when a.status = 200 then (
                    select string_agg(n || ' ' || (a.body::json ->> n), ' ' order by o)
                      from unnest(array['created', 'completed', 'kept', 'total', 'mastered']) with ordinality x(n, o))
                else concat_ws(' ', pg_temp.outcome(a), a.body::json #>> '{error,details,index}') end
      from pg_temp.import(kind, body) a
$$;
create function pg_temp.tablet(change text) returns text language sql as $$
    select pg_temp.results(change, 'minipos')
$$;
create function pg_temp.state() returns json language sql as $$
    select (pg_temp.call('minipos_state', '{}')).body::json
$$;

-- Changes of a list that nobody has handed over: stored, told in the tablet's own word, and not new in any list.
select is(pg_temp.tablet('{"kind":"tables","action":"updated","data":{"id":"5","number":5,"seats":4,'
                         '"status":"occupied"}}'), 'applied 1', 'a table that we have never heard of');
select is(pg_temp.newest() ->> 'action', 'updated', 'is changed, not added'),
       is(pg_temp.newest() ->> 'joinsList', null, 'to no list');
select is(pg_temp.tablet('{"kind":"tables","action":"deleted","data":{"id":"8"}}'), 'applied 1',
          'one that we do not have is deleted on the other tablets too');
select is(pg_temp.newest() ->> 'action', 'deleted', 'told'),
       is(pg_temp.tablet('{"kind":"tables","action":"deleted","data":{"id":"8"}}'), 'unchanged 1', 'once');
select is(pg_temp.results('{"kind":"tables","action":"deleted","id":"9"}'), 'unchanged 0', 'a till keeps no such lists');
select is(pg_temp.state() ->> 'mastered', '[]', 'storing a row hands over nothing');

-- A list is handed over: in pieces, with what devices have changed meanwhile.
select is(pg_temp.imported('tables', '{"more":true,"rows":[{"id":"1","number":1,"seats":2,"status":"available"}]}'),
          'created 1 completed 0 kept 0 total 2 mastered false', 'the first piece');
select is(pg_temp.state() ->> 'mastered', '[]', 'a list that was cut off is none');
select is(pg_temp.imported('tables', '{"rows":[{"id":"5","number":5,"seats":6,"status":"available","area":"Hall"},'
                           '{"id":"8","number":8},{"id":1,"number":1,"seats":2,"status":"available"}]}'),
          'created 0 completed 1 kept 2 total 2 mastered true', 'the last one');
select is(pg_temp.newest() ->> 'kind', 'tables', 'tablets are told to fetch it');
select is(pg_temp.state() ->> 'mastered', '["tables"]', 'it is one now');
select is((select string_agg(concat_ws(' ', t ->> 'id', t ->> 'seats', t ->> 'status', t ->> 'area'), ', ')
             from json_array_elements(pg_temp.state() -> 'tables') t), '1 2 available, 5 4 occupied Hall',
          'what is newer than the file stays; what was deleted stays deleted');
select is(pg_temp.imported('tables', '{"replace":true,"rows":[{"id":"5","number":5},{"id":"8","number":8}]}'),
          'created 0 completed 2 kept 0 total 3 mastered true', 'exactly what is sent');
select is((select string_agg(concat_ws(' ', t ->> 'id', t ->> 'seats', t ->> 'status', t ->> 'area'), ', ')
             from json_array_elements(pg_temp.state() -> 'tables') t), '1 2 available, 5 0 available, 8 0 available',
          'is there');
select is(pg_temp.imported('categories', '{"categories":["Noodles","Rice"]}'),
          'created 2 completed 0 kept 0 total 2 mastered true', 'names, in the form of the page''s own file');
select is(pg_temp.imported('menuItems', '{"menuItems":[{"id":"1","name":"Ramen","price":2500}]}'),
          'created 1 completed 0 kept 0 total 1 mastered true', 'dishes');
select is(pg_temp.imported('settings', '{"settings":{"currency":"MMK","taxRate":5}}'),
          'created 1 completed 0 kept 0 total 1 mastered true', 'settings');
select is(pg_temp.imported('settings', '{"settings":{"currency":"EUR","theme":"dark"}}'),
          'created 0 completed 1 kept 0 total 1 mastered true', 'what is missing is added');
select is(pg_temp.state() ->> 'settings', '{"currency":"MMK","taxRate":5,"theme":"dark"}', 'and no more');
select is(pg_temp.imported(v.kind, v.body), v.wanted, v.wanted)
  from (values ('users', '{"rows":[]}', '400 UNKNOWN_TYPE'),
               ('orders', '{"rows":[]}', '400 UNKNOWN_TYPE'),
               ('tables', '{}', '400 VALIDATION_ERROR'),
               ('tables', '{"rows":{}}', '400 VALIDATION_ERROR'),
               ('tables', '{"rows":[{"id":"20"},7]}', '400 VALIDATION_ERROR 1'),
               ('tables', '{"rows":[{"id":"20"},{"number":3}]}', '400 MISSING_ID 1'),
               ('tables', '{"rows":[{"id":"20"},{"id":"21","seats":-1}]}', '400 VALIDATION_ERROR 1'),
               ('tables', '{"rows":[{"id":"20"},{"id":"21"},{"id":20}]}', '400 DUPLICATE_ID 2'),
               ('menu_items', '{"rows":[{"id":"20","options":[' || repeat('{},', 4999) || '{}]}]}', '400 VALIDATION_ERROR'),
               ('settings', '{"rows":[{},{}]}', '400 VALIDATION_ERROR')) v(kind, body, wanted);
select is(count(*), 0::bigint, 'nothing of a refused list is kept')
  from pos.tables t where t.tenant_id = :alpha and t.id in ('20', '21');
select is((pos.call('list_import', pg_temp.ctx('{"kind":"tables"}', jsonb_build_object('scope', 'platform', 'tenant', 'beta',
                'keyHash', pg_temp.key_hash('beta', 'platform'))), '{"rows":[]}')).body::json #>> '{error,code}',
          'EMPTY_LIST', 'an empty list would empty every tablet');

-- A row that is new in such a list, by whomever; and no other.
select is(pg_temp.tablet('{"kind":"tables","action":"created","data":{"id":"table_1","number":9}}'), 'applied 1', 'added');
select is(pg_temp.newest() ->> 'joinsList', 'true', 'joins it');
select is(pg_temp.tablet('{"kind":"tables","action":"updated","data":{"id":"table_1","seats":3}}'), 'applied 2', 'changed');
select is(pg_temp.newest() ->> 'joinsList', null, 'is in it');
insert into pos.tables (tenant_id, id, number) values (:alpha, 'sql', '10');
select pg_temp.commit() \g /dev/null
select is(pg_temp.newest() ->> 'joinsList', 'true', 'joins it by plain SQL too');
select is(regexp_replace((pos.call('minipos_state', pg_temp.ctx('{}'), '{"list":"categories"}')).body, '"seq":\d+', 'S'),
          '{"categories":["Noodles","Rice"],S,"mastered":["categories","menuItems","settings","tables"]}', 'one list');
select lives_ok($$select pos.mastered_set('beta', 'tables', true)$$, 'an operator may say so');
select lives_ok($$select pos.mastered_set('beta', 'tables', false)$$, 'and take it back');
select throws_ok($$select pos.mastered_set('beta', 'stock', true)$$, '23514', null, 'there is no such list');
select throws_ok($$select pos.mastered_set('nobody', 'tables', true)$$, 'P0002', null, 'nor such a tenant');

-- A picture is kept once, and its name is in rows, events and logs.
create temp table photo as select 'data:image/jpeg;base64,' || repeat('QUJD', 25000) as url;
select is(pg_temp.tablet(format('{"kind":"menu_items","action":"updated","data":{"id":"1","image":"%s"}}', url)),
          'applied 2', 'a photo') from photo;
select is(pg_temp.tablet(format('{"kind":"tables","action":"updated","data":{"id":"1","status":"occupied","orderItems":['
                                '{"id":"a","quantity":1,"menuItem":{"id":"1","name":"Ramen","image":"%s"}},'
                                '{"id":"b","quantity":1,"menuItem":{"id":"2","image":"%s"}}]}}', url, url)),
          'applied 2', 'and again, twice') from photo;
select is(count(*) || ' ' || max(p.bytes), '1 100023', 'kept once') from pos.picture p where p.tenant_id = :alpha;
select cmp_ok(max(octet_length(e.data::text)), '<', 2000, 'no event has it') from pos.event e where e.tenant_id = :alpha;
select is(pg_temp.state() #>> '{menuItems,0,image}', url, 'a tablet is shown it'),
       is(pg_temp.state() #>> '{tables,0,orderItems,1,menuItem,image}', url, 'wherever it was'),
       is((pos.call('event_shown', pg_temp.ctx('{}'), format('{"seq":%s}', pg_temp.head())::json)).body::json
              #>> '{event,data,row,orderItems,0,menuItem,image}', url, 'in the event too'),
       is((pg_temp.call('cloudsync_data', '{}')).body::json #>> '{menu_items,0,image_url}', url, 'and a till')
  from photo;
select is(pg_temp.tablet(format('{"kind":"menu_items","action":"updated","data":{"id":"1","image":"%s"}}', url)),
          'unchanged 2', 'the same picture is no change') from photo;
select is((pos.call('event_shown', pg_temp.ctx('{}'), '{"seq":999999}')).status, 404, 'no such event');
create temp table piece as
    select v.given, v.cut, pos.without_pictures(:alpha, v.given) as kept
      from (values ('{"a":"data:x"}', false),
                   ('{"a":"data:' || repeat('x', 3000) || '"}', true),
                   ('["data:' || repeat('y', 3000) || '","data:' || repeat('y', 3000) || '"]', true),
                   ('{"a":"said \"data:' || repeat('x', 3000) || '"}', false),
                   ('{"a":"data:' || repeat('x', 3000) || '\n"}', false),
                   ('{"a":"' || repeat('z', 3000) || '","b":"data:,"}', false)) v(given, cut);
select ok(pos.with_pictures(:alpha, t.kept) = t.given, left(t.given, 20)), is(t.kept <> t.given, t.cut, 'and what is kept')
  from piece t;
-- A row may grow in steps, and its pictures count.
select is(pg_temp.tablet(format('{"kind":"menu_items","action":"updated","data":{"id":"1","note":"%s"}}',
                                repeat('x', 4000000))), 'applied 3', 'long');
select is(pg_temp.tablet(format('{"kind":"menu_items","action":"updated","data":{"id":"1","image":"data:%s"}}',
                                repeat('x', 300000))), '400 ROW_TOO_LARGE 0', 'together too long');
select matches((pg_temp.change(format('{"kind":"menu_items","action":"updated","data":{"id":"1","image":"data:%s"}}',
                                      repeat('x', 300000)), '{}', 'minipos')).body, '4 MiB \(4194304 bytes\)', 'and why');

-- Two tablets have drawn the same id.
create function pg_temp.sale(device text, id text, at text, total text, items text default '[]') returns text language sql as $$
    select concat_ws(' ', a.body::json #>> '{changes,0,result}', a.body::json #>> '{changes,0,id}')
      from pg_temp.change(format('{"kind":"orders","action":"upsert","data":{"id":"%s","tableNumber":3,"customerName":'
               '"Walk-in Customer","status":"completed","total":%s,"items":%s,"createdAt":"%s"}}', id, total, items, at),
               jsonb_build_object('device', device), 'minipos') a
$$;
select is(pg_temp.sale('c1', 'POS-1', '2026-01-05T18:00:00.001Z', '10'), 'applied POS-1', 'a sale');
select is(pg_temp.sale('c1', 'POS-1', '2026-01-05T18:00:00.001Z', '10'), 'unchanged POS-1', 'sent again');
select is(pg_temp.sale('c2', 'POS-1', '2026-01-05T18:00:00.001Z', '10'), 'unchanged POS-1', 'as another was shown it');
select is(pg_temp.sale('c2', 'POS-1', '2026-01-05T18:30:00Z', '10'), 'unchanged POS-1', 'with the same content');
select is(pg_temp.sale('c2', 'POS-1', '2026-01-05T18:30:00Z', '25'), 'applied POS-1-2', 'another sale');
select is(pg_temp.newest() ->> 'drawnId', 'POS-1', 'its tablet has to know');
select is(pg_temp.sale('c2', 'POS-1', '2026-01-05T18:30:00Z', '25'), 'unchanged POS-1-2', 'sent again');
select is(pg_temp.sale('c3', 'POS-1', '2026-01-05T17:00:00Z', '7'), 'applied POS-1-3', 'one that was made earlier');
select is(pg_temp.sale('c1', 'POS-1', '2026-01-05T18:00:00.001Z', '12'), 'applied POS-1', 'its own tablet corrects it');
select is(string_agg(o.id || ' ' || o.total_amount, ', ' order by o.id), 'POS-1 12.00, POS-1-2 25.00, POS-1-3 7.00', 'all are kept')
  from pos.orders o where o.tenant_id = :alpha;
select is(pg_temp.tablet('{"kind":"orders","action":"clear"}'), 'applied', 'the history is cleared');
select is(pg_temp.sale('c1', 'POS-1', '2026-01-05T20:00:00Z', '9'), 'applied POS-1-4', 'and the tablet begins again at 1');
select is(pg_temp.sale('c2', 'POS-1', '2026-01-05T20:00:07Z', '9'), 'unchanged POS-1-4', 'which another tablet completes as well'),
       is(pg_temp.sale('c2', 'POS-1', '2026-01-05T20:00:09Z', '4'), 'applied POS-1-5', 'but another sale is another sale'),
       is(pg_temp.sale('c1', 'POS-1', '2026-01-05T20:00:30Z', '4'), 'applied POS-1-4', 'and its own tablet corrects it');
-- The page calls methods on all of these.
select is((select string_agg(n || ' ' || json_typeof(o -> n), ' ' order by n)
             from unnest(array['id', 'tableNumber', 'customerName', 'orderDate', 'status', 'total', 'items', 'createdAt']) n),
          'createdAt string customerName string id string items array orderDate string status string tableNumber string '
          'total number', 'texts and lists') from (select pg_temp.state() #> '{orderHistory,0}' as o) s;
update pos.tables set customer = '{"name":"Bo","id":1}', order_items = '[{"name":"Tea","price":3},7]'
 where tenant_id = :alpha and id = '1';
select pg_temp.commit() \g /dev/null
select is(pg_temp.state() #>> '{tables,0,customer}', 'Bo', 'a customer'),
       is(pg_temp.state() #>> '{tables,0,orderItems}', '[{"name":"Tea","price":3,"id":"","quantity":1,"menuItem":{"id":"",'
          '"name":"Tea","price":3,"category":"","description":""}},{"id":"","quantity":1,"menuItem":{"id":"","name":"",'
          '"price":0,"category":"","description":""}}]', 'lines');

-- Online orders are shown when they have been accepted, and stay.
insert into pos.orders (tenant_id, id, customer_name, total_amount, items) values (:alpha, 'w1', 'Ada', 5, '[]');
select is(concat_ws(' ', a.body::json #>> '{changes,0,result}', a.body::json #>> '{changes,0,id}'), 'applied POS-1-6',
          'two tables with one number that one tablet completes are two sales')
  from pg_temp.change('{"kind":"orders","action":"upsert","data":{"id":"POS-1","tableNumber":7,"customerName":"Walk-in Customer",'
           '"status":"completed","total":6,"items":[],"createdAt":"2026-01-05T20:00:40Z"}}', '{"device":"c1"}', 'minipos') a;
create function pg_temp.is_shown(id text) returns boolean language sql as $$
    select exists (select 1 from json_array_elements(pg_temp.state() -> 'orderHistory') o where o ->> 'id' = is_shown.id)
$$;
select is(pg_temp.is_shown('w1'), false, 'nobody has accepted it');
update pos.orders set status = 'confirmed' where tenant_id = :alpha and id = 'w1';
select pg_temp.commit() \g /dev/null
select is(pg_temp.is_shown('w1'), true, 'accepted');
update pos.orders set status = 'cancelled' where tenant_id = :alpha and id = 'w1';
select pg_temp.commit() \g /dev/null
select is(pg_temp.is_shown('w1'), true, 'cancelled afterwards');
insert into pos.orders (tenant_id, id, customer_name, total_amount, items, status) values (:alpha, 'w2', 'Ada', 5, '[]', 'rejected');
select is(pg_temp.is_shown('w2'), false, 'never accepted');
update dinedesk_main.tenants set tablet_orders = 'all' where id = :alpha;
insert into pos.orders (tenant_id, id, customer_name, total_amount, items) values (:alpha, 'w3', 'Ada', 5, '[]');
select pg_temp.commit() \g /dev/null
select is(pg_temp.is_shown('w3'), true, 'where the restaurant wants all'),
       is(pg_temp.newest() ->> 'forTablets', 'true', 'the event says so');

-- Names alone are a list of categories too, and lists keep their order.
select is(pg_temp.imported('categories', '{"rows":["Soups","Mains","Desserts"],"replace":true}'),
          'created 3 completed 0 kept 0 total 5 mastered true', 'names, to replace');
select is((select string_agg(c #>> '{}', ' ' order by n) from json_array_elements(pg_temp.state() -> 'categories') with ordinality x(c, n)
            where c #>> '{}' in ('Soups', 'Mains', 'Desserts')), 'Soups Mains Desserts', 'in the order of the list');
select pg_temp.imported('menu_items', '{"rows":[{"id":"z9","name":"nine"},{"id":"z10","name":"ten"},{"id":"z2","name":"two"}]}');
select is((select string_agg(c ->> 'id', ' ' order by n) from json_array_elements(pg_temp.state() -> 'menuItems') with ordinality x(c, n)
            where c ->> 'id' like 'z%'), 'z9 z10 z2', 'dishes too');
create function pg_temp.dishes() returns text language sql as $$
    select string_agg(c ->> 'id', ' ' order by n) from json_array_elements(pg_temp.state() -> 'menuItems') with ordinality x(c, n)
     where c ->> 'id' like 'z%'
$$;
select pg_temp.imported('menu_items', '{"rows":[{"id":"z5","name":"five"},{"id":"z2","name":"two"}]}') \g /dev/null
select is(pg_temp.dishes(), 'z9 z10 z2 z5', 'what comes later comes behind');
select (r.v ->> 'version')::int as v from json_array_elements(pg_temp.state() -> 'menuItems') r(v) where r.v ->> 'id' = 'z2' \gset
select pg_temp.imported('menu_items', '{"rows":[{"id":"z5","name":"five"},{"id":"z2","name":"two"}],"replace":true}') \g /dev/null
select is(pg_temp.dishes(), 'z9 z10 z5 z2', 'replaced: as in the list'),
       is((select (r.v ->> 'version')::int from json_array_elements(pg_temp.state() -> 'menuItems') r(v) where r.v ->> 'id' = 'z2'),
          :v, 'whoever knew it knows it still');
-- A list that was never handed over, of which tablets have changed rows already.
delete from pos.mastered_list where tenant_id = :alpha and kind = 'menu_items';
select pg_temp.imported('menu_items', '{"rows":[{"id":"z2"},{"id":"z1","name":"one"},{"id":"z9"}],"more":true}') \g /dev/null
select pg_temp.imported('menu_items', '{"rows":[{"id":"z10"},{"id":"z5"}]}') \g /dev/null
select is(pg_temp.dishes(), 'z2 z1 z9 z10 z5', 'the first time its order is the order');

select * from finish();
rollback;
