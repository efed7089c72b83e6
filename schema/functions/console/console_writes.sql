-- console/console_writes - what the processes write down for the console. No answer depends on it, and none waits for it.
-- Holds: process_seen, process_leaves, console_watched, gateway_report_write, delivery_write, request_log_write.
-- Caller: process_seen, process_leaves: each process, every few seconds and at its end; console_watched: gateway, with
-- its polls; gateway_report_write: gateway, once a second while somebody looks; delivery_write: gateway, once a second
-- when there was an order's event; request_log_write: api, once a second when there were requests.
-- Inputs: JSON as these processes make it. process_seen: {id, kind, instance, version, startedAt, ready, why, detail}.
-- delivery_write: {tenant, seq, order, at, devices, slowest, more}, where `devices` is, as it is kept in pos.delivery,
-- [[dialect, milliseconds, whether they caught up, [device, ...]], ...].
-- request_log_write also notes that a device which is missed on its socket is heard of (devices_look): once for each silence.
-- Answers: console_watched: tenants that somebody looks at, as "<uuid> <milliseconds>" with blanks between; the others none.
-- A row that cannot be stored is left out. Refusals, events: none. Locks: the rows that they write, in the order of
-- their keys.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.process_seen(said json) returns void
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    moment timestamptz := clock_timestamp();
    detail json := coalesce(said -> 'detail', '{}');
begin
    if said ->> 'kind' = 'bridge' and detail ->> 'leader' = 'true' then
        perform pos.tills_online_forget();
        -- It looks at each file, so one process asks.
        detail := ('{' || concat_ws(',', nullif(pos.inside(detail), ''), '"databaseBytes":' || pg_database_size(current_database())) || '}')::json;
    end if;
    insert into pos.process as p (id, kind, instance, version, started_at, at, ready, why, detail)
    values ((said ->> 'id')::uuid, left(said ->> 'kind', 16), left(said ->> 'instance', 64), left(said ->> 'version', 64),
            (said ->> 'startedAt')::timestamptz, moment, (said ->> 'ready')::boolean, left(said ->> 'why', 400), detail)
    on conflict (id) do update set at = excluded.at, ready = excluded.ready, why = excluded.why, detail = excluded.detail, is_judged = false;
    delete from pos.process p
     where p.id = any(array(select o.id from pos.process o where o.at < moment - interval '1 hour' for update skip locked));
end $$;

create or replace function pos.process_leaves(process uuid) returns void
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    delete from pos.process p where p.id = process;
    perform pos.tills_online_forget(process);
end $$;

create or replace function pos.console_watched() returns text
language plpgsql stable security definer set search_path = pos, pg_temp set enable_seqscan = off as $$
declare
    moment timestamptz := clock_timestamp();
begin
    return coalesce((select string_agg(l.tenant || ' ' || l.ms, ' ') from (
        select w.tenant, max((extract(epoch from w.until - moment) * 1000)::bigint) as ms
          from pos.console_watch w where w.until between moment and moment + interval '15 seconds'
         group by w.tenant order by w.tenant limit 200) l), '');
end $$;

create or replace function pos.gateway_report_write(gateway uuid, instance text, reports json) returns void
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    insert into pos.gateway_report as g (tenant, gateway, instance, at, total, dialects, sessions)
    select r.tenant, gateway_report_write.gateway, left(gateway_report_write.instance, 64), clock_timestamp(), r.total, r.dialects, r.sessions
      from json_to_recordset(reports) r(tenant uuid, total int, dialects json, sessions json)
     where r.total >= 0
     order by r.tenant
    on conflict on constraint gateway_report_pkey do update
       set instance = excluded.instance, at = excluded.at, total = excluded.total, dialects = excluded.dialects, sessions = excluded.sessions;
end $$;

