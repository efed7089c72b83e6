-- pos.order_get - GET /api/{tenant}/orders/{id}.
-- Caller: pos.call. Inputs: path.id. Answers: 200 {order}, archived or not, with everything that is known about it, its
-- businessDate (a member of that name that its creator sent is not shown), and what devices have acknowledged, once one has.
-- Refusals: 404 ORDER_NOT_FOUND. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_get(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    o pos.orders;
begin
    select s.* into o from pos.orders s
     where s.tenant_id = c.tenant_id and s.id = pos.path_order_id(c.path ->> 'id');
    if not found then
        o := pos.order_archived(c.tenant_id, pos.path_order_id(c.path ->> 'id'));
        if o.id is null then
            perform pos.refuse_no_order(c.tenant_id, pos.path_order_id(c.path ->> 'id'));
        end if;
    end if;
    return (200, '{"success":true,"order":{' || pos.members_but(pos.order_json(o)::json, array['businessDate'])
            || ',"businessDate":"' || pos.business_date(o.created_at, c.timezone, c.day_start) || '"'
            || case when o.acknowledged_at is not null
               then ',"print_status":' || to_json(coalesce(o.print_status, 'pending')) || ',' || pos.order_acks(o) else '' end
            || '}}', null, c.tenant_id, false)::pos.answer;
end $$;
