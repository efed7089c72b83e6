-- pos.authenticate - may this key or token open a socket?
-- Caller: gateway, at each handshake that its cache cannot answer.
-- Inputs: {"keyHash","tenant","tenantHeader"?,"scope","requestId"}; with commas in "scope", one of these is enough. A token whose signature C has checked (token.sql)
-- comes as "token" in place of "keyHash"; a device that has neither sends "keyless":true.
-- Answers: one row: 200 with the tenant, the key, its expiry (unix ms or null), its scopes (comma separated) and the
-- device whose own it is; or
-- 401/403 with the error body, 503 for a tenant that moves to another cell. Without "tenant" the key decides which tenant it is. A token, and a device without a
-- key (keyless.sql), have no key and no expiry here, and the scope pos.
-- Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.authenticate(ctx jsonb, out status int, out body text,
    out tenant_id uuid, out tenant_slug text, out tenant_name text, out key_id uuid,
    out expires_at_ms bigint, out scopes text, out device text)
language plpgsql stable security definer set search_path = pos, pg_temp set enable_seqscan = off as $$
declare
    who record;
begin
    who := pos.identify(ctx, string_to_array(coalesce(ctx ->> 'scope', 'pos'), ','));
    if who.refused is not null then
        status := who.refused;
        body := pos.refusal(who.code, who.message, null, ctx ->> 'requestId');
        return;
    end if;
    if who.tenant_status = 'leaving' then -- cells/tenant_move
        status := 503;
        body := pos.refusal('TENANT_MOVING', 'This restaurant moves to other servers. Connect again in a moment.', null,
            ctx ->> 'requestId');
        return;
    end if;
    status := 200;
    tenant_id := (who.c).tenant_id;
    tenant_slug := (who.c).tenant_slug;
    tenant_name := (who.c).tenant_name;
    key_id := (who.c).key_id;
    expires_at_ms := floor(extract(epoch from who.expires_at) * 1000)::bigint;
    scopes := array_to_string(who.scopes, ',');
    if key_id is not null then
        device := (select k.device from pos.api_key k where k.id = authenticate.key_id);
    end if;
end $$;
