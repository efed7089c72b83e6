-- shared_state_test.sql - the floor, the menu, stock, staff, printers, settings: what devices change of them.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();
\ir support/shared_state.sql

-- One row, in full.
create temp table t as
    select pg_temp.change('{"kind":"tables","action":"add","data":{"id":"t1","number":1,"seats":4,'
                          '"status":"available","shape":"round","x":1e400}}') as a;
select is(pg_temp.outcome(t.a), '200', 'a new table'),
       matches((t.a).body,
               '^\{"status":"success","synced_changes":1,"changes":\[\{"index":0,"result":"applied",'
               '"kind":"tables","id":"t1","version":1,"seq":\d+\}\],"timestamp":"[-0-9T:.]+Z","seq":\d+\}$',
               'the answer, exactly'),
       matches((t.a).events[1],
               '^\{"seq":\d+,"type":"table\.updated","at":"[^"]+","origin":\{"kind":"socket","device":"till-1",'
               '"session":"s-1","requestId":"req-1","action":"add"\},"data":\{"kind":"tables","action":"created","id":"t1",'
               '"version":1,"changed":\{"number":"1","seats":4,"status":"available","shape":"round","x":1e400\},'
               '"row":\{"id":"t1","version":1,"number":"1","seats":4,"status":"available","shape":"round",'
               '"x":1e400\},"words":\{"seats":\["seats"\],"number":\{"number":1\},'
               '"updatedAt":\{"updated_at":"[-0-9T:.]+Z"\}\},"at":"[-0-9T:.]+Z"\}\}$', 'the event, exactly'),
       is((t.a).body::json ->> 'seq', (t.a).events[1]::json ->> 'seq', 'the head')
  from t;
select is(pg_temp.results('{"kind":"tables","action":"update","id":"t1","data":{"id":"t1","number":"1",'
                          '"seats":"4","status":"TableStatus.available","shape":"round"}}'), 'unchanged 1',
          'the same in other words');
select is(pg_temp.results('{"kind":"tables","action":"occupied","id":"t1","data":{"orderId":"POS-1",'
                          '"customer":"Ada","order_items":"[{\"id\":\"i\",\"quantity\":2}]","orderTotal":12.5}}'),
          'applied 2', 'guests');
select is(pg_temp.newest() ->> 'action', 'occupied', 'as the device said');
select is(pg_temp.newest() ->> 'changed',
          '{"orderId":"POS-1","customer":"Ada","orderItems":[{"id":"i","quantity":2}],"orderTotal":12.50,'
          '"status":"occupied"}', 'what changed');
select is(pg_temp.newest() ->> 'row',
          '{"id":"t1","version":2,"number":"1","seats":4,"status":"occupied","orderId":"POS-1","customer":"Ada",'
          '"orderItems":[{"id":"i","quantity":2}],"orderTotal":12.50,"shape":"round","x":1e400}', 'the whole row');
select is(pg_temp.results('{"kind":"tables","action":"update","data":{"id":"t1","number":1,"seats":4,'
                          '"status":"available"}}'), 'applied 3', 'they leave');
select is(pg_temp.newest() ->> 'changed',
          '{"status":"available","orderId":null,"customer":null,"orderItems":null,"orderTotal":null}',
          'and take with them what was theirs');
select is(pg_temp.results('{"kind":"tables","action":"available","id":"t1"}'), 'unchanged 3', 'free already');
select is(pg_temp.results('{"kind":"tables","action":"cleaning","id":"t1","data":{"status":"available",'
                          '"shape":null}}'), 'applied 4', 'the action says it');
