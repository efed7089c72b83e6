-- pos.events_at - the events that a batch of notifications is about.
-- Caller: bridge. Inputs: two arrays of the same length, tenants and their seqs.
-- Answers: rows (tenant, seq, canonical event) ordered by tenant and seq; events that are no longer kept are left
-- out. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.events_at(tenants uuid[], seqs bigint[])
returns table (tenant_id uuid, seq bigint, event text)
language plpgsql stable security definer set search_path = pos, pg_temp set enable_seqscan = off as $$
begin
    return query
    select e.tenant_id, e.seq, pos.event_text(e.seq, e.type, e.at, e.origin, e.data)
      from (select distinct u.t, u.s from unnest(tenants, seqs) u(t, s)) wanted
      join pos.event e on e.tenant_id = wanted.t and e.seq = wanted.s
     order by e.tenant_id, e.seq;
end $$;
