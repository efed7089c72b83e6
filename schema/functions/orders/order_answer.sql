-- pos.order_answer - {"type":"order_ack"} on a till's socket, order:ack of Socket.IO, POST /api/{tenant}/orders/{id}/ack: what a
-- device says about an order, and what follows from it. order_ack and its kin, which older tills call, only note it.
-- Caller: pos.call. Inputs: those of order_acknowledge; orderId where no path names the order; state; reason; readyAt.
-- Answers: 200 {orderId, orderNumber, deviceId, state, status, printStatus, readyAt, repeated}.
-- accepted with readyAt: an order that is new or pending becomes confirmed. rejected: an open one becomes cancelled, for that
-- reason. Everything else is a fact beside it. A repeat is answered as the first one was, whatever the order has become since.
-- The first one of a restaurant turns on its ladder (order_ladder), where it was not decided; the device is one that acknowledges from then on.
-- Refusals: those of order_acknowledge; 409 ILLEGAL_TRANSITION: accepted, when it is over, or rejected, when it is completed.
-- Locks: the tenant's row, once in its life; the device's, once an hour; the order's row, then the stream. Events: order.acknowledged, then those of order_move.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_answer(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    noted record;
    o pos.orders;
    moved record;
    wanted text;
    events text[];
begin
    perform pos.order_ladder_seen(c, pos.ack_device(c, body, null));
    noted := pos.order_acknowledge(c, body, null, null);
    o := noted.o;
    events := array_remove(array[noted.event], null);
    if noted.event is not null and ((noted.state = 'accepted' and o.status in ('completed', 'cancelled', 'rejected'))
                                    or (noted.state = 'rejected' and o.status = 'completed')) then
        perform pos.refuse(409, 'ILLEGAL_TRANSITION', case o.status
            when 'completed' then 'This order is completed: nothing is left to say about it.'
            else format('This order is %s: do not make it.', o.status) end,
            ('{"from":"' || o.status || '","to":"' || case noted.state when 'accepted' then 'confirmed' else 'cancelled' end || '"}')::json);
    end if;
    wanted := case when noted.state = 'accepted' and noted.ready_at is not null and o.status in ('new', 'pending') then 'confirmed'
                   when noted.state = 'rejected' and o.status not in ('completed', 'cancelled', 'rejected') then 'cancelled' end;
    if wanted is not null then
        moved := pos.order_move(c, o, wanted,
            case noted.state when 'rejected' then coalesce(noted.reason, 'The restaurant has rejected it.') else noted.reason end,
            nullif(noted.device, ''));
        o := moved.o;
        events := events || moved.events;
    end if;
    return (200, '{"success":true,"orderId":' || o.id_json || ',"orderNumber":' || to_json(o.order_number)
            || ',"deviceId":' || to_json(noted.device) || ',"state":"' || noted.state || '","status":"' || o.status
            || '","printStatus":"' || coalesce(o.print_status, 'pending') || '","readyAt":'
            || coalesce('"' || pos.utc(noted.ready_at) || '"', 'null') || ',"repeated":' || (noted.event is null) || '}',
            nullif(events, '{}'), c.tenant_id, false)::pos.answer;
end $$;
