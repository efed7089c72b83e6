-- pos.device_resync - an operator has a device fetch its state anew, on the sockets that it has.
-- Caller: tillctl replay. Inputs: the restaurant's slug; the device, as it names itself ('': those that do not), null: all.
-- No protocol of our clients can carry an event a second time: each promises rising seqs, and clients drop what they have. So each is told, in the
-- words of its protocol for events that are no longer kept, to read the state, which has all that it may have missed.
-- Answers: how many sockets of it are open, as far as the gateways' log knows.
-- Refusals: 404 TENANT_NOT_FOUND; 400 INVALID_DEVICE. Locks: none. Events: none; an audit row, and device.resync on the control channel.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.device_resync(slug text, device text) returns bigint
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
begin
    if length(device) > 128 then
        perform pos.refuse(400, 'INVALID_DEVICE', 'the name of a device has at most 128 characters');
    end if;
    perform pos.operator_note(tenant.id, 'device.resync', coalesce('device ' || device, 'all devices'));
    perform pg_notify('tillwire_control', '{"type":"device.resync","tenantId":"' || tenant.id || '",'
        || coalesce('"device":' || to_json(device), '"all":true') || '}');
    return (select greatest(0, coalesce(sum(case l.kind when 'connect' then 1 else -1 end), 0))
              from pos.pos_sync_logs l
             where l.tenant_id = tenant.id and l.kind in ('connect', 'disconnect')
               and (device_resync.device is null or coalesce(l.device, '') = device_resync.device));
end $$;
