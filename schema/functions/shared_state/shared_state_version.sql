-- pos.shared_state_version - a row's version is the number of its changes.
-- Holds: order_version, words_kept, is_accepted, field_versions, changed_since.
-- Caller: triggers before insert and update on the tables of the shared state and on pos.orders, for every writer.
-- Answers: the row with its version. When a field changes, the version of that field is set too, so that a device
-- that saw an older version can be told what it did not see. A write that changes nothing is not a change.
-- Refusals: an SQL error: a row keeps its id and tenant. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.shared_state_version() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    changes record;
begin
    if coalesce(current_setting('tillwire.writer', true), '') = 'move' then
        return new; -- a row of another cell, as it is there
    end if;
    if tg_op = 'INSERT' then
        new.version := 1;
        new.field_versions := '{}';
        return new;
    end if;
    if new.id <> old.id or new.tenant_id <> old.tenant_id then
        raise exception 'a row keeps its id' using errcode = 'restrict_violation';
    end if;
    changes := pos.shared_state_changes(pos.shared_state_fields(old), pos.shared_state_fields(new));
    new.version := old.version;
    new.field_versions := old.field_versions;
    if coalesce(current_setting('tillwire.writer', true), '') <> 'function' then
        new.created_at := old.created_at;
    end if;
    if cardinality(changes.names) > 0 or (new.deleted_at is null) <> (old.deleted_at is null) then
        new.version := old.version + 1;
        new.field_versions := pos.field_versions(old.field_versions, changes.names, new.version);
        new.updated_at := clock_timestamp();
        new.words := pos.words_kept(new.words, changes.names, new.version);
    end if;
    return new;
end $$;

create or replace function pos.order_version() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    changes text[];
begin
    if coalesce(current_setting('tillwire.writer', true), '') in ('move', 'erase') then
        return new; -- what a customer who is erased was called is no change that devices merge
    end if;
    new.was_accepted := pos.is_accepted(new.status);
    if tg_op = 'INSERT' then
        new.version := 1;
        new.field_versions := '{}';
        return new;
    end if;
    new.was_accepted := new.was_accepted or old.was_accepted;
    changes := pos.order_changes(old, new);
    if new.status <> old.status then
        changes := changes || 'status'::text;
    end if;
    if new.details::text <> old.details::text then
        changes := changes || (pos.shared_state_changes(pos.inside(old.details), pos.inside(new.details))).names;
    end if;
    new.version := old.version;
    new.field_versions := old.field_versions;
    if cardinality(changes) > 0 then
        new.version := old.version + 1;
        new.field_versions := pos.field_versions(old.field_versions, changes, new.version);
        new.words := pos.words_kept(new.words, changes, new.version);
    end if;
    return new;
end $$;

-- Words that come with this version stay (words_after); those of fields that somebody else has changed do not.
create or replace function pos.words_kept(words json, changed text[], version bigint) returns json
language sql immutable as $$
    select case when words ->> '' = version::text then words else pos.words_forget(words, changed) end
$$;

-- Somebody has taken the order on, or it was finished.
create or replace function pos.is_accepted(status text) returns boolean
language sql immutable parallel safe as $$
    select status not in ('new', 'pending', 'cancelled', 'rejected')
$$;

create or replace function pos.field_versions(kept json, names text[], version bigint) returns json
language plpgsql immutable as $$
begin
    return case when cardinality(names) = 0 then kept
                else pos.shared_state_details(kept, names, array_fill(version::text, array[cardinality(names)])) end;
end $$;

-- Of these fields, those that were changed after a version. A field that was never changed is as old as the row,
-- whose first version is 1.
create or replace function pos.changed_since(field_versions json, held json, names text[], seen bigint) returns text[]
language plpgsql immutable parallel safe as $$
begin
    return (
        select array(select n from unnest(names) n
                      where coalesce((field_versions ->> n)::bigint, case when held -> n is not null then 1 else 0 end) > seen));
end $$;
