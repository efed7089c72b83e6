-- doctor_test.sql - what an operator is told about the database.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.look(thing text) returns text language sql as $$
    select string_agg(case when d.is_good then 'good' else 'not good' end || ': ' || d.found, ' / ') from pos.doctor() d where d.what = thing
$$;

select is((select count(*) from pos.doctor() d where d.what is null or d.is_good is null or d.found is null or d.advice is null),
          0::bigint, 'everything has an answer and advice');
select is(pg_temp.look('what can be seen'), 'good: everything', 'all is seen');
create role blind;
grant usage on schema pos to blind;
grant execute on function pos.doctor_sight() to blind;
set local role blind;
create temp table sight as select * from pos.doctor_sight();
reset role;
select is((select s.advice from sight s where not s.is_good), 'As a superuser: grant pg_read_all_stats to blind.', 'or it is said that it is not');
select matches(pg_temp.look('connections'), '^good: [0-9]+, [0-9]+ at most', 'there is room');
select is(pg_temp.look('connections of tillwire_gateway'), 'good: 0, 24 at most', 'for each kind of process');
select matches(pg_temp.look('a place for tomorrow''s events'), '^good', 'tomorrow');
select pg_temp.commit() \g /dev/null
select is(pg_temp.look('events of SQL writers'), 'good: none waits', 'nothing waits');
select is(pg_temp.look('devices without a key'), 'good: no restaurant lets them in', 'keys');
select is(pg_temp.look('moves to other cells'), 'good: none is under way', 'moves');
select is(pg_temp.look('synchronous standby'), null, 'none is wanted');

alter role tillwire_gateway connection limit 0;
set local synchronous_commit = off;
select pos.keyless_set('beta', true), pos.tenant_leave('alpha', 2) \g /dev/null
insert into pos.outbox (tenant_id, type, at, data) values (:beta, 'order.created', clock_timestamp() - interval '1 minute', '{}');
do $$ begin
    execute format('drop table pos.%I', 'event_' || to_char((now() at time zone 'UTC')::date + 1, 'YYYYMMDD'));
end $$;
select is(pg_temp.look('connections of tillwire_gateway'), 'good: 0, 0 at most', 'nobody wants any');
select matches(pg_temp.look('durability'), '^not good: synchronous_commit off', 'durability');
select matches(pg_temp.look('events of SQL writers'), '^not good: the oldest waits since 00:01:0', 'an event waits');
select is(pg_temp.look('devices without a key'), 'not good: beta', 'devices without a key');
select is(pg_temp.look('moves to other cells'), 'not good: alpha leaving', 'a move');
select matches(pg_temp.look('a place for tomorrow''s events'), '^not good', 'no place for tomorrow');

select * from finish();
rollback;
