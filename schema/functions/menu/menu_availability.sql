-- pos.menu_availability - GET /api/{tenant}/menu-items/availability: what is not to be had now, and what is counted.
-- Caller: pos.call. Inputs: none.
-- Answers: 200 {items: [{menuItemId, name, available, until, reason, quantity}], count}, by name. What somebody turned on or off by
-- other means since (a tablet) is shown as it is now.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.menu_availability(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    list text;
    many bigint;
    nothing pos.menu_state;
begin
    select coalesce(string_agg('{"menuItemId":' || to_json(i.id::text) || ',"name":' || to_json(coalesce(i.name, '')) || ',"available":'
                               || i.available || ',' || pos.menu_state_json(case when i.available = s.is_available or s.quantity > 0 then s
                                                                                 else nothing end) || '}',
                               ',' order by i.name, i.id), ''), count(*)
      into list, many
      from pos.menu_items i
      left join pos.menu_state s on s.tenant_id = i.tenant_id and s.item_id = i.id
     where i.tenant_id = c.tenant_id and i.deleted_at is null and (not i.available or s.quantity > 0);
    return (200, pos.success(('{"items":[' || list || '],"count":' || many || '}')::json), null, c.tenant_id, false)::pos.answer;
end $$;
