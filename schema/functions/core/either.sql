-- pos.either - the first of two fields that has a value: clients have several names for the same field.
-- Holds: is_blank, given.
-- Caller: the operations. Inputs: JSON values, each of which may be absent or null.
-- Answers: is_blank: whether a value is absent, null or an empty text, which forms send for a field that nobody filled
-- in; given: the value, if it is present and not null.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.either(one json, other json) returns json
language sql immutable parallel safe as $$
    select case when json_typeof(one) <> 'null' then one else other end
$$;

create or replace function pos.is_blank(value json) returns boolean
language sql immutable parallel safe as $$
    select coalesce(json_typeof(value), 'null') = 'null' or btrim(value #>> '{}') = ''
$$;

create or replace function pos.given(value json) returns json
language sql immutable parallel safe as $$
    select case when json_typeof(value) <> 'null' then value end
$$;
