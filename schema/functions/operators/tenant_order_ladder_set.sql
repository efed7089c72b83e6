-- pos.tenant_order_ladder_set - whether people are told of orders that no device acknowledges (orders/order_ladder).
-- Caller: tillctl tenant set. Inputs: the slug; off, auto or on; whether such an order is cancelled in the end, on or off; null: it stays.
-- Answers: nothing: tenant_show has it. Refusals: 404 TENANT_NOT_FOUND; 400 INVALID_FIELD. Locks: the tenant's row.
-- Events: none; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.tenant_order_ladder_set(slug text, ladder text, rejects text) returns void
language plpgsql as $$
declare
    old dinedesk_main.tenants := pos.operator_tenant(slug);
    new dinedesk_main.tenants;
begin
    if ladder not in ('off', 'auto', 'on') then
        perform pos.refuse_field('order-ladder', 'people are told of orders that nobody acknowledges ("on"), or not ("off"), or once a device has acknowledged one ("auto")');
    elsif rejects not in ('off', 'on') then
        perform pos.refuse_field('order-ladder-cancels', 'such an order is cancelled after eight minutes ("on") or not ("off")');
    end if;
    update dinedesk_main.tenants t
       set order_ladder = coalesce(ladder, t.order_ladder), order_ladder_rejects = coalesce(rejects = 'on', t.order_ladder_rejects)
     where t.id = old.id
    returning t.* into new;
    if (new.order_ladder, new.order_ladder_rejects) is distinct from (old.order_ladder, old.order_ladder_rejects) then
        perform pos.operator_note(old.id, 'tenant.set', old.slug, concat_ws('; ',
            case when new.order_ladder <> old.order_ladder then format('order_ladder: %s -> %s', old.order_ladder, new.order_ladder) end,
            case when new.order_ladder_rejects <> old.order_ladder_rejects
                 then format('order_ladder_rejects: %s -> %s', old.order_ladder_rejects::text, new.order_ladder_rejects::text) end));
    end if;
end $$;
