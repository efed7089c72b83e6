-- pos.v1_menu_categories - GET /api/v1/menu/categories.
-- Caller: pos.call. Inputs: none. Answers: 200 with a bare list, in their order.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.v1_menu_categories(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
begin
    return (200, pos.menu_categories_restaurant_os(c.tenant_id), null, c.tenant_id, false)::pos.answer;
end $$;
