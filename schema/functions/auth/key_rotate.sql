-- pos.key_rotate - a successor for a key; both work for a while.
-- Caller: the operator. Inputs: the key's id, how long the old one still works.
-- Answers: the new key, shown this once. It has the old one's scopes, label and lineage: requests
-- sent with the old key and repeated with the new one are recognised.
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
    -- The successor outlives its predecessor's own expiry only if there was none.
    return pos.key_make(old.tenant_id, old.lineage, old.scopes, old.label, old.expires_at, 'key.rotate');
end $$;
