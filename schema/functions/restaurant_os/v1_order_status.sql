-- pos.v1_order_status - PATCH /api/v1/orders/{id}/status.
-- Caller: pos.call. Inputs: path.id; status, one of Restaurant OS's words, or served; notes, for the history; recall.
-- Answers: 200 with the bare order.
-- Refusals: 404 ORDER_NOT_FOUND, 409 ORDER_ARCHIVED; those of pos.order_status. Locks, events: those of pos.order_status.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.v1_order_status(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    wanted text := pos.path_order_id(c.path ->> 'id');
    a pos.answer;
begin
    if not exists (select from pos.orders o where o.tenant_id = c.tenant_id and o.id = wanted) then
        perform pos.refuse_no_order(c.tenant_id, wanted);
    end if;
    a := pos.order_status(c, json_build_object('orderId', wanted, 'status', body -> 'status',
                                               'recall', body -> 'recall', 'notes', body -> 'notes'));
    a.body := (pos.orders_v1(c.tenant_id, array[wanted]))[1];
    return a;
end $$;
