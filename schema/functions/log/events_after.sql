-- pos.events_after - the events of a tenant after a seq, in order.
-- Caller: gateway, for gaps and resume. Inputs: the tenant, the last seq it has, at most how many
-- (10000 at once). Answers: rows (seq, canonical event). Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.events_after(tenant uuid, after bigint, most int)
returns table (seq bigint, event text)
language plpgsql stable security definer set search_path = pos, pg_temp set enable_seqscan = off as $$
begin
    return query
    select e.seq, pos.event_text(e.seq, e.type, e.at, e.origin, e.data)
      from pos.event e
     where e.tenant_id = tenant and e.seq > after
     order by e.seq
     limit least(greatest(most, 0), 10000);
end $$;
