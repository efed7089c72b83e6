-- pos.device_disconnect - POST /api/{tenant}/devices/{id}/disconnect: a device's sockets are closed. It may connect again at
-- once; whoever must stay away loses its key (device_key_revoke).
-- Holds: devices_kick, devices_open, device_given.
-- Caller: pos.call; devices_kick: console_devices_disconnect, too. Inputs: path.id: the device, as it names itself.
-- Answers: 202 {deviceId, sockets}: how many are open, as far as is known. Gateways close them within a second; while Redis
-- is away they do not hear of it, so look and ask again. device_given: the name in the path, and refuses one that no
-- device of this restaurant has had within thirty days. devices_kick: `named` null: all devices; '': those that do not say their name.
-- devices_open: how many of these are open, as the gateways report now, or else as the log has it; a gateway that was killed counts for
-- none. sandbox_fault asks it, too.
-- Refusals: 404 DEVICE_NOT_FOUND. Locks: none. Events: none; an audit row, and device.kick on the control channel.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.device_given(c pos.context) returns text
language plpgsql stable as $$
declare
    given text := c.path ->> 'id';
begin
    if not exists (select from pos.device_seen d where d.tenant = c.tenant_id and d.device = given and given <> '' and given not like 'console:%')
       and not exists (select from pos.till t where t.tenant_id = c.tenant_id and t.device = given)
       and not exists (select from pos.console_sessions(c.tenant_id) l where l.device = given and given <> '') then
        perform pos.refuse(404, 'DEVICE_NOT_FOUND', 'No device here has this name. Take a deviceId of GET /api/' || c.tenant_slug || '/devices.');
    end if;
    return given;
end $$;

create or replace function pos.devices_open(owner uuid, named text) returns bigint
language plpgsql stable as $$
begin
    if (select r.complete from pos.console_reported(owner) r) then
        return (select count(*) from pos.console_sessions(owner) l where named is null or l.device = named);
    end if;
    return (select count(*) from pos.device_seen d
             where d.tenant = owner and d.is_connected and d.device not like 'console:%' and (named is null or d.device = named));
end $$;

create or replace function pos.devices_kick(c pos.context, named text) returns bigint
language plpgsql as $$
declare
    open bigint := pos.devices_open(c.tenant_id, named);
begin
    perform pos.console_note(c, 'device.kick', coalesce('device ' || named, 'all devices'));
    perform pg_notify('tillwire_control', '{"type":"device.kick","tenantId":"' || c.tenant_id || '",'
        || coalesce('"device":' || to_json(named), '"all":true') || '}');
    return open;
end $$;

create or replace function pos.device_disconnect(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    given text := pos.device_given(c);
begin
    return (202, '{"success":true,"deviceId":' || to_json(given) || ',"sockets":' || pos.devices_kick(c, given) || '}', null,
            c.tenant_id, false)::pos.answer;
end $$;
