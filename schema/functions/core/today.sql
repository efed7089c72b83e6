-- pos.today - the current date in a time zone, which is what a tenant's clock on the wall shows.
-- Caller: gift cards and reports, for dates that end at a tenant's midnight. Inputs: the time zone.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.today(timezone text) returns date
language sql stable parallel safe as $$
    select (now() at time zone timezone)::date
$$;
