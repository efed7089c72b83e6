-- pos.events_piece - a piece of the log, and whether the log still has what comes before it.
-- Caller: gateways of the release before this one. Inputs: as for pos.events_after.
-- Answers: the rows of pos.events_after with oldest null, then one row with oldest alone: the smallest seq that is kept.
-- No row at all: there is no such tenant. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

-- Volatile, so that oldest is read by a later snapshot than the events: a day that was dropped while they were read is
-- then known to be gone, and no gap looks like a stretch of seqs that never were.
create or replace function pos.events_piece(tenant uuid, after bigint, most int)
returns table (seq bigint, event text, more boolean, oldest bigint)
language plpgsql volatile security definer set search_path = pos, pg_temp as $$
begin
    return query select e.seq, e.event, e.more, null::bigint from pos.events_after(tenant, after, most) e;
    return query select null::bigint, null::text, null::boolean, s.oldest from pos.stream s where s.tenant_id = tenant;
end $$;
