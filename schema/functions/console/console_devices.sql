-- pos.console_devices - GET /api/{tenant}/console/devices: which devices there are, and how far each has read.
-- Holds: console_sessions, console_reported, console_socket, process_replaced.
-- Caller: pos.call. Inputs: none.
-- Answers: 200 {at, head, reportedAt, complete, devices: [{device, name, dialect, state: connected, gone or rest, connectedAt,
-- lastSeenAt, lastSeq, lag, reason, says, sockets: [{gateway, address, connectedAt, lastSeq, queuedBytes}]}]}, at most 1000,
-- those that are connected first. `complete`: all gateways have reported within five seconds, so that what they do
-- not name is not connected; else the log is believed. A page that was just opened is not complete for a moment.
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
    s pos.stream;
    seen record;
    list json;
begin
    perform pos.console_look(c, 'devices');
    select t.* into s from pos.stream t where t.tenant_id = c.tenant_id;
    seen := pos.console_reported(c.tenant_id);
    -- Not when a gateway has more of them than it names.
    seen.complete := seen.complete and not exists (
        select from pos.gateway_report r
         where r.tenant = c.tenant_id and r.at > moment - interval '5 seconds' and json_array_length(r.sessions) < r.total);
    with live as (
        select l.device, l.dialect, max(l.at) as at, min(l.since) as since, min(l.seq) as seq,
               array_to_json((array_agg(pos.console_socket(l.gateway, l.since, l.seq, l.queued, d.address) order by l.since))[1:20]) as sockets
          from pos.console_sessions(c.tenant_id) l
          left join pos.device_seen d on d.tenant = c.tenant_id and d.device = l.device and d.dialect = l.dialect
         group by l.device, l.dialect),
    logged as (
        select d.* from pos.device_seen d
         where d.tenant = c.tenant_id and d.at > moment - interval '30 days' and d.device not like 'console:%'
         order by d.at desc limit 1000),
    known as (
        select coalesce(l.device, g.device) as device, coalesce(l.dialect, g.dialect) as dialect,
               case when l.device is not null or (g.is_connected and not seen.complete) then 'connected' else 'gone' end as state,
               coalesce(l.since, g.connected_at) as connected_at, greatest(l.at, g.at) as at, coalesce(l.seq, g.last_seq) as seq,
               case when l.device is null and not g.is_connected then g.reason end as reason,
               coalesce(l.sockets, '[]'::json) as sockets
          from live l full join logged g on g.device = l.device and g.dialect = l.dialect)
    select array_to_json(array(
        select row_to_json(d) from (
            select coalesce(k.device, t.device) as device, coalesce(nullif(k.device, ''), t.device, '(no name)') as name,
                   k.dialect as dialect, coalesce(k.state, 'rest') as state, pos.utc(k.connected_at) as "connectedAt",
                   pos.utc(case when k.state = 'connected' and seen.complete then moment else greatest(k.at, t.seen_at) end) as "lastSeenAt",
                   k.seq as "lastSeq", case when k.seq is not null then greatest(0, s.head - k.seq) end as lag, k.reason as reason,
                   nullif(concat_ws(', ', t.status, t.pending_orders || ' orders wait', t.pending_acks || ' acknowledgements wait'), '') as says,
                   coalesce(k.sockets, '[]'::json) as sockets
              from known k
              full join (select i.* from pos.till i where i.tenant_id = c.tenant_id) t on t.device = k.device
             order by array_position(array['connected', 'gone', 'rest'], coalesce(k.state, 'rest')),
                      coalesce(k.device, t.device), k.dialect
             limit 1000) d)) into list;
    return pos.console_answer(c, row_to_json(a)) from (select
        pos.utc(moment) as at, s.head as head, pos.utc(seen.reported_at) as "reportedAt", seen.complete as complete,
        list as devices) a;
end $$;

create or replace function pos.console_socket(gateway text, since timestamptz, seq bigint, queued bigint, address text) returns json
language plpgsql stable as $$
begin
    return row_to_json(s) from (select console_socket.gateway as gateway, console_socket.address as address,
        pos.utc(since) as "connectedAt", seq as "lastSeq", coalesce(queued, 0) as "queuedBytes") s;
end $$;
