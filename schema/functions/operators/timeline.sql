-- pos.timeline - which history of this PostgreSQL this is: 1 as it was made, and one more with each restore and promotion.
-- Caller: pos.stream_bump and pos.restored, on a server that can be written to. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.timeline() returns int
language plpgsql stable as $$
begin
    return ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int;
end $$;
