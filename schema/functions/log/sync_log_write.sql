-- pos.sync_log_write - what happened to sessions and events, many rows at once.
-- Caller: gateway, once a second. Inputs: an array of rows as the sync log of the gateway makes them.
-- Answers, refusals: none: a row that cannot be stored is left out; this is a log, not a ledger.
-- The newest of each device is kept for the console, too. Locks: the rows of these, in the order of their keys. Events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.sync_log_write(rows json) returns void
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    insert into pos.pos_sync_logs (at, tenant_id, instance, kind, dialect, device, seq, count, detail)
    select r.at, r.tenant_id, left(r.instance, 64), left(r.kind, 64), left(r.dialect, 32), left(r.device, 128),
           r.seq, r.count, r.detail
      from json_to_recordset(rows) r(at timestamptz, tenant_id uuid, instance text, kind text, dialect text,
                                     device text, seq bigint, count int, detail json)
     where r.kind is not null and r.count >= 0;
    insert into pos.device_seen as d (tenant, device, dialect, is_connected, at, connected_at, gateway, last_seq, reason, address)
    select distinct on (1, 2, 3) r.tenant_id, left(coalesce(r.device, ''), 128) as device, left(r.dialect, 32) as dialect,
           r.kind = 'connect', r.at, case r.kind when 'connect' then r.at end, left(r.instance, 64), r.seq,
           left(r.detail ->> 'reason', 200), left(r.detail ->> 'address', 64)
      from rows from (json_to_recordset(rows) as (at timestamptz, tenant_id uuid, instance text, kind text, dialect text, device text,
                                                  seq bigint, detail json)) with ordinality r(at, tenant_id, instance, kind, dialect, device, seq, detail, n)
     where r.kind in ('connect', 'disconnect') and r.tenant_id is not null and r.dialect is not null and r.at is not null
     order by 1, 2, 3, r.at desc, r.n desc
    on conflict (tenant, device, dialect) do update
       set is_connected = excluded.is_connected, at = excluded.at, connected_at = coalesce(excluded.connected_at, d.connected_at),
           gateway = excluded.gateway, last_seq = coalesce(excluded.last_seq, d.last_seq), reason = excluded.reason,
           address = coalesce(excluded.address, d.address)
     where d.at <= excluded.at;
end $$;
