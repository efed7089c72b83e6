-- shared_state_sql_test.sql - the shared state by plain SQL, its snapshots, and how long things are kept.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();
\ir support/shared_state.sql
create temp table mark (head bigint);
insert into mark values (0);
-- Runs the triggers that wait for the commit, and returns the events since the last call: type, action, version.
create function pg_temp.news() returns text language plpgsql as $$
declare said text;
begin
    perform pg_temp.commit();
    select string_agg(concat_ws(' ', e.type, e.data ->> 'action', e.data ->> 'version'), ', ' order by e.seq) into said
      from pos.event e join dinedesk_main.tenants t on t.id = e.tenant_id
     where t.slug = 'alpha' and e.seq > (select head from mark);
    update mark set head = pg_temp.head();
    return said;
end $$;

-- What a back office writes.
insert into tables (tenant_id, id, number, seats) values (:alpha, 't1', E'1\u001b', 4);
select is((select count(*) from pos.outbox o where o.tenant_id = :alpha), 0::bigint, 'no event before the commit');
select is(pg_temp.news(), 'table.updated created 1', 'one at the commit');
select is(e.origin::text, '{"kind":"sql"}', 'by SQL'),
       is(e.data ->> 'row', '{"id":"t1","version":1,"number":"1","seats":4,"status":"available"}', 'clean'),
       is(e.data ->> 'changed', '{"number":"1","seats":4,"status":"available"}', 'all of it')
  from pos.event e where e.tenant_id = :alpha;
update tables set seats = 5 where tenant_id = :alpha;
update tables set seats = 5 where tenant_id = :alpha;
update tables set status = 'occupied', version = 77, field_versions = '{"x":1}' where tenant_id = :alpha;
select is(pg_temp.news(), 'table.updated updated 2, table.updated updated 3', 'what changes');
select is(pg_temp.newest() ->> 'changed', '{"status":"occupied"}', 'and that only');
delete from tables where tenant_id = :alpha;
select is(pg_temp.news(), 'table.updated deleted 4', 'gone');
select is((select count(*) from pos.tables where tenant_id = :alpha and deleted_at is not null), 1::bigint,
          'its version stays');
update tables set deleted_at = null where tenant_id = :alpha;
select is(pg_temp.news(), 'table.updated created 5', 'back');
select is(pg_temp.newest() ->> 'changed', '{"number":"1","seats":5,"status":"occupied"}', 'as a whole');
delete from tables where tenant_id = :alpha;
delete from tables where tenant_id = :alpha;
select is(pg_temp.news(), 'table.updated deleted 6', 'once');
select is((select count(*) from pos.tables where tenant_id = :alpha), 0::bigint, 'a tombstone can be taken away');
insert into menu_items (tenant_id, id, name, price, details)
    values (:alpha, 'm1', 'Ramen', 9.5, E'{"price":1, "id":7,\n "note":"a\\nb", "tags":[1, 2]}');
select is(pg_temp.news(), 'menu.updated created 1', 'an item');
select is(pg_temp.newest() ->> 'row',
          '{"id":"m1","version":1,"name":"Ramen","price":9.50,"available":true,"note":"a\nb","tags":[1, 2]}',
          'details hide no column');
select is(position(E'\n' in pg_temp.newest()::text), 0, 'one line');
insert into staff (tenant_id, id, name, role, details)
    values (:alpha, 's1', 'Ada', 'manager', '{"pin":"1","phone":{"secret":1,"work":2}}');
select is(pg_temp.news(), 'staff.updated created 1', 'staff');
select is(pg_temp.newest() ->> 'row',
          '{"id":"s1","version":1,"name":"Ada","role":"manager","active":true,"phone":{"work":2}}', 'without secrets');
insert into restaurant_settings (tenant_id, details) values (:alpha, '{"currency":"GBP","id":1}');
update restaurant_settings set details = '{"currency":"EUR","tax":5}' where tenant_id = :alpha;
insert into categories (tenant_id, id) values (:alpha, 'Noodles');
insert into inventory (tenant_id, id, name, stock) values (:alpha, 'i1', 'Rice', 4.5);
insert into printers (tenant_id, id, name, configuration) values (:alpha, 'p1', 'Bar', '{"ip": "10.0.0.1"}');
select is(pg_temp.news(),
          'settings.updated created 1, settings.updated updated 2, category.updated created 1, inventory.updated '
          'created 1, printer.updated created 1', 'all kinds');
