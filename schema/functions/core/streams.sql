-- core/streams - transactions with several tenants never wait for each other in a circle.
-- Holds: note_tenant, lock_streams.
-- Caller: the triggers for plain SQL writers. Inputs: the tenant that a row belongs to.
-- Each change notes its tenant immediately. The first trigger that runs at commit locks the streams of all noted
-- tenants in the order of their ids, before any event is written.
-- Refusals, events: none. Locks: stream rows, until commit.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.note_tenant(tenant uuid) returns void
language plpgsql as $$
declare
    noted text := coalesce(current_setting('tillwire.tenants', true), '');
begin
    if position(tenant::text in noted) = 0 then
        perform set_config('tillwire.tenants', noted || ' ' || tenant, true);
    end if;
end $$;

create or replace function pos.lock_streams() returns void
language plpgsql as $$
declare
    noted text := coalesce(current_setting('tillwire.tenants', true), '');
begin
    if noted <> '' then
        perform 1 from pos.stream s
          where s.tenant_id = any(string_to_array(btrim(noted), ' ')::uuid[])
          order by s.tenant_id for update;
        perform set_config('tillwire.tenants', '', true);
    end if;
end $$;
