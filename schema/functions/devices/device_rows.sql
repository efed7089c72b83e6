-- pos.device_rows - the devices of a restaurant: those that are connected, those that are gone, and tills that report by REST.
-- Holds: devices_reported, devices_asked, device_name, device_names.
-- Caller: devices_list, console_devices, tillctl (devices_shown). Inputs: the restaurant; whether all gateways have
-- reported: what they do not name is not connected then, else the log is believed.
-- Answers: a row for each device and dialect, at most 1000 in the order of `place`: connected ones first, then those that
-- are silent, gone, and by REST alone. state: connected, silent (it went without a word, and is missed), gone, rest. name: the label
-- of the device's own key, or what it calls itself. sockets: at most 20.
-- devices_reported: as console_reported, and not complete where a gateway has more sessions than it names.
-- devices_asked: the same, for somebody who looks, so gateways report from now on; and where the stream is.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.device_names(owner uuid) returns table (device text, label text)
language plpgsql stable as $$
begin
    return query
    select distinct on (k.device) k.device::text, k.label::text from pos.api_key k
     where k.tenant_id = owner and k.device is not null
     order by k.device, k.revoked_at is null desc, k.created_at desc;
end $$;

create or replace function pos.device_name(owner uuid, device text) returns text
language plpgsql stable as $$
begin
    return coalesce((select n.label from pos.device_names(owner) n where n.device = device_name.device), device_name.device);
end $$;

create or replace function pos.devices_reported(owner uuid, out reported_at timestamptz, out complete boolean)
language plpgsql stable as $$
begin
    select r.reported_at, r.complete into reported_at, complete from pos.console_reported(owner) r;
    complete := complete and not exists (
        select from pos.gateway_report r
         where r.tenant = owner and r.at > clock_timestamp() - interval '5 seconds' and json_array_length(r.sessions) < r.total);
end $$;

create or replace function pos.devices_asked(c pos.context, out reported_at timestamptz, out complete boolean, out head bigint)
language plpgsql as $$
begin
    perform pos.console_look(c, 'devices');
    select r.reported_at, r.complete into reported_at, complete from pos.devices_reported(c.tenant_id) r;
    head := (select t.head from pos.stream t where t.tenant_id = c.tenant_id);
end $$;

create or replace function pos.device_rows(owner uuid, complete boolean)
returns table (place bigint, device text, name text, dialect text, state text, connected_at timestamptz, seen_at timestamptz, seq bigint,
    queued bigint, reason text, says text, client text, address text, key_id uuid, silent_at timestamptz, gateway text, sockets json)
language plpgsql stable as $$
declare
    moment timestamptz := clock_timestamp();
begin
    return query
    with live as (
        select l.device, l.dialect, max(l.at) as at, min(l.since) as since, min(l.seq) as seq, sum(l.queued)::bigint as queued,
               min(l.gateway) as gateway,
               array_to_json((array_agg(pos.console_socket(l.gateway, l.since, l.seq, l.queued, d.address) order by l.since))[1:20]) as sockets
          from pos.console_sessions(owner) l
          left join pos.device_seen d on d.tenant = owner and d.device = l.device and d.dialect = l.dialect
         group by l.device, l.dialect),
    logged as (
        select d.* from pos.device_seen d
         where d.tenant = owner and d.at > moment - interval '30 days' and d.device not like 'console:%'
         order by d.is_connected desc, d.at desc limit 1000),
    known as (
        select coalesce(l.device, g.device) as device, coalesce(l.dialect, g.dialect) as dialect,
               case when l.device is not null or (g.is_connected and not device_rows.complete) then 'connected'
                    when g.silent_at is not null then 'silent' when g.heard_at is null then 'gone' end as state,
               coalesce(l.since, g.connected_at) as connected_at, greatest(l.at, g.at, g.heard_at) as at, coalesce(l.seq, g.last_seq) as seq, l.queued,
               case when l.device is null and not g.is_connected then g.reason end as reason, g.client, g.address, g.key_id, g.silent_at,
               coalesce(l.gateway, g.gateway) as gateway, coalesce(l.sockets, '[]'::json) as sockets
          from live l full join logged g on g.device = l.device and g.dialect = l.dialect),
    every as (
        select coalesce(k.device, t.device) as device, k.dialect,
               coalesce(k.state, case when t.silent_at is not null and t.seen_at <= t.silent_at then 'silent' else 'rest' end) as state,
               k.connected_at, case when k.state = 'connected' and device_rows.complete then moment else greatest(k.at, t.seen_at) end as seen_at,
               k.seq, k.queued, k.reason,
               nullif(concat_ws(', ', t.status, t.pending_orders || ' orders wait', t.pending_acks || ' acknowledgements wait'), '') as says,
               k.client, k.address, coalesce(k.key_id, t.key_id) as key_id, k.gateway, coalesce(k.sockets, '[]'::json) as sockets,
               coalesce(k.silent_at, t.silent_at) as silent_at
          from known k
          full join (select i.* from pos.till i where i.tenant_id = owner) t on t.device = k.device)
    select row_number() over (order by array_position(array['connected', 'silent', 'gone', 'rest'], e.state), e.device, e.dialect),
           e.device::text, coalesce(n.label, nullif(e.device, ''), '(no name)'), e.dialect::text, e.state, e.connected_at, e.seen_at, e.seq,
           e.queued, e.reason::text, e.says, e.client::text, e.address::text, e.key_id,
           case when e.state = 'silent' then e.silent_at end, e.gateway::text, e.sockets
      from every e left join pos.device_names(owner) n on n.device = e.device
     order by 1 limit 1000;
end $$;
