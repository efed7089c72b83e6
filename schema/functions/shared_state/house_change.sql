-- pos.house_change - the old name of shared_state_change, for gateways of the release before this one: they use this
-- schema until they have been replaced. The next release removes this file and its row.
-- Caller: pos.call. Inputs, answers, refusals, locks, events: those of shared_state_change.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.house_change(c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    return pos.shared_state_change(c, body);
end $$;
