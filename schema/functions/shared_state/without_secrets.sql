-- pos.without_secrets - secrets of staff, which are never stored or written to a log.
-- Holds: is_secret.
-- Caller: the functions of this folder. Inputs: a field's name; a JSON value.
-- Answers: is_secret: whether the name is that of a secret: password, PIN, passcode, token, secret and their
-- compounds, in any spelling (adminPin, PIN_CODE, hashedPassword). without_secrets: the value without such members at
-- any depth, or as it came when there are none.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.is_secret(name text) returns boolean
language sql immutable parallel safe as $$
    -- Compared in snake case: adminPinCode is admin_pin_code.
    select lower(regexp_replace(regexp_replace(name, '([a-z0-9])([A-Z])', '\1_\2', 'g'), '[^A-Za-z0-9]+', '_', 'g'))
           ~ '(password|passwd|passwort|passcode|passphrase|pass_?code|pass_?word|pwd|token|secret|credential|api_?key|(^|_)pins?(_|[0-9]|$)|^(user|staff|login|admin|my)?pin(code|hash|number)?$)'
$$;

create or replace function pos.without_secrets(value json) returns json
language plpgsql immutable parallel safe as $$
begin
    -- Almost no value has a secret; an escape may hide a letter.
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
