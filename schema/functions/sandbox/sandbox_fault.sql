-- pos.sandbox_fault - POST /api/{tenant}/sandbox/faults: for a minute, a device's sockets get what a bad network would give them.
-- Holds: fault_number.
-- Caller: pos.call. Inputs: deviceId, as the device names itself; and of the others at least one: drop and duplicate (so many of the next
-- events are lost, or come twice), delayMs (each event comes so much later), silentMs (no event comes for so long), closeCode
-- (the socket is closed with it, at once).
-- Answers: 202 {deviceId, drop, duplicate, delayMs, closeCode, silentMs, until, sockets}: null for what was not asked for; how many
-- sockets are open, as far as is known (devices/device_disconnect). A newer fault takes the place of an older
-- one; {"deviceId","drop":0} ends it. A socket that is opened later is not disturbed.
-- Refusals: 403 NOT_A_SANDBOX; 400 INVALID_FIELD. Locks: none. Events: none; an audit row, and device.fault on the control channel.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.sandbox_fault(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    named text := pos.read_text('deviceId', body -> 'deviceId', 127);
    most_drop int := pos.fault_number('drop', body -> 'drop', 1000);
    most_duplicate int := pos.fault_number('duplicate', body -> 'duplicate', 1000);
    delay_ms int := pos.fault_number('delayMs', body -> 'delayMs', 30000);
    silent_ms int := pos.fault_number('silentMs', body -> 'silentMs', 60000);
    close_code int := pos.fault_number('closeCode', body -> 'closeCode', 4999);
    asked text;
begin
    perform pos.sandbox_check(c);
    if coalesce(named, '') = '' then
        perform pos.refuse_field('deviceId', 'Say which device, as it names itself when it connects.');
    elsif num_nonnulls(most_drop, most_duplicate, delay_ms, silent_ms, close_code) = 0 then
        perform pos.refuse_field('drop', 'Say what is to go wrong: drop, duplicate, delayMs, silentMs or closeCode.');
    elsif not (close_code in (1000, 1001, 1002, 1003, 1008, 1009, 1011, 1012, 1013) or close_code >= 3000) then
        perform pos.refuse_field('closeCode', 'A server may close with 1000 to 1003, 1008, 1009, 1011 to 1013 and 3000 to 4999.');
    end if;
    asked := '"drop":' || coalesce(most_drop::text, 'null') || ',"duplicate":' || coalesce(most_duplicate::text, 'null')
        || ',"delayMs":' || coalesce(delay_ms::text, 'null') || ',"closeCode":' || coalesce(close_code::text, 'null')
        || ',"silentMs":' || coalesce(silent_ms::text, 'null');
    perform pos.console_note(c, 'sandbox.fault', 'device ' || named, '{' || asked || '}');
    perform pg_notify('tillwire_control', '{"type":"device.fault","tenantId":"' || c.tenant_id || '","device":' || to_json(named)
        || ',' || asked || '}');
    return (202, '{"success":true,"deviceId":' || to_json(named) || ',' || asked || ',"until":"'
            || pos.utc(clock_timestamp() + interval '1 minute') || '","sockets":' || pos.devices_open(c.tenant_id, named) || '}',
            null, c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.fault_number(field text, value json, most int) returns int
language plpgsql immutable as $$
declare
    given numeric := pos.read_decimal(value);
begin
    if pos.given(value) is null then
        return null;
    elsif json_typeof(value) <> 'number' or given is null or given <> trunc(given) or given not between 0 and most then
        perform pos.refuse_field(field, format('"%s" must be a whole number from 0 to %s.', field, most));
    end if;
    return given::int;
end $$;
