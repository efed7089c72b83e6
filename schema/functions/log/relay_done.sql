-- pos.relay_done - everything external up to this moment has been published.
-- Caller: bridge. Inputs: the moment. Answers: the watermark, which never moves back and is never ahead of the clock.
-- Refusals: none. Locks: its one row. Events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.relay_done(upto timestamptz) returns timestamptz
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    reached timestamptz;
begin
    update pos.relay r set watermark = least(upto, clock_timestamp())
     where r.only_row and r.watermark < least(upto, clock_timestamp())
    returning r.watermark into reached;
    if reached is null then
        select r.watermark into reached from pos.relay r where r.only_row;
    end if;
    return reached;
end $$;
