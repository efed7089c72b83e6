-- pos.key_rotate - a successor for a key; both are valid for a while.
-- Caller: the operator. Inputs: the key's id, and how long the old key stays valid.
-- Answers: the new key, which is shown only this once. It has the old one's scopes, label, profile, device and lineage: a request that
-- was sent with the old key and is repeated with the new one is recognised.
-- Refusals: an SQL error for an unknown or revoked key. Locks: the key's row.
-- Events: none; an audit row, and key.expires on the control channel.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.key_rotate(key_id uuid, overlap interval default '1 day') returns text
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    old pos.api_key;
    ends timestamptz;
begin
    if overlap < interval '0' then
        raise exception 'the overlap is negative' using errcode = 'invalid_parameter_value';
    end if;
    select k.* into old from pos.api_key k
     where k.id = key_rotate.key_id and k.revoked_at is null
       for update;
    if not found then
        raise exception 'no such key, or it is revoked: %', key_id using errcode = 'no_data_found';
    end if;
    ends := least(old.expires_at, clock_timestamp() + overlap);
    update pos.api_key k set expires_at = ends where k.id = old.id;
    perform pg_notify('tillwire_control', format('{"type":"key.expires","keyId":"%s","expiresAtMs":%s}',
        old.id, floor(extract(epoch from ends) * 1000)));
    -- The successor expires when its predecessor was meant to, and never if that had no expiry.
    return pos.key_make(old.tenant_id, old.lineage, old.scopes, old.label, old.expires_at, old.profile,
                        'key.rotate', device => old.device);
end $$;
