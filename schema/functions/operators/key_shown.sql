-- pos.key_shown - keys as an operator sees them: all but the key itself.
-- Holds: key_of, key_profile_checked, key_add, key_renew, key_end, key_dress.
-- Caller: tillctl key. Inputs: key_shown: the restaurant's slug, null: all; whether those that are good no longer are
-- shown. key_add, key_renew: the scopes with commas between them; expiry and overlap as people write them; the
-- device whose own it is, or null.
-- Answers: key_shown: a row a key. key_add, key_renew: the key, which is shown only this once, and its id.
-- Refusals: 404 TENANT_NOT_FOUND, KEY_NOT_FOUND; 400 INVALID_SCOPE, INVALID_PROFILE, INVALID_TIME, INVALID_FIELD, INVALID_DEVICE; 409 KEY_ENDED.
-- Locks: the key's row. Events: none; audit rows, and the control channel for what closes sockets.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.key_shown(slug text, also_ended boolean, one text default null)
returns table (tenant text, id uuid, hint text, label text, scopes text, profile text, state text, created_at timestamptz,
    expires_at timestamptz, revoked_at timestamptz)
language plpgsql as $$ -- volatile: it sees what the same statement has made
begin
    if slug is not null then
        perform pos.operator_tenant(slug);
    end if;
    return query
    select l.* from (
        select t.slug, k.id, k.hint || '…', k.label::text, array_to_string(k.scopes, ','), k.profile::text,
               case when k.revoked_at is not null then 'revoked' when k.expires_at <= now() then 'expired'
                    when t.status <> 'active' then t.status else 'good' end as state,
               date_trunc('second', k.created_at) as created_at, date_trunc('second', k.expires_at), date_trunc('second', k.revoked_at)
          from pos.api_key k join dinedesk_main.tenants t on t.id = k.tenant_id
         where (key_shown.slug is null or t.slug = key_shown.slug) and (one is null or k.id::text = lower(one))) l
     where also_ended or l.state not in ('revoked', 'expired')
     order by 1, l.created_at, 2;
end $$;

-- The key of that id, locked.
create or replace function pos.key_of(given text) returns pos.api_key
language plpgsql as $$
declare
    key pos.api_key;
begin
    if given ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        select k.* into key from pos.api_key k where k.id = given::uuid for update;
    end if;
    if key.id is null then
        perform pos.refuse(404, 'KEY_NOT_FOUND', 'there is no key with this id: tillctl key list shows them. It is the id '
            'that is wanted, never the key itself.');
    end if;
    return key;
end $$;

create or replace function pos.key_profile_checked(profile text) returns text
language plpgsql stable as $$
begin
    if profile is not null and not exists (select from pos.profiles() p where p.name = profile) then
        perform pos.refuse(400, 'INVALID_PROFILE', 'a profile is one of '
            || (select string_agg(p.name, ', ') from pos.profiles() p));
    end if;
    return coalesce(profile, 'default');
end $$;

create or replace function pos.key_add(slug text, scopes text, label text, expires text, profile text, device text default null, out key text, out id uuid)
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
    wanted text[] := string_to_array(replace(coalesce(scopes, 'pos'), ' ', ''), ',');
begin
    if cardinality(wanted) = 0 or not wanted <@ array['pos', 'platform', 'console', 'console:write'] then
        perform pos.refuse(400, 'INVALID_SCOPE', 'scopes are pos (a till), platform (a shop), console (who looks there) '
            'and console:write (who acts there), with a comma between them');
    elsif btrim(label) = '' or length(label) > 200 then
        perform pos.refuse_field('label', 'a label has 1 to 200 characters');
    elsif device <> btrim(device) or length(device) not between 1 and 127 then
        perform pos.refuse(400, 'INVALID_DEVICE', 'the name of a device has 1 to 127 characters, and no blanks around them');
    end if;
    key := pos.key_issue(tenant.slug, wanted, label, pos.operator_moment(expires), pos.key_profile_checked(profile));
    update pos.api_key k set device = key_add.device
     where k.key_hash = sha256(convert_to(key_add.key, 'UTF8'))
    returning k.id into strict id;
end $$;

create or replace function pos.key_renew(given text, overlap text, out key text, out id uuid)
language plpgsql as $$
declare
    old pos.api_key := pos.key_of(given);
begin
    if old.revoked_at is not null or old.expires_at <= now() then
        perform pos.refuse(409, 'KEY_ENDED', 'this key is good no longer: tillctl key add makes a new one');
    elsif coalesce(overlap, '1 day') !~ '^[0-9]+ *(second|minute|hour|day|week)s?$' then
        perform pos.refuse(400, 'INVALID_TIME', 'the overlap is a span like "12 hours", for which the old key is good too');
    end if;
    key := pos.key_rotate(old.id, coalesce(overlap, '1 day')::interval);
    id := (select k.id from pos.api_key k where k.key_hash = sha256(convert_to(key_renew.key, 'UTF8')));
end $$;

create or replace function pos.key_end(given text) returns void
language plpgsql as $$
begin
    perform pos.key_revoke((pos.key_of(given)).id);
end $$;

create or replace function pos.key_dress(given text, profile text) returns void
language plpgsql as $$
begin
    perform pos.key_profile_set((pos.key_of(given)).id, pos.key_profile_checked(profile));
end $$;
