-- pos.console_now - GET /api/{tenant}/console/now: how the restaurant is doing at this moment.
-- Holds: console_problems, console_open_orders, console_sum.
-- Caller: pos.call. Inputs: none.
-- Answers: 200 {at, tenant, key: {hint, label, scopes}: whose question this is, sessions: {total, byDialect, reportedAt, complete}, events: {head, oldest, lastAt, perMinute},
-- delay: {count, p50Ms, p99Ms, perMinute}, orders: {today, unacknowledged, oldestUnacknowledgedAt}, problems: [{code,
-- severity, message, since, help}]}. A delay is the limit of the class that it is counted in (console_minutes).
-- console_open_orders: orders of shops, a day old at most, that no device has acknowledged; a restaurant whose
-- devices never acknowledge has none. At most 1000 are counted, and 10000 orders of today.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.console_open_orders(owner uuid, out orders bigint, out oldest_at timestamptz)
language plpgsql stable as $$
begin
    orders := 0;
    if not exists (select from pos.order_ack a where a.tenant_id = owner) then
        return;
    end if;
    select count(*), min(o.created_at) into orders, oldest_at
      from (select p.created_at from pos.orders p
             where p.tenant_id = owner and p.order_source = 'online' and p.status in ('new', 'pending', 'confirmed', 'preparing')
               and p.acknowledged_at is null and p.created_at > clock_timestamp() - interval '1 day' limit 1000) o;
end $$;

-- The sum of counts, element by element.
create or replace function pos.console_sum(one int[], other int[]) returns int[]
language plpgsql immutable parallel safe as $$
begin
    return array(select coalesce(u.a, 0) + coalesce(u.b, 0) from unnest(one, other) with ordinality u(a, b, n) order by u.n);
end $$;

create or replace function pos.console_problems(c pos.context, delays int[], open_orders bigint, oldest_open timestamptz, sessions bigint,
    complete boolean)
returns table (code text, severity text, message text, since timestamptz, help text)
language plpgsql stable as $$
declare
    moment timestamptz := clock_timestamp();
    alive interval := interval '15 seconds'; -- each process says every five that it lives
begin
    return query
    select 'PROCESS_SILENT', 'critical', format('The %s %s has not been heard of.', p.kind, p.instance), p.at,
           'It was killed, or does not reach the database: look at its log, and start it again.'
      from pos.process p
     where p.at < moment - alive and p.at > moment - interval '5 minutes'
       -- Another one has taken its place.
       and not exists (select from pos.process n where n.kind = p.kind and n.instance = p.instance and n.at > p.at)
    union all
    select 'PROCESS_NOT_READY', 'critical', format('The %s %s is not ready: %s.', p.kind, p.instance, coalesce('it lacks ' || pos.process_lacks(p.why), 'it does not say why')),
           p.since, 'Its own /readyz says the same; the runbook "processes" says what to do.'
      from pos.process p where not p.ready and p.at > moment - alive and not pos.process_replaced(p.id)
    union all
    select 'NO_GATEWAY', 'critical', 'No gateway is running: no device is connected.', null::timestamptz, 'Start tillwire-gateway.'
     where not exists (select from pos.process p where p.kind = 'gateway' and p.at > moment - alive)
    union all
    select 'NO_BRIDGE', 'warning', 'No bridge is active: changes by plain SQL come up to a second late, and nothing is pruned.',
           null::timestamptz, 'Start tillwire-bridge.'
     where not exists (select from pos.process p where p.kind = 'bridge' and p.at > moment - alive and p.detail ->> 'leader' = 'true')
    union all
    select 'REDIS_AWAY', 'warning', format('%s of %s processes have no Redis: events come up to half a second late.',
                                           count(*) filter (where p.detail ->> 'redis' <> 'up'), count(*)),
           null::timestamptz, 'Events arrive all the same. The runbook "delivery" says what to look at.'
      from pos.process p
     where p.at > moment - alive and p.detail ->> 'redis' is not null and not pos.process_replaced(p.id)
    having count(*) filter (where p.detail ->> 'redis' <> 'up') > 0
    union all
    select 'EVENTS_WAIT', 'warning', 'Changes by plain SQL are waiting for their place in the stream.', o.at,
           'The bridge is away or too slow, and no gateway has taken its place.'
      from (select min(w.at) as at from (select b.at from pos.outbox b where b.tenant_id = c.tenant_id limit 1000) w) o
     where o.at < moment - interval '10 seconds'
    union all
    select 'NO_DAY_AHEAD', 'critical', 'The event log has no partition for tomorrow.', null::timestamptz,
           'The bridge makes them: see why its housekeeping fails.'
     where to_regclass('pos.event_' || to_char((moment at time zone 'UTC')::date + 1, 'YYYYMMDD')) is null
    union all
    select 'ORDERS_UNACKNOWLEDGED', 'warning',
           case open_orders when 1 then 'An order has' else open_orders || ' orders have' end || ' not been acknowledged by any device.',
           oldest_open, 'Look whether the tills are connected; the page of an order says which device it was written to.'
     where oldest_open < moment - interval '5 minutes'
    union all
    select 'NO_DEVICE', 'warning', 'No device is connected, and there were some within the last day.', max(d.at),
           'Look at the network of the restaurant, and whether its key is still good.'
      from pos.device_seen d
     where d.tenant = c.tenant_id and d.at > moment - interval '1 day' and d.device not like 'console:%'
    having complete and sessions = 0 and count(*) > 0
    union all
    select 'DELAY_HIGH', 'warning', format('One event in a hundred took longer than %s ms to its slowest device, in the last minutes.',
                                           pos.delay_at(delays, 0.99)), null::timestamptz,
           'One slow device is enough: the pages of devices and events say which.'
     where pos.delay_at(delays, 0.99) > 1000
    union all
    select 'KEY_EXPIRES', 'warning', format('The key %s (%s) expires soon.', k.hint, k.label), k.expires_at,
           'Make a new one, and give it to whoever has this one.'
      from pos.api_key k
     where k.tenant_id = c.tenant_id and k.revoked_at is null and k.expires_at between moment and moment + interval '7 days'
     limit 50;
