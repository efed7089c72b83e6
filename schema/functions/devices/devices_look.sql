-- pos.devices_look - which devices have fallen silent, and which are back: an event each, once.
-- Holds: gateway_lives, devices_orphaned, devices_asked_for, devices_silent, tills_silent, devices_back, device_told_silent,
-- device_told_back.
-- Caller: the active bridge, once a second. Inputs: how many devices at most, of each kind: a site that is cut off is
-- told of piece by piece.
-- Answers: how many are silent now that were not, and how many are back.
-- A device that went without a word has until silence_due (devices_note) to come back; a till that reports by REST is
-- silent after two minutes, two of its heartbeats. Nobody is silent who is heard of in another way under the same name.
-- So it is back when it is heard of in another way, too: on another socket, by a heartbeat, or by any request (console/console_writes).
-- Before a device is called silent the gateways are asked for their sessions (console_lease), because what their log
-- says may lack something. devices_orphaned: a gateway that says nothing for fifteen seconds may be dead: its devices have
-- 45 seconds more. When it speaks again, they have never been away. gateway_lives: whether the process speaks that had
-- this connection.
-- Refusals: none. Locks: rows of devices and tills; those that are locked have their turn in a second. Events:
-- device.silent, device.back, by the outbox; console.watch on the control channel.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.gateway_lives(gateway text, connected_at timestamptz) returns boolean
language plpgsql stable as $$
begin
    return exists (select from pos.process p
                    where p.kind = 'gateway' and p.instance = gateway_lives.gateway and p.at > clock_timestamp() - interval '15 seconds'
                      and p.started_at <= gateway_lives.connected_at + interval '1 second');
end $$;

create or replace function pos.device_told_silent(owner uuid, device text, dialect text, silent_at timestamptz, seen_at timestamptz,
    seq bigint, reason text) returns void
language plpgsql as $$
begin
    insert into pos.outbox (tenant_id, type, origin, data)
    select owner, 'device.silent', '{"kind":"timer"}', row_to_json(x)
      from (select device as "deviceId", pos.device_name(owner, device) as name, dialect as dialect, pos.utc(silent_at) as "silentAt",
                   pos.utc(seen_at) as "lastSeenAt", seq as "lastSeq", reason as reason) x;
end $$;

create or replace function pos.device_told_back(owner uuid, device text, dialect text, silent_at timestamptz, back_at timestamptz) returns void
language plpgsql as $$
begin
    insert into pos.outbox (tenant_id, type, origin, data)
    select owner, 'device.back', '{"kind":"timer"}', row_to_json(x)
      from (select device as "deviceId", pos.device_name(owner, device) as name, dialect as dialect, pos.utc(silent_at) as "silentAt",
                   pos.utc(back_at) as "backAt") x;
end $$;

-- Looks at all devices, and only when a gateway has gone.
create or replace function pos.devices_orphaned() returns void
language plpgsql as $$
declare
    moment timestamptz := clock_timestamp();
    gone record;
begin
    for gone in
        update pos.process p set is_judged = true
         where p.kind = 'gateway' and not p.is_judged and p.at < moment - interval '15 seconds'
        returning p.instance, p.started_at, p.at loop
        with theirs as materialized (
            select d.tenant, d.device, d.dialect from pos.device_seen d
             where d.is_connected and d.gateway = gone.instance and d.silence_due is null and d.silent_at is null
               and d.connected_at between gone.started_at - interval '1 second' and gone.at + interval '15 seconds'
               and d.device <> ''
             order by d.tenant, d.device, d.dialect
               for update skip locked)
        update pos.device_seen d set silence_due = moment + interval '45 seconds', at = greatest(d.at, gone.at)
          from theirs t where d.tenant = t.tenant and d.device = t.device and d.dialect = t.dialect;
    end loop;
end $$;

-- Restaurants of whose devices one may be silent in some seconds: gateways say by then what they have.
create or replace function pos.devices_asked_for() returns void
language plpgsql as $$
declare
    moment timestamptz := clock_timestamp();
    one record;
begin
    for one in
        select distinct d.tenant from pos.device_seen d
         where d.silence_due is not null and d.silence_due < moment + interval '8 seconds'
           and not exists (select from pos.console_watch w where w.tenant = d.tenant and w.until > moment + interval '8 seconds')
         order by d.tenant limit 100 loop
        perform pos.console_lease(one.tenant, one.tenant, 'silence', 'epoch');
    end loop;
end $$;

create or replace function pos.devices_silent(most int) returns int
language plpgsql set enable_seqscan = off as $$
declare
    moment timestamptz := clock_timestamp();
    one record;
    is_here boolean;
    is_told boolean;
    told int := 0;
