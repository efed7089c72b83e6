-- pos.authenticate - may this key or token open a socket?
-- Caller: gateway, at each handshake that its cache does not answer.
-- Inputs: {"keyHash","tenant","tenantHeader"?,"scope","requestId"}; "token" in place of "keyHash" for
-- one whose signature C has checked (token.sql), "keyless":true for a device that has neither.
-- Answers: one row: 200 with the tenant, the key, its expiry (unix ms or null) and scopes (comma
-- separated); or 401/403 with the error body. Without "tenant" the key names it. A token has no key
-- and no expiry here, and the scope pos; nor has a device without a key (keyless.sql).
-- Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.authenticate(ctx jsonb, out status int, out body text,
    out tenant_id uuid, out tenant_slug text, out tenant_name text, out key_id uuid,
    out expires_at_ms bigint, out scopes text)
language plpgsql stable security definer set search_path = pos, pg_temp set enable_seqscan = off as $$
declare
    who record;
begin
    who := pos.identify(ctx, array[coalesce(ctx ->> 'scope', 'pos')]);
    if who.refused is not null then
        status := who.refused;
        body := pos.refusal(who.code, who.message, null, ctx ->> 'requestId');
        return;
    end if;
    status := 200;
    tenant_id := who.tenant_id;
    tenant_slug := who.slug;
    tenant_name := who.name;
    key_id := who.key_id;
    expires_at_ms := floor(extract(epoch from who.expires_at) * 1000)::bigint;
    scopes := array_to_string(who.scopes, ',');
end $$;
