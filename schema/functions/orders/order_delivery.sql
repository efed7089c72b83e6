-- pos.order_delivery - GET /api/{tenant}/orders/{id}/delivery: does somebody have this order?
-- Holds: order_delivered.
-- Caller: pos.call. Inputs: path.id: the order's id, or else its number, as for acknowledgements.
-- Answers: 200 {order: {id, orderNumber, status, printStatus, acknowledgedAt}, devices: [{deviceId, dialect, delivered: {seq, at,
-- resumed} or null, received, printed, accepted, rejected, failed, queued, readyAt, reason}], more, recorded, why}. `delivered` is when
-- a gateway wrote the order to the device's socket, the first time: its event new or offered again; the moments after it are those of
-- the device's acknowledgements, null where it said nothing. Devices without a name are one, "". `more`: further devices that are not
-- named. `recorded` is false when it is not known to whom it was written, and `why` says why (console_deliveries_kept).
-- A gateway tells a second later, at most.
-- Refusals: 400 INVALID_ORDER_ID; 404 ORDER_NOT_FOUND, 409 ORDER_ARCHIVED. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

-- The first delivery to each device, of any event of the order.
create or replace function pos.order_delivered(o pos.orders)
returns table (device text, dialect text, seq bigint, at timestamptz, resumed boolean)
language plpgsql stable as $$
begin
    return query
    select distinct on (1) x.device, g.alike ->> 0, r.seq, r.at + (g.alike ->> 1)::bigint * interval '1 millisecond', (g.alike ->> 2)::boolean
      from (select d.seq, d.at, d.devices from pos.delivery d
             where d.tenant = o.tenant_id and d.order_id = o.id order by d.seq limit 200) r,
           json_array_elements(r.devices) g(alike), json_array_elements_text(g.alike -> 3) x(device)
     order by 1, 4
     limit 500;
end $$;

create or replace function pos.order_delivery(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    named record := pos.read_order_id(to_json(c.path ->> 'id'));
    o pos.orders := pos.acked_order(c, named.id, false);
    lost text := pos.console_deliveries_kept('order.created', o.created_at);
    is_known boolean := exists (select from pos.order_delivered(o));
    devices json;
begin
    devices := array_to_json(array(
        select row_to_json(v) from (
            select coalesce(d.device, k.device) as "deviceId", d.dialect,
                   case when d.seq is not null then ('{"seq":' || d.seq || ',"at":"' || pos.utc(d.at) || '","resumed":' || d.resumed || '}')::json end as delivered,
                   pos.utc(k.received) as received, pos.utc(k.queued) as queued, pos.utc(k.printed) as printed, pos.utc(k.accepted) as accepted,
                   pos.utc(k.rejected) as rejected, pos.utc(k.failed) as failed, pos.utc(k.ready_at) as "readyAt", k.reason
              from pos.order_delivered(o) d
              full join (select a.device::text as device, min(a.created_at) as first,
                                max(a.at) filter (where a.state = 'received') as received, max(a.at) filter (where a.state = 'queued') as queued,
                                max(a.at) filter (where a.state = 'printed') as printed, max(a.at) filter (where a.state = 'accepted') as accepted,
                                max(a.at) filter (where a.state = 'rejected') as rejected, max(a.at) filter (where a.state = 'failed') as failed,
                                max(a.ready_at) as ready_at, (array_agg(a.reason order by a.created_at desc) filter (where a.reason is not null))[1] as reason
                           from pos.order_ack a where a.tenant_id = o.tenant_id and a.order_id = o.id
                          group by a.device) k on k.device = d.device
             order by coalesce(d.at, k.first), 1) v));
    return (200, '{"success":true,"order":{"id":' || o.id_json || ',"orderNumber":' || to_json(o.order_number) || ',"status":"' || o.status
            || '","printStatus":"' || coalesce(o.print_status, 'pending') || '","acknowledgedAt":'
            || coalesce('"' || pos.utc(o.acknowledged_at) || '"', 'null') || '},"devices":' || devices
            || ',"more":' || (select coalesce(sum(d.more), 0) from pos.delivery d where d.tenant = o.tenant_id and d.order_id = o.id)
            || ',"recorded":' || (lost is null or is_known) || ',"why":' || coalesce(to_json(case when not is_known then lost end)::text, 'null') || '}',
            null, c.tenant_id, false)::pos.answer;
end $$;
