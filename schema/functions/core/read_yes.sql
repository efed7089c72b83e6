-- pos.read_yes - a wish from a request that is true or false.
-- Caller: the operations. Inputs: the field's name, its value as it came. Answers: whether it is true; false when it is absent or null.
-- Refusals: 400 INVALID_FIELD. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.read_yes(field text, value json) returns boolean
language plpgsql immutable parallel safe as $$
begin
    if coalesce(json_typeof(value), 'null') not in ('null', 'boolean') then
        perform pos.refuse_field(field, format('"%s" must be true or false.', field));
    end if;
    return coalesce(value::text = 'true', false);
end $$;
