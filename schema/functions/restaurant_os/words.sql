-- restaurant_os/words - what the Restaurant OS operations share: the words of that document for statuses and types,
-- and its refusals.
-- Holds: statuses_of, status_word, type_word, refuse_value, read_status_words, read_name, check_restaurant.
-- Caller: the operations in this folder. Inputs: `event`, the name of the socket's event, or null for a request;
-- `field` and its value as it came.
-- Refusals: 400 VALIDATION_ERROR with {event?, field} in the sentences of the document's validator (Joi); 403
-- PERMISSION_DENIED. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

-- The statuses that a word stands for, in any spelling. The first of them is the one that is stored. Null for an
-- unknown word. `served` is none of the document's; clients ask for it all the same.
create or replace function pos.statuses_of(word text) returns text[]
language plpgsql immutable parallel safe as $$
begin
    return (
        select case pos.read_word(given.word)
            when 'picked_up' then array['picked_up', 'served', 'out_for_delivery']
            when 'pickedup' then array['picked_up', 'served', 'out_for_delivery']
            when 'cancelled' then array['cancelled', 'rejected']
            when 'canceled' then array['cancelled', 'rejected']
            else (select array[w] from unnest(array['new', 'pending', 'confirmed', 'preparing', 'ready', 'completed',
                                                        'served']) w
                   where w = pos.read_word(given.word))
        end
          from (select lower(translate(btrim(statuses_of.word), '- ', '__')) as word) given);
end $$;

-- The word for a status.
create or replace function pos.status_word(status text) returns text
language sql immutable parallel safe as $$
    select case when status in ('picked_up', 'served', 'out_for_delivery') then 'picked-up'
                when status = 'rejected' then 'cancelled' else status end
$$;

-- The word for an order's type: dine-in, drive-thru.
create or replace function pos.type_word(type text) returns text
language sql immutable parallel safe as $$
    select replace(type, '_', '-')
$$;

create or replace function pos.refuse_value(event text, field text, message text) returns void
language plpgsql as $$
begin
    perform pos.refuse(400, 'VALIDATION_ERROR', format('"%s" %s', field, message),
        ('{' || coalesce('"event":' || to_json(event) || ',', '') || '"field":' || to_json(field) || '}')::json);
end $$;

-- The statuses of a list of words; null when the list is absent or empty.
create or replace function pos.read_status_words(event text, field text, words text[]) returns text[]
language plpgsql immutable parallel safe as $$
declare
    word text;
    list text[] := '{}';
begin
    if coalesce(cardinality(words), 0) = 0 then
        return null;
    end if;
    foreach word in array words loop
        if pos.statuses_of(word) is null then
            perform pos.refuse_value(event, field,
                'must be one of [new, pending, confirmed, preparing, ready, picked-up, completed, cancelled]');
        end if;
        list := list || pos.statuses_of(word);
    end loop;
    return list;
end $$;

-- A text that some clients send as a whole number: an order id, a table number. Never null.
create or replace function pos.read_name(event text, field text, value json) returns text
language plpgsql immutable parallel safe as $$
declare
    number_given numeric;
begin
    case coalesce(json_typeof(value), 'null')
    when 'null' then
        perform pos.refuse_value(event, field, 'is required');
    when 'string' then
        if value #>> '{}' <> '' then
            return value #>> '{}';
        end if;
        perform pos.refuse_value(event, field, 'is not allowed to be empty');
    when 'number' then
        number_given := pos.read_decimal(value);
        if number_given = trunc(number_given) then
            return trunc(number_given)::text;
        end if;
    else
        null;
    end case;
    perform pos.refuse_value(event, field, 'must be a string');
    return null;
end $$;

-- A restaurant that is named must be the one that the key or token is for.
create or replace function pos.check_restaurant(c pos.context, event text, value json) returns void
language plpgsql stable as $$
begin
    if coalesce(json_typeof(value), 'null') = 'null' then
        return;
    end if;
    if json_typeof(value) <> 'string' then
        perform pos.refuse_value(event, 'restaurantId', 'must be a string');
    end if;
    if pos.tenant_named(value #>> '{}') is distinct from c.tenant_id then
        perform pos.refuse(403, 'PERMISSION_DENIED', 'This is another restaurant''s. Use your own restaurantId.');
    end if;
end $$;
