-- pos.relay_pending - events of plain SQL writers that may be unpublished after an outage of the bridge.
-- Caller: bridge, on start and reconnect. Inputs: the greatest number of rows; to continue, the tenant and seq of the
-- last row. Answers: rows (tenant, seq, canonical event), ordered by tenant and seq, that were written after the
-- watermark or in the ten seconds before it: a transaction may commit later than the time in its event. Publishing an
-- event twice is harmless. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.relay_pending(most int, after_tenant uuid default null,
    after_seq bigint default null)
returns table (tenant_id uuid, seq bigint, event text)
language plpgsql stable security definer set search_path = pos, pg_temp set enable_seqscan = off as $$
declare
    since timestamptz;
begin
    select r.watermark - interval '10 seconds' into since from pos.relay r where r.only_row;
    return query
    select e.tenant_id, e.seq, pos.event_text(e.seq, e.type, e.at, e.origin, e.data)
      from pos.event e
     where e.external and e.at > since
       and (after_tenant is null or (e.tenant_id, e.seq) > (after_tenant, coalesce(after_seq, 0)))
     order by e.tenant_id, e.seq
     limit least(greatest(most, 0), 100000);
end $$;
