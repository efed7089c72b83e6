-- pos.events_after - the log after a seq, in order, one piece at a time.
-- Caller: gateway. Inputs: the tenant, the last seq that is known, the greatest number of rows.
-- Answers: seq, the canonical event, and whether the log may continue after this row. A piece ends after `most` rows
-- or about four megabytes, whichever comes first, but always has at least one row if there is one. Refusals, locks,
-- events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.events_after(tenant uuid, after bigint, most int)
returns table (seq bigint, event text, more boolean)
language plpgsql stable security definer set search_path = pos, pg_temp set enable_seqscan = off
set enable_bitmapscan = off set enable_sort = off set plan_cache_mode = force_generic_plan as $$
declare
    e record;
    bytes bigint := 0;
    rows int := 0;
begin
    for e in
        select l.seq, l.type, l.at, l.origin, l.data
          from pos.event l
         where l.tenant_id = tenant and l.seq > after
         order by l.seq
         limit least(greatest(most, 0), 10000)
    loop
        seq := e.seq;
        event := pos.event_text(e.seq, e.type, e.at, e.origin, e.data);
        rows := rows + 1;
        bytes := bytes + octet_length(event);
        more := rows >= most or bytes >= 4000000;
        return next;
        exit when more;
    end loop;
end $$;
