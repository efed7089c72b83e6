-- pos.profiles - how clients that are bound to other types are answered: one row each, and one renderer for all. A
-- key has a profile (key_issue, key_profile_set); operations know nothing of it.
-- Holds: profile_dress, profile_render, profile_word, profile_line, profile_text.
-- Caller: pos.call; key_issue and key_profile_set ask for the names.
-- Answers: profiles: the rows. profile_dress: the body of an answer as the profile wants it; the body itself for what
-- it says nothing about.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

-- query:   for each operation, the query parameters that this client means when it does not send them.
-- answers: for each operation, the members that change; "error" is for refusals of all. A rule is an object (for the
--          members of an object, named in lower case, because these clients do not look at case; "[]" for each element
--          of a list; "+" for members to add when they are missing, each with the member that it repeats) or a word:
--          money: a text with two decimals or more text:     whatever it is, as a text
--          instant: a time, or null                line:     a line of an order for tills that count in whole pieces
--          drop: left out                          sentence: the message of an error; all of it is in errorDetails
create or replace function pos.profiles()
returns table (name text, about text, query jsonb, answers jsonb)
language sql immutable parallel safe as $$
    values
    ('default', 'the documented types', '{}'::jsonb, '{}'::jsonb),
    ('orderweb-net', 'the published OrderWeb tills (.NET), as their own server answers them',
     '{"orders_pull": {"unacknowledged": "true"}}'::jsonb,
     '{"error": {"error": "sentence"},
       "orders_pull": {
           "orders": {"[]": {
               "id": "text", "ordernumber": "text", "customername": "text", "customerphone": "text",
               "customeremail": "text", "address": "text", "total": "money", "subtotal": "money",
               "deliveryfee": "money", "tax": "money", "status": "text", "ordertype": "text",
               "paymentmethod": "text", "paymentstatus": "text", "vouchercode": "text",
               "specialinstructions": "text", "createdat": "instant", "scheduledtime": "instant",
               "items": {"[]": "line"},
               "+": {"scheduledTime": "scheduledFor", "address": "deliveryAddress"}}},
           "data": "drop"},
       "gift_card_deduct": {"transactionid": "text", "data": {"transactionid": "text"}},
       "loyalty_add": {"transactionid": "text", "data": {"transactionid": "text"}},
       "loyalty_redeem": {"transactionid": "text", "data": {"transactionid": "text"}},
       "till_card_lookup": {"gift_card": {"balance": "money"}},
       "till_card_redeem": {"transaction_id": "text", "remaining_balance": "money", "amount_redeemed": "money"}}'::jsonb)
$$;

create or replace function pos.profile_dress(profile text, operation text, status int, body text) returns text
language plpgsql stable parallel safe as $$
declare
    rule jsonb := (select p.answers -> case when status >= 400 then 'error' else operation end
                     from pos.profiles() p where p.name = profile);
begin
    return case when rule is null then body else pos.profile_render(body::json, rule, null) end;
end $$;

