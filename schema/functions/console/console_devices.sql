-- pos.console_devices - GET /api/{tenant}/console/devices: which devices there are, and how far each has read.
-- Holds: console_sessions, console_reported, console_socket, process_replaced.
-- Caller: pos.call. Inputs: none.
-- Answers: 200 {at, head, reportedAt, complete, devices: [{device, name, dialect, state, connectedAt, lastSeenAt, lastSeq, lag,
-- reason, says, client, keyId, silentAt, sockets: [{gateway, address, connectedAt, lastSeq, queuedBytes}]}]}: the rows of device_rows,
-- as GET /api/{tenant}/devices has them (devices/devices_list), and their sockets.
-- process_replaced: whether another process of that kind and name was started since, and this one is silent: it was killed.
-- console_reported: when the gateways' reports are from, and whether they are all; console_sessions: their sessions.
-- What the console itself connects is no device. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.process_replaced(process uuid) returns boolean
language plpgsql stable as $$
begin
    return exists (select from pos.process o
                     join pos.process n on n.kind = o.kind and n.instance = o.instance and n.started_at > o.started_at and n.at > o.at
                    where o.id = process_replaced.process and o.at < clock_timestamp() - interval '6 seconds');
end $$;

create or replace function pos.console_reported(owner uuid, out reported_at timestamptz, out complete boolean,
    out total bigint, out dialects json)
language plpgsql stable as $$
declare
    moment timestamptz := clock_timestamp();
begin
    select min(r.at), coalesce(sum(r.total), 0) into reported_at, total
      from pos.gateway_report r where r.tenant = owner and r.at > moment - interval '5 seconds';
    complete := reported_at is not null and not exists (
        select from pos.process p
         where p.kind = 'gateway' and p.at > moment - interval '12 seconds' and not pos.process_replaced(p.id)
           and not exists (select from pos.gateway_report r
                            where r.tenant = owner and r.gateway = p.id and r.at > moment - interval '5 seconds'));
    dialects := coalesce((select '{' || string_agg(to_json(d.name) || ':' || d.n, ',' order by d.name) || '}' from (
        select e.key as name, sum(e.value::int) as n
          from pos.gateway_report r, json_each_text(r.dialects) e
         where r.tenant = owner and r.at > moment - interval '5 seconds' group by e.key) d), '{}')::json;
end $$;

create or replace function pos.console_sessions(owner uuid)
returns table (device text, dialect text, gateway text, since timestamptz, seq bigint, queued bigint, at timestamptz)
language plpgsql stable as $$
begin
    return query
    select coalesce(s.device, ''), s.dialect, r.instance::text, to_timestamp(s.since), s.seq, s.queued, r.at
      from pos.gateway_report r,
           json_to_recordset(r.sessions) s(device text, dialect text, since bigint, seq bigint, queued bigint)
     where r.tenant = owner and r.at > clock_timestamp() - interval '5 seconds' and coalesce(s.device, '') not like 'console:%';
end $$;

create or replace function pos.console_devices(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    moment timestamptz := clock_timestamp();
    seen record := pos.devices_asked(c);
begin
    return pos.console_answer(c, row_to_json(a)) from (select
        pos.utc(moment) as at, seen.head as head, pos.utc(seen.reported_at) as "reportedAt", seen.complete as complete,
        array_to_json(array(select row_to_json(x) from (
            select d.device as device, d.name as name, d.dialect as dialect, d.state as state, pos.utc(d.connected_at) as "connectedAt",
                   pos.utc(d.seen_at) as "lastSeenAt", d.seq as "lastSeq", case when d.seq is not null then greatest(0, seen.head - d.seq) end as lag, d.reason as reason,
                   d.says as says, d.client as client, d.key_id as "keyId", pos.utc(d.silent_at) as "silentAt", d.sockets as sockets
              from pos.device_rows(c.tenant_id, seen.complete) d order by d.place) x)) as devices) a;
end $$;

create or replace function pos.console_socket(gateway text, since timestamptz, seq bigint, queued bigint, address text) returns json
language plpgsql stable as $$
begin
    return row_to_json(s) from (select console_socket.gateway as gateway, console_socket.address as address,
        pos.utc(since) as "connectedAt", seq as "lastSeq", coalesce(queued, 0) as "queuedBytes") s;
end $$;
