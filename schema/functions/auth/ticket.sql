-- auth/ticket - a browser cannot set headers in a WebSocket's handshake, and a key in an address gets into logs. So a page,
-- or its server, asks for a ticket, which opens one socket within thirty seconds (?ticket=).
-- Holds: ticket_issue, ticket_scopes, ticket_take.
-- Caller: ticket_issue: pos.call, for POST /api/{tenant}/ws-ticket; ticket_take: gateway, for each ticket that it is shown.
-- Inputs: ticket_issue: scopes?: which of the key's the ticket has (all, when left out); device?: as what the socket is
-- known (else the device that the request names; "console:..." when it has no other scope than the console's). ticket_take: as pos.authenticate, with "ticketHash", the SHA-256 of
-- the ticket in hexadecimal digits, in place of a key.
-- Answers: ticket_issue: 201 {ticket, expiresAt, expiresIn}. ticket_take: as pos.authenticate; and what the session acts
-- as: the hash of the key or the claims of the token that asked for the ticket, the scopes (a JSON array) if they are
-- fewer than the key's, and the device. So a socket has no more rights than what asked for its ticket, and ends with it.
-- A ticket is used up by the first gateway that it is shown to, also when that one does not let it in.
-- Refusals: 400 INVALID_FIELD; 403 FORBIDDEN; 429 TOO_MANY_TICKETS. ticket_take (as a result): 401 INVALID_TICKET, and
-- those of pos.authenticate. Locks: ticket_take: the ticket's row. Events: none.
-- SPDX-License-Identifier: Apache-2.0

-- The scopes of a ticket; null: all of what asks for it.
create or replace function pos.ticket_scopes(c pos.context, given json) returns text[]
language plpgsql stable as $$
declare
    held text[] := (select k.scopes from pos.api_key k where k.id = c.key_id);
    asked text[];
    missing text;
begin
    if coalesce(json_typeof(given), 'null') = 'null' then
        return null;
    end if;
    if c.key_id is null then
        perform pos.refuse_field('scopes', 'The scopes of a token are its own: leave out "scopes", or ask with a token that has fewer.');
    end if;
    if json_typeof(given) <> 'array' then
        perform pos.refuse_field('scopes', '"scopes" must be a list of texts, for example ["pos"].');
    end if;
    if json_array_length(given) not between 1 and 8
       or exists (select 1 from json_array_elements(given) one where json_typeof(one) <> 'string') then
        perform pos.refuse_field('scopes', '"scopes" must be a list of 1 to 8 texts, for example ["pos"].');
    end if;
    asked := array(select distinct s from json_array_elements_text(given) s order by s);
    missing := (select min(s collate "C") from unnest(asked) s where s <> all(held));
    if missing is not null then
        perform pos.refuse(403, 'FORBIDDEN', format('This API key lacks the scope "%s", so its tickets cannot have it.', left(missing, 40)));
    end if;
    return asked;
end $$;

create or replace function pos.ticket_issue(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    secret text := 'tkt_' || encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
                                           || uuid_send(gen_random_uuid())), 'hex');
    ends timestamptz := clock_timestamp() + interval '30 seconds';
    asked text[] := pos.ticket_scopes(c, body -> 'scopes');
    named text := nullif(btrim(pos.read_text('device', body -> 'device', 127)), '');
begin
    -- What only looks is no device of the restaurant, and must not be taken for one.
    if c.key_id is not null and not coalesce(asked, (select k.scopes from pos.api_key k where k.id = c.key_id)) && array['pos', 'platform'] then
        named := 'console:' || left(coalesce(named, c.request_id, ''), 100);
    end if;
    -- Requests at the same moment do not see each other's, so it may be some more.
    if (select count(*) from (select from pos.ws_ticket k
                               where k.tenant_id = c.tenant_id and k.lineage = c.lineage and k.used_at is null
                                 and k.expires_at > clock_timestamp() limit 1000) k) >= 1000 then
        perform pos.refuse(429, 'TOO_MANY_TICKETS', 'A thousand tickets of this key have not been used yet. '
            'Ask for one when a page is about to connect; those that are not used end after 30 seconds.');
    end if;
    insert into pos.ws_ticket (ticket_hash, tenant_id, lineage, key_id, claim, scopes, device, expires_at)
    values (sha256(convert_to(secret, 'UTF8')), c.tenant_id, c.lineage, c.key_id, c.claim, asked,
            coalesce(named, nullif(left(c.device, 127), '')), ends);
    return (201, pos.success(row_to_json(t)), null, c.tenant_id, false)::pos.answer
      from (select secret as ticket, pos.utc(ends) as "expiresAt", 30 as "expiresIn") t;
end $$;

create or replace function pos.ticket_take(ctx jsonb, out status int, out body text,
    out tenant_id uuid, out tenant_slug text, out tenant_name text, out key_id uuid, out expires_at_ms bigint,
    out key_hash text, out claim text, out scopes text, out device text)
language plpgsql security definer set search_path = pos, pg_temp set enable_seqscan = off as $$
declare
    shown bytea := case when length(ctx ->> 'ticketHash') = 64 then decode(ctx ->> 'ticketHash', 'hex') end;
    t record;
    a record;
    code text;
    why text;
begin
    -- The only use: of all that show it at once, one finds it unused.
    update pos.ws_ticket k set used_at = clock_timestamp()
     where k.ticket_hash = shown and k.used_at is null and k.expires_at > clock_timestamp()
    returning k.key_id, k.claim, k.scopes, k.device into t;
    if not found then
        why := (select case when k.used_at is not null then 'This ticket has been used: each opens one socket.'
                            else 'This ticket has expired: it can be used for 30 seconds.' end
                  from pos.ws_ticket k where k.ticket_hash = shown);
        why := coalesce(why, 'There is no such ticket, or it ended some time ago.');
        code := 'INVALID_TICKET';
        status := 401;
    elsif to_timestamp((t.claim ->> 'expiresMs')::bigint / 1000.0) <= clock_timestamp() then
        why := 'The token that asked for this ticket has expired.';
        code := 'INVALID_TICKET';
        status := 401;
    else
        key_hash := (select encode(k.key_hash, 'hex') from pos.api_key k where k.id = t.key_id);
        a := pos.authenticate((ctx - 'ticketHash') || jsonb_strip_nulls(jsonb_build_object(
            'keyHash', key_hash, 'token', t.claim, 'only', to_jsonb(t.scopes))));
        status := a.status;
        body := a.body;
        code := a.body::json #>> '{error,code}';
        if status = 401 then
            code := 'INVALID_TICKET';
            why := 'The API key that asked for this ticket has expired or was revoked.';
        elsif code = 'TENANT_MISMATCH' then
            why := 'This ticket belongs to another tenant. Use the tenant that it was issued for.';
        end if;
    end if;
    if status <> 200 then
        key_hash := null;
        if why is not null then
            body := pos.refusal(code, why || case when status = 401 then ' Ask for a new one and connect again.' else '' end,
                                null, ctx ->> 'requestId');
        end if;
        return;
    end if;
    tenant_id := a.tenant_id;
    tenant_slug := a.tenant_slug;
    tenant_name := a.tenant_name;
    key_id := a.key_id;
    expires_at_ms := coalesce(a.expires_at_ms, (t.claim ->> 'expiresMs')::bigint);
    claim := t.claim;
    scopes := to_jsonb(t.scopes);
    device := t.device;
end $$;
