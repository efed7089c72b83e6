-- pos.heads - how far the logs of some tenants reach.
-- Caller: gateway, to compare its cursors in batches. Inputs: the tenants.
-- Answers: rows (tenant, head: the last seq written, oldest: all seqs from it on are kept).
-- Refusals, locks, events: none. Reads one small table.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.heads(tenants uuid[])
returns table (tenant_id uuid, head bigint, oldest bigint)
language plpgsql stable security definer set search_path = pos, pg_temp as $$
begin
    return query
    select s.tenant_id, s.head, s.oldest from pos.stream s where s.tenant_id = any(tenants);
end $$;
