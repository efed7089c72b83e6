-- pos.maintain - housekeeping, in steps that each are a short transaction of their own.
-- Holds: prune, event_partitions_create, event_partition_due, event_kept_in, event_keep_from, event_partition_drop,
-- event_strays_drop.
-- Caller: the active bridge, task after task, each until it answers 0; migrate, for the days to come.
-- Inputs: the task's name. Answers: how many things it has dealt with; 0: there is nothing left to do.
-- Refusals: CASE_NOT_FOUND, an unknown task. A step that does not get its lock in 100 ms fails, and its caller tries again later: no
-- writer waits for housekeeping longer than that. Locks: see each step. Events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.maintain(task text) returns int
language plpgsql security definer set search_path = pos, pg_temp set lock_timeout = '100ms' as $$
begin
    case task
    when 'create_days' then return pos.event_partitions_create(7);
    when 'keep_from' then return pos.event_keep_from();
    when 'drop_days' then return pos.event_partition_drop();
    when 'drop_strays' then return pos.event_strays_drop();
    when 'answers' then
        return pos.prune('pos.idempotency', 'created_at < now() - (select s.idempotency_retention from pos.setting s)');
    when 'attempts' then
        return pos.prune('pos.idempotency',
                         'left(key, 1) = E''\x01'' and created_at < now() - interval ''10 minutes''');
    when 'sync_log' then return pos.prune('pos.sync_log', 'at < now() - interval ''30 days''');
    when 'till_log' then return pos.prune('pos.pos_sync_logs', 'at < now() - interval ''30 days''');
    when 'changes' then return pos.prune('pos.change_seen', 'at < now() - interval ''48 hours''');
    when 'orders_given' then
        return pos.prune('pos.order_given', 'at < now() - interval ''2 days''')
             -- Money that was promised to orders; what was captured belongs to the ledger.
             + pos.prune('pos.gift_card_holds', 'state <> ''captured'' and expires_at < now() - interval ''30 days''');
    when 'tills' then
        return pos.prune('pos.till', 'seen_at < now() - interval ''30 days''')
             + pos.prune('pos.acking_device', 'at < now() - interval ''31 days''');
    when 'states' then return pos.prune('pos.state_shown', 'at < now() - interval ''1 hour''');
    when 'lists' then return pos.prune('pos.list_left', 'at < now() - interval ''1 minute''');
    -- A while after their end, so that a page that is late is told why.
    when 'tickets' then return pos.prune('pos.ws_ticket', 'expires_at < now() - interval ''10 minutes''');
    when 'looked_at' then
        return pos.prune('pos.console_watch', 'until < now() - interval ''2 hours''')
             + pos.prune('pos.console_minute', 'minute < now() - interval ''2 hours''')
             + pos.prune('pos.delivery_minute', 'minute < now() - interval ''2 hours''')
             + pos.prune('pos.gateway_report', 'at < now() - interval ''1 minute''')
             + pos.prune('pos.device_seen', 'at < now() - interval ''30 days'' or (at < now() - interval ''1 hour'' and not is_connected and device = '''')')
             + pos.devices_prune();
    when 'deliveries' then
        -- Ids are in the order of time, nearly.
        return pos.prune('pos.delivery', 'id <= (select max(o.id) from (select d.id from pos.delivery d order by d.id limit 2000) o)'
                                         ' and at < now() - interval ''7 days''')
             + pos.prune('pos.delivery', 'id < (select max(m.id) from pos.delivery m) - 5000000');
    when 'requests' then
        return pos.prune('pos.request_log', 'id <= (select max(o.id) from (select r.id from pos.request_log r order by r.id limit 2000) o)'
                                            ' and at < now() - interval ''24 hours''')
             + pos.prune('pos.request_log', 'id < (select max(m.id) from pos.request_log m) - 200000');
    when 'old_orders' then return pos.orders_drop() + pos.orders_archive();
    end case;
end $$;

-- Deletes at most a batch of the rows that `condition` names.
create or replace function pos.prune(what text, condition text) returns int
language plpgsql as $$
declare
    pruned int;
begin
    execute format('delete from %1$s where ctid = any(array(select ctid from %1$s where %2$s limit 2000))', what, condition);
    get diagnostics pruned = row_count;
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

-- The oldest day that ended before the retention began, or null.
create or replace function pos.event_partition_due() returns text
language plpgsql stable as $$
begin
    return (
        select min(c.relname::text collate "C")
          from pg_inherits i join pg_class c on c.oid = i.inhrelid, pos.setting s
         where i.inhparent = 'pos.event'::regclass and c.relname ~ '^event_[0-9]{8}$'
           and ((to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamp at time zone 'UTC') <= now() - s.event_retention);
end $$;

-- The streams that have events in a partition which are still counted as kept, with the highest of them.
create or replace function pos.event_kept_in(partition text) returns table (tenant_id uuid, seq bigint)
language plpgsql stable as $$
begin
    return query execute format(
        'select s.tenant_id, g.seq'
        '  from pos.stream s'
        ' cross join lateral (select max(e.seq) as seq from pos.%I e where e.tenant_id = s.tenant_id) g'
        ' where g.seq >= s.oldest', partition);
end $$;

-- Says of the day that is due next, a hundred streams at a time, that it is no longer kept. A stream is kept from the
-- highest dropped seq on: times may have jumped, so an older event may be left, but not all after it. Streams that a
-- writer holds are left for the next step.
create or replace function pos.event_keep_from() returns int
language plpgsql as $$
declare
    partition text := pos.event_partition_due();
    done int;
begin
    if partition is null then
        return 0;
    end if;
    with free as (select s.tenant_id, k.seq
                    from pos.event_kept_in(partition) k
                    join pos.stream s on s.tenant_id = k.tenant_id
                   order by s.tenant_id limit 100
                     for no key update of s skip locked)
    update pos.stream s set oldest = free.seq + 1 from free where s.tenant_id = free.tenant_id and free.seq >= s.oldest;
    get diagnostics done = row_count;
    return done;
end $$;

-- Drops the day that is due next, once no stream counts on it. Holds no stream, and the table for a moment.
create or replace function pos.event_partition_drop() returns int
language plpgsql as $$
declare
    partition text := pos.event_partition_due();
begin
    if partition is null or exists (select 1 from pos.event_kept_in(partition)) then
        return 0;
    end if;
    execute format('drop table pos.%I', partition);
    return 1;
end $$;

-- Events without a day of their own that are old enough, a batch at a time.
create or replace function pos.event_strays_drop() returns int
language plpgsql as $$
declare
    dropped int;
begin
    perform 1 from pos.stream s
      where s.tenant_id in (select d.tenant_id from pos.event_default d, pos.setting t
                             where d.at < now() - t.event_retention limit 1000)
      order by s.tenant_id for no key update;
    with strays as (delete from pos.event_default d
                     where d.ctid = any(array(select o.ctid from pos.event_default o, pos.setting t
                                               where o.at < now() - t.event_retention limit 1000))
                    returning d.tenant_id, d.seq),
         kept as (update pos.stream s set oldest = g.seq + 1
                    from (select t.tenant_id, max(t.seq) as seq from strays t group by t.tenant_id) g
                   where g.tenant_id = s.tenant_id and g.seq >= s.oldest)
    select count(*) into dropped from strays;
    return dropped;
end $$;
