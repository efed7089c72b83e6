-- menu_test.sql - what is not to be had: until when, and how often it still is.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
\ir support/shared_state.sql
select no_plan();

select is(pg_temp.results('{"kind":"menu_items","action":"created","id":"m-1","data":{"name":"Ramen","price":10}},'
                          '{"kind":"menu_items","action":"created","id":"m-2","data":{"name":"Gyoza","price":5}},'
                          '{"kind":"menu_items","action":"created","id":"m-3","data":{"name":"Old","price":5}}'),
          'applied 1, applied 1, applied 1', 'three dishes');
select is(pg_temp.results('{"kind":"menu_items","action":"deleted","id":"m-3"}'), 'applied 2', 'one is gone');
create function pg_temp.say(id text, body text, more jsonb default '{}') returns text language sql as $$
    select pg_temp.try('menu_availability_set', json_build_object('id', id)::text, body, more)
$$;
-- "false 2026… sold out 3": how the list shows it.
create function pg_temp.shown(id text) returns text language sql as $$
    select concat_ws(' ', i ->> 'available', i ->> 'until', i ->> 'reason', i ->> 'quantity')
      from json_array_elements((pg_temp.call('menu_availability', '{}')).body::json -> 'items') i where i ->> 'menuItemId' = id
$$;
create function pg_temp.order_of(items text) returns text language sql as $$
    select pg_temp.try('order_create', '{}', format('{"customerName":"Ada","totalAmount":1,"items":%s}', items))
$$;
-- What the bridge does, at once and once everything that is due by then.
create function pg_temp.later(much interval default '0') returns text language plpgsql as $$
declare
    said text := '';
    one record;