create or replace function pos.profile_render(value json, rule jsonb, place bigint) returns text
language plpgsql stable parallel safe as $$
begin
    if jsonb_typeof(rule) = 'string' then
        return pos.profile_word(value, rule #>> '{}', place);
    elsif json_typeof(value) = 'array' and rule ? '[]' then
        return '[' || coalesce((
            select string_agg(pos.profile_render(e.value, rule -> '[]', e.n), ',' order by e.n)
              from json_array_elements(value) with ordinality e(value, n)), '') || ']';
    elsif json_typeof(value) = 'object' then
        return '{' || coalesce((
            select string_agg(to_json(m.key) || ':' || case
                       when m.rule is null then m.value::text
                       when m.rule = '"sentence"' then to_json(m.value ->> 'message') || ',"errorDetails":' || m.value
                       else pos.profile_render(m.value, m.rule, null) end, ',' order by m.n)
              from (select e.key, e.value, e.n, rule -> lower(e.key) as rule
                      from json_each(value) with ordinality e(key, value, n)
                    union all
                    select a.key, profile_render.value -> a.value, 1000000, rule -> lower(a.key)
                      from jsonb_each_text(coalesce(rule -> '+', '{}')) a
                     where json_typeof(profile_render.value -> a.value) <> 'null'
                       and not exists (select 1 from json_object_keys(profile_render.value) k where lower(k) = lower(a.key))) m
             where m.rule is distinct from '"drop"'), '') || '}';
    end if;
    return value::text;
end $$;

create or replace function pos.profile_word(value json, word text, place bigint) returns text
language plpgsql stable parallel safe as $$
declare
    amount numeric;
    given text;
    moment timestamptz;
begin
    if json_typeof(value) = 'null' then
        return 'null';
    end if;
    case word
    when 'money' then
        amount := pos.read_decimal(value);
        return to_json(coalesce(round(amount, greatest(scale(trim_scale(amount)), 2))::text, value #>> '{}'))::text;
    when 'text' then
        return coalesce(to_json(pos.profile_text(value))::text, 'null');
    when 'instant' then
        given := case json_typeof(value) when 'string' then value #>> '{}' end;
        moment := pos.read_instant(given, 'UTC');
        -- Without a zone it is the restaurant's, as it is to the till.
        return coalesce(to_json(case
            when given ~ '[Tt ][0-9]{2}:[0-9]{2}[:.0-9]*([Zz]|[-+ ][0-9]{2}:?[0-9]{2})$' then pos.utc(moment)
            else to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') end)::text, 'null');
    when 'line' then
        return pos.profile_line(value, place);
    end case;
end $$;

-- The number of pieces is whole there, and an add-on has none: what cannot be said so is said in the name, with the
-- price of all, so that cook and sum are right.
create or replace function pos.profile_line(line json, place bigint) returns text
language plpgsql immutable parallel safe as $$
declare
    quantity numeric := coalesce(pos.read_decimal(line -> 'quantity'), 1);
    price numeric := coalesce(pos.read_decimal(line -> 'price'), 0);
    name text := coalesce(line ->> 'name', '');
    rest text := pos.members_but(line, array['id', 'name', 'price', 'quantity', 'selectedAddons', 'menuItemId', 'itemId',
                                             'specialInstructions']);
    addons text;
begin
    if quantity <> trunc(quantity) or quantity not between 1 and 1000000 then
        name := trim_scale(quantity) || ' x ' || name;
        price := round(price * quantity, 2);
        quantity := 1;
    end if;
    if place is null then -- an add-on
        return '{"id":' || coalesce(to_json(pos.profile_text(line -> 'id'))::text, 'null')
            || ',"name":' || to_json(case when quantity = 1 then name else trunc(quantity) || ' x ' || name end)
            || ',"price":' || round(price * quantity, 2) || ',"quantity":1' || coalesce(',' || rest, '') || '}';
    end if;
    if json_typeof(line -> 'selectedAddons') = 'array' then
        addons := (select string_agg(pos.profile_line(a.value, null), ',' order by a.n)
                     from json_array_elements(line -> 'selectedAddons') with ordinality a(value, n));
    end if;
    return '{"id":' || place || ',"itemId":' || coalesce(line -> 'id', 'null') || ',"name":' || to_json(name)
        || ',"price":' || price || ',"quantity":' || trunc(quantity) || ',"selectedAddons":['
        || coalesce(addons, '') || ']'
        || coalesce(',"menuItemId":' || to_json(pos.profile_text(line -> 'menuItemId')), '')
        || coalesce(',"specialInstructions":' || to_json(pos.profile_text(line -> 'specialInstructions')), '')
        || coalesce(',' || rest, '') || '}';
end $$;

-- Anything as a text: an address that is an object is its parts in a row.
create or replace function pos.profile_text(value json) returns text
language plpgsql immutable parallel safe as $$
begin
    if coalesce(json_typeof(value), 'null') not in ('object', 'array') then
        return value #>> '{}'; -- apart from the rest, which costs ten times as much to begin
    elsif json_typeof(value) = 'object' then
        return (select string_agg(pos.profile_text(e.value), ', ' order by e.n)
                  from json_each(value) with ordinality e(key, value, n));
    end if;
    return (select string_agg(pos.profile_text(e.value), ', ' order by e.n)
              from json_array_elements(value) with ordinality e(value, n));
end $$;
