-- pos.key_issue - a new API key.
-- Holds: key_make.
-- Caller: the operator (deploy/), not the three processes; key_make: the console, too.
-- Inputs: the tenant's slug, the scopes, a label for people, an expiry or null, the profile (pos.profiles); key_make: the
-- device whose own it is, or null.
-- Answers: the key, which is shown only this once: the database keeps its SHA-256 and nothing else.
-- Refusals: an SQL error for an unknown tenant, scope or profile. Locks: none. Events: none; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.key_issue(tenant text, scopes text[], label text,
    expires_at timestamptz default null, profile text default 'default') returns text
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    owner_id uuid;
begin
    select t.id into owner_id from dinedesk_main.tenants t where t.slug = tenant;
    if not found then
        raise exception 'no tenant "%"', tenant using errcode = 'no_data_found';
    end if;
    return pos.key_make(owner_id, gen_random_uuid(), scopes, label, expires_at, profile, 'key.issue');
end $$;

create or replace function pos.key_make(owner_id uuid, lineage uuid, scopes text[], label text,
    expires_at timestamptz, profile text, action text, actor text default coalesce(nullif(current_setting('tillwire.person', true), '') || ' as ', '') || session_user,
    device text default null) returns text
language plpgsql as $$
declare
    -- Three random UUIDs have 366 random bits; the hash folds them into 256.
    secret text := case when 'platform' = any(scopes) and not 'pos' = any(scopes)
                        then 'plat_' else 'pos_' end
        || encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
                         || uuid_send(gen_random_uuid())), 'hex');
    made uuid;
begin
    perform pos.profile_must_exist(profile);
    insert into pos.api_key (tenant_id, lineage, key_hash, hint, label, scopes, expires_at, profile, device)
    values (owner_id, lineage, sha256(convert_to(secret, 'UTF8')), left(secret, 9), label, scopes, expires_at, profile, key_make.device)
    returning id into made;
    insert into pos.audit (tenant_id, actor, action, subject, detail)
    values (owner_id, key_make.actor, action, made::text, array_to_string(scopes, ','));
    return secret;
end $$;
