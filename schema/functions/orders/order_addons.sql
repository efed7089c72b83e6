-- pos.order_addons - what was chosen with a line, and what the kitchen is told about it.
-- Holds: addons_in, addons_of_group, may_be_addon_group, is_addon_group, addon_name, addon_price, order_addon, is_addon_word,
-- is_instruction_word, instruction_text, joined_instructions.
-- Caller: order_line; the words also shared_state_lines_merge, and order_instructions for those of a whole order.
-- Inputs: the line; the names of its members that hold add-ons; its place; the currency's decimals.
-- Answers: order_addons: one list of {id, name, price, quantity, …}, the add-ons of all members in their order,
-- groups opened: each that came under two words is there once; and the instructions of the add-ons themselves
-- ("Egg: soft"). Members of add-ons that are not known are kept.
-- An add-on is an object, a text, or a member of an object ({"size":"large"} is "size: large").
-- joined_instructions: the texts as one, each once; null when there are none.
-- Refusals: 400 INVALID_FIELD, INVALID_AMOUNT. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_addons(line json, words text[], place text, decimals int,
    out addons text, out count int, out instructions text[], out noted text[])
language plpgsql immutable parallel safe as $$
declare
    word text;
    value json;
    found_here json[];
    places text[];
    read record;
    list text[] := array[]::text[];
    known text[] := array[]::text[];
    at int;
