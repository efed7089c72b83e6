-- pos.is_secret, pos.without_secrets - what is never stored of staff, nor written to a log.
-- Holds: is_secret.
-- Caller: the functions of this folder. Inputs: a field's name; a JSON value.
-- Answers: whether that name is one of a secret: password, PIN, passcode, token, secret and their
-- compounds, in any spelling (adminPin, PIN_CODE, hashedPassword); the value without such members, at
-- any depth, and as it came where there are none.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.is_secret(name text) returns boolean
language sql immutable parallel safe as $$
    -- In words of lower case: adminPinCode is admin_pin_code.
    select lower(regexp_replace(regexp_replace(name, '([a-z0-9])([A-Z])', '\1_\2', 'g'), '[^A-Za-z0-9]+', '_', 'g'))
           ~ '(password|passwd|passwort|passcode|passphrase|pass_?code|pass_?word|pwd|token|secret|credential|api_?key|(^|_)pins?(_|[0-9]|$)|^(user|staff|login|admin|my)?pin(code|hash|number)?$)'
$$;

create or replace function pos.without_secrets(value json) returns json
language plpgsql immutable parallel safe as $$
begin
    -- Nearly nothing has any; an escape may hide a letter.
    if value::text !~* 'pass|pin|pwd|token|secret|credential|key|\\u' then
        return value;
    end if;
    case json_typeof(value)
    when 'object' then
        return ('{' || coalesce((
            select string_agg(to_json(e.key) || ':' || pos.without_secrets(e.value), ',' order by e.n)
              from json_each(value) with ordinality e(key, value, n) where not pos.is_secret(e.key)), '') || '}')::json;
    when 'array' then
        return ('[' || coalesce((
            select string_agg(pos.without_secrets(e.value)::text, ',' order by e.n)
              from json_array_elements(value) with ordinality e(value, n)), '') || ']')::json;
    else
        return value;
    end case;
end $$;
