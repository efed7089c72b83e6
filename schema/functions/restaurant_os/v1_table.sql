-- pos.v1_table - GET /api/v1/tables/{id}.
-- Caller: pos.call. Inputs: path.id. Answers: 200 with the bare table.
-- Refusals: 404 TABLE_NOT_FOUND. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.v1_table(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    shown text := (pos.tables_restaurant_os(c.tenant_id, array[c.path ->> 'id']))[1];
begin
    if shown is null then
        perform pos.refuse(404, 'TABLE_NOT_FOUND', 'No such table here. GET /api/v1/tables lists the ids.');
    end if;
    return (200, shown, null, c.tenant_id, false)::pos.answer;
end $$;
