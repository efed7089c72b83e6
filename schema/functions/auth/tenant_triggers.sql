-- pos.tenant_check, pos.tenant_made, pos.tenant_changed - what a tenant needs beside its row.
-- Caller: triggers on dinedesk_main.tenants.
-- A new tenant gets its stream and the sequence of its order numbers; a suspended one is told on
-- the control channel, so that its sockets close.
-- Refusals: an unknown time zone, a changed id and the slug "v1" (the API's own address) are SQL errors. Locks: none. Events: none; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.tenant_check() returns trigger
language plpgsql set search_path = pos, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.id <> old.id then
        raise exception 'a tenant keeps its id' using errcode = 'restrict_violation';
    end if;
    if new.slug = 'v1' then
        raise exception 'the slug "v1" is taken: /api/v1 is an address of the API' using errcode = 'check_violation';
    end if;
    perform now() at time zone new.timezone; -- raises for an unknown one
    return new;
end $$;

create or replace function pos.tenant_made() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    insert into pos.stream (tenant_id) values (new.id);
    execute format('create sequence pos.%I', 'order_number_' || replace(new.id::text, '-', ''));
    return null;
end $$;

create or replace function pos.tenant_changed() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    if new.status <> old.status then
        insert into pos.audit (tenant_id, action, subject) values (new.id, 'tenant.' || new.status, new.slug);
        perform pg_notify('tillwire_control', format('{"type":"tenant.%s","tenantId":"%s"}', new.status, new.id));
    end if;
    return null;
end $$;
