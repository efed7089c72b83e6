-- orders/order_ladder - an online order that no device has acknowledged is offered again, then people are told, louder.
-- Holds: order_rungs, order_ladder_begin, order_ladder_seen, acking_devices, timer_order_ladder.
-- Caller: order_ladder_begin: whoever makes an order of a restaurant that wants it, at the moment when the order comes into being, which is
-- also that from which it counts; timer_order_ladder: timers_run. order_ladder_seen: order_answer.
-- The timer of an order has one rung after the other; the first acknowledgement clears it, and an order that was moved on is let go.
-- A rung that comes so late that the next one is due too is left out, because that one says more. Nobody's order is
-- cancelled by servers that were away: rejection comes within a minute of its time, else people are told once more.
-- acking_devices: those that have answered an order within thirty days, the newest 200, as JSON. The event names them in its origin, so
-- that a gateway offers the order to their sessions, whichever connection it is, and asks nobody when one opens.
-- Refusals: none. Locks: order_ladder_seen those of acking_device; the order's row, which timers_run holds, then the stream. Events:
-- order.offered; kitchen.alert; those of order_move.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_rungs() returns table (step int, after interval)
language sql immutable parallel safe as $$
    values (0, interval '20 seconds'), (1, interval '60 seconds'), (2, interval '180 seconds'), (3, interval '480 seconds')
$$;

-- Only what a device has to look at: the order is online, and nobody has begun with it.
create or replace function pos.order_ladder_begin(o pos.orders) returns void
language plpgsql as $$
begin
    if o.order_source = 'online' and o.status in ('new', 'pending') then
        perform pos.timer_set(o.tenant_id, 'order_ladder', o.id, clock_timestamp() + interval '20 seconds');
    end if;
end $$;

-- Its devices acknowledge: from now on one that does not is worth telling. Which ones they are is written once an hour: their names,
-- and that of whoever speaks for them.
create or replace function pos.order_ladder_seen(c pos.context, device text) returns void
language plpgsql as $$
declare
    moment timestamptz := clock_timestamp();
begin
    if c.order_ladder = 'auto' then
        update dinedesk_main.tenants t set order_ladder = 'on' where t.id = c.tenant_id and t.order_ladder = 'auto';
        if found then
            insert into pos.audit (tenant_id, action, subject) values (c.tenant_id, 'order_ladder.on', 'the first order_ack');
        end if;
    end if;
    insert into pos.acking_device as a (tenant_id, device, at)
    select distinct c.tenant_id, n.name, moment
      from unnest(array[order_ladder_seen.device, c.device, (select k.device from pos.api_key k where k.id = c.key_id)]) n(name)
     where n.name <> ''
       and not exists (select from pos.acking_device k where k.tenant_id = c.tenant_id and k.device = n.name and k.at > moment - interval '1 hour')
     order by 2
    on conflict on constraint acking_device_pkey do update set at = excluded.at;
end $$;

create or replace function pos.acking_devices(tenant uuid) returns text
language plpgsql stable as $$
begin
    return array_to_json(array(
        select a.device from pos.acking_device a
         where a.tenant_id = tenant and a.at > clock_timestamp() - interval '30 days'
         order by a.at desc limit 200));
end $$;

create or replace function pos.timer_order_ladder(t pos.timer) returns text[]
language plpgsql as $$
declare
    c pos.context := pos.timer_context(t.tenant_id);
    setting record;
    o pos.orders;
    moment timestamptz := clock_timestamp();
    began timestamptz := t.due - (select r.after from pos.order_rungs() r where r.step = t.step);
    next_due timestamptz := began + (select r.after from pos.order_rungs() r where r.step = t.step + 1);
    waited text;
    is_rejected boolean := t.step = 3 and moment < t.due + interval '1 minute';
begin
    select n.order_ladder, n.order_ladder_rejects into setting from dinedesk_main.tenants n where n.id = t.tenant_id;
    select s.* into o from pos.orders s where s.tenant_id = t.tenant_id and s.id = t.object;
    if not found or o.acknowledged_at is not null or o.status not in ('new', 'pending') or setting.order_ladder <> 'on' then
        return '{}';
    end if;
    if t.step < 2 or (t.step = 2 and setting.order_ladder_rejects) then
        perform pos.timer_set(t.tenant_id, t.kind, t.object, next_due, t.step + 1);
        if next_due <= moment then
            return '{}';
        end if;
    end if;
    if t.step = 0 then
        return array[pos.emit(t.tenant_id, 'order.offered', ('{"kind":"timer","devices":' || pos.acking_devices(t.tenant_id) || '}')::json,
                              pos.order_data(o, null))];
    elsif is_rejected then
        return (pos.order_move(c, o, 'cancelled', 'Nobody in the restaurant has acknowledged it.', null)).events;
    end if;
    waited := case when moment < began + interval '2 minutes' then 'a minute'
                   else floor(extract(epoch from moment - began) / 60) || ' minutes' end;
    return array[pos.emit(t.tenant_id, 'kitchen.alert', c.origin, row_to_json(a))] from (select
        case t.step when 1 then 'warning' else 'urgent' end as type,
        format('Order %s waits for %s, and no device has acknowledged it. %s', o.order_number, waited,
               case t.step when 1 then 'Look at the till.' else 'Call the restaurant.' end) as message,
        case t.step when 1 then 3 else 5 end as severity,
        o.id_json::json #>> '{}' as "orderId", o.table_number as "tableNumber", null::text as station) a;
end $$;
