-- pos.heads - how far the logs of some tenants reach.
-- Caller: gateway, to compare its cursors in batches; api, for long polls. Inputs: the tenants.
-- Answers: rows (tenant, head: the last seq written, oldest: all seqs from it on are kept).
-- What SQL writers have committed is numbered here when nobody else has done it within a quarter of a second (log/outbox):
-- at most 1000 events of each of eight tenants. A clock that has jumped back makes that sooner.
-- Refusals: none. Locks: the streams of those, if they are free. Events: those in the outbox.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.heads(tenants uuid[])
returns table (tenant_id uuid, head bigint, oldest bigint)
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    now timestamptz;
begin
    if exists (select 1 from pos.outbox) then
        now := clock_timestamp();
        perform pos.outbox_number_one(w.tenant_id, 1000) from (
            select o.tenant_id from pos.outbox_tenants(null, tenants) o
             where o.at not between now - interval '250 milliseconds' and now order by o.at limit 8) w;
    end if;
    return query
    select s.tenant_id, s.head, s.oldest from pos.stream s where s.tenant_id = any(tenants);
end $$;
