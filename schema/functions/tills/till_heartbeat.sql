-- pos.till_heartbeat - POST /api/pos/heartbeat: a till says that it is there.
-- Caller: pos.call. Inputs: device_id (or the device that the request names), status?, pending_acks_count?,
-- pending_orders_count?, last_print_at?.
-- Answers: 200 {message, device_id, server_time}. pos_status lists the tills; those that are silent for 30 days are
-- forgotten; after two minutes without one it is silent (devices/devices_look).
-- Refusals: 400 INVALID_FIELD, INVALID_DATE; 400 TOO_MANY_DEVICES. Locks: the till's row. Events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.till_heartbeat(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    till_name text := coalesce(pos.read_label('device_id', pos.either(body -> 'device_id', body -> 'deviceId'), 128), c.device);
    word text := coalesce(nullif(pos.read_text('status', body -> 'status', 32), ''), 'online');
    acks numeric := pos.read_decimal(body -> 'pending_acks_count');
    orders numeric := pos.read_decimal(body -> 'pending_orders_count');
    printed timestamptz := pos.order_instant('last_print_at',
        coalesce(body -> 'last_print_at', 'null'), c.timezone);
begin
    if coalesce(till_name, '') = '' then
        perform pos.refuse_field('device_id', 'Say which till this is, as "device_id".');
    end if;
    acks := case when acks between 0 and 1000000000 then trunc(acks) end;
    orders := case when orders between 0 and 1000000000 then trunc(orders) end;
    update pos.till t
       set status = word, pending_acks = acks, pending_orders = orders, last_print_at = printed,
           key_id = c.key_id, seen_at = clock_timestamp()
     where t.tenant_id = c.tenant_id and t.device = till_name;
    if not found then
        if (select count(*) from pos.till t where t.tenant_id = c.tenant_id) >= 1000 then
            perform pos.refuse(400, 'TOO_MANY_DEVICES',
                'A restaurant has at most 1000 tills. Send the same device_id each time.');
        end if;
        insert into pos.till (tenant_id, device, status, pending_acks, pending_orders, last_print_at, key_id)
        values (c.tenant_id, till_name, word, acks, orders, printed, c.key_id)
        on conflict do nothing;
    end if;
    return (200, '{"success":true,"message":"Heartbeat received","device_id":' || to_json(till_name) || ',"server_time":"'
            || pos.utc(clock_timestamp()) || '"}', null, c.tenant_id, false)::pos.answer;
end $$;
