-- pos.utc - a moment in the form that all answers and events have: 2026-01-05T18:00:02.117Z.
-- Caller: the functions that write JSON. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.utc(moment timestamptz) returns text
language sql stable strict parallel safe as $$
    select to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
