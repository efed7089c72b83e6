-- pos.events_pieces - the log of each of several tenants after a seq, in order, one piece at a time; and what the log still has.
-- Caller: gateway, for all tenants of which it misses events. Inputs: the tenants, and of each of them the last seq that is known
-- and the greatest number of rows.
-- Answers: for each tenant, with its place among them as n: seq and the canonical event; is_cut, with the last one, when the piece
-- ends early, after about four megabytes; then a row with `oldest` alone, the smallest seq that is kept, or null when there is no
-- such tenant. It stops before the next tenant after about four megabytes in all, or half a second.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

-- Volatile, so that oldest is read by a later snapshot than the events: a day that was dropped while they were read is
-- then known to be gone, and no gap looks like a stretch of seqs that never were. The settings: the index of each day gives
-- the events in their order, and a plan that is made once does, whatever the statistics say.
create or replace function pos.events_pieces(tenants uuid[], afters bigint[], mosts int[])
returns table (n int, seq bigint, event text, is_cut boolean, oldest bigint)
language plpgsql volatile security definer set search_path = pos, pg_temp set enable_seqscan = off
set enable_bitmapscan = off set enable_sort = off set plan_cache_mode = force_generic_plan as $$
declare
    began timestamptz := clock_timestamp();
    of_one bigint;
    of_all bigint := 0;
begin
    for i in 1..cardinality(tenants) loop
        n := i;
        of_one := 0;
        is_cut := false;
        for seq, event in
            select l.seq, pos.event_text(l.seq, l.type, l.at, l.origin, l.data)
              from pos.event l
             where l.tenant_id = tenants[i] and l.seq > afters[i]
             order by l.seq
             limit least(greatest(mosts[i], 0), 10000)
        loop
            of_one := of_one + octet_length(event);
            is_cut := of_one >= 4000000;
            return next;
            exit when is_cut;
        end loop;
        seq := null;
        event := null;
        oldest := (select s.oldest from pos.stream s where s.tenant_id = tenants[i]);
        return next;
        oldest := null;
        of_all := of_all + of_one;
        exit when of_all >= 4000000 or clock_timestamp() >= began + interval '500 milliseconds';
    end loop;
end $$;
