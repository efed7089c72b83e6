-- pos.refuse - give up on a request: undo all it did and answer with an error.
-- Holds: refuse_field.
-- Caller: every operation. Inputs: HTTP status, code, a message that says what to do about it,
-- details (a JSON object) where there are any.
-- Refusals: it is one; SQLSTATE TWREF is caught by pos.call and by nobody else.
-- Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.refuse(status int, code text, message text, details json default null)
returns void
language plpgsql as $$
begin
    raise exception using
        errcode = 'TWREF',
        message = message,
        detail = coalesce(details::text, ''),
        hint = status || ' ' || code;
end $$;

-- The commonest one: a field is missing, of the wrong type, or out of bounds.
create or replace function pos.refuse_field(field text, message text, code text default 'INVALID_FIELD')
returns void
language plpgsql as $$
begin
    perform pos.refuse(400, code, message, ('{"field":' || to_json(field) || '}')::json);
end $$;
