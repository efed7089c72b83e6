-- pos.order_json - an order as REST shows it, and as events carry it.
-- Holds: order_pull_json, order_data, order_instructions, is_for_tablets.
-- Caller: the order operations, the trigger of pos.orders. Inputs: the row; for an event also the previous status,
-- the changed fields, why and by whom.
-- Answers: JSON, documented fields first. REST has everything that the creator sent; events are lean. Refusals,
-- locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_json(o pos.orders) returns text
language plpgsql stable as $$
declare
    fixed json;
begin
    fixed := row_to_json(s) from (select
        o.id_json::json as id, o.order_number as "orderNumber", o.customer_name as "customerName",
        o.customer_phone as "customerPhone", o.order_type as "orderType", o.order_source as "orderSource",
        o.status as status, o.total_amount as "totalAmount", o.items as items,
        pos.utc(o.created_at) as "createdAt", o.special_instructions as "specialInstructions",
        pos.utc(o.scheduled_for) as "scheduledFor", o.table_number as "tableNumber",
        pos.utc(o.updated_at) as "updatedAt") s;
    return '{' || pos.inside(fixed) || coalesce(',' || nullif(pos.inside(o.details), ''), '') || '}';
end $$;

-- An order as orders_pull shows it: with `total` and `totalAmount`, in the order of that document.
create or replace function pos.order_pull_json(o pos.orders) returns text
language plpgsql stable as $$
declare
    fixed json;
begin
    fixed := row_to_json(s) from (select
        o.id_json::json as id, o.order_number as "orderNumber", o.customer_name as "customerName",
        o.total_amount as total, o.status as status, o.items as items, o.total_amount as "totalAmount",
        o.customer_phone as "customerPhone", o.order_type as "orderType", o.order_source as "orderSource",
        pos.utc(o.created_at) as "createdAt", pos.order_instructions(o) as "specialInstructions",
        pos.utc(o.scheduled_for) as "scheduledFor", o.table_number as "tableNumber",
        pos.utc(o.updated_at) as "updatedAt", coalesce(o.print_status, 'pending') as print_status) s;
    return '{' || pos.inside(fixed) || coalesce(',' || nullif(pos.inside(o.details), ''), '') || '}';
end $$;

-- What tablets cannot tell from the statuses of an online order: that it is taken on again, or that they see all.
create or replace function pos.is_for_tablets(o pos.orders, previous text) returns boolean
language plpgsql stable as $$
begin
    if o.order_source = 'pos' or pos.is_accepted(o.status) or coalesce(pos.is_accepted(previous), false) then
        return false;
    end if;
    return (o.was_accepted and o.status in ('new', 'pending'))
        or exists (select 1 from dinedesk_main.tenants t where t.id = o.tenant_id and t.tablet_orders = 'all');
end $$;

create or replace function pos.order_data(o pos.orders, previous text, changes text[] default null,
    reason text default null, updated_by text default null) returns json
language plpgsql stable as $$
declare
    fixed json;
begin
    fixed := row_to_json(s) from (select
        o.id_json::json as "orderId", o.order_number as "orderNumber", o.customer_name as "customerName",
        coalesce(o.customer_phone, '') as "customerPhone", o.order_type as "orderType",
        o.order_source as "orderSource", o.status as status, o.total_amount as "totalAmount",
        pos.lean_items(o.items) as items, pos.order_instructions(o) as "specialInstructions",
        pos.utc(o.scheduled_for) as "scheduledFor", pos.utc(o.created_at) as "createdAt",
        o.table_number as "tableNumber", pos.utc(o.updated_at) as "updatedAt",
        previous as "previousStatus") s;
    return ('{' || pos.inside(fixed) || coalesce(',"changes":' || array_to_json(changes), '')
            || coalesce(',"reason":' || to_json(reason), '')
            || coalesce(',"updatedBy":' || to_json(updated_by), '') || ',"version":' || o.version
            -- What devices of cloud sync wrote comes back to them: lines in full, fields that nobody else knows, their words.
            || case when o.words::text <> '{}' then ',"cloudsync":' || pos.cloudsync_order(o, case
                    when previous is not null then changes || array['orderNumber', 'status', 'totalAmount'] end)
                    else '' end
            || coalesce(',"tabletId":' || to_json(case when o.details::text ~ '"drawnId"' then pos.tablet_id(o) end), '')
            || case when previous is not null and pos.is_cleared(o) then ',"cleared":true'
                    when pos.is_for_tablets(o, previous) then ',"forTablets":true' else '' end || '}')::json;
end $$;

-- What the kitchen is told about the whole order, under whatever word: shops write `notes` or `comment` as well. For
-- those who make the food; its creator reads back what it wrote (order_json).
create or replace function pos.order_instructions(o pos.orders) returns text
language plpgsql stable parallel safe as $$ -- SQL would be planned at each call
begin
    if o.details::text !~ '"(special_instructions|instructions|notes?|comments?)":' then
        return o.special_instructions;
    end if;
    return (
        select pos.joined_instructions(array_remove(array[o.special_instructions::text], null) || coalesce(array_agg(t.text order by e.n, t.n), '{}'))
          from json_each(o.details) with ordinality e(key, value, n), unnest(pos.instruction_text(e.value)) with ordinality t(text, n)
         where pos.is_instruction_word(e.key) and t.text is not null);
end $$;
