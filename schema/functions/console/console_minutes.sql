-- pos.console_minutes - how many events a restaurant had in each of the last sixty minutes, without counting them.
-- Holds: console_seq_before, delay_bounds, delay_at, console_delays.
-- Caller: console_now. Inputs: the tenant; the head of its stream and the oldest seq that is kept.
-- Answers: sixty rows, the oldest first. Seqs are gapless and in the order of time, so a minute's events are the
-- difference of two seqs, which are searched for once and kept (pos.console_minute). console_seq_before: the last seq
-- before a moment, from `low` (which is before it, or nothing is) to `high`.
-- delay_bounds: the limits in milliseconds by which delays are counted; delay_at: below which of them a share of
-- `counts` is; null: there are none. console_delays: the counts of sixty minutes.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.console_seq_before(owner uuid, moment timestamptz, low bigint, high bigint) returns bigint
language plpgsql stable as $$
declare
    middle bigint;
    found_seq bigint;
    found_at timestamptz;
begin
    while low < high loop
        middle := low + (high - low + 1) / 2;
        select e.seq, e.at into found_seq, found_at from pos.event e
         where e.tenant_id = owner and e.seq >= middle order by e.seq limit 1;
        if found_at < moment then -- null: there is none from there on
            low := least(found_seq, high);
        else
            high := middle - 1;
        end if;
    end loop;
    return low;
end $$;

create or replace function pos.console_minutes(owner uuid, head bigint, oldest bigint)
returns table (minute timestamptz, events bigint)
language plpgsql as $$
declare
    moment timestamptz := clock_timestamp();
    this_minute timestamptz := date_trunc('minute', moment);
    one timestamptz;
    before bigint;
    last_seq bigint;
begin
    for one in select generate_series(this_minute - interval '60 minutes', this_minute, interval '1 minute') loop
        last_seq := null;
        if one = this_minute then
            last_seq := head;
        else
            select m.upto into last_seq from pos.console_minute m where m.tenant = owner and m.minute = one;
        end if;
        if last_seq is null then
            last_seq := pos.console_seq_before(owner, one + interval '1 minute', coalesce(before, oldest - 1), head);
            -- What is being committed may still be of this minute.
            if one + interval '70 seconds' < moment then
                insert into pos.console_minute (tenant, minute, upto) values (owner, one, last_seq)
                on conflict do nothing;
            end if;
        end if;
        if before is not null then
            minute := one;
            events := greatest(0, last_seq - before);
            if events >= 900000 then -- a stream that was raised after a restore has seqs without events
                events := (select count(*) from (select from pos.event e
                            where e.tenant_id = owner and e.seq > before and e.seq <= last_seq limit 100000) l);
            end if;
            return next;
        end if;
        before := last_seq;
    end loop;
end $$;

create or replace function pos.delay_bounds() returns int[]
language sql immutable parallel safe as $$
    select array[1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000, 5000, 10000, 30000, 60000]
$$;

create or replace function pos.delay_at(counts int[], share numeric) returns int
language plpgsql immutable parallel safe as $$
declare
    bounds int[] := pos.delay_bounds();
    left_over numeric := ceil((select sum(n) from unnest(counts) n) * share);
begin
    if coalesce(left_over, 0) = 0 then
        return null;
    end if;
    for i in 1 .. cardinality(counts) loop
        left_over := left_over - counts[i];
        if left_over <= 0 then
            return bounds[least(i, cardinality(bounds))];
        end if;
    end loop;
    return bounds[cardinality(bounds)];
end $$;

create or replace function pos.console_delays(owner uuid) returns table (minute timestamptz, counts int[])
language plpgsql stable as $$
begin
    return query
    select m.minute, m.counts from pos.delivery_minute m
     where m.tenant = owner and m.minute > date_trunc('minute', clock_timestamp()) - interval '60 minutes';
end $$;
