-- pos.loyalty_redeem - POST /api/{tenant}/loyalty/{phone}/redeem.
-- Caller: pos.call. Inputs, answers, refusals, locks, events: pos.loyalty_move.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.loyalty_redeem(c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    return pos.loyalty_move('redeem', c, body);
end $$;