begin
    perform pg_temp.commit();
    update pos.timer set due = due - much;
    update pos.menu_state set until = until - much;
    loop
        for one in select r.event, r.ran from pos.timers_run(100) r loop
            said := concat_ws(' ', nullif(said, ''), (one.event::json #>> '{data,id}') || ' ' || (one.event::json #>> '{data,changed,available}'));
        end loop;
        exit when one.ran = 0;
    end loop;
    return said;
end $$;

-- Off, and on.
create temp table answer as select pg_temp.call('menu_availability_set', '{"id":"m-1"}', '{"available":false,"reason":"no noodles"}') as a;
select is((a).status, 200, 'taken off'),
       is((a).body::jsonb - 'data', '{"success":true,"menuItemId":"m-1","name":"Ramen","available":false,"until":null,"reason":"no noodles",'
          '"quantity":null,"version":2}', 'answered'),
       is(cardinality((a).events), 1, 'one event'), is((a).events[1]::json ->> 'type', 'menu.updated', 'of the menu'),
       is((a).events[1]::json -> 'data' ->> 'changed', '{"available":false}', 'what has changed'),
       is((a).events[1]::json #>> '{data,availability}', '{"until":null,"reason":"no noodles","quantity":null}', 'and why')
  from answer;
select is(available, false, 'in the row that all dialects show') from pos.menu_items where tenant_id = :alpha and id = 'm-1';
select is((pos.menu_items_restaurant_os(:alpha)::json -> 1) ->> 'is_available', 'false', 'Restaurant OS'),
       is(pos.minipos_row(r)::json ->> 'available', 'false', 'MiniPOS')
  from pos.menu_items r where r.tenant_id = :alpha and r.id = 'm-1';
select is(pg_temp.shown('m-1'), 'false no noodles', 'in the list'), is(pg_temp.shown('m-2'), null, 'what is to be had is not');
select is((pg_temp.call('menu_availability_set', '{"id":"m-1"}', '{"available":false}')).events, null, 'said again: no event');
select is(pg_temp.shown('m-1'), 'false', 'but the newest reason');
select is(pg_temp.say('m-1', '{"available":true}'), '200', 'on again'), is(pg_temp.shown('m-1'), null, 'as it was');
select is_empty('select * from pos.menu_state', 'nothing is left'), is_empty('select * from pos.timer', 'no timer');
select is(pg_temp.say('m-1', '{"available":false}', '{"idempotencyKey":"k"}'), '200', 'with a key'),
       is(pg_temp.say('m-1', '{"available":true}'), '200', 'on'),
       is(pg_temp.say('m-1', '{"available":false}', '{"idempotencyKey":"k"}'), '200 replayed', 'the old one again'),
       is(available, true, 'changes nothing') from pos.menu_items where tenant_id = :alpha and id = 'm-1';

-- Bad input.
select is(pg_temp.say(v.id, v.body), v.wanted, v.id || ' ' || v.body)
  from (values ('m-9', '{"available":false}', '404 MENU_ITEM_NOT_FOUND'), ('m-3', '{"available":false}', '404 MENU_ITEM_NOT_FOUND'),
               ('table-1', '{"available":true}', '404 MENU_ITEM_NOT_FOUND'), ('m-1', '{}', '400 INVALID_FIELD'),
               ('m-1', '{"available":"no"}', '400 INVALID_FIELD'), ('m-1', '{"available":0}', '400 INVALID_FIELD'),
               ('m-1', '{"available":false,"until":"tomorrow"}', '400 INVALID_FIELD'),
               ('m-1', '{"available":false,"until":"2020-01-01T00:00:00Z"}', '400 INVALID_FIELD'),
               ('m-1', '{"available":false,"until":"9999-01-01T00:00:00Z"}', '400 INVALID_FIELD'),
               ('m-1', '{"available":false,"until":5}', '400 INVALID_FIELD'),
               ('m-1', '{"available":true,"until":"2999-01-01T00:00:00Z"}', '400 INVALID_FIELD'),
               ('m-1', '{"available":false,"quantity":5}', '400 INVALID_FIELD'), ('m-1', '{"available":true,"quantity":0}', '400 INVALID_FIELD'),
               ('m-1', '{"available":true,"quantity":-1}', '400 INVALID_FIELD'), ('m-1', '{"available":true,"quantity":1.5}', '400 INVALID_FIELD'),
               ('m-1', '{"available":true,"quantity":"5"}', '400 INVALID_FIELD'), ('m-1', '{"available":true,"quantity":1e131071}', '400 INVALID_FIELD'),
               ('m-1', '{"available":true,"quantity":1000001}', '400 INVALID_FIELD'),
               ('m-1', '{"available":false,"reason":"' || repeat('r', 201) || '"}', '400 INVALID_FIELD')) v(id, body, wanted);
select is(pg_temp.say('m-1', '{"available":false}', jsonb_build_object('tenant', 'beta', 'keyHash', pg_temp.key_hash('beta', 'pos'))),
          '404 MENU_ITEM_NOT_FOUND', 'another restaurant''s');
select is(pg_temp.say('m-1', format('{"available":false,"until":"%s"}', to_char(clock_timestamp() + interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))),
          '200', 'a time to come') from (select set_config('timezone', 'UTC', true)) z;

-- It comes back by itself.
select is(pg_temp.later(), '', 'not yet'), is(pg_temp.later('1 hour 1 minute'), 'm-1 true', 'then');
select is(pg_temp.shown('m-1'), null, 'as if nothing had been'), is_empty('select * from pos.menu_state', 'nothing is left');
create function pg_temp.in_an_hour(more text) returns text language sql as $$
    select format('{%s,"until":"%s"}', more, pos.utc(clock_timestamp() + interval '1 hour'))
$$;
select is(pg_temp.say('m-1', pg_temp.in_an_hour('"available":false')), '200', 'off'),
       is(pg_temp.say('m-1', '{"available":false}'), '200', 'off without an end'), is(pg_temp.later('2 hours'), '', 'the end has gone');
select is(pg_temp.say('m-1', pg_temp.in_an_hour('"available":false')), '200', 'off with an end'),
       is(pg_temp.results('{"kind":"menu_items","action":"updated","id":"m-1","data":{"available":true}}'), 'applied 9', 'a tablet turns it on'),
       is(pg_temp.shown('m-1'), null, 'which counts'),
       is(pg_temp.results('{"kind":"menu_items","action":"updated","id":"m-1","data":{"available":false}}'), 'applied 10', 'and off'),
       is(pg_temp.later('2 hours'), '', 'for another reason: it stays'),
       is(pg_temp.shown('m-1'), 'false', 'off'), is(pg_temp.say('m-1', '{"available":true}'), '200', 'on');
select is(pg_temp.say('m-2', pg_temp.in_an_hour('"available":false')), '200', 'off with an end'),
       is(pg_temp.results('{"kind":"menu_items","action":"updated","id":"m-2","data":{"price":6}}'), 'applied 3', 'another price'),
       is(pg_temp.later('2 hours'), 'm-2 true', 'which changes nothing in that');
select is(pg_temp.say('m-2', pg_temp.in_an_hour('"available":false')), '200', 'off with an end'),
       is(pg_temp.results('{"kind":"menu_items","action":"deleted","id":"m-2"}'), 'applied 6', 'deleted meanwhile'),
       is(pg_temp.later('2 hours'), '', 'nothing comes back'), is_empty('select * from pos.menu_state', 'nor is anything left'),
       is(pg_temp.results('{"kind":"menu_items","action":"created","id":"m-2","data":{"name":"Gyoza","price":5}}'), 'applied 7', 'new');

-- Counted. No order asks before something is.
select is(counts_items, false, 'nothing is counted') from dinedesk_main.tenants where id = :alpha;
select is(pg_temp.say('m-1', '{"available":true,"quantity":5}'), '200', 'five'), is(pg_temp.shown('m-1'), 'true 5', 'shown');
select is(counts_items, true, 'so orders look') from dinedesk_main.tenants where id = :alpha;
select is(pg_temp.order_of(v.items), '201', v.items), is(pg_temp.shown('m-1'), v.wanted, 'then ' || v.wanted)
  from (values (1, '[{"menuItemId":"m-1","name":"Ramen, hot","price":1,"quantity":1}]', 'true 4'),
               (2, '[{"name":" RAMEN ","price":1,"quantity":1}]', 'true 3'),
               (3, '[{"menuItemId":"m-2","name":"Ramen","price":1,"quantity":1},{"name":"Gyoza","price":1,"quantity":9}]', 'true 3'),
               (4, '[{"menuItemId":"shop-77","name":"Ramen","price":1,"quantity":0.5}]', 'true 2.5')) v(n, items, wanted);
insert into pos.orders (tenant_id, customer_name, total_amount, items)
values (:alpha, 'Grace', 1, '[{"name":"Ramen","price":1,"quantity":1}]');
select is(pg_temp.later(), '', 'by SQL'), is(pg_temp.shown('m-1'), 'true 1.5', 'too');
select is(pg_temp.results('{"kind":"orders","action":"created","id":"t-1","data":{"items":[{"menuItemId":"m-1","name":"Ramen","price":1,"quantity":1}]}}'),
          'applied 1', 'by a device'), is(pg_temp.shown('m-1'), 'true 0.5', 'too');
select is(pg_temp.order_of('[{"name":"Ramen","price":1,"quantity":2}]'), '201', 'more than there is: the order is taken'),
       is(pg_temp.later(), 'm-1 false', 'and the dish is off'), is(pg_temp.shown('m-1'), 'false sold out 0', 'sold out'),
       is(pg_temp.later('1 day'), '', 'for good');
select is(counts_items, false, 'nothing is counted any more') from dinedesk_main.tenants where id = :alpha;
select is(pg_temp.order_of('[{"name":"Ramen","price":1,"quantity":2}]'), '201', 'ordered all the same'), is(pg_temp.later(), '', 'no change');
select is(pg_temp.results('{"kind":"menu_items","action":"updated","id":"m-1","data":{"available":true}}'), 'applied 13', 'a tablet finds one more'),
       is(pg_temp.shown('m-1'), null, 'without a count'), is(pg_temp.order_of('[{"name":"Ramen","price":1,"quantity":2}]'), '201', 'ordered'),
       is(pg_temp.later(), '', 'as ever');
-- Twelve for tonight; and what comes back with a quantity.
select is(pg_temp.say('m-1', pg_temp.in_an_hour('"available":true,"quantity":1')), '200', 'one until then'),
       is(pg_temp.order_of('[{"name":"Ramen","price":1,"quantity":1}]'), '201', 'the last one'), is(pg_temp.later(), 'm-1 false', 'sold out'),
       is(pg_temp.later('2 hours'), 'm-1 true', 'a new day'), is_empty('select * from pos.menu_state', 'nothing is left');
select is(pg_temp.say('m-1', pg_temp.in_an_hour('"available":true,"quantity":9')), '200', 'nine until then'),
       is(pg_temp.later('2 hours'), '', 'eight were too many'), is(pg_temp.shown('m-1'), null, 'not counted any more');
select is(pg_temp.say('m-1', pg_temp.in_an_hour('"available":false,"quantity":2')), '200', 'two, later'),
       is(pg_temp.order_of('[{"name":"Ramen","price":1,"quantity":1}]'), '201', 'ordered before'), is(pg_temp.later('2 hours'), 'm-1 true', 'it comes back'),
       is(pg_temp.shown('m-1'), 'true 2', 'with two');
select is(counts_items, true, 'counted') from dinedesk_main.tenants where id = :alpha;
select is(pg_temp.order_of('[{"name":"Ramen","price":1,"quantity":2}]'), '201', 'both'),
       is(pg_temp.say('m-1', '{"available":true,"quantity":3}'), '200', 'three more, before anybody has noticed'),
       is(pg_temp.later(), '', 'it stays'), is(pg_temp.shown('m-1'), 'true 3', 'with three');
select * from finish();
rollback;
