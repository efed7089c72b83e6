-- pos.either - the first of two fields that has a value: clients have several names for the same field.
-- Caller: the operations. Inputs: two JSON values, each of which may be absent or null.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.either(one json, other json) returns json
language sql immutable parallel safe as $$
    select case when json_typeof(one) <> 'null' then one else other end
$$;
