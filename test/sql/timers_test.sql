-- timers_test.sql - what is due happens, once; what fails is tried again; and what belongs to others stays.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

-- "ran 2, failed 0: order.offered", and what is due now, once for all restaurants that have something.
create function pg_temp.run(most int default 100) returns text language sql as $$
    select format('ran %s, failed %s: %s', max(r.ran), max(r.failed),
                  string_agg(r.event::json ->> 'type', ' ' order by (r.event::json ->> 'seq')::bigint) filter (where r.event is not null))
      from pos.timers_run(most) r
$$;
-- A kind whose function does as the number of its step says.
create or replace function pos.timer_order_ladder(t pos.timer) returns text[] language plpgsql as $$
begin
    case t.step
    when 1 then return null;
    when 2 then raise exception 'broken';
    when 3 then raise exception 'locked' using errcode = 'lock_not_available';
    when 4 then
        perform pos.timer_set(t.tenant_id, t.kind, t.object, t.due + interval '1 hour', 1);
        return array[pos.emit(t.tenant_id, 'kitchen.alert', '{"kind":"timer"}', '{}')];
    else
        return array[pos.emit(t.tenant_id, 'kitchen.alert', '{"kind":"timer"}', ('{"of":' || to_json(t.object) || '}')::json)];
    end case;
end $$;

select is(to_regprocedure('pos.timer_' || k.name || '(pos.timer)') is not null, true, k.name || ' has its function') from pos.timer_kinds() k;
select throws_ok($$select pos.timer_act(row('aaaaaaaa-0000-4000-8000-000000000001', 'nothing', 'x', now(), 0, null, 0)::pos.timer)$$, '20000',
                 null, 'a kind without a row reaches nothing');

