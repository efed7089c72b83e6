-- pos.read_date - dates and moments from a request, without an exception block.
-- Holds: read_instant, local_instant.
-- Caller: the operations. Inputs: a text; for a moment also the restaurant's time zone.
-- Answers: null for a text that is not a date of the calendar, or not a moment as in ISO 8601.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

-- YYYY-MM-DD and nothing else.
create or replace function pos.read_date(given text) returns date
language plpgsql immutable parallel safe as $$
declare
    year int;
    month int;
    day int;
begin
    if given !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then
        return null;
    end if;
    year := substr(given, 1, 4)::int;
    month := substr(given, 6, 2)::int;
    day := substr(given, 9, 2)::int;
    if year >= 1 and month between 1 and 12 and day >= 1
       and day <= extract(day from make_date(year, month, 1) + interval '1 month' - interval '1 day') then
        return make_date(year, month, day);
    end if;
    return null;
end $$;

-- 2025-10-17T23:58:59-04:00 and similar. Without a zone it is the restaurant's time. A blank before the offset was a
-- plus sign, which a URL query turns into a blank.
create or replace function pos.read_instant(given text, zone text) returns timestamptz
language plpgsql stable parallel safe as $$
declare
    parts text[];
    day date;
    offset_minutes int;
    local_time timestamp;
begin
    if length(given) > 40 then
        return null;
    end if;
    parts := regexp_match(given,
        '^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([01][0-9]|2[0-3]):([0-5][0-9])'
        '(:[0-5][0-9]([.][0-9]{1,9})?)?(?:([Zz])|([-+ ])(0[0-9]|1[0-4]):?([0-5][0-9]))?$');
    day := pos.read_date(parts[1]);
    if day is null or day < '1970-01-02' or day > '9999-12-30' then
        return null;
    end if;
    local_time := day + make_interval(hours => parts[2]::int, mins => parts[3]::int,
                                      secs => coalesce(substr(parts[4], 2), '0')::numeric::float8);
    if parts[6] is null and parts[7] is null then
        return pos.local_instant(local_time, zone);
    end if;
    offset_minutes := coalesce(parts[8]::int * 60 + parts[9]::int, 0);
    if parts[7] = '-' then
        offset_minutes := -offset_minutes;
    end if;
    return (local_time - make_interval(mins => offset_minutes)) at time zone 'UTC';
end $$;

-- When clocks are put back, a time comes twice: the later one counts. When they are put forward, some times do not
-- come: the next that does counts.
create or replace function pos.local_instant(local_time timestamp, zone text) returns timestamptz
language plpgsql stable parallel safe as $$
declare
    -- PostgreSQL takes the later of two by itself.
    moment timestamptz := local_time at time zone zone;
begin
    while moment at time zone zone <> local_time loop
        local_time := date_trunc('minute', local_time) + interval '1 minute';
        moment := local_time at time zone zone;
    end loop;
    return moment;
end $$;
