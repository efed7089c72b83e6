-- pos.devices_note - the newest that is known of each device, from a batch of the gateways' log.
-- Holds: devices_prune.
-- Caller: sync_log_write. Inputs: its rows; of a connect also key_id and client, of a disconnect also `since`, the
-- second in which its session was greeted (0: it never was), and expected_ms: after how long without it the device is
-- silent (0: it said goodbye, or may not come back).
-- A device that comes back over a new line is connected, also when the gateway notices the end of its old one only
-- afterwards: the session that was greeted last counts. devices_prune (of maintain): a restaurant keeps the 1000 devices that
-- were there last, whatever names a client makes up.
-- Answers, refusals, events: none. Locks: the rows of these devices, in the order of their keys.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.devices_note(rows json) returns void
language plpgsql as $$
begin
    insert into pos.device_seen as d (tenant, device, dialect, is_connected, at, connected_at, gateway, last_seq, reason, address,
                                      client, key_id, silence_due)
    with given as materialized (
        select r.tenant_id as tenant, left(coalesce(r.device, ''), 128) as device, left(r.dialect, 32) as dialect, r.kind, r.at,
               to_timestamp(r.since) as since, left(r.instance, 64) as gateway, r.seq, left(r.detail ->> 'reason', 200) as reason,
               left(r.detail ->> 'address', 64) as address, left(r.detail ->> 'client', 200) as client,
               case when r.key_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then r.key_id::uuid end as key_id,
               least(coalesce(r.expected_ms, 0), 86400000) as expected_ms, r.n
          from rows from (json_to_recordset(rows) as (at timestamptz, tenant_id uuid, instance text, kind text, dialect text, device text,
                                                      seq bigint, since bigint, key_id text, expected_ms bigint, detail json))
               with ordinality r(at, tenant_id, instance, kind, dialect, device, seq, since, key_id, expected_ms, detail, n)
         where r.kind in ('connect', 'disconnect') and r.tenant_id is not null and r.dialect is not null and r.at is not null
           and coalesce(r.since, 1) > 0), -- else it never was here
    came as (
        select distinct on (g.tenant, g.device, g.dialect) g.* from given g where g.kind = 'connect'
         order by g.tenant, g.device, g.dialect, g.at desc, g.n desc),
    went as (
        select distinct on (g.tenant, g.device, g.dialect) g.* from given g where g.kind = 'disconnect'
         order by g.tenant, g.device, g.dialect, coalesce(g.since, g.at) desc, g.at desc, g.n desc),
    known as (
        select tenant, device, dialect, c.at as came_at, w.at as went_at, w.since, c.gateway as came_to, w.gateway as went_from,
               w.seq as went_seq, c.seq as came_seq, w.reason, c.address, c.client, c.key_id, w.expected_ms,
               -- A gateway of the release before does not say `since`.
               w.at is not null and (c.at is null or
                    case when w.since is null then w.at >= c.at
                         when w.since = date_trunc('second', c.at) then w.n > c.n
                         else w.since > c.at end) as is_over
          from came c full join went w using (tenant, device, dialect))
    select k.tenant, k.device, k.dialect, not k.is_over, case when k.is_over then k.went_at else k.came_at end,
           coalesce(k.came_at, k.since), case when k.is_over then k.went_from else k.came_to end,
           case when k.is_over then coalesce(k.went_seq, k.came_seq) else k.came_seq end, case when k.is_over then k.reason end, k.address,
           k.client, k.key_id,
           case when k.is_over and k.expected_ms > 0 and k.device <> ''
                then clock_timestamp() + k.expected_ms * interval '1 millisecond' end
      from known k
     order by 1, 2, 3
    on conflict (tenant, device, dialect) do update
       set is_connected = excluded.is_connected, at = excluded.at, connected_at = greatest(d.connected_at, excluded.connected_at),
           gateway = excluded.gateway, last_seq = coalesce(excluded.last_seq, d.last_seq), reason = excluded.reason,
           address = coalesce(excluded.address, d.address), client = coalesce(excluded.client, d.client),
           key_id = case when excluded.is_connected then excluded.key_id else coalesce(excluded.key_id, d.key_id) end,
           silence_due = excluded.silence_due, heard_at = case when not excluded.is_connected then d.heard_at end
     where case when excluded.connected_at is null or d.connected_at is null then d.at <= excluded.at
                else excluded.connected_at >= date_trunc('second', d.connected_at) end;
end $$;

create or replace function pos.devices_prune() returns int
language plpgsql as $$
declare
    pruned int;
begin
    delete from pos.device_seen d
     where d.ctid = any(array(
        select o.ctid from (select e.ctid, row_number() over (partition by e.tenant order by e.is_connected desc, e.at desc) as n
                              from pos.device_seen e) o
         where o.n > 1000 limit 2000));
    get diagnostics pruned = row_count;
    return pruned;
end $$;
