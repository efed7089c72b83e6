-- pos.schema_version - the number of the newest migration that this database has.
-- Caller: all three processes, for /readyz. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.schema_version() returns int
language plpgsql stable security definer set search_path = pos, pg_temp as $$
begin
    return (select max(m.number) from pos.migration m);
end $$;
