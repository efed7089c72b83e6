-- pos.inside - the members of a JSON object without its braces, to be put into another object.
-- Caller: the functions that write JSON. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.inside(object json) returns text
language plpgsql immutable parallel safe as $$
begin
    return substr(object::text, 2, length(object::text) - 2);
end $$;
