-- console/console_orders - the orders of a restaurant, those first that no device has acknowledged.
-- Holds: console_orders, console_order, console_order_row, console_order_events, console_orders_page, console_ladder.
-- Caller: pos.call, for GET /api/{tenant}/console/orders and /orders/{id}. Inputs: query.limit, after, status; path.id:
-- the order's id, or else its number (the newest order that has it).
-- Answers: console_orders: 200 {orders: [{id, orderNumber, status, orderType, customerName, totalAmount, items, createdAt,
-- scheduledFor, acknowledgedAt, unacknowledged, sentTo, acknowledgements}], next}: those that nobody has acknowledged for longest,
-- then the others, the newest first. `items`: how many. `sentTo`: the devices that it was written to.
-- console_order: 200 {order, events: [{seq, type, at}], deliveries, more, acknowledgements, ladder, recorded, why}: the
-- events are searched for around the moments at which something happened to the order, among 10000 each. `ladder`: [{what, at,
-- state: done, next or later}], the rungs of an order that waits for its first acknowledgement (order_ladder), else null.
-- Refusals: 400 INVALID_FIELD, INVALID_STATUS; 404 ORDER_NOT_FOUND. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

-- A page behind `after`: [1, microseconds] is behind one that is waiting to be acknowledged, [0, …] behind another.
create or replace function pos.console_orders_page(owner uuid, wanted text, after bigint[], most int)
returns table (rank int, micros bigint, id text)
language plpgsql stable as $$
declare
    acks boolean := exists (select from pos.order_ack a where a.tenant_id = owner);
    day_ago timestamptz := clock_timestamp() - interval '1 day';
    behind timestamptz := 'epoch'::timestamptz + after[2] * interval '1 microsecond';
begin
    return query
    select l.rank, (extract(epoch from l.created_at) * 1000000)::bigint, l.id from (
        (select 1 as rank, o.created_at, o.id::text as id, o.created_at as ascending, null::timestamptz as descending
           from pos.orders o
          where acks and coalesce(after[1], 1) = 1 and o.tenant_id = owner and o.order_source = 'online'
            and o.status in ('new', 'pending', 'confirmed', 'preparing') and (wanted is null or o.status = wanted)
            and o.acknowledged_at is null and o.created_at > greatest(day_ago, behind)
          order by o.created_at limit most)
        union all
        (select 0, o.created_at, o.id::text, null, o.created_at
           from (values ('new'), ('pending'), ('confirmed'), ('preparing'), ('ready'), ('picked_up'), ('out_for_delivery'),
                        ('served'), ('completed'), ('cancelled'), ('rejected')) w(status),
                lateral (select p.created_at, p.id from pos.orders p
                          where p.tenant_id = owner and p.status = w.status
                            and (coalesce(after[1], 1) = 1 or p.created_at < behind)
                            and not (acks and p.order_source = 'online' and p.status in ('new', 'pending', 'confirmed', 'preparing')
                                     and p.acknowledged_at is null and p.created_at > day_ago)
                          order by p.created_at desc limit most) o
          where wanted is null or w.status = wanted
          order by o.created_at desc limit most)) l
     order by l.rank desc, l.ascending, l.descending desc
     limit most;
end $$;

create or replace function pos.console_order_row(o pos.orders, is_waiting boolean) returns json
language plpgsql stable as $$
begin
    return row_to_json(r) from (select o.id as id, o.order_number as "orderNumber", o.status as status, o.order_type as "orderType",
        o.order_source as "orderSource", o.customer_name as "customerName", o.total_amount as "totalAmount",
        json_array_length(o.items) as items, pos.utc(o.created_at) as "createdAt", pos.utc(o.scheduled_for) as "scheduledFor",
        pos.utc(o.acknowledged_at) as "acknowledgedAt", is_waiting as unacknowledged,
        array_to_json(array(select distinct x.device
             from pos.delivery d, json_array_elements(d.devices) g(alike), json_array_elements_text(g.alike -> 3) x(device)
            where d.tenant = o.tenant_id and d.order_id = o.id
            order by 1 limit 20)) as "sentTo",
        pos.console_acks(o.tenant_id, o.id) as acknowledgements) r;
end $$;