-- Nothing, and when.
select is(r.tenant_id, null, 'no event'), is(r.next_ms, null, 'none is due'), is(r.ran, 0, 'none was') from pos.timers_run(10) r;
insert into pos.orders (tenant_id, id, customer_name, total_amount, items)
select :alpha, 'o' || n, 'Ada', 1, '[]' from generate_series(1, 9) n;
select pg_temp.commit() \g /dev/null
select pos.timer_set(:alpha, 'order_ladder', 'o1', clock_timestamp() + interval '5 seconds') \g /dev/null
select is(r.ran, 0, 'not yet'), ok(r.next_ms between 4000 and 5000, 'it says when') from pos.timers_run(10) r;
select pos.timer_set(:alpha, 'order_ladder', 'o1', clock_timestamp() - interval '3 seconds') \g /dev/null
select pg_temp.head() as before \gset
select is(r.tenant_id, :alpha::uuid, 'whose it is'), is(r.event::json #>> '{data,of}', 'o1', 'the event'),
       is(r.event::json #>> '{origin,kind}', 'timer', 'of a timer'), is(r.next_ms, null, 'only the last row tells')
  from (select * from pos.timers_run(10) r limit 1) r;
select is(pg_temp.types_after(:'before'), 'kitchen.alert', 'in the log');
select is(pg_temp.run(), 'ran 0, failed 0: ', 'once');
select is((select count(*) from pos.timer), 0::bigint, 'and it is gone');

-- Set again, and cleared.
select pos.timer_set(:alpha, 'order_ladder', 'o1', clock_timestamp() - interval '1 second', 4) \g /dev/null
select is(pg_temp.run(), 'ran 1, failed 0: kitchen.alert', 'one that goes on');
select is(t.step, 1, 'is set again'), ok(t.due between clock_timestamp() + interval '59 minutes' and clock_timestamp() + interval '1 hour', 'an hour from when it was meant')
  from pos.timer t;
select pos.timer_clear(:alpha, 'order_ladder', 'o1'), pos.timer_clear(:alpha, 'order_ladder', 'o1') \g /dev/null
select is((select count(*) from pos.timer), 0::bigint, 'cleared, twice');

-- Of one restaurant and kind at a time, no more than asked for.
select pos.timer_set(:alpha, 'order_ladder', 'o' || n, clock_timestamp() - n * interval '1 second') from generate_series(1, 5) n \g /dev/null
insert into pos.orders (tenant_id, id, customer_name, total_amount, items) values (:beta, 'b1', 'Ada', 1, '[]');
select pg_temp.commit(), pos.timer_set(:beta, 'order_ladder', 'b1', clock_timestamp() - interval '1 millisecond') \g /dev/null
select is((select string_agg(r.event::json #>> '{data,of}', ' ' order by (r.event::json ->> 'seq')::int) from pos.timers_run(2) r), 'o5 o4', 'the oldest two');
select is(r.next_ms, 0::bigint, 'more is due at once') from pos.timers_run(2) r where r.ran is not null;
select is(pg_temp.run(), 'ran 1, failed 0: kitchen.alert', 'the rest');
select is(pg_temp.run(), 'ran 1, failed 0: kitchen.alert', 'the other restaurant''s');

-- What fails is undone, tried again, and stops no other.
select pos.timer_set(:alpha, 'order_ladder', 'o1', clock_timestamp() - interval '9 seconds', 2),
       pos.timer_set(:alpha, 'order_ladder', 'o2', clock_timestamp() - interval '8 seconds', 3),
       pos.timer_set(:alpha, 'order_ladder', 'o3', clock_timestamp() - interval '7 seconds') \g /dev/null
select is(pg_temp.run(), 'ran 3, failed 2: kitchen.alert', 'two fail');
select is(t.failures, 1, 'counted'), ok(t.due > clock_timestamp() + interval '500 milliseconds', 'in a second'),
       ok(t.meant < clock_timestamp() - interval '8 seconds', 'and what it was meant for is known')
  from pos.timer t where t.object = 'o1';
select ok(t.due < clock_timestamp() + interval '110 milliseconds', 'soon, when something was locked') from pos.timer t where t.object = 'o2';
update pos.timer set due = clock_timestamp(), step = 4, failures = 40 where object = 'o1';
select pos.timer_clear(:alpha, 'order_ladder', 'o2') \g /dev/null
select is(pg_temp.run(), 'ran 1, failed 0: kitchen.alert', 'then it goes well');
select ok(t.due between clock_timestamp() + interval '59 minutes 50 seconds' and clock_timestamp() + interval '59 minutes 52 seconds', 'by its own time'),
       is(t.failures, 0, 'and is as new')
  from pos.timer t where t.object = 'o1';
update pos.timer set due = clock_timestamp(), step = 2, failures = 40 where object = 'o1';
select pg_temp.run() \g /dev/null
select ok(t.due between clock_timestamp() + interval '59 seconds' and clock_timestamp() + interval '60 seconds', 'never later than a minute') from pos.timer t;
select pos.timer_clear(:alpha, 'order_ladder', 'o1') \g /dev/null

-- One whose thing is gone goes too.
select pos.timer_set(:alpha, 'order_ladder', 'gone', clock_timestamp() - interval '1 second', 1) \g /dev/null
select is(pg_temp.run(), 'ran 1, failed 0: ', 'without a word');

-- Nothing happens where a restaurant moves: its timers go along.
select pos.timer_set(:alpha, 'order_ladder', 'o1', clock_timestamp() - interval '1 second') \g /dev/null
select pos.tenant_leave('alpha', 2), pos.tenant_freeze('alpha', 2) \g /dev/null
select is(r.ran, 0, 'not of one that is frozen'), is(r.next_ms, null, 'nor does it wait for it') from pos.timers_run(10) r;
select isnt((select c.reads from pos.tenant_copy(:alpha) c where c.name = 'pos.timer' or c.name = 'timer'), null, 'copied');
select pos.tenant_stay('alpha', 2) \g /dev/null
select is(pg_temp.run(), 'ran 1, failed 0: kitchen.alert', 'at once, where it is then');
update dinedesk_main.tenants set status = 'suspended' where slug = 'alpha';
select pos.timer_set(:alpha, 'order_ladder', 'o1', clock_timestamp() - interval '1 second') \g /dev/null
select is(pg_temp.run(), 'ran 1, failed 0: kitchen.alert', 'of a suspended one it happens: what is true does not wait');

select * from finish();
rollback;
