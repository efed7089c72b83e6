-- auth/keyless - devices that have no key and cannot be given one.
-- Unsafe, and off unless the operator turns it on for one tenant: anybody who reaches the gateway can read that
-- restaurant's state and change it. Never for money: pos.operations says which operations are open to such devices.
-- Holds: keyless_set, keyless_tenants, keyless_tenant, keyless_lineage.
-- Caller: keyless_set: the operator; keyless_tenants: gateway, when it starts, and later to notice a tenant that was
-- turned off; the others: pos.identify.
-- Answers: keyless_set: nothing; keyless_tenants: slugs.
-- Refusals: keyless_set: an SQL error for an unknown tenant. Locks: the tenant's row.
-- Events: none; an audit row, and keyless.off on the control channel (tenant_changed).
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.keyless_set(slug text, allowed boolean) returns void
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    update dinedesk_main.tenants t set keyless = allowed where t.slug = keyless_set.slug;
    if not found then
        raise exception 'no tenant "%"', slug using errcode = 'no_data_found';
    end if;
end $$;

create or replace function pos.keyless_tenants() returns setof text
language plpgsql stable security definer set search_path = pos, pg_temp set enable_seqscan = off as $$
begin
    return query select t.slug from dinedesk_main.tenants t where t.keyless and t.status <> 'suspended' order by t.slug;
end $$;

-- The tenant that a device without a key means: the one that it names, or the only one that allows it.
create or replace function pos.keyless_tenant(given text) returns uuid
language plpgsql stable as $$
begin
    if given is not null then
        return (select t.id from dinedesk_main.tenants t where t.id = pos.tenant_named(given) and t.keyless);
    end if;
    return (select (array_agg(t.id))[1] from dinedesk_main.tenants t where t.keyless having count(*) = 1);
end $$;

create or replace function pos.keyless_lineage(tenant uuid) returns uuid
language sql stable parallel safe as $$
    select encode(substr(sha256(convert_to('keyless ' || tenant, 'UTF8')), 1, 16), 'hex')::uuid
$$;
