-- pos.read_text - texts from a request.
-- Holds: read_label, read_note.
-- Caller: the operations. Inputs: the field's name, its value as it came, the greatest length.
-- Answers: the text; null when the field is absent or null.
-- Refusals: 400 INVALID_FIELD. Locks, events: none.
-- Control characters have been removed before SQL sees the request.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.read_text(field text, value json, longest int) returns text
language plpgsql immutable parallel safe as $$
declare
    given text;
begin
    if coalesce(json_typeof(value), 'null') = 'null' then
        return null;
    end if;
    if json_typeof(value) <> 'string' then
        perform pos.refuse_field(field, format('"%s" must be a text.', field));
    end if;
    given := value #>> '{}';
    if length(given) > longest then
        perform pos.refuse_field(field, format('"%s" is longer than %s characters.', field, longest));
    end if;
    return given;
end $$;

-- A text that some clients send as a whole number: an order number, a table number, the id of an item.
create or replace function pos.read_label(field text, value json, longest int) returns text
language plpgsql immutable parallel safe as $$
declare
    given numeric;
begin
    if json_typeof(value) = 'number' then
        given := pos.read_decimal(value);
        if given is null or given <> trunc(given) then
            perform pos.refuse_field(field, format('"%s" must be a text or a whole number.', field));
        end if;
        if length(trunc(given)::text) > longest then
            perform pos.refuse_field(field, format('"%s" is longer than %s characters.', field, longest));
        end if;
        return trunc(given)::text;
    end if;
    return nullif(pos.read_text(field, value, longest), '');
end $$;

-- A note that is too long is cut and not refused: money has to move, and the answer carries a warning.
create or replace function pos.read_note(field text, value json, out note text, out cut boolean)
language plpgsql immutable parallel safe as $$
begin
    cut := false;
    if value is null then
        return;
    end if;
    note := pos.read_text(field, value, 2000000);
    if length(note) > 2000 then
        cut := true;
        note := left(note, 2000);
    end if;
end $$;
