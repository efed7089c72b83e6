-- cells/tenant_move - the states of a restaurant that moves to another cell.
-- Holds: tenant_is_here, tenant_here_check, tenant_turn, tenant_leave, tenant_freeze, tenant_stay, tenant_left, tenant_arrived, tenant_forget, transactions_now.
-- Caller: tillctl tenant move, as the tables' owner.
--
--     here    active -> leaving -> frozen -----------------------------------------> left -> forgotten
--     there                               arriving (copied) -> (the route) -> active
--
-- leaving: sockets are closed and come back to 503 TENANT_MOVING; what they have sent before, and requests, are still served,
-- since some devices send a change once. In the states after that everything that asks for the restaurant gets 503, and plain SQL is
-- refused, so at no moment do two cells write for it. What each step needs is looked at in the step itself.
-- Inputs: the slug. Answers: the id. Refusals: SQL errors (object_not_in_prerequisite_state, no_data_found).
-- Locks: the tenant's row; tillctl holds an advisory lock in both cells for as long as it is at it. Events: none; audit rows, and the control channel says the state.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.tenant_is_here(tenant uuid) returns void
language plpgsql stable as $$
declare
    name text := (select t.slug from dinedesk_main.tenants t where t.id = tenant and t.status in ('frozen', 'left', 'arriving'));
begin
    if name is not null and coalesce(current_setting('tillwire.writer', true), '') <> 'move' then
        raise exception 'the tenant "%" moves to another database', name
            using hint = 'Try again in a moment, at the database of its new cell.', errcode = 'object_not_in_prerequisite_state';
    end if;
end $$;

-- For tables that operators write: what changed after the copy would be lost.
create or replace function pos.tenant_here_check() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    perform pos.tenant_is_here(case tg_op when 'DELETE' then old.tenant_id else new.tenant_id end);
    return case tg_op when 'DELETE' then old else new end;
end $$;

-- Which state may follow which. `cell` is where it moves to, and stays the same until it is there or back: a second move
-- to another place, or an abandon that looks for it there, is refused.
create or replace function pos.tenant_turn(given text, before text[], after text, cell int) returns uuid
language plpgsql set tillwire.writer = 'move' as $$
declare
    held record;
begin
    select t.id, t.status, t.moving_to into held from dinedesk_main.tenants t where t.slug = given for no key update;
    if not found then
        raise exception 'no tenant "%"', given using errcode = 'no_data_found';
    elsif not held.status = any(before || after) then
        raise exception 'the tenant "%" is %', given, held.status
            using hint = format('This needs one that is %s.', array_to_string(before, ' or ')),
                  errcode = 'object_not_in_prerequisite_state';
    elsif held.moving_to <> cell then
        raise exception 'the tenant "%" moves to cell %', given, held.moving_to
            using hint = 'Finish or abandon that move first.', errcode = 'object_not_in_prerequisite_state';
    end if;
    update dinedesk_main.tenants t set status = after, moving_to = case when after <> 'active' then cell end
     where t.id = held.id and t.status <> after;
    return held.id;
end $$;

create or replace function pos.tenant_leave(given text, cell int) returns uuid
language sql as $$ select pos.tenant_turn(given, '{active}', 'leaving', cell) $$;

create or replace function pos.tenant_freeze(given text, cell int) returns uuid
language sql as $$ select pos.tenant_turn(given, '{leaving}', 'frozen', cell) $$;

create or replace function pos.tenant_stay(given text, cell int) returns uuid
language sql as $$ select pos.tenant_turn(given, '{leaving,frozen}', 'active', cell) $$;

create or replace function pos.tenant_left(given text, cell int) returns uuid
language sql as $$ select pos.tenant_turn(given, '{frozen}', 'left', cell) $$;

create or replace function pos.tenant_arrived(given text) returns uuid
language sql as $$ select pos.tenant_turn(given, '{arriving}', 'active', null) $$;

-- The transactions that are under way in this database, but for the caller's own. Whichever begins later sees the state
-- that was committed before; once none of these is left, nobody writes by the earlier one.
create or replace function pos.transactions_now() returns table (id text, who text)
language sql volatile as $$
    -- Of other roles' sessions most is hidden from the owner, so only what everybody may see decides. Autovacuum, which has no
    -- role, writes for nobody.
    select l.virtualtransaction || '/' || l.pid,
           concat_ws(' ', 'backend', l.pid, a.usename, nullif(a.application_name, ''), 'since ' || to_char(a.xact_start, 'HH24:MI:SS'))
      from pg_locks l
      join pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'virtualxid' and a.datname = current_database() and l.pid <> pg_backend_pid() and a.usesysid is not null
    union all
    select 'prepared/' || x.gid, 'the prepared transaction ' || x.gid
      from pg_prepared_xacts x where x.database = current_database()
$$;

-- Removes what is left behind, or what did not arrive: all of its rows.
create or replace function pos.tenant_forget(given text) returns bigint
language plpgsql set tillwire.writer = 'move' as $$
declare
    gone uuid;
    found_status text;
    one record;
    removed bigint := 0;
    n bigint;
begin
    select t.id, t.status into gone, found_status from dinedesk_main.tenants t where t.slug = given for no key update;
    if not found then
        raise exception 'no tenant "%"', given using errcode = 'no_data_found';
    elsif found_status not in ('left', 'arriving') then
        raise exception 'the tenant "%" is %', given, found_status
            using hint = 'Only what has left for another cell, or did not arrive, is forgotten.',
                  errcode = 'object_not_in_prerequisite_state';
    end if;
    for one in select p.name as kept from pos.tenant_tables() p order by p.place desc loop
        execute format('delete from %s where tenant_id = $1', one.kept) using gone;
        get diagnostics n = row_count;
        removed := removed + n;
    end loop;
    execute format('drop sequence if exists pos.%I', 'order_number_' || replace(gone::text, '-', ''));
    delete from dinedesk_main.tenants t where t.id = gone;
    return removed;
end $$;
