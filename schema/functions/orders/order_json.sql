-- pos.order_json - an order as REST shows it, and as events carry it.
-- Holds: order_pull_json, order_data, order_instructions, is_for_tablets.
-- Caller: the order operations, the trigger of pos.orders. Inputs: the row; for an event also the previous status,
-- the changed fields, why and by whom.
-- Answers: JSON, documented fields first. REST has everything that the creator sent; events are lean. Refusals,
-- locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

-- An expression that PostgreSQL puts into the functions that use it: lists have many orders.
create or replace function pos.order_json(o pos.orders) returns text
language sql stable parallel safe as $$
    select '{"id":' || o.id_json || ',"orderNumber":' || to_json(o.order_number) || ',"customerName":' || to_json(o.customer_name)
        || ',"customerPhone":' || coalesce(to_json(o.customer_phone)::text, 'null') || ',"orderType":' || to_json(o.order_type)
        || ',"orderSource":' || to_json(o.order_source) || ',"status":' || to_json(o.status)
        || ',"totalAmount":' || o.total_amount || ',"items":' || o.items || ',"createdAt":"' || pos.utc(o.created_at)
        || '","specialInstructions":' || coalesce(to_json(o.special_instructions)::text, 'null')
        || ',"scheduledFor":' || coalesce('"' || pos.utc(o.scheduled_for) || '"', 'null')
        || ',"tableNumber":' || coalesce(to_json(o.table_number)::text, 'null')
        || ',"updatedAt":"' || pos.utc(o.updated_at) || '"'
        || coalesce(',' || nullif(substr(o.details::text, 2, length(o.details::text) - 2), ''), '') || '}'
$$;

-- An order as orders_pull shows it: with `total` and `totalAmount`, in the order of that document.
create or replace function pos.order_pull_json(o pos.orders) returns text
language sql stable parallel safe as $$
    select '{"id":' || o.id_json || ',"orderNumber":' || to_json(o.order_number) || ',"customerName":' || to_json(o.customer_name)
        || ',"total":' || o.total_amount || ',"status":' || to_json(o.status) || ',"items":' || o.items
        || ',"totalAmount":' || o.total_amount || ',"customerPhone":' || coalesce(to_json(o.customer_phone)::text, 'null')
        || ',"orderType":' || to_json(o.order_type) || ',"orderSource":' || to_json(o.order_source)
        || ',"createdAt":"' || pos.utc(o.created_at)
        || '","specialInstructions":' || coalesce(to_json(pos.order_instructions(o))::text, 'null')
        || ',"scheduledFor":' || coalesce('"' || pos.utc(o.scheduled_for) || '"', 'null')
        || ',"tableNumber":' || coalesce(to_json(o.table_number)::text, 'null')
        || ',"updatedAt":"' || pos.utc(o.updated_at) || '","print_status":' || to_json(coalesce(o.print_status, 'pending'))
        || coalesce(',' || nullif(substr(o.details::text, 2, length(o.details::text) - 2), ''), '') || '}'
$$;

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
begin
    return ('{"orderId":' || o.id_json || ',"orderNumber":' || to_json(o.order_number)
            || ',"customerName":' || to_json(o.customer_name) || ',"customerPhone":' || to_json(coalesce(o.customer_phone, ''))
            || ',"orderType":' || to_json(o.order_type) || ',"orderSource":' || to_json(o.order_source)
            || ',"status":' || to_json(o.status) || ',"totalAmount":' || o.total_amount
            || ',"items":' || pos.lean_items(o.items)
            || ',"specialInstructions":' || coalesce(to_json(pos.order_instructions(o))::text, 'null')
            || ',"scheduledFor":' || coalesce('"' || pos.utc(o.scheduled_for) || '"', 'null')
            || ',"createdAt":"' || pos.utc(o.created_at) || '","tableNumber":' || coalesce(to_json(o.table_number)::text, 'null')
            || ',"updatedAt":"' || pos.utc(o.updated_at) || '","previousStatus":' || coalesce(to_json(previous)::text, 'null')
            || coalesce(',"changes":' || array_to_json(changes), '')
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
