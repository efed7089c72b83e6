-- pos.key_revoke - a key is no longer valid, and its sockets close within a second.
-- Caller: the operator, the console. Inputs: the key's id; who that is in the audit. Answers: true when it was valid until now.
-- Refusals: none. Locks: the key's row. Events: none; an audit row, and key.revoked on the control channel.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.key_revoke(key_id uuid,
    actor text default coalesce(nullif(current_setting('tillwire.person', true), '') || ' as ', '') || session_user) returns boolean
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    owner_id uuid;
begin
    update pos.api_key k set revoked_at = clock_timestamp()
     where k.id = key_revoke.key_id and k.revoked_at is null
    returning k.tenant_id into owner_id;
    if not found then
        return false;
    end if;
    insert into pos.audit (tenant_id, actor, action, subject) values (owner_id, key_revoke.actor, 'key.revoke', key_id::text);
    perform pg_notify('tillwire_control', format('{"type":"key.revoked","keyId":"%s"}', key_id));
    return true;
end $$;
