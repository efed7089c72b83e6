-- pos.v1_order - GET /api/v1/orders/{id}.
-- Caller: pos.call. Inputs: path.id.
-- Answers: 200 with the bare order: clients of that API expect no envelope.
-- Refusals: 404 ORDER_NOT_FOUND. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.v1_order(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    shown text := (pos.orders_restaurant_os(c.tenant_id, array[pos.path_order_id(c.path ->> 'id')]))[1];
begin
    if shown is null then
        perform pos.refuse(404, 'ORDER_NOT_FOUND', 'No such order here. Check the id.');
    end if;
    return (200, shown, null, c.tenant_id, false)::pos.answer;
end $$;
