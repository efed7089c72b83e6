-- cloudsync_batch_test.sql - changes of a batch that stand alone, and the words in which devices wrote a row.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();
\ir support/shared_state.sql

-- "applied 1, refused UNKNOWN_TYPE".
create function pg_temp.alone(changes text) returns text language sql as $$
    select case when a.status = 200 then (
                    select string_agg(concat_ws(' ', e ->> 'result', coalesce(e ->> 'version', e ->> 'code')), ', ' order by n)
                      from json_array_elements(a.body::json -> 'changes') with ordinality x(e, n))
                else pg_temp.outcome(a) end
      from pos.call('shared_state_change', pg_temp.ctx('{}', '{"kind":"socket","session":"s-1"}'),
                    format('{"dialect":"cloudsync","atomic":false,"changes":[%s]}', changes)::json) a
$$;
create temp table good (n int, change text, wanted text);
insert into good values (1, '{"kind":"tables","id":"t%s","data":{"seats":4},"changeId":"c1"}', 'applied 1'),
                        (2, '{"kind":"inventory","id":"i%s","data":{"current_stock":3},"changeId":"c2"}', 'applied 1');

-- One refused change first, in the middle, and last: the others are made.
select pg_temp.change('{"kind":"orders","id":"done","data":{"status":"completed"}}') \g /dev/null
create temp table bad (n int, change text, code text);
insert into bad values
    (1, '{"kind":"inventory","id":"i","data":{"current_stock":-1},"changeId":"b"}', 'VALIDATION_ERROR'),
    (2, '{"kind":"orders","id":"done","data":{"status":"ready"},"changeId":"b"}', 'INVALID_TRANSITION'),
    (3, '{"kind":"orders","id":"done","data":{"x":1},"version":9}', 'STALE_VERSION'),
    (4, '{"kind":"spaceships","id":"x"}', 'UNKNOWN_TYPE'),
    (5, '{"kind":"tables","data":{"seats":1}}', 'MISSING_ID'),
    (6, '{"kind":"tables","id":"t","data":{"status":"burning"}}', 'VALIDATION_ERROR'),
    (7, '{"kind":"tables","id":"t","data":7}', 'VALIDATION_ERROR'),
    (8, '{"kind":"tables","id":"t","elsewhere":true}', 'PERMISSION_DENIED'),
    (9, format('{"kind":"menu_items","id":"big","data":{"note":"%s"}}', repeat('x', 4300000)), 'ROW_TOO_LARGE'),
    (10, 'null', 'VALIDATION_ERROR'), (11, '7', 'VALIDATION_ERROR'), (12, '[]', 'VALIDATION_ERROR');
select is(pg_temp.alone(v.changes), v.wanted, b.n || ' ' || v.place)
  from bad b, lateral (select format((select change from good where n = 1), b.n || p.place) as first,
                              format((select change from good where n = 2), b.n || p.place) as second, p.place
                         from (values ('first'), ('middle'), ('last')) p(place)) g,
       lateral (values (g.place, case g.place when 'first' then concat_ws(',', b.change, g.first, g.second)
                                              when 'middle' then concat_ws(',', g.first, b.change, g.second)
                                              else concat_ws(',', g.first, g.second, b.change) end,
                        case g.place when 'first' then 'refused ' || b.code || ', applied 1, applied 1'
                                     when 'middle' then 'applied 1, refused ' || b.code || ', applied 1'
                                     else 'applied 1, applied 1, refused ' || b.code end)) v(place, changes, wanted)
 order by b.n, v.place;
select is(count(*), 36::bigint, 'each refusal is logged'),
       is(count(distinct s.refused), 7::bigint, 'by its code'),
       ok(bool_and(s.version is null and s.client_id = 'till-1' and s.data ->> 'message' is not null or s.data ->> 'bytes' is not null),
          'with its message')
  from pos.sync_log s where s.tenant_id = :alpha and s.refused is not null;
