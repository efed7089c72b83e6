-- pos.inside - the members of a JSON object without its braces, to put them into another one.
-- Caller: whoever writes JSON. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.inside(object json) returns text
language plpgsql immutable parallel safe as $$
begin
    return substr(object::text, 2, length(object::text) - 2);
end $$;