end $$;

create or replace function pos.console_now(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    moment timestamptz := clock_timestamp();
    tenant dinedesk_main.tenants;
    s pos.stream;
    seen record;
    waiting record;
    delays int[] := '{}';
    recent int[] := '{}';
    one record;
    sessions bigint;
    dialects json;
    midnight timestamptz := date_trunc('day', moment at time zone c.timezone) at time zone c.timezone;
    today bigint;
begin
    perform pos.console_look(c, 'now');
    select t.* into tenant from dinedesk_main.tenants t where t.id = c.tenant_id;
    select t.* into s from pos.stream t where t.tenant_id = c.tenant_id;
    seen := pos.console_reported(c.tenant_id);
    sessions := seen.total;
    dialects := seen.dialects;
    if seen.reported_at is null then -- as the log has it
        select coalesce(sum(l.n), 0), coalesce('{' || string_agg(to_json(l.dialect) || ':' || l.n, ',' order by l.dialect) || '}', '{}')::json
          into sessions, dialects
          from (select d.dialect, count(*) as n from pos.device_seen d
                 where d.tenant = c.tenant_id and d.is_connected and d.device not like 'console:%'
                   and d.at > moment - interval '30 days' group by d.dialect) l;
    end if;
    waiting := pos.console_open_orders(c.tenant_id);
    for one in select d.minute, d.counts from pos.console_delays(c.tenant_id) d loop
        delays := pos.console_sum(delays, one.counts);
        if one.minute > moment - interval '5 minutes' then
            recent := pos.console_sum(recent, one.counts);
        end if;
    end loop;
    today := (select count(*) from (
        select from (values ('new'), ('pending'), ('confirmed'), ('preparing'), ('ready'), ('picked_up'), ('out_for_delivery'),
                            ('served'), ('completed'), ('cancelled'), ('rejected')) w(status),
            lateral (select from pos.orders o
                      where o.tenant_id = c.tenant_id and o.status = w.status and o.created_at >= midnight limit 10000) o
         limit 10000) l);
    return pos.console_answer(c, row_to_json(a)) from (select
        pos.utc(moment) as at,
        (select row_to_json(t) from (select tenant.slug as slug, tenant.name as name, tenant.currency as currency,
            tenant.timezone as timezone, tenant.status as status) t) as tenant,
        (select row_to_json(t) from (select k.hint as hint, k.label as label, array_to_json(k.scopes) as scopes
            from pos.api_key k where k.id = c.key_id) t) as key,
        (select row_to_json(t) from (select sessions as total, dialects as "byDialect", pos.utc(seen.reported_at) as "reportedAt",
            seen.complete as complete) t) as sessions,
        (select row_to_json(t) from (select s.head as head, s.oldest as oldest,
            (select pos.utc(e.at) from pos.event e where e.tenant_id = c.tenant_id and e.seq = s.head) as "lastAt",
            array_to_json(array(select row_to_json(m) from (
                select pos.utc(x.minute) as at, x.events as count
                  from pos.console_minutes(c.tenant_id, s.head, s.oldest) x order by x.minute) m)) as "perMinute") t) as events,
        (select row_to_json(t) from (select coalesce((select sum(n) from unnest(delays) n), 0) as count,
            pos.delay_at(delays, 0.5) as "p50Ms", pos.delay_at(delays, 0.99) as "p99Ms",
            array_to_json(array(select row_to_json(m) from (
                select pos.utc(g.minute) as at, coalesce((select sum(n) from unnest(d.counts) n), 0) as count,
                       pos.delay_at(d.counts, 0.5) as "p50Ms", pos.delay_at(d.counts, 0.99) as "p99Ms"
                  from generate_series(date_trunc('minute', moment) - interval '59 minutes', date_trunc('minute', moment),
                                       interval '1 minute') g(minute)
                  left join pos.console_delays(c.tenant_id) d on d.minute = g.minute
                 order by g.minute) m)) as "perMinute") t) as delay,
        (select row_to_json(t) from (select today as today, waiting.orders as unacknowledged,
            pos.utc(waiting.oldest_at) as "oldestUnacknowledgedAt") t) as orders,
        array_to_json(array(select row_to_json(p) from (
            select p.code, p.severity, p.message, pos.utc(p.since) as since, p.help
              from pos.console_problems(c, recent, waiting.orders, waiting.oldest_at, sessions, seen.complete) p
             order by p.severity, p.since nulls first, p.code) p)) as problems) a;
end $$;
