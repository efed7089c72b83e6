-- pos.database_state - the database on one line of an operator's screen.
-- Caller: tillctl status, as the tables' owner. Answers: one row. It reads little, and may be asked at any time.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.database_state()
returns table (migration int, restaurants bigint, suspended bigint, streams bigint, events bigint, waiting bigint, waiting_for interval,
               oldest_day date, tomorrow boolean, bridge text, standbys bigint, connections bigint, size text, is_standby boolean)
language plpgsql stable as $$
begin
    migration := pos.schema_version();
    select count(*), count(*) filter (where t.status <> 'active') into restaurants, suspended from dinedesk_main.tenants t;
    select count(*), sum(s.head - s.oldest + 1) into streams, events from pos.stream s;
    -- Enough to know that it is too many.
    select count(*), date_trunc('second', clock_timestamp() - min(o.at)) into waiting, waiting_for
      from (select w.at from pos.outbox w limit 10000) o;
    select min(to_date(right(c.relname, 8), 'YYYYMMDD')),
           bool_or(c.relname = 'event_' || to_char((now() at time zone 'UTC')::date + 1, 'YYYYMMDD')) into oldest_day, tomorrow
      from pg_class c where c.relnamespace = 'pos'::regnamespace and c.relname ~ '^event_\d{8}$';
    -- The lock of broker-bridge/leader.c.
    select coalesce(host(a.client_addr), 'this host') || coalesce(' ' || nullif(a.application_name, ''), '') into bridge
      from pg_locks l join pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory' and l.granted and l.classid = (7214460001 >> 32)::int::oid and l.objid = (7214460001 & 4294967295)::oid
       and l.objsubid = 1 and l.database = (select d.oid from pg_database d where d.datname = current_database())
     limit 1;
    standbys := (select count(*) from pg_stat_replication r where r.state = 'streaming');
    connections := (select count(*) from pg_stat_activity a where a.datname = current_database());
    size := pg_size_pretty(pg_database_size(current_database()));
    is_standby := pg_is_in_recovery();
    return next;
end $$;
