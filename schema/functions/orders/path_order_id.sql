-- pos.path_order_id - the order id that a path names: a UUID in lower case, anything else as it is.
-- Caller: the operations that take an order's id. Inputs: the id as given.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.path_order_id(given text) returns text
language plpgsql immutable parallel safe as $$
begin
    return case when given ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then lower(given) else given end;
end $$;
