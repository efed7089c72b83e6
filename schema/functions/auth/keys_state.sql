-- pos.keys_state - which keys of open sessions are no longer valid, or will expire.
-- Holds: tenants_ended, tenants_moving.
-- Caller: gateway, every few seconds: the news of a revocation travels by NOTIFY and Redis and can get lost.
-- Inputs: keys; tenants whose tokens have opened sessions. Answers: a row for each key that has an end, with the time
-- in milliseconds since 1970; 1 for a key that was revoked or whose tenant is suspended. tenants_ended: those of the
-- tenants that are suspended or gone; tenants_moving: all that move to another cell, or have. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.keys_state(keys uuid[])
returns table (key_id uuid, expires_at_ms bigint)
language plpgsql stable security definer set search_path = pos, pg_temp set enable_seqscan = off as $$
begin
    return query
    select k.id, case when k.revoked_at is not null or t.status = 'suspended' then 1
                      else (extract(epoch from k.expires_at) * 1000)::bigint end
      from pos.api_key k
      join dinedesk_main.tenants t on t.id = k.tenant_id
     where k.id = any(keys) and (k.revoked_at is not null or t.status = 'suspended' or k.expires_at is not null);
end $$;

create or replace function pos.tenants_ended(tenants uuid[]) returns setof uuid
language plpgsql stable security definer set search_path = pos, pg_temp set enable_seqscan = off as $$
begin
    return query
    select g.id
      from unnest(tenants) g(id)
     where not exists (select 1 from dinedesk_main.tenants t where t.id = g.id and t.status <> 'suspended');
end $$;

create or replace function pos.tenants_moving() returns setof uuid
language plpgsql stable security definer set search_path = pos, pg_temp set enable_seqscan = off as $$
begin
    return query
    select t.id from dinedesk_main.tenants t where t.status not in ('active', 'suspended') limit 10000;
end $$;
