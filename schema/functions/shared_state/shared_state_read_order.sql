-- pos.shared_state_read_order - an order that a tablet or till has made or changed.
-- Holds: shared_state_order_name, shared_state_order_status, shared_state_order_insert, shared_state_lines, given,
-- shared_state_lines_merge.
-- Caller: shared_state_read, shared_state_change. Inputs: the step; its data in the words of the dialect; the time
-- zone.
-- Answers: shared_state_read_order: the step with the fields of the order as order_fields takes them, lines in our
-- shape, amounts rounded to the cent, and the wanted status. shared_state_order_insert: whether it has made a new
-- row; false when there is one. shared_state_order_status: the stored status that a word of the dialect means for
-- this order.
-- Refusals: 400 INVALID_FIELD, INVALID_AMOUNT, INVALID_STATUS and those of order_fields.
-- Locks: the new row's. Events: none; shared_state_change writes them.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.shared_state_read_order(s pos.house_step, data json, dialect text, zone text)
returns pos.house_step
language plpgsql stable as $$
declare
    member record;
    names text[] := '{}';
    vals text[] := '{}';
    place int;
    name text;
    val text;
    cents numeric;
begin
    for member in
        select e.key, e.value, json_typeof(e.value) as kind,
               pos.shared_state_order_name(e.key, json_typeof(e.value)) as name
          from json_each(data) with ordinality e(key, value, n)
         where not pos.shared_state_own_field(e.key)
         order by pos.shared_state_order_name(e.key, json_typeof(e.value)) = e.key, e.n
    loop
        name := member.name;
        val := member.value::text;
        continue when name is null;
        case
        when name = 'status' then
            if member.kind <> 'null' then
                s.wanted := lower(pos.enum_word(pos.read_text('status', member.value, 64)));
                perform pos.shared_state_order_status(s.wanted, null, dialect);
            end if;
            continue;
        when member.kind = 'null'
             and name in ('customerName', 'totalAmount', 'items', 'orderNumber', 'orderType', 'createdAt') then
            continue;
        when name in ('totalAmount', 'subtotal', 'deliveryFee', 'discount', 'tax', 'discountTotal', 'taxTotal',
                      'serviceCharge', 'tip') and member.kind <> 'null' then
            cents := pos.read_cents(member.value);
            if cents is null or (name = 'totalAmount' and cents < 0) then
                perform pos.refuse_field(member.key, format('"%s" must be an amount.', member.key), 'INVALID_AMOUNT');
            end if;
            if cents <> pos.read_decimal(member.value) then
                s.warning := 'AMOUNT_ROUNDED';
            end if;
            val := cents::text;
        when name = 'items' then
            s.lines := pos.shared_state_lines(member.value);
            continue;
        when name = 'createdAt' and member.kind = 'string'
             and member.value #>> '{}' !~ '([Zz]|[-+ ][0-9]{2}:?[0-9]{2})$' then
            -- A time without a zone is local time of the restaurant.
            val := coalesce(to_json(pos.utc((pos.read_instant(member.value #>> '{}') at time zone 'UTC')
                                            at time zone zone))::text, val);
        when name = 'orderType' then
            val := to_json(pos.enum_word(pos.read_text(member.key, member.value, 64)))::text;
        when name = 'orderDate' then
            continue when 'createdAt' = any(names) or pos.read_date(member.value #>> '{}') is null;
            name := 'createdAt';
            val := to_json(pos.utc(pos.read_date(member.value #>> '{}')::timestamp at time zone zone))::text;
        else
            null;
        end case;
        place := coalesce(array_position(names, name), cardinality(names) + 1);
        names[place] := name;
        vals[place] := val;
    end loop;
    if s.action = 'completed' then
        s.wanted := 'completed';
    elsif s.deletes then
        s.wanted := 'cancelled';
        names := '{}';
        vals := '{}';
        s.lines := null;
    end if;
    s.body := pos.object_of(names, vals);
    -- Refuses wrong values before anything is locked.
    perform pos.order_fields(s.body);
    return s;
end $$;

-- The name that REST has for a field; null for fields that are not taken from a device.
create or replace function pos.shared_state_order_name(field text, kind text) returns text
language sql immutable parallel safe as $$
    select case
        when field in ('orderId', 'order_id', 'orderSource', 'order_source', 'previousStatus', 'recall', 'reason', 'updatedBy',
                       'requestId', 'changes') then null
        when field in ('order_number') then 'orderNumber'
        when field = 'customer_name' or (field = 'customer' and kind = 'string') then 'customerName'
        when field = 'customer_phone' then 'customerPhone'
        when field in ('type', 'order_type') then 'orderType'
        when field in ('total', 'total_amount') then 'totalAmount'
        when field = 'table_number' or (field = 'table' and kind in ('string', 'number')) then 'tableNumber'
        when field = 'created_at' then 'createdAt'
        when field = 'order_date' then 'orderDate'
        when field = 'special_instructions' then 'specialInstructions'
        when field = 'scheduled_for' then 'scheduledFor'
        else field
    end
$$;

-- If the order has a status already that the dialect calls by this word, nothing changes: a tablet sends whole
-- orders, and calls a confirmed one pending. Null means no change.
create or replace function pos.shared_state_order_status(word text, held text, dialect text) returns text
language plpgsql immutable parallel safe as $$
declare
    wanted text := case
        when word in ('picked-up', 'pickedup') then 'picked_up'
        when word in ('out-for-delivery', 'outfordelivery') then 'out_for_delivery'
        when word in ('canceled', 'refunded') then 'cancelled'
        else word end;
begin
    if wanted is not null then
        perform pos.read_status(to_json(wanted));
    end if;
    return case
        -- A refund can come after the order is finished, and then changes nothing.
        when word = 'refunded' and held in ('completed', 'cancelled', 'rejected') then null
        when dialect = 'minipos' and pos.minipos_status(wanted) = pos.minipos_status(held) then null
        when dialect = 'cloudsync' and pos.cloudsync_status(wanted) = pos.cloudsync_status(held) then null
        else wanted end;
end $$;

-- Makes a new order, with values for the fields that a till leaves out.
create or replace function pos.shared_state_order_insert(c pos.context, s pos.house_step, dialect text) returns boolean
language plpgsql as $$
declare
    f record := pos.order_fields(s.body);
    o pos.orders;
begin
    f.order_number := coalesce(f.order_number, case when s.shown like '"%' and length(s.id) < 36 then s.id end);
    f.customer_name := coalesce(f.customer_name, 'Walk-in');
    f.items := pos.order_items(coalesce(s.lines, '[]'), false);
    f.total_amount := coalesce(f.total_amount, (
        select least(greatest(coalesce(round(sum((i ->> 'price')::numeric * (i ->> 'quantity')::numeric), 2), 0), 0), 99999999.99)
          from json_array_elements(f.items) i));
    f.order_type := coalesce(f.order_type, case when f.table_number is not null then 'dine_in' end);
    f.order_source := 'pos';
    f.status := pos.shared_state_order_status(s.wanted, null, dialect);
    o := pos.order_insert(c, f, s.id, s.shown);
    return o.id is not null;
end $$;

-- The lines of a tablet or till with our names, and prices rounded to the cent. Everything else that was sent is
-- kept.
create or replace function pos.shared_state_lines(value json) returns json
language plpgsql immutable parallel safe as $$
declare
    list json := pos.read_list('items', value);
    line record;
    lines text[] := array[]::text[];
    one json;
    price json;
    named json;
begin
    if json_array_length(list) > 500 then
        perform pos.refuse_field('items', 'An order has at most 500 lines. Split it.');
    end if;
    for line in select e.value as line, 'items[' || e.n - 1 || ']' as place
                  from json_array_elements(list) with ordinality e(value, n) loop
        one := line.line;
        if json_typeof(one) <> 'object' then
            perform pos.refuse_field(line.place, format('"%s" must be an object.', line.place));
        end if;
        named := case json_typeof(one -> 'menuItem') when 'object' then one -> 'menuItem' end;
        price := coalesce(pos.given(one -> 'price'), pos.given(one -> 'unitPrice'), pos.given(one -> 'unit_price'),
                          pos.given(named -> 'price'));
        if price is not null and pos.read_cents(price) is null then
            perform pos.refuse_field(line.place || '.price', format('"%s.price" must be an amount.', line.place),
                                     'INVALID_AMOUNT');
        end if;
        if pos.given(one -> 'quantity') is not null and coalesce(pos.read_decimal(one -> 'quantity'), 0) <= 0 then
            perform pos.refuse_field(line.place || '.quantity',
                                     format('"%s.quantity" must be a number above 0.', line.place));
        end if;
        lines := lines || pos.shared_state_details(one, array['name', 'price'], array[
            coalesce(pos.given(one -> 'name'), pos.given(named -> 'name'), pos.given(one -> 'menuItemName'),
                     pos.given(one -> 'menu_item_name'))::text,
            pos.read_cents(price)::text])::text;
    end loop;
    return ('[' || array_to_string(lines, ',') || ']')::json;
end $$;

-- A value that is present and not null.
create or replace function pos.given(value json) returns json
language sql immutable parallel safe as $$
    select case when json_typeof(value) <> 'null' then value end
$$;

-- A tablet sends back the lines that it was shown, which have fewer members than those of an online order: members of
-- an existing line that it does not send stay.
create or replace function pos.shared_state_lines_merge(stored json, sent json) returns json
language plpgsql immutable as $$
begin
    return (select ('[' || coalesce(string_agg(case when k.line is null then g.line::text else
                        pos.shared_state_details(k.line, array(select e.key from json_each(g.line) e),
                                          array(select e.value::text from json_each(g.line) e))::text end, ',' order by g.n), '') || ']')::json
              from (select e.line, e.n, coalesce(e.line ->> 'id', 'i' || e.n) as id
                      from json_array_elements(sent) with ordinality e(line, n)) g
              left join lateral (
                   select e.line from json_array_elements(stored) e(line) where e.line ->> 'id' = g.id limit 1) k on true);
end $$;
