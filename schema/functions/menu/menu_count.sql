-- pos.menu_count - a new order takes from the quantities of the items that it names.
-- Caller: order_insert, shared_state_change (for all new orders of a list at once) and the trigger of pos.orders, in a restaurant that
-- counts (tenants.counts_items). Inputs: the tenant, and the lines as order_items writes them. A line names the item of its menuItemId; when the menu has none of that id, that of its name.
-- No order is refused for it: who has paid is served or called. What is taken away from an order later, or was cancelled, is not
-- given back: the kitchen knows whether it can be sold.
-- Answers: nothing. Refusals: none. Locks: what is said about the items (pos.menu_state), by their ids, and a timer.
-- Events: none: at nothing a timer turns the item off (timer_menu), because here the item itself may not be locked any more.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.menu_count(tenant uuid, items json) returns void
language plpgsql as $$
declare
    named record;
    left_over numeric;
begin
    for named in
        select i.id::text, sum(l.quantity) as quantity
          from (select coalesce(e ->> 'menuItemId', e ->> 'menu_item_id') as id, lower(btrim(e ->> 'name')) as name,
                       (e ->> 'quantity')::numeric as quantity
                  from json_array_elements(items) e) l
          join (pos.menu_state s join pos.menu_items i on i.tenant_id = s.tenant_id and i.id = s.item_id)
            on i.id = l.id or (lower(btrim(i.name)) = l.name
                               and not exists (select from pos.menu_items o where o.tenant_id = tenant and o.id = l.id))
         where s.tenant_id = tenant and s.is_available and s.quantity > 0
         group by i.id order by i.id collate "C"
    loop
        update pos.menu_state s set quantity = greatest(s.quantity - named.quantity, 0)
         where s.tenant_id = tenant and s.item_id = named.id and s.is_available and s.quantity > 0
        returning s.quantity into left_over;
        if left_over = 0 then
            perform pos.timer_set(tenant, 'menu_sold_out', named.id, clock_timestamp());
        end if;
    end loop;
end $$;