begin
    for one in
        with due as materialized (
            select d.* from pos.device_seen d
             where d.silence_due is not null and d.silence_due <= moment
             order by d.silence_due limit most
               for update skip locked),
        heard as materialized (
            select t.tenant, s.device, s.dialect, max(s.since) as since, (array_agg(s.gateway order by s.since desc))[1] as gateway
              from (select distinct u.tenant from due u) t, lateral pos.console_sessions(t.tenant) s
             group by t.tenant, s.device, s.dialect)
        select u.*, h.since as heard_since, h.gateway as heard_by,
               exists (select from heard o where o.tenant = u.tenant and o.device = u.device) as is_heard
          from due u left join heard h on h.tenant = u.tenant and h.device = u.device and h.dialect = u.dialect
         order by u.silence_due loop
        is_here := one.is_heard
            or (one.is_connected and pos.gateway_lives(one.gateway, one.connected_at))
            or exists (select from pos.device_seen o where o.tenant = one.tenant and o.device = one.device and o.dialect <> one.dialect
                          and o.is_connected and pos.gateway_lives(o.gateway, o.connected_at))
            or exists (select from pos.till t where t.tenant_id = one.tenant and t.device = one.device and t.seen_at > moment - interval '2 minutes');
        is_told := not is_here and one.silent_at is null
            and exists (select from dinedesk_main.tenants t where t.id = one.tenant and t.status = 'active');
        update pos.device_seen d
           set silence_due = null, silent_at = case when is_told then moment else d.silent_at end,
               is_connected = one.heard_since is not null or (is_here and d.is_connected),
               connected_at = coalesce(one.heard_since, d.connected_at), gateway = coalesce(one.heard_by, d.gateway),
               reason = case when one.heard_since is null and not is_here and d.is_connected then 'its gateway is gone'
                             when one.heard_since is null then d.reason end
         where d.tenant = one.tenant and d.device = one.device and d.dialect = one.dialect;
        if is_told then
            told := told + 1;
            perform pos.device_told_silent(one.tenant, one.device, one.dialect, moment, one.at, one.last_seq,
                                           coalesce(one.reason, 'its gateway is gone'));
        end if;
    end loop;
    return told;
end $$;

create or replace function pos.tills_silent(most int) returns int
language plpgsql set enable_seqscan = off as $$
declare
    moment timestamptz := clock_timestamp();
    one record;
    told int := 0;
begin
    for one in
        select t.* from pos.till t
         where t.silent_at is null and t.seen_at < moment - interval '2 minutes'
           and exists (select from dinedesk_main.tenants n where n.id = t.tenant_id and n.status = 'active')
           and not exists (select from pos.device_seen d
                            where d.tenant = t.tenant_id and d.device = t.device
                              and (d.is_connected or d.silence_due is not null or d.silent_at is not null))
         order by t.seen_at limit most
           for update of t skip locked loop
        update pos.till t set silent_at = moment where t.tenant_id = one.tenant_id and t.device = one.device;
        told := told + 1;
        perform pos.device_told_silent(one.tenant_id, one.device, 'rest', moment, one.seen_at, null, 'no heartbeat came');
    end loop;
    return told;
end $$;

create or replace function pos.devices_back(most int) returns int
language plpgsql set enable_seqscan = off as $$
declare
    moment timestamptz := clock_timestamp();
    one record;
    told int := 0;
begin
    for one in
        with silent as materialized (
            select d.*, case when d.is_connected then d.connected_at
                             else (select max(o.connected_at) from pos.device_seen o
                                    where o.tenant = d.tenant and o.device = d.device and o.is_connected and o.connected_at > d.silent_at) end as here_at,
                   greatest(case when d.heard_at > d.silent_at then d.heard_at end,
                            (select t.seen_at from pos.till t
                              where t.tenant_id = d.tenant and t.device = d.device and t.seen_at > d.silent_at)) as rest_at
              from pos.device_seen d where d.silent_at is not null)
        select s.*, coalesce(s.here_at, s.rest_at) as back_at
          from silent s join pos.device_seen d using (tenant, device, dialect)
         where coalesce(s.here_at, s.rest_at) is not null and d.silent_at = s.silent_at -- else another bridge was here
         order by s.tenant limit most
           for update of d skip locked loop
        update pos.device_seen d set silent_at = null, heard_at = case when one.here_at is null then one.rest_at end
         where d.tenant = one.tenant and d.device = one.device and d.dialect = one.dialect;
        told := told + 1;
        perform pos.device_told_back(one.tenant, one.device, one.dialect, one.silent_at, one.back_at);
    end loop;
    for one in
        select t.* from pos.till t where t.silent_at is not null and t.seen_at > t.silent_at order by t.tenant_id limit most - told
           for update skip locked loop
        update pos.till t set silent_at = null where t.tenant_id = one.tenant_id and t.device = one.device;
        told := told + 1;
        perform pos.device_told_back(one.tenant_id, one.device, 'rest', one.silent_at, one.seen_at);
    end loop;
    return told;
end $$;

create or replace function pos.devices_look(most int default 200, out silent int, out back int)
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    back := pos.devices_back(most);
    perform pos.devices_orphaned();
    perform pos.devices_asked_for();
    silent := pos.devices_silent(most);
    silent := silent + pos.tills_silent(most - silent);
end $$;
