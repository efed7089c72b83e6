-- pos.v1_order_create - POST /api/v1/orders: an order that a waiter, a kiosk or a guest makes in Restaurant OS.
-- Holds: v1_order_body, v1_total.
-- Caller: pos.call. Inputs: the published client's body in snake or camel case: items (name, quantity, price, and what
-- order_items knows besides: modifiers, modifications, notes …), type, customer_name, customer_email, customer_phone,
-- table_number, seat_number, notes, tip, tax, subtotal, total_amount, metadata; restaurant_id, which is checked if
-- present. Any other field is kept as it came.
-- Answers: 201 with the bare order, which is `pending`, and `warnings`. Without a total it is the sum of the lines, tax
-- and tip. Refusals: those of pos.order_fields; 403 PERMISSION_DENIED. Locks: the new row's, then the stream.
-- Events: order.created.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.v1_order_create(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    decimals int := pos.currency_decimals(c.currency);
    f record;
    o pos.orders;
begin
    perform pos.check_restaurant(c, 'orders', pos.either(body -> 'restaurant_id', body -> 'restaurantId'));
    f := pos.order_fields(pos.v1_order_body(body), c.timezone, decimals);
    if f.items is null or json_array_length(f.items) = 0 then
        perform pos.refuse_field('items', 'Send the lines of the order: at least one.');
    end if;
    f.customer_name := coalesce(f.customer_name, 'Table ' || f.table_number, 'Guest');
    f.total_amount := coalesce(f.total_amount, pos.v1_total(f.items, body, decimals));
    o := pos.order_insert(c, f, gen_random_uuid()::text, null);
    return (201, left((pos.orders_v1(c.tenant_id, array[o.id::text]))[1], -1)
                 || coalesce(',' || pos.warnings(f.noted), '') || '}',
            array[pos.emit(c.tenant_id, 'order.created', c.origin, pos.order_data(o, null))],
            c.tenant_id, false)::pos.answer;
end $$;

-- The body under the names of order_fields. What only the server says (ids, status, times) is left out.
create or replace function pos.v1_order_body(body json) returns json
language plpgsql stable as $$
declare
    member record;
    kind text := coalesce(pos.read_word(pos.read_text('type', pos.either(body -> 'type', body -> 'order_type'), 32)), 'online');
    names text[] := array['status', 'orderType', 'orderSource'];
    vals text[];
    name text;
begin
    -- Tills print what guests have ordered from outside; what is made in the restaurant stays with its screens.
    vals := array['"pending"', to_json(kind)::text, to_json(case
        when kind in ('online', 'delivery', 'pickup', 'takeout') then 'online'
        when kind in ('kiosk', 'voice', 'drive_thru') then kind else 'pos' end)::text];
    for member in select e.key, e.value from json_each(body) e loop
        continue when member.key in ('id', 'order_id', 'orderId', 'order_number', 'orderNumber', 'status', 'type',
            'order_type', 'orderType', 'orderSource', 'restaurant_id', 'restaurantId', 'created_at', 'createdAt',
            'updated_at', 'updatedAt', 'requestId', 'recall') or json_typeof(member.value) = 'null';
        name := case member.key
            when 'customer_name' then 'customerName' when 'customer_phone' then 'customerPhone'
            when 'customer_email' then 'customerEmail' when 'table_number' then 'tableNumber'
            when 'seat_number' then 'seatNumber' when 'total_amount' then 'totalAmount' when 'total' then 'totalAmount'
            when 'payment_status' then 'paymentStatus' when 'scheduled_pickup_time' then 'scheduledFor'
            else member.key end;
        if not name = any(names) then
            names := names || name;
            vals := vals || member.value::text;
        end if;
    end loop;
    return pos.object_of(names, vals);
end $$;

-- As the published server adds up: the modifiers of a line count as often as the line, then tax and tip.
create or replace function pos.v1_total(items json, body json, decimals int) returns numeric
language plpgsql stable as $$
begin
    return coalesce((
        select sum(round((i.price + coalesce((select sum(a.price * coalesce(a.quantity, 1))
                                                from json_to_recordset(i."selectedAddons") a(price numeric, quantity numeric)), 0))
                         * i.quantity, decimals))
          from json_to_recordset(items) i(price numeric, quantity numeric, "selectedAddons" json)), 0)
        + coalesce(pos.read_price(body -> 'tax', decimals), 0) + coalesce(pos.read_price(body -> 'tip', decimals), 0);
end $$;
