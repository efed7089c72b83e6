-- pos.members_but - the members of a JSON object without its braces, except those with certain names.
-- Caller: the functions that write JSON. Inputs: the object; the names to leave out.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.members_but(object json, names text[]) returns text
language plpgsql immutable parallel safe as $$
begin
    return (
        select string_agg(to_json(e.key) || ':' || e.value, ',' order by e.n)
          from json_each(object) with ordinality e(key, value, n) where not e.key = any(names));
end $$;