select is(r.settings::text || r.settings_version || r.slug, '{"currency":"EUR","tax":5}2alpha', 'restaurants')
  from restaurants r where r.id = :alpha;
select is(string_agg(s.type || ' ' || s.action || coalesce(s.client_id, '-'), ' ' order by s.id desc),
          'printers created- inventory created-', 'in the log')
  from (select * from sync_log where tenant_id = :alpha order by id desc limit 2) s;
select throws_ok(format(v.what, :alpha), v.state, null, v.what)
  from (values ('update pos.menu_items set id = ''x'' where tenant_id = %L', '23001'),
               ('update pos.inventory set stock = -1 where tenant_id = %L', '23514'),
               ('insert into pos.tables (tenant_id, status) values (%L, ''burning'')', '23514'),
               ('insert into pos.tables (tenant_id, seats) values (%L, -1)', '23514'),
               ('update pos.inventory set stock = ''NaN'' where tenant_id = %L', '23514'),
               ('insert into pos.menu_items (tenant_id, price) values (%L, ''-1'')', '23514'),
               ('insert into pos.restaurant_settings (tenant_id, id) values (%L, ''two'')', '23514')) v(what, state);
-- A change of a device is merged with that.
select is(pg_temp.results('{"kind":"menu_items","id":"m1","data":{"price":10},"version":1}'), 'applied 2', 'a device');
update menu_items set price = 11 where tenant_id = :alpha and id = 'm1';
select is(pg_temp.results('{"kind":"menu_items","id":"m1","data":{"price":12},"version":2}'), '409 STALE_VERSION 0',
          'saw not what the back office did');
select is(pg_temp.results('{"kind":"menu_items","id":"m1","data":{"available":false},"version":2}'), 'merged 4',
          'but merges');
select pg_temp.news() \g /dev/null

-- The snapshot for a tablet.
insert into tables (tenant_id, id, number, seats, status, details)
    values (:alpha, 'b', '10', 2, 'cleaning', '{}'),
           (:alpha, 'a', '2', 4, 'occupied', '{"shape":"round"}'),
           (:alpha, 'z', 'Bar', null, 'available', '{}'),
           (:alpha, 'x', '1', 2, 'available', '{}');
update tables set customer = '"Bo"', order_id = 'POS-1', order_items = '[{"id":"i"}]', order_total = 5
 where tenant_id = :alpha and id = 'a';
delete from tables where tenant_id = :alpha and id = 'x';
insert into orders (tenant_id, id, customer_name, total_amount, items, status, order_number, created_at)
    values (:alpha, 'o1', 'Ada', 5, '[]', 'picked_up', 'N1', '2026-07-01T23:30:00Z');
select pg_temp.news() \g /dev/null
select is(a.status, 200, 'a state'),
       is(a.events, null, 'no event'),
       is(a.body,
          '{"tables":[{"id":"a","number":2,"seats":4,"status":"occupied","orderId":"POS-1","customer":"Bo",'
          '"orderItems":[{"id":"i","quantity":1,"menuItem":{"id":"i","name":"","price":0,"category":"",'
          '"description":""}}],"orderTotal":5.00,"version":2,"shape":"round"},{"id":"b","number":10,"seats":2,"status":"occupied","version":1},{"id":"z","number":"Bar","seats":0,"status":"available",'
          '"version":1}],"menuItems":[{"id":"m1","name":"Ramen","price":11.00,"category":"","description":"",'
          '"available":false,"version":4,"note":"a\nb","tags":[1, 2]}],"categories":["Noodles"],'
          '"settings":{"currency":"EUR","tax":5},"orderHistory":[{"id":"o1","orderNumber":"N1","tableNumber":"",'
          '"customerName":"Ada","orderDate":"2026-07-01","status":"served","total":5.00,"items":[],'
          '"createdAt":"2026-07-01T23:30:00.000Z","version":1}],"seq":' || pg_temp.head() || ',"mastered":[]}', 'exactly')
  from pg_temp.call('minipos_state', '{}') a;