select is(pg_temp.newest() #>> '{row,status}', 'cleaning', 'cleaning');
select is(pg_temp.newest() #> '{row,shape}' ->> 0, null, 'null is kept where there is no column');
select is(pg_temp.results('{"kind":"tables","action":"reserved","id":"t1",'
                          '"data":{"reservationTime":"2026-01-05T19:00","customer":{"name":"Bo"}}}'), 'applied 5',
          'reserved');
select is(s.type || ' ' || s.action || ' ' || s.row_id || ' ' || s.version || ' ' || s.client_id || ' ' || s.data,
          'tables reserved t1 5 till-1 {"reservationTime":"2026-01-05T19:00","customer":{"name":"Bo"},'
          '"status":"reserved"}', 'in the log')
  from pos.sync_log s where s.tenant_id = :alpha order by s.id desc limit 1;
select is(count(*), 5::bigint, 'a line for each change') from pos.sync_log s where s.tenant_id = :alpha;
select is(r.field_versions::text,
          '{"status":5,"orderId":3,"customer":5,"orderItems":3,"orderTotal":3,"shape":4,"reservationTime":5}',
          'who is how old'),
       is(r.updated_by, 'till-1', 'by whom')
  from pos.tables r where r.tenant_id = :alpha;

-- Deleted and made again.
select is(pg_temp.results('{"kind":"tables","action":"deleted","id":"t1"}'), 'applied 6', 'gone');
select is(pg_temp.newest() ->> 'action', 'deleted', 'told');
select is(pg_temp.newest() #>> '{row,version}', '6', 'the last one');
select is(pg_temp.results('{"kind":"tables","action":"delete","data":{"id":"t1"}}'), 'unchanged 6', 'once');
select is(pg_temp.results('{"kind":"tables","action":"deleted","id":"nope"}'), 'unchanged 0', 'what never was');
select is(pg_temp.results('{"kind":"tables","action":"created","id":"t1","data":{"number":2}}'), 'applied 7', 'made again');
select is(pg_temp.newest() ->> 'row', '{"id":"t1","version":7,"number":"2","status":"available"}',
          'without what it had');
select is(pg_temp.newest() ->> 'action', 'created', 'created');
select is(pg_temp.results('{"kind":"tables","action":"removed","id":"t1"}'), 'applied 8', 'gone again');
select is(pg_temp.results('{"kind":"tables","action":"updated","id":"t1","data":{"seats":3}}'), 'applied 9',
          'an update brings it back');
select is(pg_temp.newest() ->> 'row', '{"id":"t1","version":9,"number":"2","seats":3,"status":"available"}',
          'with what it had');
select is(pg_temp.newest() ->> 'action', 'updated', 'in the word of the device');

-- The other kinds, in the words of both dialects.
select is(pg_temp.results('{"kind":"menu_items","action":"updated","id":"m1","data":{"name":"Ramen","price":9.5,'
                          '"category_id":"Noodles","is_available":1,"updated_at":"2026",'
                          '"image_url":"https://example.com/r.png","spice":2}}'), 'applied 1', 'an item');
select is(pg_temp.newest() ->> 'row',
          '{"id":"m1","version":1,"name":"Ramen","price":9.50,"category":"Noodles",'
          '"image":"https://example.com/r.png","available":true,"spice":2}', 'one name each');
select is(pg_temp.newest() ->> 'action', 'updated', 'that it was not there is our affair');
select is(pg_temp.results('{"kind":"menu_items","action":"update_item","data":{"id":"m1","name":"Ramen",'
                          '"price":9.50,"category":"Noodles","description":""}}'), 'applied 2', 'a tablet''s words');
select is(pg_temp.newest() ->> 'changed', '{"description":""}', 'only that is new');
select is(pg_temp.newest() ->> 'action', 'updated', 'an update');
select is(pg_temp.results('{"kind":"menu_items","action":"add_item","data":{"id":"m1","name":"Ramen 2"}}'),
          'applied 3', 'added though it is there');
select is(pg_temp.newest() ->> 'action', 'updated', 'no second one');
select is(pg_temp.results('{"kind":"menu_items","action":"availability_changed","id":"m1",'
                          '"data":{"available":"false"}}'), 'applied 4', 'sold out');
select is(pg_temp.results('{"kind":"menu_items","action":"x-ray","id":"m1","data":{"price":28.815,"tags":["hot"]}}'),
          'applied 5', 'an action that we do not know');
select is(pg_temp.newest() ->> 'action', 'x-ray', 'is passed on');
select is(pg_temp.newest() ->> 'changed', '{"price":28.82,"tags":["hot"]}', 'to the cent');
select is(pg_temp.results('{"kind":"menu_items","action":"updated","id":"m1","data":{"price":28.815,'
                          '"available":null,"image":null}}'), 'applied 6', 'null');
select is(pg_temp.newest() ->> 'changed', '{"available":true,"image":null}', 'takes away, or is what it was at first');
select is(pg_temp.results('{"kind":"categories","action":"add_category","data":{"name":"Noodles"}}'), 'applied 1',
          'a category');
select is(pg_temp.newest() ->> 'row', '{"id":"Noodles","version":1,"name":"Noodles"}', 'is its name');
select is(pg_temp.results('{"kind":"categories","action":"delete_category","data":{"name":"Noodles"}}'), 'applied 2',
          'gone');
select is(pg_temp.newest() ->> 'action', 'deleted', 'told');
select is(pg_temp.results('{"kind":"categories","action":"add_category","data":{"name":"Noodles"}}'), 'applied 3',
          'and back');
select is(pg_temp.results('{"kind":"inventory","action":"stock_changed","id":"i1","data":{"name":"Rice",'
                          '"current_stock":4.5000000001,"min_stock":5,"category":"InventoryCategory.pantry",'
                          '"unit":"kilograms"}}'), 'applied 1', 'stock');
select is(pg_temp.newest() ->> 'row',
          '{"id":"i1","version":1,"name":"Rice","category":"pantry","unit":"kilograms","stock":4.5,'
          '"lowStockThreshold":5,"lowStockAlert":false}', 'in our words');
select is(pg_temp.results('{"kind":"inventory","action":"low_stock_alert","id":"i1","data":{"current_stock":4.5}}'),
          'applied 2', 'an alert is heard');
select is(pg_temp.newest() ->> 'changed', '{"lowStockAlert":true}', 'once');
select is(pg_temp.results('{"kind":"inventory","action":"low_stock_alert","id":"i1","data":{"stock":4.5}}'),
          'unchanged 2', 'not again');
select is(pg_temp.results('{"kind":"inventory","action":"stock_changed","id":"i1","data":{"stock":20}}'), 'applied 3',
          'filled up');
select is(pg_temp.newest() ->> 'changed', '{"stock":20,"lowStockAlert":false}', 'and the alert is over');
select is(pg_temp.results('{"kind":"inventory","action":"item_removed","id":"i1"}'), 'applied 4', 'gone');
select is(pg_temp.newest() ->> 'action', 'item_removed', 'in its words');
select is(pg_temp.results('{"kind":"printers","action":"added","id":"p1","data":{"name":"Kitchen",'
                          '"printer_type":"PrinterType.wifi","config":{"ip":"10.0.0.9"},"assignments":["Noodles"],'
                          '"status":"online"}}'), 'applied 1', 'a printer');
select is(pg_temp.newest() ->> 'row',
          '{"id":"p1","version":1,"name":"Kitchen","type":"wifi","status":"online",'
          '"configuration":{"ip":"10.0.0.9"},"assignment":["Noodles"]}', 'its row');
select is(pg_temp.results('{"kind":"settings","action":"updated","data":{"restaurantName":"Alpha","taxRate":8.5,'
                          '"nested":{"a":1}}}'), 'applied 1', 'settings');
select is(pg_temp.results('{"kind":"settings","data":{"taxRate":9,"nested":{"b":2}}}'), 'applied 2', 'are merged');
select is(pg_temp.newest() ->> 'row',
          '{"id":"settings","version":2,"restaurantName":"Alpha","taxRate":9,"nested":{"b":2}}', 'shallowly');
select is(pg_temp.newest() ->> 'changed', '{"taxRate":9,"nested":{"b":2}}', 'what changed');
select is(string_agg(distinct e.type, ' ' order by e.type),
          'category.updated inventory.updated menu.updated printer.updated settings.updated table.updated', 'types')
  from pos.event e where e.tenant_id = :alpha;

-- Staff: no secret is stored, sent or logged.
create temp table u as
    select pg_temp.change('{"kind":"users","action":"created","id":"u1","data":{"name":"Ada",'
                          '"role":"UserRole.admin","pin":"1234","isActive":true,"Password":"x",'
                          '"profile":{"adminPin":"9","PIN_CODE":1,"note":"pinned","deep":[{"apiToken":"t",'
                          '"k":1}]},"p\u0069n":"5"}}') as a;
select is(pg_temp.outcome(u.a), '200', 'a waiter'),
       is((u.a).body::json ->> 'warnings',
          '[{"code":"SECRET_DROPPED","message":"Passwords, PINs and tokens are not kept.","index":0}]', 'told so'),
       is((u.a).events[1]::json #>> '{data,row}',
          '{"id":"u1","version":1,"name":"Ada","role":"admin","active":true,"profile":{"note":"pinned",'
          '"deep":[{"k":1}]}}', 'clean')
  from u;
select is(s.data::text, '{"name":"Ada","role":"admin","active":true,"profile":{"note":"pinned","deep":[{"k":1}]}}',
          'nor in the log')
  from pos.sync_log s where s.tenant_id = :alpha order by s.id desc limit 1;
select is(pg_temp.results('{"kind":"users","action":"updated","id":"u1","data":{"pin":"4321"}}'), 'unchanged 1',
          'a new PIN is no change');
select is(pos.is_secret(v.name), v.wanted, v.name)
  from (values ('password', true),
               ('PASSWORD', true),
               ('hashedPassword', true),
               ('pin', true),
               ('userPin', true),
               ('pinCode', true),
               ('userpin', true),
               ('passCode', true),
               ('access_token', true),
               ('clientSecret', true),
               ('pin2', true),
               ('PIN', true),
               ('shipping', false),
               ('spin', false),
               ('name', false),
               ('pinned', false),
               ('opinion', false),
               ('role', false)) v(name, wanted);
select is(pg_temp.results('{"kind":"settings","data":{"wifiPassword":"guests"}}'), 'applied 3',
          'settings may have one');
select is(s.data::text, '{}', 'the log does not')
  from pos.sync_log s where s.tenant_id = :alpha order by s.id desc limit 1;

-- The same change again.
select is(pg_temp.results('{"kind":"tables","action":"occupied","id":"t2","changeId":"c1"}'), 'applied 1', 'first');
select is(pg_temp.results('{"kind":"tables","action":"occupied","id":"t2","changeId":"c1"}'), 'repeated 1', 'again');
select is(pg_temp.results('{"kind":"tables","action":"available","id":"t2","changeId":"c2"}'), 'applied 2', 'another');
select is(pg_temp.results('{"kind":"tables","action":"occupied","id":"t2","changeId":"c1"}'), 'repeated 2',
          'late, and still known');
select is(pg_temp.results('{"kind":"tables","action":"occupied","id":"t3","changeId":"c1"}'), 'applied 1',
          'of another row');
select is(pg_temp.results('{"kind":"tables","id":"t4","changeId":7},{"kind":"tables","id":"t4","data":{"seats":2},'
                          '"changeId":"7"}'), 'applied 1, repeated 1', 'twice in a batch');
select is((x.body::json ->> 'synced_changes'), '2', 'repeats count')
  from pg_temp.change('{"kind":"tables","id":"t4","changeId":7},{"kind":"tables","id":"t4"}') x;

-- Devices that were offline.
select is(pg_temp.results(v.changes), v.wanted, v.what)
  from (values ('{"kind":"menu_items","action":"created","id":"o1","data":{"name":"Soup","price":5,"category":"A"}}',
                'applied 1', 'version 1'),
               ('{"kind":"menu_items","id":"o1","data":{"price":6},"version":1}', 'applied 2', 'one device'),
               ('{"kind":"menu_items","id":"o1","data":{"name":"Soup of the day","category":"A"},"version":1}',
                'merged 3', 'another one, another field'),
               ('{"kind":"menu_items","id":"o1","data":{"price":6,"name":"Soup of the day"},"version":1}',
                'unchanged 3', 'both came to the same')) v(changes, wanted, what);
select is(pg_temp.outcome(x), '409 STALE_VERSION', 'a third one collides'),
       is(x.body::json #>> '{error,details}',
          '{"index":0,"kind":"menu_items","id":"o1","fields":["price"],"current":{"id":"o1","version":3,'
          '"name":"Soup of the day","price":6.00,"category":"A","available":true},"yours":{"category":"B",'
          '"price":7.00}}', 'both sides')
  from pg_temp.change('{"kind":"menu_items","id":"o1","data":{"category":"B","price":7},"version":1}') x;
select is(pg_temp.results(v.changes), v.wanted, v.what)
  from (values ('{"kind":"menu_items","id":"o1","data":{"price":7},"version":3}', 'applied 4',
                'with the version that there is'),
               ('{"kind":"menu_items","id":"o1","data":{"price":8},"version":99}', '409 STALE_VERSION 0',
                'of a version that never was'),
               ('{"kind":"menu_items","action":"deleted","id":"o1","version":3}', '409 STALE_VERSION 0',
                'deleting what changed since'),
               ('{"kind":"menu_items","id":"o1","data":{"price":8}}', 'applied 5',
                'without a version the last one wins'),
               ('{"kind":"menu_items","action":"deleted","id":"o1","version":5}', 'applied 6', 'deleted'),
               ('{"kind":"menu_items","id":"o1","data":{"price":9},"version":5}', '409 STALE_VERSION 0',
                'a change of what is gone'),
               ('{"kind":"menu_items","id":"new","data":{"price":9},"version":0}', 'applied 1', 'a new one'),
               ('{"kind":"menu_items","id":"new","data":{"price":10},"version":0}', '409 STALE_VERSION 0',
                'made by two'),
               ('{"kind":"menu_items","id":"new","data":{"price":9.0,"name":"New"},"version":0}', 'merged 2',
                'who knew different things of it')) v(changes, wanted, what);
select is(x.body::json #>> '{error,details,current,deleted}', 'true', 'it says that it is gone')
  from pg_temp.change('{"kind":"menu_items","id":"o1","data":{"price":9},"version":5}') x;

-- All changes of a batch are made, or none.
select is(pg_temp.results('{"kind":"tables","id":"b1","data":{"seats":2}},{"kind":"inventory","id":"b2",'
                          '"data":{"stock":-1}}'), '400 VALIDATION_ERROR 1 stock', 'the second is bad');
select is((select count(*) from pos.tables r where r.tenant_id = :alpha and r.id = 'b1'), 0::bigint, 'nothing is done');
select is(pg_temp.results('{"kind":"tables","id":"b1","changeId":"kept","data":{"seats":2}},{"kind":"menu_items",'
                          '"id":"o1","data":{"price":1},"version":1}'), '409 STALE_VERSION 1', 'the second collides');
select is(pg_temp.results('{"kind":"tables","id":"b1","changeId":"kept","data":{"seats":2}}'), 'applied 1',
          'and its first was not remembered');
select is(pg_temp.results('{"kind":"tables","id":"b1","data":{"seats":3}},{"kind":"menu_items","id":"b3",'
                          '"data":{"price":1}},{"kind":"tables","id":"b1","data":{"seats":4}},{"kind":"tables",'
                          '"action":"deleted","id":"b1"},{"kind":"tables","action":"created","id":"b1"}'),
          'applied 2, applied 1, applied 3, applied 4, applied 5', 'in its order');
select is(pg_temp.results(''), null, 'nothing to do');
select is(pg_temp.types_after(pg_temp.head() - 5),
          'table.updated menu.updated table.updated table.updated table.updated', 'and told in it');

-- Wrong changes.
select is(pg_temp.results(v.change), v.wanted, left(v.change, 100))
  from (values ('7', '400 VALIDATION_ERROR 0 changes'),
               ('{"id":"x"}', '400 UNKNOWN_TYPE 0 kind'),
               ('{"kind":"moods","id":"x"}', '400 UNKNOWN_TYPE 0 kind'),
               ('{"kind":["tables"],"id":"x"}', '400 UNKNOWN_TYPE 0 kind'),
               ('{"kind":"staff","id":"x"}', '400 UNKNOWN_TYPE 0 kind'),
               ('{"kind":"clear","id":"x"}', '400 UNKNOWN_TYPE 0 kind'),
               ('{"kind":"tables"}', '400 MISSING_ID 0 id'),
               ('{"kind":"tables","id":""}', '400 MISSING_ID 0 id'),
               ('{"kind":"tables","id":null,"data":{"id":null}}', '400 MISSING_ID 0 id'),
               ('{"kind":"tables","id":{"a":1}}', '400 VALIDATION_ERROR 0 id'),
               (format('{"kind":"tables","id":"%s"}', repeat('x', 65)), '400 VALIDATION_ERROR 0 id'),
               ('{"kind":"tables","id":1.5}', '400 VALIDATION_ERROR 0 id'),
               ('{"kind":"categories","action":"add_category","data":{}}', '400 MISSING_ID 0 name'),
               ('{"kind":"categories","data":{"name":" "}}', '400 MISSING_ID 0 name'),
               ('{"kind":"settings","action":"deleted"}', '400 VALIDATION_ERROR 0 action'),
               ('{"kind":"tables","id":"x","action":7}', '400 VALIDATION_ERROR 0 action'),
               (format('{"kind":"tables","id":"x","action":"%s"}', repeat('x', 65)), '400 VALIDATION_ERROR 0 action'),
               ('{"kind":"tables","id":"x","data":[]}', '400 VALIDATION_ERROR 0 data'),
               ('{"kind":"tables","id":"x","version":-1}', '400 VALIDATION_ERROR 0 version'),
               ('{"kind":"tables","id":"x","version":1.5}', '400 VALIDATION_ERROR 0 version'),
               ('{"kind":"tables","id":"x","version":{}}', '400 VALIDATION_ERROR 0 version'),
               ('{"kind":"tables","id":"x","changeId":{}}', '400 VALIDATION_ERROR 0 changeId'),
               (format('{"kind":"tables","id":"x","changeId":"%s"}', repeat('x', 201)),
                '400 VALIDATION_ERROR 0 changeId'),
               ('{"kind":"tables","id":"x","data":{"status":"burning"}}', '400 VALIDATION_ERROR 0 status'),
               ('{"kind":"tables","id":"x","data":{"seats":-1}}', '400 VALIDATION_ERROR 0 seats'),
               ('{"kind":"tables","id":"x","data":{"capacity":1e9}}', '400 VALIDATION_ERROR 0 capacity'),
               ('{"kind":"tables","id":"x","data":{"seats":1e131071}}', '400 VALIDATION_ERROR 0 seats'),
               ('{"kind":"tables","id":"x","data":{"seats":true}}', '400 VALIDATION_ERROR 0 seats'),
               (format('{"kind":"tables","id":"x","data":{"number":"%s"}}', repeat('x', 33)),
                '400 VALIDATION_ERROR 0 number'),
               ('{"kind":"tables","id":"x","data":{"orderItems":"[}"}}', '400 VALIDATION_ERROR 0 orderItems'),
               ('{"kind":"tables","id":"x","data":{"orderItems":"[\"\\u0000\"]"}}',
                '400 VALIDATION_ERROR 0 orderItems'),
               ('{"kind":"tables","id":"x","data":{"orderItems":"[\"\\ud800\"]"}}',
                '400 VALIDATION_ERROR 0 orderItems'),
               (format('{"kind":"tables","id":"x","data":{"orderItems":"%s"}}', repeat('[', 100000)),
                '400 VALIDATION_ERROR 0 orderItems'),
               (format('{"kind":"tables","id":"x","data":{"orderItems":"%s%s"}}', repeat('[', 40), repeat(']', 40)),
                '400 VALIDATION_ERROR 0 orderItems'),
               ('{"kind":"tables","id":"x","data":{"orderItems":{"a":1}}}', '400 VALIDATION_ERROR 0 orderItems'),
               ('{"kind":"tables","id":"x","data":{"orderTotal":-1}}', '400 VALIDATION_ERROR 0 orderTotal'),
               ('{"kind":"menu_items","id":"x","data":{"price":-0.5}}', '400 VALIDATION_ERROR 0 price'),
               ('{"kind":"menu_items","id":"x","data":{"price":"dear"}}', '400 VALIDATION_ERROR 0 price'),
               ('{"kind":"menu_items","id":"x","data":{"price":1e9}}', '400 VALIDATION_ERROR 0 price'),
               ('{"kind":"menu_items","id":"x","data":{"name":7}}', '400 VALIDATION_ERROR 0 name'),
               (format('{"kind":"menu_items","id":"x","data":{"name":"%s"}}', repeat('x', 201)),
                '400 VALIDATION_ERROR 0 name'),
               ('{"kind":"menu_items","id":"x","data":{"available":"maybe"}}', '400 VALIDATION_ERROR 0 available'),
               ('{"kind":"inventory","id":"x","data":{"stock":-0.01}}', '400 VALIDATION_ERROR 0 stock'),
               ('{"kind":"inventory","id":"x","data":{"stock":0.0004}}', '400 VALIDATION_ERROR 0 stock'),
               ('{"kind":"menu_items","id":"x","data":{"price":-0.001}}', '400 VALIDATION_ERROR 0 price'),
               ('{"kind":"inventory","id":"x","data":{"current_stock":"NaN"}}', '400 VALIDATION_ERROR 0 current_stock'),
               ('{"kind":"inventory","id":"x","data":{"low_stock_threshold":-5}}',
                '400 VALIDATION_ERROR 0 low_stock_threshold'),
               (format('{"kind":"users","id":"x","data":{"role":"%s"}}', repeat('x', 33)),
                '400 VALIDATION_ERROR 0 role'),
               (format('{"kind":"users","id":"x","data":{"%s":1}}', repeat('k', 201)),
                '400 VALIDATION_ERROR 0 ' || repeat('k', 200)),
               (format('{"kind":"settings","data":{%s}}',
                       (select string_agg(format('"k%s":%s', n, n), ',') from generate_series(1, 1000) n)),
                'applied 4'),
               (format('{"kind":"orders","id":"wide","data":{%s}}',
                       (select string_agg(format('"k%s":%s', n, n), ',') from generate_series(1, 1001) n)),
                '400 VALIDATION_ERROR 0 data'),
               (format('{"kind":"settings","data":{"logo":"%s"}}', repeat('x', 4194304)), '400 ROW_TOO_LARGE 0'),
               (format('{"kind":"menu_items","id":"x","data":{"image":"%s"}}', repeat('x', 390000)), 'applied 1'))
         v(change, wanted);
select is(pg_temp.outcome(pos.call('shared_state_change', pg_temp.ctx('{}'), v.body::json)), v.wanted,
          left(v.body, 60))
  from (values ('{}', '400 VALIDATION_ERROR'),
               ('{"changes":{}}', '400 VALIDATION_ERROR'),
               ('{"changes":[],"dialect":"klingon"}', '400 VALIDATION_ERROR'),
               ('{"changes":[]}', '200'),
               ('[]', '400 INVALID_JSON'),
               (format('{"changes":[%s{"kind":"tables","id":"x"}]}', repeat('{"kind":"tables","id":"x"},', 499)),
                '200'),
               (format('{"changes":[%s{"kind":"tables","id":"x"}]}', repeat('{"kind":"tables","id":"x"},', 500)),
                '400 VALIDATION_ERROR')) v(body, wanted);

-- Tenants can have the same ids, but never share rows; a device may have no name, or that of another device.
select is(x.body::json #>> '{changes,0,version}', '1', 'beta''s own')
  from pg_temp.change('{"kind":"menu_items","id":"m1","data":{"name":"Pie"}}',
                      jsonb_build_object('tenant', 'beta', 'keyHash', pg_temp.key_hash('beta', 'pos'))) x;
select is(r.name, 'Ramen 2', 'alpha''s stays') from pos.menu_items r where r.tenant_id = :alpha and r.id = 'm1';
select is(pg_temp.outcome(x), '200', 'nobody''s device'),
       is(x.events[1]::json ->> 'origin', '{"kind":"socket","session":"s-1","requestId":"req-1"}', 'says none')
  from pg_temp.change('{"kind":"menu_items","id":"m9","data":{"name":"Pie"}}', '{"device":null}') x;
select is(pg_temp.outcome(pos.call('shared_state_change', pg_temp.ctx('{}', '{"scope":"platform"}'), '{"changes":[]}')),
          '403 FORBIDDEN', 'not the platform''s');

-- Gateways of the release before this one know the operation by another name.
select is(pg_temp.outcome(x), '200', 'the old name of the operation')
  from pos.call('house_change', pg_temp.ctx('{}'),
                '{"changes":[{"kind":"menu_items","id":"old","data":{"name":"Old"}}]}') x;
select is(pg_temp.types_after(pg_temp.head() - 1), 'menu.updated', 'does the same');
select is((select r.name from pos.menu_items r where r.tenant_id = :alpha and r.id = 'old'), 'Old', 'to the same rows');

-- Too many rows.
insert into pos.categories (tenant_id, id) select :alpha, 'c' || n from generate_series(1, 10000) n;
select is(pg_temp.results('{"kind":"categories","data":{"name":"one more"}}'), '400 TOO_MANY_ROWS 0',
          'a device that never ends');
select is(pg_temp.results('{"kind":"categories","data":{"name":"c1","sort_order":1}}'), 'applied 2',
          'what is there still changes');

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the log is whole');
select * from finish();
rollback;
