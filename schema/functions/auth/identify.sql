-- pos.identify - whose key or token is this, and may it do what is asked?
-- Caller: pos.call, pos.authenticate. Inputs: ctx as C builds it, and the scopes of which the key must have one. A
-- token, whose signature C has checked, has the rights of a till; so has a device without key and token, {"keyless":
-- true, or the tenant's UUID}, at a tenant that allows it. With {"unshaped": true} what came as a key is not even
-- shaped like one, and the message says so. {"only": [scopes]}: of the key's scopes, no others count.
-- Answers: for a key, the key, its profile and its tenant; for a token, the tenant that it names, and no key; without either, the
-- tenant that is named by UUID, slug or alias, or the only one that allows it. When the request is to be refused,
-- `refused` is the HTTP status, and code and message say why. A tenant that does not exist and a tenant that is not
-- the key's get the same answer, so that nobody can find out which tenants there are.
-- Refusals: 401 UNAUTHORIZED, 403 TENANT_MISMATCH, TENANT_SUSPENDED, FORBIDDEN, 503 TENANT_MOVING; for a token INVALID_RESTAURANT and
-- PERMISSION_DENIED (as a result, not raised). Locks, events: none. One indexed lookup.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.identify(ctx jsonb, wanted text[],
    out c pos.context, out tenant_status text, out scopes text[], out expires_at timestamptz, out profile text,
    out refused int, out code text, out message text)
language plpgsql stable as $$
declare
    is_sound boolean;
begin
    -- Nearly every request: a good key, and its own tenant as its slug or not at all. Field by field, so that a migration
    -- can add a field to the context while this version still runs. C has made the hash, so its digits are not looked at:
    -- a regular expression for them was a sixth of a balance.
    if ctx ? 'keyHash' then
        select t.id, t.slug, t.name, t.country, t.currency, t.timezone, t.order_number_prefix, t.dedupe_seconds,
               t.day_start, t.counts_items, k.id, k.lineage, ctx -> 'path', ctx -> 'query', left(ctx ->> 'requestId', 128), left(ctx ->> 'device', 128),
               ctx ->> 'version', t.order_ladder, t.status, k.scopes, k.expires_at, k.profile,
               t.status = 'active' and k.scopes && wanted
               and coalesce(ctx ->> 'tenant' = t.slug, true) and coalesce(ctx ->> 'tenantHeader' = t.slug, true)
          into c.tenant_id, c.tenant_slug, c.tenant_name, c.country, c.currency, c.timezone, c.order_number_prefix, c.dedupe_seconds,
               c.day_start, c.counts_items, c.key_id, c.lineage, c.path, c.query, c.request_id, c.device,
               c.version, c.order_ladder, tenant_status, scopes, expires_at, profile, is_sound
          from pos.api_key k
          join dinedesk_main.tenants t on t.id = k.tenant_id
         where k.key_hash = case when length(ctx ->> 'keyHash') = 64 then decode(ctx ->> 'keyHash', 'hex') end
           and ctx ->> 'keyHash' = encode(k.key_hash, 'hex')
           and k.revoked_at is null
           and (k.expires_at is null or k.expires_at > clock_timestamp());
        if ctx ? 'only' then -- a ticket has fewer scopes than its key (auth/ticket)
            scopes := array(select s from unnest(scopes) s where ctx -> 'only' ? s);
            is_sound := is_sound and scopes && wanted;
        end if;
        if is_sound then
            return;
        end if;
    end if;
    declare
        presented text := ctx ->> 'keyHash';
        asked text := ctx ->> 'tenant';
        header text := ctx ->> 'tenantHeader';
        by_token boolean := presented is null and coalesce(jsonb_typeof(ctx -> 'token'), '') = 'object';
        by_nothing boolean := presented is null and not by_token and coalesce(ctx ->> 'keyless', 'false') <> 'false';
        named uuid;
    begin
        if by_token then
            named := pos.tenant_named(ctx #>> '{token,restaurant}');
        elsif by_nothing then
            named := pos.keyless_tenant(coalesce(nullif(ctx ->> 'keyless', 'true'), asked, header));
        end if;
        if named is not null then
            select t.id, t.slug, t.name, t.country, t.currency, t.timezone, t.order_number_prefix, t.dedupe_seconds, t.order_ladder,
                   t.day_start, t.counts_items,
                   case when by_token then pos.token_lineage(t.id, ctx #>> '{token,subject}') else pos.keyless_lineage(t.id) end,
                   left(ctx #>> '{token,subject}', 200), 
                   case when by_token then (ctx -> 'token')
                        || jsonb_strip_nulls(jsonb_build_object('expiresMs', ctx -> 'tokenExpiresMs')) end, t.status, array['pos']
              into c.tenant_id, c.tenant_slug, c.tenant_name, c.country, c.currency, c.timezone, c.order_number_prefix, c.dedupe_seconds,
                   c.order_ladder, c.day_start, c.counts_items, c.lineage, c.subject, c.claim, tenant_status, scopes
              from dinedesk_main.tenants t
             where t.id = named;
        end if;
        c.path := ctx -> 'path';
        c.query := ctx -> 'query';
        c.request_id := left(ctx ->> 'requestId', 128);
        c.device := left(ctx ->> 'device', 128);
        c.version := ctx ->> 'version';
        if by_token and c.tenant_id is null then
            refused := 403;
            code := 'INVALID_RESTAURANT';
            message := 'There is no such restaurant. Check which one the token names.';
        elsif by_token and not ('pos' = any(wanted)
                                and (asked is null or coalesce(pos.tenant_named(asked) = c.tenant_id, false))
                                and (header is null or coalesce(pos.tenant_named(header) = c.tenant_id, false))) then
            refused := 403;
            code := 'PERMISSION_DENIED';
            message := 'This token is not for that. Use the restaurant that it names, or an API key.';
        elsif not by_token and c.key_id is null and not (by_nothing and c.tenant_id is not null) then
            refused := 401;
            code := 'UNAUTHORIZED';
            message := case when presented is null
                then 'Send your API key in the X-API-Key header, or as Authorization: Bearer <key>.'
                when ctx -> 'unshaped' = 'true' then 'What was sent is not shaped like an API key, which is pos_ or plat_ '
                    'followed by 64 of the digits 0-9 and a-f. Copy the whole key, and nothing else.'
                else 'This API key is unknown, expired or revoked. Check it, or ask for a new one.' end;
        elsif not by_token and ((asked <> c.tenant_slug and pos.tenant_named(asked) is distinct from c.tenant_id)
                                or (header <> c.tenant_slug and pos.tenant_named(header) is distinct from c.tenant_id)) then
            refused := 403;
            code := 'TENANT_MISMATCH';
            message := case when by_nothing then 'This device is another tenant''s. Use one tenant throughout.'
                else 'This API key belongs to another tenant. Use the tenant that it was issued for.' end;
        elsif tenant_status in ('frozen', 'left', 'arriving') then
            refused := 503;
            code := 'TENANT_MOVING';
            message := 'This restaurant moves to other servers; nothing was done. Send it again in a moment.';
        elsif tenant_status = 'suspended' then
            refused := 403;
            code := 'TENANT_SUSPENDED';
            message := 'This tenant is suspended. Ask the operator to activate it again.';
        elsif not scopes && wanted then
            refused := 403;
            code := 'FORBIDDEN';
            message := case when by_nothing then 'This needs an API key.'
                else format('This API key lacks the scope "%s". Ask for a key that has it.', wanted[1]) end;
        end if;
    end;
end $$;
