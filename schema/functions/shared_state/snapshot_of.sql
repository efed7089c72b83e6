-- pos.snapshot_of - a snapshot of a restaurant's shared state in the form of a dialect, made once and read by all.
-- Holds: snapshot_held.
-- Caller: minipos_state, cloudsync_data. Inputs: the dialect, the tenant, its time zone.
-- Answers: the text, with pictures; what is kept has only their names. A snapshot is valid as long as the stream's head stays where it was, but not longer than a
-- minute, because some of it depends on the clock. When many ask at once and there is none, one of them makes it.
-- Refusals, events: none. Locks: an advisory one, while it is made.
-- SPDX-License-Identifier: Apache-2.0

-- Volatile, so that a transaction that has waited sees what the other one has made.
create or replace function pos.snapshot_of(dialect text, tenant uuid, zone text) returns text
language plpgsql as $$
declare
    lock_key bigint := hashtextextended(dialect || ' ' || tenant, 7214460006);
    is_mine boolean := false;
    made record;
    shown text;
begin
    for attempt in 1..3 loop
        shown := pos.snapshot_held(dialect, tenant);
        if shown is not null then
            return pos.with_pictures(tenant, shown);
        end if;
        is_mine := pg_try_advisory_xact_lock(lock_key);
        exit when is_mine;
        -- All that wait continue at the same time, when the one has committed.
        perform pg_advisory_lock_shared(lock_key), pg_advisory_unlock_shared(lock_key);
    end loop;
    if dialect = 'minipos' then
        made := pos.minipos_snapshot_make(tenant, array['tables', 'menuItems', 'categories', 'settings', 'orderHistory']);
    else
        made := pos.cloudsync_snapshot_make(tenant, zone);
    end if;
    if is_mine then
        insert into pos.state_shown as s (tenant_id, dialect, head, body)
        values (tenant, snapshot_of.dialect, made.head, made.body)
        on conflict on constraint state_shown_pkey do update
           set head = excluded.head, at = clock_timestamp(), body = excluded.body;
    end if;
    return pos.with_pictures(tenant, made.body);
end $$;

create or replace function pos.snapshot_held(dialect text, tenant uuid) returns text
language plpgsql as $$
begin
    return (select h.body from pos.state_shown h join pos.stream s on s.tenant_id = h.tenant_id and s.head = h.head
             where h.tenant_id = tenant and h.dialect = snapshot_held.dialect and h.at > clock_timestamp() - interval '1 minute');
end $$;
