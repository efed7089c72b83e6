-- pos.order_items - the lines of an order, checked and put into one shape, whoever sends them.
-- Holds: check_lines, order_line, line_name, line_price, line_quantity, is_line_field, lean_items.
-- Caller: order_fields, shared_state_apply_order, shared_state_order_insert, the trigger of pos.orders.
-- Inputs: the items as they came; the currency's decimals; complete: each line must have a name and a price, and there
-- are at most 500 lines of 100 add-ons, and 5000 of both together. Devices and SQL may leave out both; then the name is empty, the price 0, and it
-- is said.
-- Answers: a JSON array; each line {id, name, price, quantity, selectedAddons, menuItemId?, specialInstructions?},
-- then all other members as they came. selectedAddons and specialInstructions hold what came under any of the words
-- that senders have for them (order_addons), so every dialect shows all of it. Prices have the currency's decimals,
-- whole quantities are written as 2 and never as 2.00, and a weight like 0.345 is kept. `noted` is for pos.warnings.
-- Refusals: 400 INVALID_FIELD, INVALID_AMOUNT. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_items(items json, decimals int, complete boolean, out lines json, out noted text[])
language plpgsql immutable parallel safe as $$
declare
    one record;
    read record;
    list text[] := array[]::text[];
begin
    noted := array[]::text[];
    if coalesce(json_typeof(items), 'null') <> 'array' then
        perform pos.refuse_field('items', '"items" must be a list of lines.');
    end if;
    if complete then
        perform pos.check_lines(items);
    end if;
    for one in select e.value, e.n from json_array_elements(items) with ordinality e(value, n) loop
        read := pos.order_line(one.value, 'items[' || one.n - 1 || ']', 'i' || one.n, decimals, complete);
        list := list || read.line;
        noted := noted || read.noted;
    end loop;
    lines := ('[' || array_to_string(list, ',') || ']')::json;
end $$;

-- What a person can order, so that nobody's order takes all the time that a request has.
create or replace function pos.check_lines(items json) returns void
language plpgsql immutable parallel safe as $$
begin
    if json_array_length(items) > 500 then
        perform pos.refuse_field('items', 'An order has at most 500 lines. Split it.');
    elsif length(items::text) - length(replace(items::text, '{', '')) > 5000 then
        perform pos.refuse_field('items', 'An order has at most 5000 lines and add-ons together. Split it.');
    end if;
end $$;

create or replace function pos.order_line(given json, place text, default_id text, decimals int, complete boolean,
    out line text, out noted text[])
language plpgsql immutable parallel safe as $$
declare
    member record;
    line_id text;
    name text;
    price numeric;
    price_given json;
    quantity numeric;
    quantity_given json;
    addons text := '[]';
    added record;
    menu_item text;
    instructions text[] := array[]::text[];
    rest text[] := array[]::text[];
    lists text[] := array[]::text[];
begin
    noted := array[]::text[];
    if json_typeof(given) = 'string' and not complete then
        given := ('{"name":' || given || '}')::json;
    elsif json_typeof(given) <> 'object' then
        perform pos.refuse_field(place, format('"%s" must be an object.', place));
    end if;
    for member in select e.key, e.value from json_each(given) e loop
        case member.key
        when 'id' then
            line_id := pos.read_label(place || '.id', member.value, 64);
        when 'name' then
            name := pos.read_label(place || '.name', member.value, 500);
        when 'price' then
            price_given := pos.given(member.value);
        when 'quantity' then
            quantity_given := pos.given(member.value);
        when 'selectedAddons' then
            lists := array['selectedAddons'] || lists;
        when 'menuItemId' then
            menu_item := pos.read_label(place || '.menuItemId', member.value, 64);
        when 'specialInstructions' then
            -- Before all other words for it.
            instructions := pos.read_label(place || '.specialInstructions', member.value, 2000) || instructions;
        else
            rest := rest || (to_json(member.key) || ':' || member.value);
            if pos.is_addon_word(member.key) then
                lists := lists || member.key;
            elsif pos.is_instruction_word(member.key) then
                instructions := instructions || pos.instruction_text(member.value);
            elsif not pos.is_line_field(member.key) then
                noted := noted || ('UNKNOWN_FIELD ' || place || '.' || left(member.key, 100));
            end if;
        end case;
    end loop;

    -- Other words are looked for only when the documented one is not there: each look reads the whole line.
    if name is null then
        name := pos.read_label(place || '.name', pos.line_name(given), 500);
    end if;
    if name is null and complete then
        perform pos.refuse_field(place || '.name', format('"%s.name" is missing.', place));
    end if;
    if price_given is null then
        price_given := pos.line_price(given);
    end if;
    price := pos.read_price(price_given, decimals);
    if price is null and price_given is not null then
        perform pos.refuse_field(place || '.price', format('"%s.price" must be a number up to 99999999.99.', place),
                                 'INVALID_AMOUNT');
    elsif price is null and complete then
        perform pos.refuse_field(place || '.price', format('"%s.price" is missing.', place), 'INVALID_AMOUNT');
    elsif price is null then
        price := round(0::numeric, decimals);
        noted := noted || ('PRICE_ASSUMED ' || place);
    elsif price_given::text <> price::text and pos.is_rounded(price_given, price) then
        noted := noted || ('AMOUNT_ROUNDED ' || place || '.price');
    end if;

    if quantity_given is null then
        quantity_given := pos.given(given -> 'qty');
    end if;
    quantity := pos.line_quantity(quantity_given, place || '.quantity');
    if quantity is null then
        quantity := 1;
        noted := noted || ('QUANTITY_ASSUMED ' || place);
    elsif quantity_given::text <> quantity::text and pos.is_rounded(quantity_given, quantity) then
        noted := noted || ('QUANTITY_ROUNDED ' || place || '.quantity');
    end if;

    if cardinality(lists) > 0 then
        added := pos.order_addons(given, lists, place, decimals);
        if added.count > 100 and complete then
            perform pos.refuse_field(place || '.selectedAddons', 'A line has at most 100 add-ons.');
        end if;
        addons := added.addons;
        instructions := instructions || added.instructions;
        noted := noted || added.noted;
    end if;
    line := '{"id":' || to_json(coalesce(line_id, default_id)) || ',"name":' || to_json(coalesce(name, ''))
        || ',"price":' || price || ',"quantity":' || quantity || ',"selectedAddons":' || addons
        || coalesce(',"menuItemId":' || to_json(menu_item), '')
        || case when cardinality(instructions) > 0
                then coalesce(',"specialInstructions":' || to_json(pos.joined_instructions(instructions)), '') else '' end
        || coalesce(',' || nullif(array_to_string(rest, ','), ''), '') || '}';
