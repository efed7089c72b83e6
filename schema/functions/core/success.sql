-- pos.success - the body of a success, from its documented fields.
-- Caller: the OrderWeb operations. Inputs: the documented fields (an object), and what we add to them (an object, or
-- null).
-- Answers: {"success":true, <documented>, <added>, "data":{<documented>}}: the documents show the fields flat,
-- OrderWeb's own server nests them in data, and both kinds of till must find them.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.success(documented json, added json default null) returns text
language plpgsql immutable parallel safe as $$
begin
    return '{"success":true,' || substr(documented::text, 2, length(documented::text) - 2)
        || coalesce(',' || nullif(substr(added::text, 2, length(added::text) - 2), ''), '') || ',"data":' || documented || '}';
end $$;
