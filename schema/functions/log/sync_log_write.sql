-- pos.sync_log_write - what happened to sessions and events, many rows at once.
-- Caller: gateway, once a second. Inputs: an array of rows as the sync log of the gateway makes them.
-- Answers, refusals: none: a row that cannot be stored is left out; this is a log, not a ledger.
-- The newest of each device is kept, too (devices/devices_note). Locks: the rows of these, in the order of their keys. Events: none.
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
    perform pos.devices_note(rows);
end $$;
