-- pos.either - the first of two fields that is present: clients have several words for the same thing.
-- Caller: the operations. Inputs: two JSON values; one that is absent or null does not count.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.either(one json, other json) returns json
language sql immutable parallel safe as $$
    select case when json_typeof(one) <> 'null' then one else other end
$$;
