-- console/console_keys - the keys of the restaurant: who may ask, and since when.
-- Holds: console_keys, console_key_create, console_key_revoke, console_key_row, key_moment, key_make_room, key_given.
-- Caller: pos.call, for GET and POST /api/{tenant}/console/keys and POST /keys/{id}/revoke. Inputs: label, scopes (a list of
-- pos, platform and console: no key of the console makes one that may act there), profile?, expiresAt?; path.id.
-- Answers: console_keys: 200 {keys: [{id, hint, label, scopes, profile, device, createdAt, expiresAt, revokedAt, lastUsedAt}]}, at most 500,
-- the newest first. console_key_create: 201 {key, secret}: the key itself is shown only this once, so no answer is kept
-- for a repeat: each request makes another key. console_key_revoke: 200 {key}; its sockets close within a second.
-- key_moment: `expiresAt`, or null; key_make_room: whether there
-- may be a further key, with that profile; key_given: the key of an id, for these and for keys of devices (devices/device_key).
-- Refusals: 400 INVALID_FIELD, INVALID_SCOPE, INVALID_PROFILE, INVALID_TIME; 404 KEY_NOT_FOUND; 409 TOO_MANY_KEYS.
-- Locks: the key's row. Events: none; audit rows, and key.revoked on the control channel.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.console_key_row(k pos.api_key) returns json
language plpgsql stable as $$
begin
    return row_to_json(r) from (select k.id as id, k.hint as hint, k.label as label, array_to_json(k.scopes) as scopes,
        k.profile as profile, pos.utc(k.created_at) as "createdAt", pos.utc(k.expires_at) as "expiresAt",
        k.device as device, pos.utc(k.revoked_at) as "revokedAt", pos.utc((select u.at from pos.key_used u where u.key_id = k.id)) as "lastUsedAt") r;
end $$;

create or replace function pos.console_keys(c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    perform pos.console_look(c, 'keys');
    return pos.console_answer(c, row_to_json(a)) from (select array_to_json(array(
        select pos.console_key_row(k) from pos.api_key k where k.tenant_id = c.tenant_id
         order by k.created_at desc, k.id limit 500)) as keys) a;
end $$;

create or replace function pos.key_make_room(c pos.context, profile text) returns void
language plpgsql stable as $$
begin
    if profile is not null and not exists (select from pos.profiles() p where p.name = profile) then
        perform pos.refuse_field('profile', 'A profile is one of ' || (select string_agg(p.name, ', ') from pos.profiles() p) || '.',
                                 'INVALID_PROFILE');
    end if;
    if (select count(*) from (select from pos.api_key k where k.tenant_id = c.tenant_id and k.revoked_at is null limit 500) k) >= 500 then
        perform pos.refuse(409, 'TOO_MANY_KEYS', 'This restaurant has 500 keys. Revoke those that nobody uses.');
    end if;
end $$;

create or replace function pos.key_moment(c pos.context, body json) returns timestamptz
language plpgsql stable as $$
declare
    ends text := pos.read_text('expiresAt', body -> 'expiresAt', 40);
    moment timestamptz := '-infinity';
begin
    if ends is null then
        return null;
    end if;
    if ends ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$' then
        begin
            moment := case when ends ~ '(Z|[+-][0-9]{2}:?[0-9]{2})$' and length(ends) > 10 then ends::timestamptz
                           else ends::timestamp at time zone c.timezone end;
        exception when data_exception then
            moment := '-infinity';
        end;
    end if;
    if moment <= clock_timestamp() then
        perform pos.refuse_field('expiresAt', 'A moment to come, like 2030-12-31T12:00:00Z.', 'INVALID_TIME');
    end if;
    return moment;
end $$;

create or replace function pos.key_given(c pos.context, given text) returns pos.api_key
language plpgsql stable as $$
declare
    key pos.api_key;
begin
    if given ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        select k.* into key from pos.api_key k where k.id = given::uuid and k.tenant_id = c.tenant_id;
    end if;
    if key.id is null then
        perform pos.refuse(404, 'KEY_NOT_FOUND', 'No key here has this id. It is the id that is wanted, never the key itself.');
    end if;
    return key;
end $$;

create or replace function pos.console_key_create(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    label text := btrim(pos.read_text('label', body -> 'label', 200));
    given json := coalesce(body -> 'scopes', '["pos"]');
    scopes text[];
    profile text := pos.read_text('profile', body -> 'profile', 32);
    moment timestamptz;
    secret text;
    key pos.api_key;
begin
    if coalesce(label, '') = '' then
        perform pos.refuse_field('label', 'Say in "label" whose key it is, in 1 to 200 characters.');
    end if;
    if json_typeof(given) <> 'array' or json_array_length(given) not between 1 and 3
       or exists (select from json_array_elements(given) s where json_typeof(s) <> 'string'
                                                              or s #>> '{}' not in ('pos', 'platform', 'console')) then
        perform pos.refuse_field('scopes', '"scopes" is a list of pos (a till), platform (a shop) and console (who may look here).',
                                 'INVALID_SCOPE');
    end if;
    scopes := array(select distinct s from json_array_elements_text(given) s order by s);
    perform pos.key_make_room(c, profile);
    moment := pos.key_moment(c, body);
    secret := pos.key_make(c.tenant_id, gen_random_uuid(), scopes, label, moment, coalesce(profile, 'default'), 'key.issue',
                           pos.console_actor(c));
    select k.* into key from pos.api_key k where k.key_hash = sha256(convert_to(secret, 'UTF8'));
    return pos.console_answer(c, row_to_json(a), 201) from (select pos.console_key_row(key) as key, secret as secret) a;
end $$;

create or replace function pos.console_key_revoke(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    key pos.api_key := pos.key_given(c, c.path ->> 'id');
begin
    perform pos.key_revoke(key.id, pos.console_actor(c));
    select k.* into key from pos.api_key k where k.id = key.id;
    return pos.console_answer(c, ('{"key":' || pos.console_key_row(key) || '}')::json);
end $$;
