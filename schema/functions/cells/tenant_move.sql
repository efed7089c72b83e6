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
-- Locks: the tenant's row. Events: none; audit rows, and the control channel says the state.
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

create or replace function pos.tenant_turn(given text, before text[], after text) returns uuid
language plpgsql as $$
declare
    found_id uuid;
    found_status text;
begin
    select t.id, t.status into found_id, found_status from dinedesk_main.tenants t where t.slug = given for no key update;
    if not found then
        raise exception 'no tenant "%"', given using errcode = 'no_data_found';
    elsif found_status = after then
        return found_id;
    elsif not found_status = any(before) then
        raise exception 'the tenant "%" is %', given, found_status
            using hint = format('This needs one that is %s.', array_to_string(before, ' or ')),
                  errcode = 'object_not_in_prerequisite_state';
    end if;
    update dinedesk_main.tenants t set status = after where t.id = found_id;
    return found_id;
end $$;

create or replace function pos.tenant_leave(given text) returns uuid
language sql as $$ select pos.tenant_turn(given, '{active}', 'leaving') $$;

create or replace function pos.tenant_freeze(given text) returns uuid
language sql as $$ select pos.tenant_turn(given, '{leaving}', 'frozen') $$;

create or replace function pos.tenant_stay(given text) returns uuid
language sql as $$ select pos.tenant_turn(given, '{leaving,frozen}', 'active') $$;

create or replace function pos.tenant_left(given text) returns uuid
language sql as $$ select pos.tenant_turn(given, '{frozen}', 'left') $$;

create or replace function pos.tenant_arrived(given text) returns uuid
language sql as $$ select pos.tenant_turn(given, '{arriving}', 'active') $$;

-- The transactions that are under way in this database, but for the caller's own. Whichever begins later sees the state
-- that was committed before; once none of these is left, nobody writes by the earlier one.
create or replace function pos.transactions_now() returns table (id text, pid int, who text)
language sql volatile as $$
    select l.virtualtransaction || '/' || l.pid, l.pid,
           concat_ws(' ', a.usename, nullif(a.application_name, ''), 'since ' || to_char(a.xact_start, 'HH24:MI:SS'))
      from pg_locks l
      join pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'virtualxid' and a.datname = current_database() and l.pid <> pg_backend_pid()
       and a.backend_type = 'client backend'
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