select is(a.body, '{"tables":[],"menuItems":[],"categories":[],"settings":null,"orderHistory":[],"seq":0,"mastered":[]}',
          'of a new tenant')
  from pg_temp.call('minipos_state', '{}', null,
                    jsonb_build_object('tenant', 'beta', 'keyHash', pg_temp.key_hash('beta', 'pos'))) a;
-- The snapshot for a till.
select is(a.body::json #>> array['data', v.list], null, 'flat'),
       is(regexp_replace((a.body::json -> v.list)::text, '"(updated|created)_at":"[-0-9T:.]+Z"', '"\1_at":"T"', 'g')::jsonb,
          replace(v.wanted, ':T', ':"T"')::jsonb, v.list)
  from pg_temp.call('cloudsync_data', '{}') a,
       (values ('orders',
                '[{"id":"o1","order_number":"N1","status":"served","type":"pickup","total_amount":5.00,"items":[],'
                '"customer_name":"Ada","customer_phone":"","created_at":T,"updated_at":T,'
                '"restaurant_id":"alpha","version":1}]'),
               ('menu_items',
                '[{"id":"m1","name":"Ramen","description":"","price":11.00,"category":"","category_id":"",'
                '"available":false,"version":4,"updated_at":T,"note":"a\nb","tags":[1, 2]}]'),
               ('inventory',
                '[{"id":"i1","name":"Rice","current_stock":4.5,"low_stock_threshold":0,"low_stock_alert":false,'
                '"version":1,"updated_at":T}]'),
               ('tables',
                '[{"id":"a","number":2,"capacity":4,"seats":4,"status":"occupied","order_id":"POS-1",'
                '"customer_name":"Bo","order_items":[{"id":"i"}],"order_total":5.00,"version":2,"updated_at":T,'
                '"shape":"round"},{"id":"b","number":10,"capacity":2,"seats":2,"status":"cleaning","version":1,'
                '"updated_at":T},{"id":"z","number":"Bar","capacity":0,"seats":0,"status":"available","version":1,'
                '"updated_at":T}]'),
               ('users',
                '[{"id":"s1","name":"Ada","role":"manager","is_active":true,"version":1,"updated_at":T,'
                '"phone":{"work":2}}]'),
               ('printers', '[{"id":"p1","name":"Bar","configuration":{"ip": "10.0.0.1"},"version":1,"updated_at":T}]'),
               ('seq', pg_temp.head()::text)) v(list, wanted);
-- Which orders it has: open ones of any age, and those that changed in the last 24 hours.
set local session_replication_role = replica;
insert into orders (tenant_id, id, id_json, order_number, customer_name, total_amount, items, status, created_at,
                    updated_at)
    select :alpha, s.status || s.days, '"' || s.status || s.days || '"', 'n', 'x', 1, '[]', s.status,
           now() - make_interval(days => s.days), now() - make_interval(days => s.days)
      from (select *
              from unnest(array['new', 'pending', 'confirmed', 'preparing', 'ready', 'picked_up', 'out_for_delivery',
                                'served', 'completed', 'cancelled', 'rejected']) s(status),
                   unnest(array[0, 2]) d(days)) s;
set local session_replication_role = origin;
delete from state_shown; -- made before those orders, which have no events
select is(string_agg(o ->> 'id', ' ' order by o ->> 'id' collate "C"),
          'cancelled0 completed0 confirmed0 confirmed2 new0 new2 o1 out_for_delivery0 out_for_delivery2 pending0 '
          'pending2 picked_up0 picked_up2 preparing0 preparing2 ready0 ready2 rejected0 served0 served2', 'which')
  from json_array_elements((pg_temp.call('cloudsync_data', '{}')).body::json -> 'orders') o;
insert into orders (tenant_id, id, customer_name, total_amount, items, status)
    select :alpha, 'many' || n, 'x', 1, '[]', case when n <= 300 then 'new' else 'completed' end
      from generate_series(1, 600) n;
select pg_temp.news() \g /dev/null
select is(count(*), 620::bigint, 'all of today'), is((x.a).body::json -> 'truncated' ->> 0, null, 'nothing is missing')
  from (select pg_temp.call('cloudsync_data', '{}') as a) x, json_array_elements((x.a).body::json -> 'orders') o
 group by (x.a).body;
-- Old open orders that nobody has closed push nothing out.
set local session_replication_role = replica;
insert into orders (tenant_id, id, id_json, order_number, customer_name, total_amount, items, status, created_at,
                    updated_at)
    select :alpha, 'stale' || n, '"stale' || n || '"', 'n', 'x', 1, '[]', 'pending', now() - make_interval(days => 3, secs => n),
           now() - interval '3 days'
      from generate_series(1, 510) n;
set local session_replication_role = origin;
delete from state_shown;
select is((x.a).body::json ->> 'truncated', 'true', 'it says that some are missing'),
       is((x.p).body::json ->> 'truncated', 'true', 'also in its envelope'),
       is(count(*) filter (where o ->> 'id' not like 'stale%' and o ->> 'id' !~ '^(?!many)[a-z_]+2$'), 612::bigint, 'all of today'),
       is(count(*) filter (where o ->> 'id' like 'stale%' or o ->> 'id' ~ '^(?!many)[a-z_]+2$'), 500::bigint, 'and 500 older ones'),
       ok(bool_or(o ->> 'id' = 'stale1') and not bool_or(o ->> 'id' = 'stale510'), 'the newest of them')
  from (select pg_temp.call('cloudsync_data', '{}') as a,
               pg_temp.call('cloudsync_pull', '{"id":"alpha"}', null, '{"tenant":null}') as p) x,
       json_array_elements((x.a).body::json -> 'orders') o
 group by (x.a).body, (x.p).body;
select is(json_array_length((pg_temp.call('minipos_state', '{}')).body::json -> 'orderHistory'), 200,
          'a tablet gets 200');
-- A snapshot is made once, and again after a change or after a minute.
update state_shown set body = 'made before' where tenant_id = :alpha;
select is((pg_temp.call('minipos_state', '{}')).body, 'made before', 'not made again');
select is(pg_temp.results('{"kind":"tables","id":"late"}'), 'applied 1', 'a change');
select matches((pg_temp.call('minipos_state', '{}')).body, '"id":"late"', 'made again');
update state_shown set body = 'made before', at = now() - interval '61 seconds' where tenant_id = :alpha;
select matches((pg_temp.call('minipos_state', '{}')).body, '"id":"late"', 'too old');
select is(count(*), 1::bigint, 'history by its name')
  from order_history h
   where h.tenant_id = :alpha and h.order_id = 'o1' and h.order_number = 'N1' and h.status = 'picked_up';

-- Housekeeping.
insert into change_seen (tenant_id, change_id, kind, row_id, at)
    values (:alpha, 'old', 'tables', 'x', now() - interval '49 hours'),
           (:alpha, 'new', 'tables', 'x', now() - interval '47 hours');
insert into sync_log (tenant_id, type, action, data, at)
    values (:alpha, 'tables', 'old', '{}', now() - interval '31 days'),
           (:alpha, 'tables', 'new', '{}', now() - interval '29 days');
insert into pos_sync_logs (tenant_id, kind, at)
    values (:alpha, 'old', now() - interval '31 days'), (:alpha, 'new', now() - interval '29 days');
select pos.maintain(t) from unnest(array['sync_log', 'till_log', 'changes', 'states']) t \g /dev/null
select is((select string_agg(change_id, ' ') from change_seen where tenant_id = :alpha), 'new', 'ids of changes');
select is((select string_agg(action, ' ') from sync_log where tenant_id = :alpha and action in ('old', 'new')), 'new',
          'the log');
select is((select string_agg(kind, ' ') from pos_sync_logs where tenant_id = :alpha), 'new', 'and the other one');
select is(s.data ->> 'fields', '["image"]', 'a picture is not logged')
  from pg_temp.change(format('{"kind":"menu_items","id":"pic","data":{"image":"%s"}}', repeat('x', 20000))) x,
       lateral (select * from sync_log l where l.row_id = 'pic') s
   where x.status = 200;

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the log is whole');
select * from finish();
rollback;
