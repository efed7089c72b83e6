-- pos.today - the current date in a tenant's time zone.
-- Caller: gift cards and reports, whose days end at the tenant's midnight. Inputs: the time zone.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.today(timezone text) returns date
language sql stable parallel safe as $$
    select (now() at time zone timezone)::date
$$;
