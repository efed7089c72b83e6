-- pos.maintain - housekeeping: makes partitions in advance, deletes old days and old answers.
-- Holds: prune_logs, event_partitions_create, event_partitions_drop.
-- Caller: the active bridge, every hour; migrate. Inputs: none.
-- Answers: what it did, as JSON {"created","dropped","pruned"}.
-- Refusals: none: work that is not possible at a busy moment is left for the next hour.
-- Locks: an advisory one against itself. Before a day is dropped, every stream row is locked, in order, so that no
-- writer holds one while it waits for the table.
-- Events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.maintain() returns json
language plpgsql security definer set search_path = pos, pg_temp set lock_timeout = '500ms' as $$
declare
    created int := 0;
    dropped int := 0;
    pruned int := 0;
    batch int;
    started timestamptz := clock_timestamp();
begin
    if not pg_try_advisory_xact_lock(7214460003) then
        return '{"created":0,"dropped":0,"pruned":0}'::json;
    end if;

    begin
        created := pos.event_partitions_create(7);
        dropped := pos.event_partitions_drop();
    exception when lock_not_available or deadlock_detected or check_violation then
        raise warning 'event partitions: %; the next run tries again', sqlerrm;
    end;

    -- Bounded in rows and in time: this may run under the bridge's statement_timeout.
    loop
        delete from pos.idempotency i where i.ctid = any(array(
            select o.ctid from pos.idempotency o, pos.setting s
             where o.created_at < now() - s.idempotency_retention
                or (o.key < E'\x02' and o.created_at < now() - interval '10 minutes') limit 5000));
        get diagnostics batch = row_count;
        pruned := pruned + batch;
        exit when batch < 5000 or clock_timestamp() > started + interval '2 seconds';
    end loop;
    pruned := pruned + pos.prune_logs(started + interval '3 seconds');
    return ('{"created":' || created || ',"dropped":' || dropped || ',"pruned":' || pruned || '}')::json;
end $$;

-- Logs after 30 days, ids of changes after 48 hours, snapshots that nobody has asked for in the last hour.
create or replace function pos.prune_logs(until timestamptz) returns int
language plpgsql as $$
declare
    pruned int := 0;
    batch int;
    what text;
begin
    foreach what in array array['pos.sync_log where at < now() - interval ''30 days''',
                                'pos.pos_sync_logs where at < now() - interval ''30 days''',
                                'pos.change_seen where at < now() - interval ''48 hours''',
                                'pos.state_shown where at < now() - interval ''1 hour'''] loop
        loop
            execute format('delete from %s where ctid = any(array(select ctid from %s limit 5000))',
                           split_part(what, ' ', 1), what);
            get diagnostics batch = row_count;
            pruned := pruned + batch;
            exit when batch < 5000 or clock_timestamp() > until;
        end loop;
    end loop;
    return pruned;
end $$;

-- One partition a day (UTC), from today on. A new one takes over the rows of its day that the default partition
-- already has. It is made separately and then attached, which stops no writer.
create or replace function pos.event_partitions_create(days_ahead int) returns int
language plpgsql as $$
declare
    today date := (now() at time zone 'UTC')::date;
    day date;
    partition text;
    made int := 0;
begin
    for ahead in 0..days_ahead loop
        day := today + ahead;
        partition := 'event_' || to_char(day, 'YYYYMMDD');
        continue when to_regclass('pos.' || partition) is not null;
        execute format('create table pos.%I (like pos.event including defaults including constraints)',
                       partition);
        execute format('with moved as (delete from pos.event_default'
                       ' where at >= %1$L and at < %2$L returning *)'
                       ' insert into pos.%3$I select * from moved',
                       day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC', partition);
        execute format('alter table pos.event attach partition pos.%I for values from (%L) to (%L)', partition,
                       day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
        made := made + 1;
    end loop;
    return made;
end $$;

-- Drops the days that ended before the retention began, and rows of that age in the default partition. A stream is
-- kept from the highest dropped seq on: times may have jumped, so an older row may be left, but not all after it.
create or replace function pos.event_partitions_drop() returns int
language plpgsql as $$
declare
    keep_from timestamptz;
    partition text;
    gone text[];
begin
    select now() - s.event_retention into keep_from from pos.setting s;
    select array_agg(c.relname::text order by c.relname) into gone
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'pos.event'::regclass and c.relname ~ '^event_[0-9]{8}$'
       and ((to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamp at time zone 'UTC') <= keep_from;
    if gone is null and not exists (select 1 from pos.event_default d where d.at < keep_from) then
        return 0;
    end if;
    perform 1 from pos.stream s order by s.tenant_id for update;
    foreach partition in array coalesce(gone, '{}') loop
        execute format('update pos.stream s set oldest = g.seq + 1'
                       '  from (select t.tenant_id, (select max(e.seq) from pos.%I e where e.tenant_id = t.tenant_id) as seq'
                       '          from pos.stream t) g'
                       ' where g.tenant_id = s.tenant_id and g.seq >= s.oldest', partition);
        execute format('drop table pos.%I', partition);
    end loop;
    with strays as (delete from pos.event_default d where d.at < keep_from returning d.tenant_id, d.seq)
    update pos.stream s set oldest = g.seq + 1
      from (select t.tenant_id, max(t.seq) as seq from strays t group by t.tenant_id) g
     where g.tenant_id = s.tenant_id and g.seq >= s.oldest;
    return coalesce(array_length(gone, 1), 0);
end $$;
