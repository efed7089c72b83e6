-- pos.v1_tables - GET /api/v1/tables.
-- Caller: pos.call. Inputs: none. Answers: 200 with a bare list, by number.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.v1_tables(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
begin
    return (200, '[' || array_to_string(pos.tables_restaurant_os(c.tenant_id, null), ',') || ']',
            null, c.tenant_id, false)::pos.answer;
end $$;
