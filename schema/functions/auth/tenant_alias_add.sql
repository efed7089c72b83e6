-- pos.tenant_alias_add - another name for a tenant, which devices that were set up elsewhere may use.
-- Holds: name_is_reserved, lock_names.
-- Caller: the operator. Inputs: the tenant's slug, the alias. Answers: nothing; adding an alias again is no error.
-- Some devices call their restaurant by a UUID of their own, so an alias may be one.
-- Refusals: an SQL error for an unknown tenant, and for a name that is reserved or is already a tenant's: its id, slug
-- or alias. Locks: an advisory one against new names. Events: none; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.tenant_alias_add(slug text, alias text) returns void
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    owner_id uuid;
    holder uuid;
begin
    if alias ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then
        alias := lower(alias);
    end if;
    perform pos.lock_names();
    select t.id into owner_id from dinedesk_main.tenants t where t.slug = tenant_alias_add.slug;
    if not found then
        raise exception 'no tenant "%"', slug using errcode = 'no_data_found';
    end if;
    holder := pos.tenant_named(alias);
    if holder = owner_id then
        return;
    end if;
    if holder is not null or pos.name_is_reserved(alias) then
        raise exception 'the name "%" is taken', alias using errcode = 'unique_violation';
    end if;
    insert into pos.tenant_alias (alias, tenant_id) values (tenant_alias_add.alias, owner_id);
    insert into pos.audit (tenant_id, action, subject) values (owner_id, 'alias.add', alias);
end $$;

-- These are parts of addresses of the API and of the gateway: no tenant can have them as a name.
create or replace function pos.name_is_reserved(name text) returns boolean
language sql immutable parallel safe as $$
    select name in ('health', 'sync', 'pos', 'restaurants', 'v1', 'k', 'admin')
$$;

-- Ids, slugs and aliases are one set of names in two tables: only one transaction at a time adds to it.
create or replace function pos.lock_names() returns void
language plpgsql as $$
begin
    perform pg_advisory_xact_lock(7214460005);
end $$;
