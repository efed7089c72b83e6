-- pos.key_profile_set - the profile of a key: in which words and types its client is answered.
-- Holds: profile_must_exist.
-- Caller: the operator. Inputs: the key's id, the name of a profile (pos.profiles).
-- Answers: the profile that it had. It counts from the next request on.
-- Refusals: an SQL error for an unknown key or profile. Locks: the key's row. Events: none; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.key_profile_set(key_id uuid, profile text) returns text
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    old pos.api_key;
begin
    perform pos.profile_must_exist(profile);
    select k.* into old from pos.api_key k where k.id = key_profile_set.key_id for update;
    if not found then
        raise exception 'no such key: %', key_id using errcode = 'no_data_found';
    end if;
    update pos.api_key k set profile = key_profile_set.profile where k.id = old.id;
    insert into pos.audit (tenant_id, action, subject, detail)
    values (old.tenant_id, 'key.profile', key_id::text, profile);
    return old.profile;
end $$;

create or replace function pos.profile_must_exist(profile text) returns void
language plpgsql as $$
begin
    if not exists (select 1 from pos.profiles() p where p.name = profile) then
        raise exception 'no profile "%"', profile using errcode = 'invalid_parameter_value',
            hint = 'The profiles are ' || (select string_agg(p.name, ', ') from pos.profiles() p) || '.';
    end if;
end $$;
