-- pos.console_event - GET /api/{tenant}/console/events/{seq}: the journey of one event, from the request to each device.
-- Holds: console_deliveries, console_deliveries_kept, console_acks, console_writer.
-- Caller: pos.call. Inputs: path.seq.
-- Answers: 200 {event: {seq, type, at, origin, data}, request: {id, at, method, path, status, durationMs, instance} or null,
-- writer: api, sql, device, operator or console, commit: {at}, deliveries: [{device, dialect, gateway, sentAt, delayMs, resumed}],
-- more, acknowledgements: [{device, state, at, reason}], recorded, why}. A delivery is the moment at which a gateway
-- gave the event to the device's socket; `resumed`: the device came back and caught up with it. `recorded` is false
-- when deliveries are not known, and `why` says why: no device has heard of it is another thing.
-- console_deliveries: those of an event that was at `moment`; console_deliveries_kept: why those of then are not known.
-- Refusals: 400 INVALID_FIELD, 404 EVENT_NOT_FOUND. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.console_deliveries(owner uuid, wanted bigint, moment timestamptz, out list json, out more bigint)
language plpgsql stable as $$
begin
    select coalesce(array_to_json(array_agg(row_to_json(d) order by d."delayMs", d.device)), '[]'::json) into list
      from (select x.device, g.alike ->> 0 as dialect, r.gateway,
                   pos.utc(moment + (g.alike ->> 1)::bigint * interval '1 millisecond') as "sentAt",
                   (g.alike ->> 1)::bigint as "delayMs", (g.alike ->> 2)::boolean as resumed
              from pos.delivery r, json_array_elements(r.devices) g(alike), json_array_elements_text(g.alike -> 3) x(device)
             where r.tenant = owner and r.seq = wanted
             limit 500) d;
    more := (select coalesce(sum(r.more), 0) from pos.delivery r where r.tenant = owner and r.seq = wanted);
end $$;

create or replace function pos.console_deliveries_kept(type text, moment timestamptz) returns text
language plpgsql stable as $$
declare
    since timestamptz;
begin
    if type not like 'order.%' then
        return 'Which device it was written to is kept of orders'' events only.';
    end if;
    if moment < clock_timestamp() - interval '7 days' then
        return 'It is older than the seven days for which deliveries are kept.';
    end if;
    -- After a crash of the database the tables are empty, and filled again by processes that say when that was.
    since := least((select r.at from pos.delivery r order by r.id limit 1),
                   (select min(p.since) from pos.process p where p.kind = 'gateway'));
    if since is null or moment < since - interval '10 seconds' then
        return 'Deliveries of that time are not kept any more: the database was restarted, or there were too many since.';
    end if;
    if exists (select from pos.delivery r where r.tenant is null and r.at between moment - interval '2 seconds' and moment + interval '5 seconds') then
        return 'There were more events at that moment than are kept: this one may be among those that were left out.';
    end if;
    return null;
end $$;

create or replace function pos.console_acks(owner uuid, wanted text) returns json
language plpgsql stable as $$
begin
    return array_to_json(array(
        select row_to_json(a) from (
            select k.device, k.state, pos.utc(k.at) as at, k.reason, pos.utc(k.created_at) as "notedAt"
              from pos.order_ack k where k.tenant_id = owner and k.order_id = wanted
             order by k.created_at, k.state limit 200) a));
end $$;

create or replace function pos.console_writer(origin json) returns text
language plpgsql immutable as $$
begin
    return case origin ->> 'kind' when 'socket' then 'device' else coalesce(origin ->> 'kind', 'sql') end;
end $$;

create or replace function pos.console_event(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    given text := c.path ->> 'seq';
    e pos.event;
    sent record;
    lost text;
    order_id text;
begin
    perform pos.console_look(c, 'event');
    if given !~ '^[0-9]{1,18}$' then
        perform pos.refuse_field('seq', 'The seq of an event is a whole number.');
    end if;
    select v.* into e from pos.event v where v.tenant_id = c.tenant_id and v.seq = given::bigint;
    if not found then
        perform pos.refuse(404, 'EVENT_NOT_FOUND', 'No such event here: it has not happened yet, or is older than what is kept.');
    end if;
    sent := pos.console_deliveries(c.tenant_id, e.seq, e.at);
    lost := pos.console_deliveries_kept(e.type, e.at);
    order_id := case when e.type like 'order.%' then
        (select o.id from pos.orders o where o.tenant_id = c.tenant_id and o.id = e.data ->> 'orderId') end;
    return pos.console_answer(c, row_to_json(a)) from (select
        (select row_to_json(v) from (select e.seq as seq, e.type as type, pos.utc(e.at) as at, e.origin as origin, e.data as data) v) as event,
        (select row_to_json(q) from (
            select r.request_id as id, pos.utc(r.at) as at, r.method, r.path, r.status, r.duration_ms as "durationMs", r.instance
              from pos.request_log r
             where r.tenant = c.tenant_id and r.request_id = e.origin ->> 'requestId' and r.method is not null
             order by r.at limit 1) q) as request,
        pos.console_writer(e.origin) as writer,
        (select row_to_json(v) from (select pos.utc(e.at) as at) v) as commit,
        sent.list as deliveries, sent.more as more,
        case when order_id is null then '[]'::json else pos.console_acks(c.tenant_id, order_id) end as acknowledgements,
        lost is null or json_array_length(sent.list) > 0 as recorded,
        case when json_array_length(sent.list) = 0 then lost end as why) a;
end $$;
