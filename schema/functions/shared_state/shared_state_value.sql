-- pos.shared_state_value - one field of a row, converted from what a device sent to the one form in which it is
-- stored.
-- Holds: enum_word, read_cents, read_list, json_of_text.
-- Caller: shared_state_read, shared_state_apply. Inputs: how to read it (shared_state_words); the field's name as it
-- came; the value.
-- Answers: JSON text, the same for all ways of writing the same thing; null for null, which removes the value.
-- Refusals: 400 INVALID_FIELD, INVALID_AMOUNT. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.shared_state_value(reads text, field text, value json) returns text
language plpgsql immutable parallel safe as $$
declare
    how text := split_part(reads, ' ', 1);
    bound text := split_part(reads, ' ', 2);
    given text;
    number_given numeric;
begin
    if json_typeof(value) = 'null' then
        return case how when 'bool' then bound when 'word' then to_json(bound)::text end;
    end if;
    case how
    when 'text' then
        return to_json(pos.read_text(field, value, bound::int));
    when 'label' then
        return to_json(pos.read_label(field, value, bound::int));
    when 'short' then
        return to_json(nullif(pos.enum_word(pos.read_text(field, value, bound::int)), ''));
    when 'word' then
        given := lower(pos.enum_word(pos.read_text(field, value, 64)));
        if given = any(string_to_array(substr(reads, 6), ' ')) then
            return to_json(given);
        end if;
        perform pos.refuse_field(field, format('"%s" must be one of [%s].', field,
                                               replace(substr(reads, 6), ' ', ', ')));
    when 'whole' then
        number_given := pos.read_decimal(value);
        if number_given = trunc(number_given) and number_given between 0 and bound::numeric then
            return trunc(number_given)::text;
        end if;
        perform pos.refuse_field(field, format('"%s" must be a whole number from 0 to %s.', field, bound));
    when 'cents' then
        number_given := pos.read_cents(value);
        if number_given >= 0 and pos.read_decimal(value) >= 0 then
            return number_given::text;
        end if;
        perform pos.refuse_field(field, format('"%s" must be an amount, 0 or more.', field), 'INVALID_AMOUNT');
    when 'stock' then
        number_given := round(pos.read_decimal(value), 3);
        if number_given between 0 and 999999999.999 and (number_given > 0 or pos.read_decimal(value) = 0) then
            return trim_scale(number_given)::text;
        end if;
        perform pos.refuse_field(field, format('"%s" must be 0, or a number from 0.001 to 999999999.999.', field));
    when 'bool' then
        given := lower(value #>> '{}');
        if given in ('true', '1') then
            return 'true';
        elsif given in ('false', '0') then
            return 'false';
        end if;
        perform pos.refuse_field(field, format('"%s" must be true or false.', field));
    when 'list' then
        value := pos.read_list(field, value);
        return value::text;
    when 'json' then
        return value::text;
    end case;
    return null;
end $$;

-- Dart writes a value of an enumeration with its type: OrderStatus.completed.
create or replace function pos.enum_word(given text) returns text
language sql immutable parallel safe as $$
    select regexp_replace(given, '^[A-Z][A-Za-z]*[.]', '')
$$;

-- An amount, rounded to the cent: these tills compute taxes and send results like 28.815.
create or replace function pos.read_cents(value json) returns numeric
language plpgsql immutable parallel safe as $$
declare
    cents numeric := round(pos.read_decimal(value), 2);
begin
    return case when abs(cents) <= 99999999.99 then cents::numeric(12,2) end;
end $$;

-- A list, or a text that contains one.
create or replace function pos.read_list(field text, value json) returns json
language plpgsql immutable parallel safe as $$
declare
    list json := value;
begin
    if json_typeof(value) = 'string' then
        list := pos.json_of_text(value #>> '{}');
    end if;
    if coalesce(json_typeof(list), 'null') <> 'array' then
        perform pos.refuse_field(field, format('"%s" must be a list, or a text that holds one.', field));
    end if;
    return list;
end $$;

-- C has checked the request, but not JSON within its texts: this may be broken, contain characters that a text cannot
-- have, or be nested deeper than other programs can read.
create or replace function pos.json_of_text(given text) returns json
language plpgsql immutable parallel safe as $$
declare
    brackets text;
begin
    brackets := regexp_replace(regexp_replace(given, '"([^"\\]|\\.)*"', '', 'g'), '[^][{}]', '', 'g');
    for depth in 1..32 loop
        exit when brackets = '';
        brackets := regexp_replace(brackets, '\[\]|\{\}', '', 'g');
    end loop;
    if brackets <> '' then
        return null;
    end if;
    -- jsonb checks every escape. An event is one line, and inside JSON texts these characters cannot occur.
    return case when given::jsonb is not null then translate(pos.clean_json(given::json)::text, E'\n\r\t', '')::json end;
exception when data_exception or program_limit_exceeded then
    return null;
end $$;
