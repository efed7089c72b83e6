-- pos.object_of - a JSON object made of names and JSON values, in the given order.
-- Caller: the functions that write JSON. Inputs: the names, and as many values as JSON text.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.object_of(names text[], vals text[]) returns json
language plpgsql immutable parallel safe as $$
declare
    object json;
begin
    if cardinality(names) = 0 then
        return '{}'::json;
    end if;
    select ('{' || string_agg(to_json(m.name) || ':' || m.value, ',' order by m.n) || '}')::json into object
      from unnest(names, vals) with ordinality m(name, value, n);
    return object;
end $$;
