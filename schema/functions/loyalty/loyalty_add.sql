-- pos.loyalty_add - POST /api/{tenant}/loyalty/{phone}/add.
-- Caller: pos.call. Inputs, answers, refusals, locks, events: pos.loyalty_move.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.loyalty_add(c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    return pos.loyalty_move('add', c, body);
end $$;
