-- pos.order_ack - POST /api/pos/orders/ack, /received and /batch-ack, POST /api/{tenant}/orders/{id}/confirm: what a
-- device says about an order that it has.
-- Holds: order_received, order_ack_batch, order_acks_get, order_acknowledge, ack_device, ack_state, acked_order, order_acked_data,
-- order_acks.
-- Caller: pos.call. Inputs: path.id or order_id: the order's id, or else its number, which some tills know alone;
-- status, or state: received, queued, printed, failed, accepted or rejected (queued_for_print is queued; order_received:
-- received when it is left out); readyAt; printed_at, received_at or at; device_id (else the device that the request names); reason;
-- whatever else comes is kept.
-- order_ack_batch: {device_id?, acknowledgments: [those, …]}. order_acks_get: query.order_id.
-- Answers: 200 {message, order: {order_id, order_number, print_status, updated_at, device_id}, repeated}. A device's
-- state is a fact, once: a repeat changes nothing and makes no event, but for another readyAt. A batch: each stands alone, `results` says how it
-- went, and 200 also when some were refused, because tills drop or repeat all of them.
-- print_status: printed stays printed, whatever another device says later; among received, queued and failed the
-- newest counts. accepted and rejected say nothing about paper. The order itself, and its status, do not change here:
-- order_answer does that. The ladder of the order (order_ladder) ends.
-- Refusals: 400 INVALID_ORDER_ID, INVALID_STATUS, INVALID_DATE, INVALID_FIELD; 404 ORDER_NOT_FOUND, 409 ORDER_ARCHIVED; 404 also for another
-- tenant's order.
-- Locks: the orders' rows, then the stream. Events: order.acknowledged.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_ack(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    noted record;
begin
    noted := pos.order_acknowledge(c, body, null, null);
    return (200, '{"success":true,' || noted.told || '}', nullif(array_remove(array[noted.event], null), '{}'),
            c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.order_received(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    noted record;
begin
    noted := pos.order_acknowledge(c, body, null, 'received');
    return (200, '{"success":true,' || noted.told || '}', nullif(array_remove(array[noted.event], null), '{}'),
            c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.order_ack_batch(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    given json := pos.either(body -> 'acknowledgments', body -> 'acknowledgements');
    ids text[];
    one record;
    noted record;
    results text[] := '{}';
    events text[] := '{}';
    failed int := 0;
    refused_hint text;
    refused_message text;
begin
    if coalesce(json_typeof(given), 'null') <> 'array' or json_array_length(given) > 500 then
        perform pos.refuse_field('acknowledgments', '"acknowledgments" is a list of at most 500. Send them in parts.');
    end if;
    -- All rows before the stream: the one lock order.
    ids := array(select pos.path_order_id(coalesce(e ->> 'order_id', e ->> 'orderId', e ->> 'id'))
                   from json_array_elements(given) e where json_typeof(e) = 'object');
    perform 1 from pos.orders p
      where p.tenant_id = c.tenant_id and (p.id = any(ids) or p.order_number = any(ids))
      order by p.id collate "C" for no key update;
    for one in select e.value from json_array_elements(given) e(value) loop
        begin
            if json_typeof(one.value) <> 'object' then
                perform pos.refuse_field('acknowledgments', 'An acknowledgement is an object.');
            end if;
            noted := pos.order_acknowledge(c, one.value, pos.either(body -> 'device_id', body -> 'deviceId'), null);
            results := results || ('{"success":true,' || noted.told || '}');
            events := events || array_remove(array[noted.event], null);
        exception when sqlstate 'TWREF' then
            get stacked diagnostics refused_hint = pg_exception_hint, refused_message = message_text;
            failed := failed + 1;
            results := results || ('{"success":false,"order_id":'
                || coalesce(one.value -> 'order_id', 'null'::json) || ',"code":'
                || to_json(substr(refused_hint, 5)) || ',"message":' || to_json(refused_message) || '}');
        end;
    end loop;
    return (200, '{"success":true,"acknowledged":' || cardinality(results) - failed || ',"failed":' || failed
            || ',"results":[' || array_to_string(results, ',') || ']}', nullif(events, '{}'), c.tenant_id,
            false)::pos.answer;
end $$;

-- GET /api/pos/orders/ack?order_id=
create or replace function pos.order_acks_get(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    o pos.orders;
begin
    if coalesce(c.query ->> 'order_id', '') = '' then
        perform pos.refuse_field('order_id', 'Say ?order_id=<id> of the order.');
    end if;
    o := pos.acked_order(c, c.query ->> 'order_id', false);
    return (200, '{"success":true,"order":{"id":' || o.id_json || ',"orderNumber":' || to_json(o.order_number)
            || ',"print_status":' || to_json(coalesce(o.print_status, 'pending')) || ',' || pos.order_acks(o) || '}}',
            null, c.tenant_id, false)::pos.answer;
end $$;

-- One acknowledgement: what to tell the device, the event (null: it was known), the order as it is now, and what was noted.
create or replace function pos.order_acknowledge(c pos.context, body json, device_for_all json, default_state text,
    out told text, out event text, out o pos.orders, out state text, out device text, out ready_at timestamptz, out reason text)
language plpgsql as $$
declare
    named record;
    said timestamptz;
    note record;
    detail json;
    ack pos.order_ack;
begin
    state := pos.ack_state(pos.either(body -> 'status', body -> 'state'), default_state);
    named := pos.read_order_id(coalesce(to_json(c.path ->> 'id'),
        pos.either(body -> 'order_id', pos.either(body -> 'orderId', body -> 'id'))));
    if named.id is null then
        perform pos.refuse_field('order_id', 'Say the order''s id as "order_id".', 'INVALID_ORDER_ID');
    end if;
    said := (select pos.order_instant(m.name, body -> m.name, c.timezone)
               from (values ('printed_at', 1), ('received_at', 2), ('receivedAt', 3), ('at', 4)) m(name, n)
              where coalesce(json_typeof(body -> m.name), 'null') <> 'null' and body ->> m.name <> ''
              order by m.n limit 1);
    device := pos.ack_device(c, body, device_for_all);
    note := pos.read_note('reason', body -> 'reason');
    reason := nullif(note.note, '');
    ready_at := pos.order_instant('readyAt', pos.either(body -> 'readyAt', body -> 'ready_at'), c.timezone);
    detail := ('{' || coalesce(pos.members_but(body, array['tenant', 'type', 'order_id', 'orderId', 'id', 'status',
        'state', 'readyAt', 'ready_at', 'printed_at', 'received_at', 'receivedAt', 'at', 'device_id', 'deviceId', 'posSystemId',
        'reason', 'requestId']), '') || '}')::json;

    o := pos.acked_order(c, named.id, true);
    insert into pos.order_ack as k (tenant_id, order_id, device, state, at, reason, detail, key_id, request_id, ready_at)
    values (c.tenant_id, o.id, order_acknowledge.device, order_acknowledge.state, coalesce(said, clock_timestamp()),
        order_acknowledge.reason, case when octet_length(detail::text) <= 8192 then detail else '{}' end, c.key_id, c.request_id,
        order_acknowledge.ready_at)
    on conflict on constraint order_ack_pkey do update set ready_at = excluded.ready_at
     where excluded.ready_at is not null and excluded.ready_at is distinct from k.ready_at
    returning * into ack;
    if ack.state is not null then
        if o.acknowledged_at is null then
            perform pos.timer_clear(c.tenant_id, 'order_ladder', o.id);
        end if;
        o.print_status := case when o.print_status = 'printed' or ack.state in ('accepted', 'rejected') then o.print_status
            when ack.state = 'received' then coalesce(o.print_status, 'received') else ack.state end;
        o.acknowledged_at := coalesce(o.acknowledged_at, clock_timestamp());
        update pos.orders p set print_status = o.print_status, acknowledged_at = o.acknowledged_at
         where p.tenant_id = o.tenant_id and p.id = o.id
           and (p.print_status is distinct from o.print_status or p.acknowledged_at is null);
        event := pos.emit(c.tenant_id, 'order.acknowledged', c.origin, pos.order_acked_data(o, ack));
    end if;
    told := '"message":' || to_json(format(case
                when state in ('printed', 'failed', 'queued') and o.print_status is distinct from state
                then 'Order %s noted as %s by this device; it stays %s' else 'Order %s marked as %s' end,
            o.order_number, state, coalesce(o.print_status, 'pending')))
        || ',"order":{"order_id":' || o.id_json || ',"order_number":' || to_json(o.order_number)
        || ',"print_status":' || to_json(coalesce(o.print_status, 'pending'))
        || ',"updated_at":"' || pos.utc(coalesce(said, clock_timestamp())) || '","device_id":' || to_json(device)
        || '},"repeated":' || (ack.state is null);
end $$;

-- Whose word it is; '': it does not say.
create or replace function pos.ack_device(c pos.context, body json, device_for_all json) returns text
language plpgsql stable as $$
begin
    return coalesce(pos.read_label('device_id', pos.either(pos.either(body -> 'device_id', body -> 'deviceId'),
        pos.either(device_for_all, body -> 'posSystemId')), 128), c.device, '');
end $$;

-- A till's word for the state; null when it says none.
create or replace function pos.ack_state(given json, default_state text) returns text
language plpgsql immutable parallel safe as $$
declare
    word text := coalesce(nullif(translate(lower(btrim(given #>> '{}')), ' -', '__'), ''), default_state);
begin
    if word = 'queued_for_print' then
        word := 'queued';
    end if;
    if word is null or word not in ('received', 'queued', 'printed', 'failed', 'accepted', 'rejected') then
        perform pos.refuse_field('status', 'The status of an acknowledgement is one of received, queued, printed, failed, '
            'accepted, rejected.', 'INVALID_STATUS');
    end if;
    return word;
end $$;

-- The order of that id, else the newest of that number.
create or replace function pos.acked_order(c pos.context, given text, locked boolean) returns pos.orders
language plpgsql as $$
declare
    o pos.orders;
    order_id text;
begin
    select p.id into order_id from pos.orders p where p.tenant_id = c.tenant_id and p.id = pos.path_order_id(given);
    if not found then
        select p.id into order_id from pos.orders p
         where p.tenant_id = c.tenant_id and p.order_number = given
         order by p.created_at desc limit 1;
    end if;
    if locked then
        select p.* into o from pos.orders p where p.tenant_id = c.tenant_id and p.id = order_id for no key update;
    else
        select p.* into o from pos.orders p where p.tenant_id = c.tenant_id and p.id = order_id;
    end if;
    if not found then
        perform pos.refuse_no_order(c.tenant_id, pos.path_order_id(given));
    end if;
    return o;
end $$;

create or replace function pos.order_acked_data(o pos.orders, ack pos.order_ack) returns json
language plpgsql stable as $$
begin
    return ('{' || pos.inside(row_to_json(d)) || coalesce(',"readyAt":"' || pos.utc(ack.ready_at) || '"', '') || '}')::json from (select
        o.id_json::json as "orderId", o.order_number as "orderNumber", o.order_source as "orderSource",
        o.status as status, ack.device as "deviceId", ack.state as state, pos.utc(ack.at) as at,
        ack.reason as reason, coalesce(o.print_status, 'pending') as "printStatus") d;
end $$;

-- All that is known, as a member of an object.
create or replace function pos.order_acks(o pos.orders) returns text
language plpgsql stable as $$
begin
    return '"acknowledgements":' || array_to_json(array(
        select a from (
            select k.device as "deviceId", k.state, pos.utc(k.at) as at, k.reason, k.detail, pos.utc(k.created_at) as "notedAt",
                   pos.utc(k.ready_at) as "readyAt"
              from (select a.* from pos.order_ack a where a.tenant_id = o.tenant_id and a.order_id = o.id
                    union all
                    select k.* from pos.order_archive a, json_populate_recordset(null::pos.order_ack, a.acks) k
                     where a.tenant_id = o.tenant_id and a.id = o.id) k
             order by k.created_at, k.state) a));
end $$;