begin
    instructions := array[]::text[];
    noted := array[]::text[];
    foreach word in array words loop
        value := pos.given(line -> word);
        if json_typeof(value) = 'string' and ltrim(value #>> '{}') like '[%' then
            value := coalesce(pos.json_of_text(value #>> '{}'), value);
        end if;
        if word = 'selectedAddons' and json_typeof(value) <> 'array' then
            perform pos.refuse_field(place || '.selectedAddons', format('"%s.selectedAddons" must be a list.', place));
        end if;
        places := null;
        if json_typeof(value) = 'array' and position('[' in substr(value::text, 2)) = 0 then
            -- Without groups, as almost always.
            found_here := array(select e.value from json_array_elements(value) e(value));
        else
            select array_agg(a.addon), array_agg(a.place) into found_here, places
              from pos.addons_in(value, place || '.' || word, 1) a;
        end if;
        for n in 1..coalesce(cardinality(found_here), 0) loop
            read := pos.order_addon(found_here[n], coalesce(places[n], place || '.' || word || '[' || n - 1 || ']'),
                                    'a' || cardinality(list) + 1, word = 'selectedAddons', decimals);
            noted := noted || read.noted;
            continue when read.addon is null;
            instructions := instructions || read.instructions;
            if word = 'selectedAddons' then
                known := known || read.mark;
            else
                -- A client that sends back a line has both its own word and ours.
                at := array_position(known, read.mark);
                if at is not null then
                    known := known[:at - 1] || known[at + 1:];
                    continue;
                end if;
            end if;
            list := list || read.addon;
        end loop;
    end loop;
    count := cardinality(list);
    addons := '[' || array_to_string(list, ',') || ']';
end $$;

-- The add-ons in a value, a row for each. Of anything else, as `"extras": false`, there are none.
create or replace function pos.addons_in(given json, at text, depth int) returns table (addon json, place text)
language plpgsql immutable parallel safe as $$
declare
    one record;
begin
    if depth > 4 then
        return;
    end if;
    case json_typeof(given)
    when 'string' then
        if btrim(given #>> '{}') <> '' then
            return query select given, at;
        end if;
    when 'array' then
        for one in select e.value, at || '[' || e.n - 1 || ']' as place
                     from json_array_elements(given) with ordinality e(value, n) loop
            return query select one.value, one.place;
            return query select a.* from pos.addons_of_group(one.value, one.place, depth) a;
        end loop;
    when 'object' then
        if pos.addon_name(given) is not null then
            return query select given, at;
            return query select a.* from pos.addons_of_group(given, at, depth) a;
            return;
        end if;
        for one in select e.key, e.value, json_typeof(e.value) as kind from json_each(given) e loop
            if one.value::text = 'true' then
                return query select to_json(one.key), at || '.' || one.key;
            elsif one.kind in ('string', 'number') and one.value #>> '{}' <> '' then
                return query select to_json(one.key || ': ' || (one.value #>> '{}')), at || '.' || one.key;
            elsif one.kind in ('array', 'object') then
                return query select a.* from pos.addons_in(one.value, at || '.' || one.key, depth + 1) a;
            end if;
        end loop;
    else
        null;
    end case;
end $$;

-- Add-ons within an add-on: the choices of a group.
create or replace function pos.addons_of_group(given json, at text, depth int) returns table (addon json, place text)
language plpgsql immutable parallel safe as $$
begin
    if json_typeof(given) <> 'object' or position('[' in given::text) = 0 then
        return;
    end if;
    return query
    select a.* from json_each(given) e, pos.addons_in(e.value, at || '.' || e.key, depth + 1) a
     where pos.may_be_addon_group(e.key) and pos.is_addon_group(e.value);
end $$;

create or replace function pos.may_be_addon_group(name text) returns boolean
language sql immutable parallel safe as $$
    select name in ('choices', 'selections', 'values') or pos.is_addon_word(name)
$$;

create or replace function pos.is_addon_group(value json) returns boolean
language plpgsql immutable parallel safe as $$
begin
    return (
        select case json_typeof(value)
            when 'array' then not exists (select 1 from json_array_elements(value) e(value)
                                           where json_typeof(e.value) not in ('object', 'string')) else false end);
end $$;

create or replace function pos.addon_name(given json) returns json
language sql immutable parallel safe as $$
    select coalesce(pos.given(given -> 'name'), pos.given(given -> 'label'), pos.given(given -> 'title'),
                    pos.given(given -> 'optionName'), pos.given(given -> 'option_name'),
                    pos.given(given -> 'addonName'), pos.given(given -> 'addon_name'),
                    pos.given(given -> 'modifierName'), pos.given(given -> 'modifier_name'))
$$;

create or replace function pos.addon_price(given json) returns json
language sql immutable parallel safe as $$
    select coalesce(pos.given(given -> 'price'), pos.given(given -> 'unitPrice'), pos.given(given -> 'unit_price'),
                    pos.given(given -> 'additionalPrice'), pos.given(given -> 'additional_price'),
                    pos.given(given -> 'priceDelta'), pos.given(given -> 'price_delta'),
                    pos.given(given -> 'priceAdjustment'), pos.given(given -> 'price_adjustment'))
$$;

-- One add-on. Its price may be negative; without one it is free. Null for a group without a name, and, under another
-- word than selectedAddons, for anything that a cook could not read.
create or replace function pos.order_addon(given json, place text, default_id text, is_documented boolean, decimals int,
    out addon text, out mark text, out instructions text[], out noted text[])
language plpgsql immutable parallel safe as $$
declare
    member record;
    addon_id text;
    name text;
    price_given json;
    price numeric;
    quantity_given json;
    quantity numeric;
    rest text[] := array[]::text[];
    said text[] := array[]::text[];
    is_group boolean := false;
begin
    instructions := array[]::text[];
    noted := array[]::text[];
    if json_typeof(given) = 'string' then
        name := nullif(left(btrim(given #>> '{}'), 500), '');
    elsif json_typeof(given) = 'object' then
        for member in select e.key, e.value from json_each(given) e loop
            if member.key = 'id' then
                addon_id := pos.read_label(place || '.id', member.value, 64);
            elsif pos.may_be_addon_group(member.key) and pos.is_addon_group(member.value) then
                is_group := true;
            elsif member.key = 'name' then
                name := pos.read_label(place || '.name', member.value, 500);
            elsif member.key = 'price' then
                price_given := pos.given(member.value);
            elsif member.key = 'quantity' then
                quantity_given := pos.given(member.value);
            else
                rest := rest || (to_json(member.key) || ':' || member.value);
                if pos.is_instruction_word(member.key) then
                    said := said || pos.instruction_text(member.value);
                end if;
            end if;
        end loop;
        -- Other words are looked for only when the documented one is not there.
        if name is null then
            name := pos.read_label(place || '.name', pos.addon_name(given), 500);
        end if;
        if price_given is null and cardinality(rest) > 0 then
            price_given := pos.addon_price(given);
        end if;
        if quantity_given is null and cardinality(rest) > 0 then
            quantity_given := pos.given(given -> 'qty');
        end if;
    end if;
    if name is null then
        if is_documented and not is_group then
            perform pos.refuse_field(place || '.name', format('"%s" must be a text, or an object with a name.', place));
        elsif not is_group then
            noted := noted || ('UNKNOWN_FIELD ' || place);
        end if;
        return;
    end if;
    price := pos.read_price(price_given, decimals);
    if price is null and price_given is not null then
        perform pos.refuse_field(place || '.price', format('"%s.price" must be a number up to 99999999.99.', place),
                                 'INVALID_AMOUNT');
    elsif price_given::text <> price::text and pos.is_rounded(price_given, price) then
        noted := noted || ('AMOUNT_ROUNDED ' || place || '.price');
    end if;
    quantity := pos.line_quantity(quantity_given, place || '.quantity');
    if quantity_given::text <> quantity::text and pos.is_rounded(quantity_given, quantity) then
        noted := noted || ('QUANTITY_ROUNDED ' || place || '.quantity');
    end if;
    addon := '{"id":' || to_json(coalesce(addon_id, default_id)) || ',"name":' || to_json(name)
        || ',"price":' || coalesce(price, round(0::numeric, decimals)) || ',"quantity":' || coalesce(quantity, 1)
        || coalesce(',' || nullif(array_to_string(rest, ','), ''), '') || '}';
    -- Without the price: one word may list the names alone, and another the prices too.
    mark := lower(name) || ' ' || coalesce(quantity, 1);
    if cardinality(said) > 0 then
        instructions := array(select name || ': ' || s from unnest(said) s);
    end if;
end $$;

-- The words for a line's add-ons, besides selectedAddons.
create or replace function pos.is_addon_word(name text) returns boolean
language sql immutable parallel safe as $$
    select name in ('modifiers', 'addons', 'addOns', 'add_ons', 'options', 'extras', 'modifications', 'selected_addons',
                    'selectedModifiers', 'selected_modifiers', 'selectedOptions', 'selected_options', 'selectedVariant',
                    'selected_variant', 'variant')
$$;

-- The words for what the kitchen is told, besides specialInstructions.
create or replace function pos.is_instruction_word(name text) returns boolean
language sql immutable parallel safe as $$
    select name in ('special_instructions', 'instructions', 'notes', 'note', 'comment', 'comments')
$$;

-- What such a member says: a text, or a list of texts and of notes ({"note":"no salt","author":"Bo"}).
create or replace function pos.instruction_text(value json) returns text[]
language plpgsql immutable parallel safe as $$
begin
    return (
        select case json_typeof(value)
            when 'string' then array[left(value #>> '{}', 2000)]
            when 'array' then array(
                select left(coalesce(case json_typeof(e.value) when 'string' then e.value #>> '{}' end,
                                     case json_typeof(e.value) when 'object' then coalesce(e.value ->> 'note', e.value ->> 'text') end), 2000)
                  from json_array_elements(value) with ordinality e(value, n) order by e.n)
            else '{}'::text[] end);
end $$;

-- A text that an earlier one contains is not repeated.
create or replace function pos.joined_instructions(texts text[]) returns text
language plpgsql immutable parallel safe as $$
declare
    one text;
    joined text;
begin
    foreach one in array texts loop
        one := btrim(one);
        if one <> '' and (joined is null or position(lower(one) in lower(joined)) = 0) then
            joined := concat_ws('; ', joined, one);
        end if;
    end loop;
    return joined;
end $$;
