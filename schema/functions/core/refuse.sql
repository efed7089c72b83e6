-- pos.refuse - gives up on a request: everything that it did is undone, and the answer is an error.
-- Holds: refuse_field.
-- Caller: every operation. Inputs: HTTP status, code, a message that says what to do about it, details (a JSON
-- object) if there are any.
-- Refusals: this is one. Only pos.call and shared_state_change catch its SQLSTATE, TWREF.
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

-- The most common refusal: a field is missing, has the wrong type or is out of bounds.
create or replace function pos.refuse_field(field text, message text, code text default 'INVALID_FIELD')
returns void
language plpgsql as $$
begin
    perform pos.refuse(400, code, message, ('{"field":' || to_json(field) || '}')::json);
end $$;
