-- pos.house_change - the name that shared_state_change has for gateways of the release before this one, which run on
-- this schema until each of them has been replaced. The next release drops this file and its row.
-- Caller: pos.call. Inputs, answers, refusals, locks, events: those of shared_state_change.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.house_change(c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    return pos.shared_state_change(c, body);
end $$;
