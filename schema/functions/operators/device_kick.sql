-- pos.device_kick - an operator closes a device's sockets. It may connect again at once: what it is rid of is what it had
-- there. Whoever must stay away loses its key (key_revoke).
-- Holds: devices_shown, device_ends.
-- Caller: tillctl device. Inputs: the restaurant's slug; the device, as it names itself ('': those that do not), null: all.
-- Answers: device_kick: how many sockets of it are open, as far as the log knows; device_ends: the sockets that gateways
-- have closed for the newest one, as their log says, which they write once a second;
-- devices_shown: what the logs of thirty days, and tills' own reports, say of each device; a silent one is missed (devices/devices_look).
-- Refusals: 404 TENANT_NOT_FOUND; 400 INVALID_DEVICE. Locks: none. Events: none; an audit row, and device.kick on the control channel.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.device_kick(slug text, device text) returns bigint
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
    last_row bigint := (select coalesce(max(l.id), 0) from pos.pos_sync_logs l);
begin
    if length(device) > 128 then
        perform pos.refuse(400, 'INVALID_DEVICE', 'the name of a device has at most 128 characters');
    end if;
    perform pos.operator_note(tenant.id, 'device.kick', coalesce('device ' || device, 'all devices'), last_row::text);
    perform pg_notify('tillwire_control', '{"type":"device.kick","tenantId":"' || tenant.id || '",'
        || coalesce('"device":' || to_json(device), '"all":true') || '}');
    return (select greatest(0, coalesce(sum(case l.kind when 'connect' then 1 else -1 end), 0))
              from pos.pos_sync_logs l
             where l.tenant_id = tenant.id and l.kind in ('connect', 'disconnect')
               and (device_kick.device is null or coalesce(l.device, '') = device_kick.device));
end $$;

-- The audit says behind which row of the log the newest one began.
create or replace function pos.device_ends(slug text)
returns table (device text, dialect text, gateway text, at timestamptz)
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
    last_row bigint := (select a.detail::bigint from pos.audit a
                         where a.tenant_id = tenant.id and a.action = 'device.kick' order by a.id desc limit 1);
begin
    return query
    select coalesce(l.device::text, '(no name)'), l.dialect::text, l.instance::text, l.at
      from pos.pos_sync_logs l
     where l.tenant_id = tenant.id and l.id > last_row and l.kind = 'disconnect' and l.detail ->> 'reason' like 'an operator %'
     order by l.at;
end $$;

create or replace function pos.devices_shown(slug text)
returns table (device text, dialect text, state text, sockets bigint, since timestamptz, gateway text, last_seq bigint, reason text,
    heard_at timestamptz, says text)
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
begin
    return query
    with logged as (
        select coalesce(l.device, '') as device, l.dialect::text as dialect,
               greatest(0, sum(case l.kind when 'connect' then 1 else -1 end)) as sockets,
               max(l.at) as at, (array_agg(l.kind order by l.at desc, l.id desc))[1] as kind,
               (array_agg(l.instance::text order by l.at desc, l.id desc))[1] as gateway,
               (array_agg(l.seq order by l.at desc, l.id desc))[1] as seq,
               (array_agg(l.detail ->> 'reason' order by l.at desc, l.id desc))[1] as reason
          from pos.pos_sync_logs l
         where l.tenant_id = tenant.id and l.kind in ('connect', 'disconnect') and l.at > now() - interval '30 days'
         group by 1, 2)
    select coalesce(nullif(g.device, ''), t.device::text, '(no name)'), g.dialect,
           case when s.silent_at is not null or (g.device is null and t.silent_at >= t.seen_at) then 'silent'
                when g.device is null then 'by REST' when g.sockets > 0 then 'connected' else 'gone' end,
           g.sockets::bigint, date_trunc('second', g.at), g.gateway, g.seq, g.reason,
           date_trunc('second', t.seen_at), concat_ws(', ', t.status, t.pending_orders || ' orders wait', t.pending_acks || ' acknowledgements wait')
      from logged g
      full join (select i.* from pos.till i where i.tenant_id = tenant.id) t on t.device = g.device
      left join pos.device_seen s on s.tenant = tenant.id and s.device = g.device and s.dialect = g.dialect and not s.is_connected
     order by 3, 1, 2;
end $$;