create or replace function pos.console_orders(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    most int := pos.console_limit(c);
    after bigint[] := pos.console_after(c, 2);
    wanted text := nullif(lower(c.query ->> 'status'), '');
    page record;
begin
    perform pos.console_look(c, 'orders');
    if wanted not in ('new', 'pending', 'confirmed', 'preparing', 'ready', 'picked_up', 'out_for_delivery', 'served', 'completed',
                      'cancelled', 'rejected') then
        perform pos.refuse_field('status', 'This is no status of an order.', 'INVALID_STATUS');
    end if;
    select g.list, g.next into page
      from (select array_agg(pos.console_order_row(o, p.rank = 1) order by p.rank desc, p.micros * sign(p.rank - 0.5)) as rows,
                   array_agg(p.rank || '-' || p.micros order by p.rank desc, p.micros * sign(p.rank - 0.5)) as places
              from pos.console_orders_page(c.tenant_id, wanted, after, most + 1) p
              join pos.orders o on o.tenant_id = c.tenant_id and o.id = p.id) l, -- of those that wait the oldest first
           lateral pos.console_page(l.rows, l.places, most) g;
    return pos.console_answer(c, row_to_json(a)) from (select page.list as orders, page.next as next) a;
end $$;

create or replace function pos.console_order_events(o pos.orders) returns table (seq bigint, type text, at timestamptz)
language plpgsql stable as $$
declare
    s pos.stream;
    moment timestamptz;
    low bigint;
    seqs bigint[] := '{}';
begin
    select t.* into s from pos.stream t where t.tenant_id = o.tenant_id;
    for moment in
        select m.at from (
            select o.created_at as at
            union select h.at from pos.order_status_history h where h.tenant_id = o.tenant_id and h.order_id = o.id
            union select k.created_at from pos.order_ack k where k.tenant_id = o.tenant_id and k.order_id = o.id
            union select o.updated_at) m
         order by 1 limit 50 loop
        low := pos.console_seq_before(o.tenant_id, moment - interval '100 milliseconds', s.oldest - 1, s.head);
        seqs := seqs || array(
            select l.seq from (
                select e.seq, e.type, e.data from pos.event e
                 where e.tenant_id = o.tenant_id and e.seq > low and e.at < moment + interval '3 seconds'
                 order by e.seq limit 10000) l
             where l.type like 'order.%' and l.data ->> 'orderId' = o.id);
    end loop;
    -- An event that came to the stream late, because nobody numbered it, may still be known by who heard it.
    seqs := seqs || array(select d.seq from pos.delivery d where d.tenant = o.tenant_id and d.order_id = o.id limit 200);
    return query
    select e.seq, e.type::text, e.at from pos.event e where e.tenant_id = o.tenant_id and e.seq = any(seqs) order by e.seq;
end $$;

-- Where it is on its ladder: what its timer says, or, when the last rung is behind it, when it was offered again.
create or replace function pos.console_ladder(o pos.orders, offered_at timestamptz) returns json
language plpgsql stable as $$
declare
    n dinedesk_main.tenants;
    t pos.timer;
    began timestamptz;
begin
    select d.* into n from dinedesk_main.tenants d where d.id = o.tenant_id;
    select i.* into t from pos.timer i where i.tenant_id = o.tenant_id and i.kind = 'order_ladder' and i.object = o.id;
    if o.acknowledged_at is not null or o.status not in ('new', 'pending') or n.order_ladder <> 'on' then
        return null;
    end if;
    began := coalesce(coalesce(t.meant, t.due) - (select r.after from pos.order_rungs() r where r.step = t.step),
                      offered_at - (select r.after from pos.order_rungs() r where r.step = 0));
    return (select json_agg(l order by l.at) from (
        select (array['offered', 'warned', 'urgent', 'cancelled'])[r.step + 1] as what, pos.utc(began + r.after) as at,
               case when r.step < t.step or t.step is null then 'done' when r.step = t.step then 'next' else 'later' end as state
          from pos.order_rungs() r
         where began is not null and (r.step < 3 or n.order_ladder_rejects)) l);
end $$;

create or replace function pos.console_order(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    o pos.orders;
    e record;
    sent record;
    all_sent json[] := '{}';
    events json[] := '{}';
    more bigint := 0;
    lost text;
    offered_at timestamptz;
begin
    perform pos.console_look(c, 'order');
    o := pos.acked_order(c, c.path ->> 'id', false);
    for e in select v.seq, v.type, v.at from pos.console_order_events(o) v order by v.seq loop
        offered_at := coalesce(offered_at, case when e.type = 'order.offered' then e.at end);
        events := events || row_to_json(v) from (select e.seq as seq, e.type as type, pos.utc(e.at) as at) v;
        sent := pos.console_deliveries(c.tenant_id, e.seq, e.at);
        all_sent := all_sent || array(select (('{"seq":' || e.seq || ',"type":' || to_json(e.type) || ',' || pos.inside(d) || '}')::json)
                                        from json_array_elements(sent.list) d);
        more := more + sent.more;
    end loop;
    lost := pos.console_deliveries_kept('order.created', o.created_at);
    return pos.console_answer(c, row_to_json(a)) from (select
        pos.order_json(o)::json as "order", array_to_json(events) as events, array_to_json(all_sent[1:500]) as deliveries,
        more as more, pos.console_acks(c.tenant_id, o.id) as acknowledgements, pos.console_ladder(o, offered_at) as ladder,
        lost is null or cardinality(all_sent) > 0 as recorded, case when cardinality(all_sent) = 0 then lost end as why) a;
end $$;