select is(s.data ->> 'change', '{"kind":"inventory","id":"i","data":{"current_stock":-1},"changeId":"b"}', 'and what was sent')
  from pos.sync_log s where s.tenant_id = :alpha and s.refused is not null order by s.id limit 1;
select is(pg_temp.alone('{"kind":"users","id":"u","data":{"pin":"4711","role":7}}'), 'refused VALIDATION_ERROR', 'a wrong role');
select is_empty($$select * from pos.sync_log where data::text like '%4711%'$$, 'secrets of refused changes are not logged');

-- The answer.
select is(a.body::json ->> 'synced_changes', '1', 'what is settled'),
       is(a.body::json ->> 'refused_changes', '1', 'what is not'),
       is(a.body::json #>> '{changes,1}',
          '{"index":1,"result":"refused","kind":"tables","id":"t","code":"VALIDATION_ERROR","message":"\"seats\" must be a '
          'whole number from 0 to 1000.","details":{"field":"seats"}}', 'the refusal, exactly')
  from pos.call('shared_state_change', pg_temp.ctx('{}'),
                '{"atomic":false,"changes":[{"kind":"tables","id":"a1"},{"kind":"tables","id":"t","data":{"seats":-4}}]}') a;

-- A refused change is judged again, a stored one is not made again; the repeat of a refused one is refused.
select is(pg_temp.alone('{"kind":"tables","id":"r","version":7,"data":{"seats":1},"changeId":"again"},'
                        '{"kind":"tables","id":"r","version":7,"data":{"seats":1},"changeId":"again"}'),
          'applied 1, repeated 1', 'a version of a row that is new');
select is(pg_temp.alone('{"kind":"tables","id":"r","version":7,"data":{"seats":2},"changeId":"next"},'
                        '{"kind":"tables","id":"r","version":7,"data":{"seats":2},"changeId":"next"}'),
          'refused STALE_VERSION, refused STALE_VERSION', 'of tomorrow, twice');
select is(pg_temp.alone('{"kind":"tables","id":"r","data":{"seats":2},"changeId":"next"}'), 'applied 2', 'judged again');
select is(pg_temp.alone('{"kind":"tables","id":"r","data":{"seats":2},"changeId":"next"}'), 'repeated 2', 'made once');

-- The row that a refused change would have made is made by the next one; a delete before it deletes nothing.
select is(pg_temp.alone(format('{"kind":"menu_items","id":"m","data":{"note":"%s"}},{"kind":"menu_items","id":"m","data":{"price":1}},'
                               '{"kind":"menu_items","id":"m","data":{"price":2}}', repeat('x', 4300000))),
          'refused ROW_TOO_LARGE, applied 1, applied 2', 'the second makes it');
select is(pg_temp.alone('{"kind":"tables","id":"d","action":"deleted"},{"kind":"tables","id":"d","action":"created","data":{"seats":2}}'),
          'unchanged 0, applied 1', 'deleted and made');
select is((select r.deleted_at from pos.tables r where r.tenant_id = :alpha and r.id = 'd'), null, 'it is there');
select is(pg_temp.results('{"kind":"orders","id":"d","action":"deleted"},{"kind":"orders","id":"d","action":"created"}'),
          'unchanged 0, applied 1', 'an order too, in a batch that is atomic');

-- A long list takes several requests: all but the last answer are 102. To go on: with the list again, or with that answer.
create function pg_temp.long_list(size int) returns text language sql as $$
    select concat_ws(' ', pg_temp.outcome(a), a.body::json ->> 'synced_changes', a.body::json ->> 'refused_changes',
                     cardinality(a.events))
      from pg_temp.call('cloudsync_push', '{}', '{"restaurant_id":"alpha","device_id":"d","changes":['
           || (select string_agg(format('{"data_type":"tables","data":{"id":"n%s","seats":%s},"change_id":"n%s"}', n,
                                        case when n > size - 10 then -1 else 4 end, n), ',')
                 from generate_series(1, size) n) || ']}', '{"tenant":null}') a
