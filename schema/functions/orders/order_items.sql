-- pos.order_items - the lines of an order, checked and put into one shape.
-- Holds: order_line, order_addons, line_text, lean_items.
-- Caller: order_create, order_update (strict), the trigger of pos.orders (lenient).
-- Inputs: the items as they came; strict: refuse wrong values, else make the best of them: an order that a shop wrote
-- by SQL is never lost because of an odd line.
-- Answers: a JSON array; each line {id, name, price, quantity, selectedAddons, menuItemId?, specialInstructions?},
-- then all other members as they came. Prices have two decimals, whole quantities are written as 2 and never as 2.00,
-- and a weight like 0.345 is kept.
-- Refusals: 400 INVALID_FIELD, INVALID_AMOUNT. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_items(items json, strict boolean) returns json
language plpgsql immutable parallel safe as $$
declare
    line record;
    lines text[] := array[]::text[];
begin
    if coalesce(json_typeof(items), 'null') <> 'array' then
        perform pos.refuse_field('items', '"items" must be a list of lines.');
    end if;
    if json_array_length(items) > 500 and strict then
        perform pos.refuse_field('items', 'An order has at most 500 lines. Split it.');
    end if;
    for line in select e.value, e.n from json_array_elements(items) with ordinality e(value, n) loop
        lines := lines || pos.order_line(line.value, 'items[' || line.n - 1 || ']', 'i' || line.n, true, strict);
    end loop;
    return ('[' || array_to_string(lines, ',') || ']')::json;
end $$;

-- One line, or one add-on of a line: the price of an add-on may be negative, and an add-on has no add-ons itself.
create or replace function pos.order_line(line json, place text, default_id text, is_line boolean, strict boolean)
returns text
language plpgsql immutable parallel safe as $$
declare
    member record;
    line_id text;
    name text;
    price numeric;
    quantity numeric;
    addons text;
    menu_item text;
    instructions text;
    rest text[] := array[]::text[];
begin
    if json_typeof(line) <> 'object' then
        if strict then
            perform pos.refuse_field(place, format('"%s" must be an object.', place));
        end if;
        line := '{}';
    end if;
    for member in select e.key, e.value, json_typeof(e.value) as kind from json_each(line) e loop
        case
        when member.key = 'id' then
            line_id := pos.line_text(place || '.id', member.value, 64, strict);
        when member.key = 'name' then
            name := pos.line_text(place || '.name', member.value, 500, strict);
        when member.key = 'price' then
            price := pos.read_money(member.value);
            if strict and (price is null or (is_line and price < 0)) then
                perform pos.refuse_field(place || '.price',
                    format('"%s.price" must be a number with at most two decimals%s.', place,
                           case when is_line then ', 0 or more' else '' end), 'INVALID_AMOUNT');
            end if;
        when member.key = 'quantity' then
            quantity := pos.read_decimal(member.value);
            if quantity is null or quantity <= 0 or quantity > 1000000 or scale(trim_scale(quantity)) > 6 then
                if strict and member.kind <> 'null' then
                    perform pos.refuse_field(place || '.quantity',
                        format('"%s.quantity" must be a number above 0.', place));
                end if;
                quantity := null;
            end if;
        when member.key = 'selectedAddons' and is_line then
            if member.kind = 'array' then
                addons := pos.order_addons(member.value, place, strict);
            elsif strict and member.kind <> 'null' then
                perform pos.refuse_field(place || '.selectedAddons', format('"%s.selectedAddons" must be a list.', place));
            end if;
        when member.key = 'menuItemId' and is_line then
            menu_item := pos.line_text(place || '.menuItemId', member.value, 64, strict);
        when member.key = 'specialInstructions' and is_line then
            instructions := pos.line_text(place || '.specialInstructions', member.value, 2000, strict);
        else
            rest := rest || (to_json(member.key) || ':' || member.value);
        end case;
    end loop;
    if strict and name is null then
        perform pos.refuse_field(place || '.name', format('"%s.name" is missing.', place));
    end if;
    if strict and is_line and price is null then
        perform pos.refuse_field(place || '.price', format('"%s.price" is missing.', place), 'INVALID_AMOUNT');
    end if;
    return '{"id":' || to_json(coalesce(line_id, default_id)) || ',"name":' || to_json(coalesce(name, ''))
        || ',"price":' || coalesce(price, 0)::numeric(12,2)
        || ',"quantity":' || trim_scale(coalesce(quantity, 1))
        || case when is_line then ',"selectedAddons":' || coalesce(addons, '[]') else '' end
        || coalesce(',"menuItemId":' || to_json(menu_item), '')
        || coalesce(',"specialInstructions":' || to_json(instructions), '')
        || coalesce(',' || nullif(array_to_string(rest, ','), ''), '') || '}';
end $$;

create or replace function pos.order_addons(addons json, place text, strict boolean) returns text
language plpgsql immutable parallel safe as $$
declare
    addon record;
    lines text[] := array[]::text[];
begin
    if json_array_length(addons) > 100 and strict then
        perform pos.refuse_field(place || '.selectedAddons', 'A line has at most 100 add-ons.');
    end if;
    for addon in select e.value, e.n from json_array_elements(addons) with ordinality e(value, n) loop
        lines := lines || pos.order_line(addon.value, place || '.selectedAddons[' || addon.n - 1 || ']',
                                         'a' || addon.n, false, strict);
    end loop;
    return '[' || array_to_string(lines, ',') || ']';
end $$;

-- A text of a line; ids that come as numbers become texts, because they are texts in the document.
create or replace function pos.line_text(place text, value json, longest int, strict boolean) returns text
language plpgsql immutable parallel safe as $$
begin
    if strict then
        return pos.read_label(place, value, longest);
    end if;
    return case when json_typeof(value) in ('string', 'number') then nullif(left(value #>> '{}', longest), '') end;
end $$;

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