end $$;

-- What senders call the name and the price of a line.
create or replace function pos.line_name(given json) returns json
language sql immutable parallel safe as $$
    select coalesce(pos.given(given -> 'name'), pos.given(case json_typeof(given -> 'menuItem') when 'object' then given -> 'menuItem' -> 'name' end),
                    pos.given(given -> 'menuItemName'), pos.given(given -> 'menu_item_name'),
                    pos.given(given -> 'itemName'), pos.given(given -> 'item_name'))
$$;

create or replace function pos.line_price(given json) returns json
language sql immutable parallel safe as $$
    select coalesce(pos.given(given -> 'price'), pos.given(given -> 'unitPrice'), pos.given(given -> 'unit_price'),
                    pos.given(case json_typeof(given -> 'menuItem') when 'object' then given -> 'menuItem' -> 'price' end))
$$;

-- Null when there is none.
create or replace function pos.line_quantity(given json, place text) returns numeric
language plpgsql immutable parallel safe as $$
declare
    quantity numeric := pos.read_quantity(given);
begin
    if given is null or quantity between 0.000001 and 1000000 then
        return quantity;
    elsif pos.read_decimal(given) < 0 then
        perform pos.refuse_field(place, format('"%s" is negative. To take something off, send a line with a negative '
                                               'price and a quantity above 0.', place));
    end if;
    perform pos.refuse_field(place, format('"%s" must be a number above 0, up to 1000000.', place));
    return null;
end $$;

-- Members of a line that are known, although they are not in the shape of order_items.
create or replace function pos.is_line_field(name text) returns boolean
language sql immutable parallel safe as $$
    select name in ('qty', 'unitPrice', 'unit_price', 'menuItem', 'menuItemName', 'menu_item_name', 'itemName', 'item_name',
                    'menu_item_id')
$$;

-- The lines for an event, from the result of order_items: tills read each frame into 4096 bytes, so no other members.
create or replace function pos.lean_items(items json) returns json
language plpgsql stable parallel safe as $$
declare
    lean text;
begin
    select string_agg(
        '{"id":' || (i.value -> 'id') || ',"name":' || (i.value -> 'name') || ',"price":' || (i.value -> 'price')
        || ',"quantity":' || (i.value -> 'quantity') || ',"selectedAddons":['
        || coalesce((
               select string_agg('{"id":' || (a.value -> 'id') || ',"name":' || (a.value -> 'name')
                      || ',"price":' || (a.value -> 'price') || ',"quantity":' || (a.value -> 'quantity') || '}',
                      ',' order by a.n)
                 from json_array_elements(i.value -> 'selectedAddons') with ordinality a(value, n)), '') || ']'
        || coalesce(',"menuItemId":' || (i.value -> 'menuItemId'), '')
        || coalesce(',"specialInstructions":' || (i.value -> 'specialInstructions'), '') || '}',
        ',' order by i.n) into lean
      from json_array_elements(items) with ordinality i(value, n);
    return ('[' || coalesce(lean, '') || ']')::json;
end $$;