create or replace function pos.delivery_write(instance text, rows json, left_out int) returns void
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    insert into pos.delivery (tenant, seq, order_id, at, gateway, devices, more)
    select r.tenant, r.seq, left(r."order" #>> '{}', 64), r.at, left(delivery_write.instance, 64), r.devices, greatest(0, r.more)
      from json_to_recordset(rows) r(tenant uuid, seq bigint, "order" json, at timestamptz, devices json, more int)
     where r.seq > 0 and json_typeof(r.devices) = 'array' and r.at is not null;
    if left_out > 0 then
        insert into pos.delivery (at, gateway, more) values (clock_timestamp(), left(delivery_write.instance, 64), left_out);
    end if;
    -- One count for each event: how long its slowest device had to wait.
    insert into pos.delivery_minute as m (tenant, minute, counts)
    select b.tenant, b.minute, array(select count(x.n)::int from generate_series(0, cardinality(pos.delay_bounds())) s(n)
                                       left join unnest(b.buckets) x(n) on x.n = s.n group by s.n order by s.n)
      from (select r.tenant, date_trunc('minute', r.at) as minute, array_agg(width_bucket(r.slowest, pos.delay_bounds())) as buckets
              from json_to_recordset(rows) r(tenant uuid, at timestamptz, slowest int)
             where r.slowest >= 0 and r.at > clock_timestamp() - interval '61 minutes'
             group by 1, 2) b
     order by b.tenant, b.minute
    on conflict (tenant, minute) do update set counts = pos.console_sum(m.counts, excluded.counts);
end $$;

-- The tenant is the key's; without a key that is good, the one that the address names. A key that only looks is left out
-- where it succeeds: a console shows what others do.
create or replace function pos.request_log_write(instance text, rows json, left_out json) returns void
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    with given as (
        select r.*, k.id as key_id, k.hint, coalesce(k.tenant_id, r.tenant, t.id) as owner, coalesce(r.device, k.device) as said_by,
               k.id is not null and not k.scopes && array['pos', 'platform'] and r.method = 'GET' and r.status < 400 as only_looks
          from json_to_recordset(rows) r(tenant uuid, slug text, at timestamptz, id text, method text, path text, route text, status int,
                                         code text, ms int, key text, device text, body text)
          left join pos.api_key k on k.key_hash = case when r.key ~ '^[0-9a-f]{64}$' then decode(r.key, 'hex') end
          left join dinedesk_main.tenants t on t.slug = r.slug),
    used as (
        insert into pos.key_used as u (key_id, at)
        select g.key_id, max(g.at) from given g where g.key_id is not null and g.status <> 401 group by g.key_id order by g.key_id
        on conflict (key_id) do update set at = excluded.at where u.at < excluded.at - interval '1 minute'),
    missed as (
        select d.tenant, d.device, d.dialect, h.at
          from (select g.owner, g.said_by, max(g.at) as at from given g
                 where g.said_by <> '' and (g.key_id is not null or g.tenant is not null) and g.status not in (401, 403)
                 group by g.owner, g.said_by) h
          join pos.device_seen d on d.tenant = h.owner and d.device = h.said_by
         where d.silent_at < h.at and (d.heard_at is null or d.heard_at < d.silent_at)
         order by d.tenant, d.device, d.dialect
           for update of d skip locked),
    heard as (
        update pos.device_seen d set heard_at = m.at from missed m where d.tenant = m.tenant and d.device = m.device and d.dialect = m.dialect)
    insert into pos.request_log (tenant, at, request_id, method, path, route, status, code, duration_ms, instance, key_id, key_hint, body)
    select g.owner, g.at, left(g.id, 128), left(g.method, 8), left(g.path, 400), left(g.route, 200), g.status, left(g.code, 64), g.ms,
           left(request_log_write.instance, 64), g.key_id, g.hint, left(g.body, 4096)
      from given g where g.owner is not null and g.at is not null and not g.only_looks
     order by g.at;
    insert into pos.request_log (tenant, at, instance, left_out)
    select l.tenant, clock_timestamp(), left(request_log_write.instance, 64), l.n
      from json_to_recordset(left_out) l(tenant uuid, n int) where l.n > 0 and l.tenant is not null;
end $$;
