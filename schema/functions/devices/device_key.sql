-- pos.device_key - POST /api/{tenant}/devices/{id}/key: a key of a device's own, so that one that is lost or stolen is shut out alone.
-- Holds: device_key_revoke.
-- Caller: pos.call. Inputs: path.id: the device, which need not have been here yet; label? (else the device's name),
-- profile?, expiresAt?. device_key_revoke (POST …/key/revoke): keyId?, else all keys of the device.
-- Answers: device_key: 201 {deviceId, keyId, secret, label, createdAt, expiresAt}: the key itself is shown only this once, so no answer
-- is kept for a repeat: each request makes another key, and the earlier ones stay good until they are revoked.
-- Its scope is pos, and a device that connects with it and does not say its name is known by this one.
-- device_key_revoke: 200 {deviceId, revoked: [keyId]}: those that were good until now; their sockets close within a second.
-- Refusals: 400 INVALID_FIELD, INVALID_PROFILE, INVALID_TIME; 404 KEY_NOT_FOUND; 409 TOO_MANY_KEYS.
-- Locks: the keys' rows. Events: none; audit rows, and key.revoked on the control channel.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.device_key(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    device text := c.path ->> 'id';
    label text;
    profile text := pos.read_text('profile', body -> 'profile', 32);
    secret text;
    key pos.api_key;
begin
    if device is null or device <> btrim(device) or length(device) not between 1 and 127 or device like 'console:%' then
        perform pos.refuse_field('id', 'A device''s name has 1 to 127 characters, no blanks around them, and does not begin with console: .');
    end if;
    label := coalesce(nullif(btrim(pos.read_text('label', body -> 'label', 200)), ''), device);
    perform pos.key_make_room(c, profile);
    secret := pos.key_make(c.tenant_id, gen_random_uuid(), array['pos'], label, pos.key_moment(c, body), coalesce(profile, 'default'),
                           'key.issue', pos.console_actor(c), device);
    select k.* into key from pos.api_key k where k.key_hash = sha256(convert_to(secret, 'UTF8'));
    return (201, '{"success":true,' || pos.inside(row_to_json(a)) || '}', null, c.tenant_id, false)::pos.answer
      from (select device as "deviceId", key.id as "keyId", secret as secret, key.label as label, pos.utc(key.created_at) as "createdAt",
                   pos.utc(key.expires_at) as "expiresAt") a;
end $$;

create or replace function pos.device_key_revoke(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    named text := c.path ->> 'id';
    wanted text := pos.read_text('keyId', body -> 'keyId', 64);
    given pos.api_key;
    one pos.api_key;
    revoked uuid[] := '{}';
begin
    if wanted is not null then
        given := pos.key_given(c, wanted);
    end if;
    if not exists (select from pos.api_key k where k.tenant_id = c.tenant_id and k.device = named
                                               and (wanted is null or k.id = given.id)) then
        perform pos.refuse(404, 'KEY_NOT_FOUND', 'This device has no such key of its own. Keys that several share are revoked in the console, or with tillctl key revoke.');
    end if;
    for one in select k.* from pos.api_key k
                where k.tenant_id = c.tenant_id and k.device = named and k.revoked_at is null
                  and (wanted is null or k.id = given.id)
                order by k.id loop
        if pos.key_revoke(one.id, pos.console_actor(c)) then
            revoked := revoked || one.id;
        end if;
    end loop;
    return (200, '{"success":true,"deviceId":' || to_json(named) || ',"revoked":' || to_json(revoked) || '}', null, c.tenant_id, false)::pos.answer;
end $$;