$$;
select is(pg_temp.long_list(510), '102 UNSETTLED 250', 'the first'), is(pg_temp.long_list(510), '102 UNSETTLED 250', 'the second'),
       is(pg_temp.long_list(510), '200 500 10', 'the last'), is(pg_temp.long_list(510), '200 510', 'and again');
create function pg_temp.go_on(size int, turns int, prefix text default 'g', tenant text default null) returns text
language plpgsql as $$
declare
    a pos.answer := pg_temp.call('cloudsync_push', '{}', '{"restaurant_id":"alpha","device_id":"d","changes":['
        || (select string_agg(format('{"data_type":"tables","data":{"id":"%s%s","seats":4},"change_id":"%1$s%s"}', prefix, n), ',')
              from generate_series(1, size) n) || ']}', '{"tenant":null}');
    told text := pg_temp.outcome(a);
begin
    for turn in 2..turns loop
        a := pg_temp.call('cloudsync_push', '{}', a.body, '{"tenant":null}');
        told := concat_ws(', ', told, concat_ws(' ', pg_temp.outcome(a), a.body::json ->> 'synced_changes', cardinality(a.events)));
    end loop;
    return told || coalesce(': ' || (a.body::json #>> '{error,message}'), '');
end $$;
select is(pg_temp.go_on(510, 3), '102 UNSETTLED, 102 UNSETTLED 250, 200 510 10', 'with the answer');
select is(pg_temp.go_on(510, 3), '200, 400 VALIDATION_ERROR, 400 VALIDATION_ERROR: '
          'Say which restaurant this is for: restaurant_id.', 'an answer that settles is no body');
select is(pg_temp.go_on(510, 2, 'h'), '102 UNSETTLED, 102 UNSETTLED 250: 500 of 510 changes are settled. Send the same list again.',
          'it says how far it is');
select is((select count(*)::int from pos.list_left l where l.tenant_id = :alpha and l.change ->> 'change_id' like 'h%'), 10, 'the rest of this one waits');
select is(pg_temp.go_on(260, 1, h || 'x'), '102 UNSETTLED: 250 of 260 changes are settled. Send the same list again.', 'one of many')
  from unnest(array['i', 'j', 'k', 'l']) h;
select is((select count(distinct l.list_id)::int from pos.list_left l where l.tenant_id = :alpha), 4, 'of many the newest four wait');
select is(pg_temp.try('cloudsync_push', '{}', format('{"restaurant_id":"alpha","device_id":"d","unsettled":%s}', u), '{"tenant":null}'), w, u)
  from (values ('{"list":"0b9e1f5e-93f2-4f1c-8f29-0d8f6c7f8a11","of":9}', '503 UNSETTLED'), ('{"list":"x","of":9}', '400 VALIDATION_ERROR'),
               ('{"list":"0b9e1f5e-93f2-4f1c-8f29-0d8f6c7f8a11","of":-1}', '400 VALIDATION_ERROR'), ('{}', '400 VALIDATION_ERROR'),
               ('null', '400 VALIDATION_ERROR')) v(u, w);
select is(pg_temp.try('cloudsync_push', '{}', format('{"restaurant_id":"beta","device_id":"d","unsettled":{"list":"%s","of":260}}',
          (select max(l.list_id::text) from pos.list_left l where l.tenant_id = :alpha)),
          jsonb_build_object('tenant', null, 'keyHash', pg_temp.key_hash('beta', 'pos'))),
          '503 UNSETTLED', 'of another restaurant: as if there were none');
update pos.list_left set at = now() - interval '61 seconds' where change ->> 'change_id' like 'lx%';
select ok(pos.maintain('lists') > 0 and pos.maintain('lists') = 0, 'nobody comes back for it: it goes');
select is((select count(distinct l.list_id)::int from pos.list_left l where l.tenant_id = :alpha), 3, 'it alone');
select is(pg_temp.try('cloudsync_push', '{}', '{"restaurant_id":"alpha","device_id":"d","changes":['
                      || repeat('{},', 250) || '{}]}', '{"tenant":null}'), '400 VALIDATION_ERROR', 'each has an id then');

-- So does one with much in it: 100 kB of it at a time.
create function pg_temp.large_list(size int, more text default ',"change_id":"l%1$s"') returns text language sql as $$
    select concat_ws(' ', pg_temp.outcome(a), a.body::json ->> 'synced_changes')
      from pg_temp.call('cloudsync_push', '{}', '{"restaurant_id":"alpha","device_id":"d","changes":['
           || (select string_agg(format('{"data_type":"tables","data":{"id":"l%1$s","note":"%2$s"}' || more || '}', n, repeat('x', 30000)), ',')
                 from generate_series(1, size) n) || ']}', '{"tenant":null}') a
$$;
select is(pg_temp.large_list(10), '102 UNSETTLED', 'the first four'), is(pg_temp.large_list(10), '102 UNSETTLED', 'the next'),
       is(pg_temp.large_list(10), '200 10', 'the last'), is(pg_temp.large_list(10, ''), '200 10', 'without ids all at once');

-- And one of orders with many lines: a line is more work than its length says.
create function pg_temp.order_list(size int) returns text language sql as $$
    select concat_ws(' ', pg_temp.outcome(a), a.body::json ->> 'synced_changes', a.body::json #>> '{error,message}')
      from pg_temp.call('cloudsync_push', '{}', '{"restaurant_id":"alpha","device_id":"d","changes":['
           || (select string_agg(format('{"data_type":"orders","data":{"id":"w%1$s","items":[{"name":"A"}%2$s]},"change_id":"w%1$s"}',
                                        n, repeat(',{"name":"A"}', 47)), ',')
                 from generate_series(1, size) n) || ']}', '{"tenant":null}') a
$$;
select is(pg_temp.order_list(30), '102 UNSETTLED 18 of 30 changes are settled. Send the same list again.', 'the first'),
       is(pg_temp.order_list(30), '200 30', 'the last');

-- A device cannot make rows without end: the last that there is place for is made, the next one refused.
set session_replication_role = replica; -- as a restore would put them there
insert into pos.printers (tenant_id, id) select :alpha, 'p' || n from generate_series(1, 9999) n;
set session_replication_role = origin;
select is(pg_temp.alone('{"kind":"printers","id":"q1"},{"kind":"tables","id":"q"},{"kind":"printers","id":"q2"},{"kind":"printers","id":"p7"}'),
          'applied 1, applied 1, refused TOO_MANY_ROWS, unchanged 1', 'the last one');
set session_replication_role = replica;
delete from pos.printers where tenant_id = :alpha and id like 'p%';
set session_replication_role = origin;

-- The words of a row: kept for what the family wrote, and only as long as nobody else has written it.
create function pg_temp.shown(id text) returns json language sql as $$
    select e from json_array_elements((pg_temp.call('cloudsync_data', '{}')).body::json -> 'inventory') e where e ->> 'id' = shown.id
$$;
select is(pg_temp.results('{"kind":"inventory","id":"w","data":{"name":"Rice","currentStock":1.23456,"min_stock":4,'
                          '"category":"InventoryCategory.pantry","updatedAt":"2026-01-05T18:00:00"}}'), 'applied 1', 'written');
select is(r.words::text, '{"category":{"category":"InventoryCategory.pantry"},"lowStockThreshold":["min_stock"],'
          '"stock":{"currentStock":1.23456},"updatedAt":{"updatedAt":"2026-01-05T18:00:00"},"":1}', 'kept')
  from pos.inventory r where r.tenant_id = :alpha and r.id = 'w';
select is((pg_temp.shown('w')::jsonb - 'low_stock_alert')::text,
          '{"id": "w", "name": "Rice", "version": 1, "category": "InventoryCategory.pantry", "min_stock": 4, '
          '"updatedAt": "2026-01-05T18:00:00", "currentStock": 1.23456}', 'shown');
update pos.inventory set stock = 9 where tenant_id = :alpha and id = 'w';
select pg_temp.commit() \g /dev/null
set constraints all deferred;
select is(pg_temp.shown('w') ->> 'currentStock', '9', 'another value, under its name'),
       is(pg_temp.shown('w') ->> 'category', 'InventoryCategory.pantry', 'what was not changed stays'),
       isnt(pg_temp.shown('w') ->> 'updatedAt', '2026-01-05T18:00:00', 'the time is ours then');
select is(pg_temp.results('{"kind":"inventory","id":"w","data":{"current_stock":2,"category":"meat"}}'), 'applied 3', 'others');
select is(pg_temp.shown('w') ->> 'current_stock', '2', 'by another name'), is(pg_temp.shown('w') ->> 'category', 'meat', 'plainly'),
       is(pg_temp.shown('w') -> 'currentStock' ->> 0, null, 'and not by the old one');
select is(pg_temp.results('{"kind":"inventory","id":"w","data":{"stock":3}}', 'minipos'), 'applied 4', 'a tablet');
select is(pg_temp.shown('w') ->> 'current_stock', '3', 'is shown in the words of this family');

-- A refund after the end is told, though no status follows.
select is(pg_temp.results('{"kind":"orders","id":"done","data":{"status":"OrderStatus.refunded"}}'), 'applied 2', 'told');
select is(pg_temp.results('{"kind":"orders","id":"done","data":{"status":"OrderStatus.refunded"}}'), 'unchanged 2', 'once');
select is(o.status, 'completed', 'finished'), is(pos.cloudsync_order(o)::json ->> 'status', 'OrderStatus.refunded', 'and refunded')
  from pos.orders o where o.tenant_id = :alpha and o.id = 'done';

-- Lines come back as they were written; those of an online order keep what the device did not send.
create function pg_temp.lines(id text) returns json language sql as $$
    select pos.cloudsync_order(o)::json -> 'items' from pos.orders o
     where o.tenant_id = 'aaaaaaaa-0000-4000-8000-000000000001' and o.id = lines.id
$$;
select is(pg_temp.results('{"kind":"orders","id":"own","data":{"customer_name":"","items":[{"id":"l1","menuItem":{"name":"Tea"},'
                          '"unitPrice":2.405,"quantity":1,"specialInstructions":"hot","notes":"now"}]}}'), 'applied 1', 'its own order');
select is(pg_temp.lines('own')::text, '[{"id":"l1","menuItem":{"name":"Tea"},"unitPrice":2.405,"quantity":1,'
          '"specialInstructions":"hot","notes":"now"}]', 'exactly');
select is(pg_temp.results('{"kind":"orders","id":"own","data":{"items":[{"id":"l1","quantity":3}]}}'), 'applied 2', 'three');
select is(pg_temp.lines('own') #>> '{0,menuItem,name}', 'Tea', 'what it did not send stays'),
       is(pg_temp.lines('own') #>> '{0,quantity}', '3', 'what it sent is new');
select pg_temp.call('order_create', '{}', '{"orderId":"web","customerName":"Ada","totalAmount":5,"items":[{"id":"a","name":"Ramen",'
                    '"price":5,"quantity":1,"selectedAddons":[{"id":"x","name":"Egg","price":1,"quantity":1}]}]}') \g /dev/null
select is(pg_temp.results('{"kind":"orders","id":"web","data":{"customer_name":"","items":[{"id":"a","name":"Ramen","quantity":2}]}}'),
          'applied 2', 'an online one');
select is(pg_temp.lines('web') #>> '{0,selectedAddons,0,name}', 'Egg', 'its add-ons stay'),
       is(pos.cloudsync_order(o)::json ->> 'customer_name', 'Ada', 'an empty name says nothing')
  from pos.orders o where o.tenant_id = :alpha and o.id = 'web';

-- Every name that is shown may be written.
select is_empty('select * from pos.shared_state_words() w where not w.shown <@ (w.also || w.name)', 'one table, both ways');

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the log is whole');
select * from finish();
rollback;
