-- pos.watch - figures about this database that somebody must look at before it is too late, as one row.
-- Caller: the active bridge, every ten seconds, for its metrics. Inputs: none. Answers: for how many seconds the oldest event of
-- an SQL writer has been waiting for its number; how full the queue of notifications is, in millionths (a transaction that notifies
-- fails when it is full); how many days the log has a partition for, and how many of these are to come, without a gap; how many
-- seconds ago the oldest of them began. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.watch(out outbox_oldest bigint, out notify_queue bigint, out days bigint, out days_ahead bigint,
    out days_oldest bigint)
language plpgsql stable security definer set search_path = pos, pg_temp as $$
declare
    today date := (now() at time zone 'UTC')::date;
begin
    select coalesce(extract(epoch from clock_timestamp() - min(w.at)), 0) into outbox_oldest from pos.outbox_tenants() w;
    notify_queue := pg_notification_queue_usage() * 1000000;
    select count(*), coalesce(extract(epoch from now() - min(to_date(right(c.relname, 8), 'YYYYMMDD'))::timestamp at time zone 'UTC'), 0)
      into days, days_oldest
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'pos.event'::regclass and c.relname ~ '^event_[0-9]{8}$';
    days_ahead := 0;
    while to_regclass('pos.event_' || to_char(today + days_ahead::int + 1, 'YYYYMMDD')) is not null loop
        days_ahead := days_ahead + 1;
    end loop;
end $$;
