-- pos.operator_tenant - the restaurant that an operator means: by its slug, exactly.
-- Holds: operator_note, operator_moment, operator_number.
-- Caller: the functions of this folder. Inputs: the slug; for operator_note the tenant, what was done to what, and how;
-- for operator_moment a moment or a span from now on; for operator_number a number of rows.
-- Answers: operator_tenant: its row; operator_moment: the moment, null for null; operator_number: the number.
-- Refusals: 404 TENANT_NOT_FOUND; 400 INVALID_TIME, INVALID_NUMBER. Locks: none. Events: none; operator_note writes an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.operator_tenant(slug text) returns dinedesk_main.tenants
language plpgsql stable as $$
declare
    tenant dinedesk_main.tenants;
begin
    select t.* into tenant from dinedesk_main.tenants t where t.slug = operator_tenant.slug;
    if not found then
        perform pos.refuse(404, 'TENANT_NOT_FOUND', 'there is no such restaurant: tillctl tenant list shows them');
    end if;
    return tenant;
end $$;

create or replace function pos.operator_note(tenant uuid, action text, subject text, detail text default null) returns void
language plpgsql as $$
begin
    insert into pos.audit (tenant_id, action, subject, detail)
    values (tenant, operator_note.action, left(operator_note.subject, 200), left(operator_note.detail, 2000));
end $$;

create or replace function pos.operator_moment(given text) returns timestamptz
language plpgsql stable as $$
declare
    moment timestamptz;
begin
    begin
        moment := case when given ~ '^[0-9]+ *(second|minute|hour|day|week|month|year)s?$' then now() + given::interval
                       else given::timestamptz end;
    exception when others then
        moment := '-infinity';
    end;
    if moment <= now() or moment = 'infinity' then
        perform pos.refuse(400, 'INVALID_TIME', 'a time is a moment to come like 2030-12-31T12:00Z, or a span like "90 days"');
    end if;
    return moment;
end $$;

create or replace function pos.operator_number(given text, otherwise int) returns int
language plpgsql immutable as $$
begin
    if given !~ '^[1-9][0-9]{0,4}$' then
        perform pos.refuse(400, 'INVALID_NUMBER', 'how many is a whole number from 1 to 99999');
    end if;
    return coalesce(given::int, otherwise);
end $$;
