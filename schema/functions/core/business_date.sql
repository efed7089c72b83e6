-- pos.business_date - the day that a sale belongs to: a restaurant's day begins when it has closed, not at midnight.
-- Holds: business_day.
-- Caller: the operations that show orders, ledgers and reports. Nothing stores it: it is what the restaurant's time zone and
-- day start (tenants.day_start) make of a moment. Inputs: the moment, or the day; zone and day start, as the context has them.
-- Answers: business_date: the day; null for no moment. business_day: its first moment, and that of the next day. When clocks
-- are put back over the start of a day, the day begins at the later of the two; when they are put forward over it, at the next
-- time that there is. So each moment belongs to one day, and days follow each other.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.business_date(moment timestamptz, zone text, day_start time) returns date
language plpgsql stable parallel safe as $$
declare
    day date := (moment at time zone zone - day_start::interval)::date;
begin
    -- In the hour that comes twice, the day has begun by the clock, and not yet in truth.
    if moment < pos.local_instant(day + day_start, zone) then
        return day - 1;
    end if;
    return day;
end $$;

create or replace function pos.business_day(day date, zone text, day_start time, out begins timestamptz, out ends timestamptz)
language plpgsql stable parallel safe as $$
begin
    begins := pos.local_instant(day + day_start, zone);
    ends := pos.local_instant(day + 1 + day_start, zone);
end $$;
