-- pos.console_menu - GET /api/{tenant}/console/menu: the dishes, and which of them are not to be had, or counted.
-- Caller: pos.call. Inputs: none.
-- Answers: 200 {items: [{id, name, category, price, available, until, reason, quantity}], more}: those that are off come first, then
-- those that are counted, then all others, by name; at most 1000, and `more` says how many others there are. What somebody turned on
-- or off by other means since (a tablet) is shown as it is now, as menu_availability does.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.console_menu(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    nothing pos.menu_state;
    items json[];
    count bigint;
begin
    perform pos.console_look(c, 'menu');
    items := array(select ('{"id":' || to_json(i.id::text) || ',"name":' || to_json(coalesce(i.name, '')) || ',"category":'
                           || coalesce(to_json(i.category)::text, 'null') || ',"price":' || coalesce(i.price::text, 'null') || ',"available":'
                           || i.available || ',' || pos.menu_state_json(case when i.available = s.is_available or s.quantity > 0 then s
                                                                             else nothing end) || '}')::json
                     from pos.menu_items i
                     left join pos.menu_state s on s.tenant_id = i.tenant_id and s.item_id = i.id
                    where i.tenant_id = c.tenant_id and i.deleted_at is null
                    order by i.available, s.quantity is null, lower(i.name), i.id
                    limit 1000);
    count := (select count(*) from pos.menu_items i where i.tenant_id = c.tenant_id and i.deleted_at is null);
    return pos.console_answer(c, row_to_json(a)) from (select array_to_json(items) as items, count - cardinality(items) as more) a;
end $$;
