-- pos.tenant_named - a tenant's id from its UUID, slug or alias; null when there is none.
-- Caller: the functions that read which restaurant is meant. Inputs: the name as given.
-- A slug may be written in any case. A name that looks like a UUID is a tenant's id or an alias, in any case, even when
-- another tenant has chosen it as its slug: a name never stands for two tenants.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.tenant_named(given text) returns uuid
language plpgsql stable as $$
begin
    if given ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then
        return coalesce((select t.id from dinedesk_main.tenants t where t.id = given::uuid),
                        (select a.tenant_id from pos.tenant_alias a where a.alias = lower(given)));
    end if;
    return coalesce((select t.id from dinedesk_main.tenants t where t.slug = lower(given)),
                    (select a.tenant_id from pos.tenant_alias a where a.alias = given));
end $$;
