-- pos.console_devices_disconnect - POST /api/{tenant}/console/devices/disconnect: a device's sockets are closed. It may
-- connect again at once; whoever must stay away loses its key.
-- Caller: pos.call. Inputs: device: as it names itself ('': those that do not); or all: true.
-- Answers: 202 {sockets}: how many are open, as far as is known. Gateways close them within a second; while Redis is
-- away they do not hear of it, so look and ask again.
-- Refusals: 400 INVALID_FIELD. Locks: none. Events: none; an audit row, and device.kick on the control channel.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.console_devices_disconnect(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    is_all boolean := coalesce(body ->> 'all', '') = 'true';
    named text := pos.read_text('device', body -> 'device', 127);
begin
    if is_all = (named is not null) then
        perform pos.refuse_field('device', 'Say which device as "device", or "all": true.');
    end if;
    return pos.console_answer(c, ('{"sockets":' || pos.devices_kick(c, named) || '}')::json, 202);
end $$;
