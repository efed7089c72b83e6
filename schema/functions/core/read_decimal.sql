-- pos.read_decimal - numbers from a request, exactly.
-- Holds: decimal_of, read_money, read_points.
-- Caller: the operations. Inputs: a JSON value as it came.
-- Answers: null for anything that is not such a number: the caller knows how to refuse it.
-- The text is checked before the cast: 1e131071 has eight bytes as JSON and 131 kB as numeric.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

-- A JSON number, or a plain decimal string. An expression that PostgreSQL puts into the functions that use it, where
-- `value` is a variable; anybody else calls read_decimal, which looks for the value once.
create or replace function pos.decimal_of(value json) returns numeric
language sql immutable parallel safe as $$
    select case json_typeof(value)
        when 'number' then
            case when length(value::text) <= 32
                      and value::text ~ '^-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?0{0,4}([0-9]|1[0-5]))?$'
                 then value::text::numeric end
        when 'string' then
            case when length(value #>> '{}') <= 32 and value #>> '{}' ~ '^-?(0|[1-9][0-9]*)([.][0-9]+)?$'
                 then (value #>> '{}')::numeric end
        end
$$;

create or replace function pos.read_decimal(value json) returns numeric
language plpgsql immutable parallel safe as $$
begin
    return pos.decimal_of(value);
end $$;

-- 0.30000000000000004 is 0.30, but 25.005 is not an amount.
create or replace function pos.read_money(value json, largest numeric default 99999999.99, decimals int default 2)
returns numeric
language plpgsql immutable parallel safe as $$
declare
    given numeric := pos.decimal_of(value);
    cents numeric := round(given, decimals);
begin
    return case when abs(given - cents) <= greatest(1e-9, abs(given) * 1e-15) and abs(cents) <= largest then cents end;
end $$;

-- A whole number of points: 50, 50.0 and "50" are the same.
create or replace function pos.read_points(value json) returns int
language plpgsql immutable parallel safe as $$
declare
    given numeric := pos.decimal_of(value);
begin
    if given = trunc(given) and given between 1 and 1000000 then
        return given::int;
    end if;
    return null;
end $$;
