-- pos.console_system - GET /api/{tenant}/console/system: the processes, the database, Redis and the bridge.
-- Holds: process_lacks.
-- Caller: pos.call. Inputs: none.
-- Answers: 200 {at, processes: [{kind, instance, version, startedAt, at, ready, why, detail}], database: {version, schema, role,
-- connections, maxConnections, standbys: [{name, state, sync, lagMs}], partitions: {today, tomorrow, oldest}, size}, redis: {state: up,
-- partly, away or unknown; why}, bridge: {leader, since, waiting}}. Processes that were silent for five minutes are
-- left out. `waiting`: this restaurant's changes by plain SQL that have no place in the stream yet, 10000 at most. Of
-- other restaurants nothing is said, nor of hosts: `why` names what a process lacks (process_lacks: database, schema, redis,
-- certificate, draining, starting), and its log and tillctl status say the rest to operators.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.process_lacks(why text) returns text
language plpgsql immutable parallel safe as $$
begin
    return (select string_agg(w.name, ', ' order by w.n)
              from unnest(array['starting', 'draining', 'database', 'schema', 'redis', 'certificate']) with ordinality w(name, n)
             where why ~ ('(^|; )' || w.name || '(:|;|$)'));
end $$;

create or replace function pos.console_system(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    moment timestamptz := clock_timestamp();
    fresh timestamptz := moment - interval '15 seconds';
    redis record;
    leader record;
    waiting bigint;
begin
    perform pos.console_look(c, 'system');
    select count(*) as known, count(*) filter (where p.detail ->> 'redis' = 'up') as up
      into redis
      from pos.process p
     where p.at > fresh and p.detail ->> 'redis' is not null and not pos.process_replaced(p.id);
    select p.instance as name, p.detail ->> 'leaderSince' as since into leader
      from pos.process p where p.kind = 'bridge' and p.at > fresh and p.detail ->> 'leader' = 'true' order by p.at desc limit 1;
    waiting := (select count(*) from (select from pos.outbox o where o.tenant_id = c.tenant_id limit 10000) l);
    return pos.console_answer(c, row_to_json(a)) from (select
        pos.utc(moment) as at,
        array_to_json(array(select row_to_json(q) from (
            select p.kind, p.instance, p.version, pos.utc(p.started_at) as "startedAt", pos.utc(p.at) as at,
                   p.ready and p.at > fresh as ready, case when p.at > fresh then pos.process_lacks(p.why) else 'it has not been heard of' end as why,
                   ('{' || concat_ws(',', '"redis":' || (case when p.detail ->> 'redis' = 'up' then '"up"' when p.detail ->> 'redis' is not null then '"away"' end),
                                     nullif(pos.members_but(p.detail, array['redis']), '')) || '}')::json as detail
              from pos.process p
             where p.at > moment - interval '5 minutes'
               and not exists (select from pos.process n where n.kind = p.kind and n.instance = p.instance and n.at > p.at)
             order by p.kind, p.instance limit 200) q)) as processes,
        (select row_to_json(d) from (select
            current_setting('server_version') as version, pos.schema_version() as schema,
            case when pg_is_in_recovery() then 'standby' else 'primary' end as role,
            (select sum(b.numbackends) from pg_stat_database b) as connections,
            current_setting('max_connections')::int as "maxConnections",
            array_to_json(array(select row_to_json(r) from (
                select s.application_name as name, s.state, s.sync_state as sync,
                       (extract(epoch from s.replay_lag) * 1000)::bigint as "lagMs"
                  from pg_stat_replication s order by s.application_name limit 20) r)) as standbys,
            (select row_to_json(p) from (
                select to_regclass('pos.event_' || to_char((moment at time zone 'UTC')::date, 'YYYYMMDD')) is not null as today,
                       to_regclass('pos.event_' || to_char((moment at time zone 'UTC')::date + 1, 'YYYYMMDD')) is not null as tomorrow,
                       (select min(to_date(right(t.relname, 8), 'YYYYMMDD')) from pg_class t
                         where t.relnamespace = 'pos'::regnamespace and t.relname ~ '^event_[0-9]{8}$') as oldest) p) as partitions,
            (select p.detail -> 'databaseBytes' from pos.process p
              where p.kind = 'bridge' and p.detail ->> 'databaseBytes' is not null order by p.at desc limit 1) as size) d) as database,
        (select row_to_json(r) from (select case when redis.known = 0 then 'unknown' when redis.up = redis.known then 'up'
            when redis.up = 0 then 'away' else 'partly' end as state,
            case when redis.up < redis.known then format('%s of %s processes do not reach it', redis.known - redis.up, redis.known) end as why) r) as redis,
        (select row_to_json(b) from (select leader.name as leader, leader.since as since, waiting as waiting) b) as bridge) a;
end $$;
