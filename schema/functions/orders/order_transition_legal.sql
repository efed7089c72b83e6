-- pos.order_transition_legal - can an order go from one status to another?
-- Holds: transition_refusal, order_rank.
-- Caller: order_update, order_status, shared_state_apply_order. Inputs: the two statuses, and whether the client goes
-- back on purpose (recall).
-- Answers: yes or no. Forward is allowed, also with steps left out; cancelled from any open status; rejected from the
-- first three; back only by recall, and not from cancelled or rejected, which have been announced as gone.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_transition_legal(was text, wanted text, recall boolean) returns boolean
language sql immutable parallel safe as $$
    select case
        when was in ('cancelled', 'rejected') then false
        when wanted = 'cancelled' then was <> 'completed'
        when wanted = 'rejected' then pos.order_rank(was) <= 3
        when recall then true
        else pos.order_rank(wanted) > pos.order_rank(was)
    end
$$;

-- What to tell whoever wanted an illegal one, in the words of their dialect. It advises only what works.
create or replace function pos.transition_refusal(was text, wanted text, was_shown text, wanted_shown text) returns text
language sql stable parallel safe as $$
    select format('An order that is %s cannot become %s. ', was_shown, wanted_shown) || case
        when pos.order_transition_legal(was, wanted, true) then 'To go back on purpose, send "recall": true.'
        when was in ('cancelled', 'rejected') then 'It stays as it is; make a new order.'
        when was = 'completed' then 'It is finished.'
        else 'Cancel it instead.' end
$$;

create or replace function pos.order_rank(status text) returns int
language sql immutable parallel safe as $$
    select case status when 'new' then 1 when 'pending' then 2 when 'confirmed' then 3 when 'preparing' then 4
        when 'ready' then 5 when 'picked_up' then 6 when 'out_for_delivery' then 6 when 'served' then 6
        when 'completed' then 7 end
$$;
