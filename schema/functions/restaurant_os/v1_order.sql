-- pos.v1_order - GET /api/v1/orders/{id}.
-- Caller: pos.call. Inputs: path.id.
-- Answers: 200 with the bare order: clients of that API expect no envelope.
-- Refusals: 404 ORDER_NOT_FOUND, 409 ORDER_ARCHIVED. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.v1_order(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    wanted text := pos.path_order_id(c.path ->> 'id');
begin
    if not exists (select from pos.orders o where o.tenant_id = c.tenant_id and o.id = wanted) then
        perform pos.refuse_no_order(c.tenant_id, wanted);
    end if;
    return (200, (pos.orders_v1(c.tenant_id, array[wanted]))[1], null, c.tenant_id, false)::pos.answer;
end $$;
