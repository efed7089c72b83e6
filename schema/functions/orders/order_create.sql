-- pos.order_create - POST /api/{tenant}/orders.
-- Holds: order_insert, next_order_number, order_history_add.
-- Caller: pos.call, platform side. Inputs: the fields of new_order. customerName, totalAmount and items are required;
-- orderId, orderNumber, customerPhone, orderType, orderSource, status, specialInstructions, scheduledFor, createdAt
-- and tableNumber are optional; any other field is kept as it came.
-- Answers: 201 {order, warnings?, tillsOnline}, tillsOnline being how many sessions of the restaurant hear of it, with possibleDuplicateOf (an order's id) when an order of that number or externalId came
-- within a day with other content; 200 {order, duplicate: true} when it is a repeat of that order (order_repeat).
-- Refusals: those of pos.order_fields; 409 ORDER_EXISTS.
-- Locks: the new row's, the quantities of items that are counted (menu/menu_count), then the stream. Events: order.created.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_create(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    f record;
    ordered record;
    known record;
    o pos.orders;
    twin text;
    tills bigint; -- how many hear of it: here and not by a function, which every order would pay for
begin
    f := pos.order_fields(body, c.timezone, pos.currency_decimals(c.currency));
    ordered := pos.read_order_id(f.order_id);
    if f.customer_name is null then
        perform pos.refuse_field('customerName', 'Send the customer''s name.');
    elsif f.total_amount is null then
        perform pos.refuse_field('totalAmount', 'Send the total amount.', 'INVALID_AMOUNT');
    elsif f.items is null then
        perform pos.refuse_field('items', 'Send the lines of the order.');
    end if;

    select coalesce(sum(t.sessions), 0) into tills from pos.tills_online t where t.tenant = c.tenant_id;
    known := pos.order_repeat(c, body, f.order_number);
    if known.is_equal then
        select p.* into o from pos.orders p where p.tenant_id = c.tenant_id and p.id = known.first_id;
        return (200, '{"success":true,"order":' || pos.order_json(o) || ',"duplicate":true,"tillsOnline":' || tills || '}',
                null, c.tenant_id, false)::pos.answer;
    end if;

    o := pos.order_insert(c, f, coalesce(ordered.id, gen_random_uuid()::text), ordered.shown);
    if o.id is null then
        perform pos.refuse(409, 'ORDER_EXISTS', case
            when (pos.order_archived(c.tenant_id, ordered.id)).id is null
            then 'There is an order with this id already. Update it, or use another id.'
            else 'There is an archived order with this id, which stays as it is. Use another id.' end,
                           ('{"orderId":' || ordered.shown || '}')::json);
    end if;
    if cardinality(known.names) > 0 then
        perform pos.order_given_note(c, known.names, o.id, known.content_hash);
    end if;
    if known.first_id is not null then
        select p.id_json into twin from pos.orders p where p.tenant_id = c.tenant_id and p.id = known.first_id;
    end if;
    return (201, '{"success":true,"order":' || pos.order_json(o)
            || case when cardinality(f.noted) > 0 then ',' || pos.warnings(f.noted) else '' end
            || coalesce(',"possibleDuplicateOf":' || twin, '') || ',"tillsOnline":' || tills || '}',
            array[pos.emit(c.tenant_id, 'order.created', c.origin, pos.order_data(o, null))],
            c.tenant_id, false)::pos.answer;
end $$;

-- Makes the row from the result of order_fields, and the first line of its history; null when the id is taken.
create or replace function pos.order_insert(c pos.context, f record, order_id text, shown text) returns pos.orders
language plpgsql as $$
declare
    o pos.orders;
begin
    if shown is not null then
        if exists (select from pos.order_archive a where a.tenant_id = c.tenant_id and a.id = order_id) then
            return null; -- its id is taken
        end if;
    end if;
    insert into pos.orders (tenant_id, id, id_json, order_number, customer_name, customer_phone, order_type,
        order_source, status, total_amount, items, special_instructions, scheduled_for, table_number, details,
        created_at, updated_at, made_by)
    values (c.tenant_id, order_id, coalesce(shown, to_json(order_id)::text),
        coalesce(f.order_number, pos.next_order_number(c.tenant_id, c.order_number_prefix)),
        f.customer_name, f.customer_phone, coalesce(f.order_type, 'pickup'), coalesce(f.order_source, 'online'),
        coalesce(f.status, 'new'), f.total_amount, f.items, f.special_instructions, f.scheduled_for,
        f.table_number, pos.object_of(f.detail_names, f.detail_values),
        coalesce(f.created_at, clock_timestamp()), clock_timestamp(), c.device)
    on conflict (tenant_id, id) do nothing
    returning * into o;
    if found then
        perform pos.order_history_add(c, o, null, null, f.updated_by);
        if c.order_ladder = 'on' then
            perform pos.order_ladder_begin(o);
        end if;
        if c.counts_items then
            perform pos.menu_count(c.tenant_id, o.items);
        end if;
    end if;
    return o;
end $$;

-- The tenant's next order number, from a sequence of its own: no transaction waits for another, and the numbers do
-- not show how much other tenants sell.
create or replace function pos.next_order_number(tenant uuid, prefix text) returns text
language plpgsql as $$
declare
    number bigint := nextval(('pos.order_number_' || replace(tenant::text, '-', ''))::regclass);
begin
    return prefix || case when number < 10000 then lpad(number::text, 4, '0') else number::text end;
end $$;

-- Adds a line to the order's history.
create or replace function pos.order_history_add(c pos.context, o pos.orders, previous text, reason text, updated_by text)
returns void
language plpgsql as $$
begin
    insert into pos.order_status_history (tenant_id, order_id, previous, status, reason, updated_by,
        key_id, device, request_id)
    values (o.tenant_id, o.id, previous, o.status, reason, updated_by, c.key_id, c.device, c.request_id);
end $$;
