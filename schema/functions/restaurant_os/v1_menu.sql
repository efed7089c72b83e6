-- pos.v1_menu - GET /api/v1/menu.
-- Caller: pos.call. Inputs: none. Answers: 200 with {categories, items}.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.v1_menu(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
begin
    return (200, pos.menu_restaurant_os(c.tenant_id), null, c.tenant_id, false)::pos.answer;
end $$;
