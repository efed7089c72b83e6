-- auth/tenant_triggers - what a tenant needs besides its row.
-- Holds: tenant_check, tenant_made, tenant_changed.
-- Caller: triggers on dinedesk_main.tenants.
-- A new tenant gets its stream and the sequence of its order numbers. When a tenant is suspended, or no longer allows
-- devices without a key, the control channel says so, and its sockets close.
-- Refusals: any change while it moves to another cell, an unknown time zone, a changed id, a reserved slug (it is part of an address) and a slug or id that is
-- another tenant's alias are SQL errors.
-- Locks: an advisory one against new aliases. Events: none; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.tenant_check() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.id <> old.id then
        raise exception 'a tenant keeps its id' using errcode = 'restrict_violation';
    end if;
    if tg_op = 'UPDATE' and coalesce(current_setting('tillwire.writer', true), '') <> 'move'
       and (old.status in ('frozen', 'left', 'arriving') or (old.status = 'leaving' and new.status <> old.status)) then
        raise exception 'the tenant "%" is %', old.slug, old.status
            using hint = 'It moves to another cell: what is changed here now would be lost.',
                  errcode = 'object_not_in_prerequisite_state';
    end if;
    if tg_op = 'INSERT' or new.slug <> old.slug then
        if pos.name_is_reserved(new.slug) then
            raise exception 'the slug "%" is taken: it is part of an address', new.slug using errcode = 'check_violation';
        end if;
        perform pos.lock_names();
        if exists (select 1 from pos.tenant_alias a where a.alias = new.slug and a.tenant_id <> new.id) then
            raise exception 'the slug "%" is another tenant''s alias', new.slug using errcode = 'unique_violation';
        end if;
        if exists (select 1 from pos.tenant_alias a where a.alias = new.id::text and a.tenant_id <> new.id) then
            raise exception 'the id "%" is another tenant''s alias', new.id using errcode = 'unique_violation';
        end if;
    end if;
    perform now() at time zone new.timezone; -- raises for an unknown one
    return new;
end $$;

create or replace function pos.tenant_made() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    if coalesce(current_setting('tillwire.writer', true), '') <> 'move' then -- it comes with its stream
        insert into pos.stream (tenant_id) values (new.id);
    end if;
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
    if new.keyless <> old.keyless then
        insert into pos.audit (tenant_id, action, subject)
        values (new.id, case when new.keyless then 'keyless.on' else 'keyless.off' end, new.slug);
        if not new.keyless then
            perform pg_notify('tillwire_control', format('{"type":"keyless.off","tenantId":"%s"}', new.id));
        end if;
    end if;
    return null;
end $$;
