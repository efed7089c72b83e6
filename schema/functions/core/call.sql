-- pos.call - every request of the API is one call of this function.
-- Holds: call_as, request_hash.
-- Caller: api, and gateway for requests that come through sockets. Inputs: the operation; ctx as C builds it (key,
-- token or neither, tenant, path, query, request id, idempotency key, device, session, kind: api or socket, attempt:
-- a UUID that C makes for each request, so that C can safely send the request again when its answer got lost); the
-- body as it came, checked and without blanks.
-- Answers: one row: HTTP status, the body to send as it is (in the types of the key's profile), events to publish after
-- the commit, the tenant, and
-- whether this is the answer of an earlier request with the same idempotency key.
-- Refusals: are answers too. Only unexpected errors leave as SQL errors.
-- Locks: an advisory one on the idempotency key; those of the operation.
-- Events: those of the operation.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.call(operation text, ctx jsonb, body json) returns pos.answer
language plpgsql security definer set search_path = pos, pg_temp
-- Tells the triggers that the operation writes the ledger entry and the event itself.
set tillwire.writer = 'function'
-- A plan lives as long as the connection: one that was made while a table was small must not stay a sequential scan
-- after the table has grown.
set enable_seqscan = off as $$
declare
    wanted text[] := pos.operation_scopes(operation);
    who record;
    c pos.context;
    a pos.answer;
begin
    if wanted is null then
        raise exception 'no operation "%"', operation using errcode = 'undefined_function';
    end if;
    who := pos.identify(ctx, wanted);
    if who.refused is null and coalesce(who.profile, 'default') = 'default' then
        return pos.call_as(who.c, operation, ctx, body);
    end if;
    c := who.c;
    if who.refused is not null then
        a := (who.refused, pos.refusal(who.code, who.message, null, c.request_id), null, null, false)::pos.answer;
    else
        c.query := coalesce((select p.query -> operation from pos.profiles() p where p.name = who.profile), '{}')
            || coalesce(c.query, '{}');
        a := pos.call_as(c, operation, ctx, body);
    end if;
    if coalesce(who.profile, 'default') <> 'default' then
        a.body := pos.profile_dress(who.profile, operation, a.status, a.body);
    end if;
    return a;
end $$;

-- What makes two requests with one idempotency key the same request. An expression that PostgreSQL puts into the functions
-- that use it.
create or replace function pos.request_hash(ctx jsonb, operation text, body json) returns bytea
language sql stable parallel safe as $$
    select sha256(convert_to(concat_ws(E'\n', ctx ->> 'method', coalesce(ctx ->> 'route', operation), ctx -> 'path', body), 'UTF8'))
$$;

-- The answer in the documented types, which is also what is kept for a repeat.
create or replace function pos.call_as(c pos.context, operation text, ctx jsonb, body json) returns pos.answer
language plpgsql as $$
declare
    given_key text;
    repeat_key text;
    hash bytea;
    earlier record;
    a pos.answer;
    refused_hint text;
    refused_detail text;
    refused_message text;
    applied bigint;
begin
    if c.key_id is null then
        if jsonb_typeof(ctx -> 'token') is distinct from 'object' then
            if pos.operation_keyless(operation) is not true then
                return (403, pos.refusal('PERMISSION_DENIED', 'A device without a key may not do that. Use an API key.',
                        null, c.request_id), null, null, false)::pos.answer;
            end if;
        elsif not pos.token_may(operation, ctx -> 'token') then
            return (403, pos.refusal('PERMISSION_DENIED', 'This token does not permit that. ' || coalesce(
                    'It needs the scope ' || array_to_string(array_remove(
                        (pos.token_rights(pos.operation_by_token(operation))).scopes, '*'), ' or ') || '.',
                    'Use an API key.'), null, c.request_id), null, null, false)::pos.answer;
        end if;
    end if;

    if not pos.operation_writes(operation) then
        begin
            a := pos.dispatch(operation, c, body);
        exception when sqlstate 'TWREF' then
            get stacked diagnostics refused_hint = pg_exception_hint,
                refused_detail = pg_exception_detail, refused_message = message_text;
            a := (left(refused_hint, 3)::int, pos.refusal(substr(refused_hint, 5), refused_message,
                  nullif(refused_detail, '')::json, c.request_id), null, null, false)::pos.answer;
        end;
        a.tenant_id := c.tenant_id;
        return a;
    end if;

    if json_typeof(body) <> 'object' then
        return (400, pos.refusal('INVALID_JSON', 'The body must be a JSON object.', null, c.request_id),
                null, c.tenant_id, false)::pos.answer;
    end if;
    body := coalesce(body, '{}');
    given_key := coalesce(ctx ->> 'idempotencyKey', case coalesce(json_typeof(body -> 'requestId'), 'null')
                          when 'null' then null when 'string' then body ->> 'requestId' else '' end);
    if length(given_key) not between 1 and 200 or btrim(given_key) = '' or given_key ~ '[\x01-\x1f\x7f-\x9f]' then
        return (400, pos.refusal('INVALID_IDEMPOTENCY_KEY',
                'An idempotency key is a text of 1 to 200 printable characters.', null, c.request_id),
                null, c.tenant_id, false)::pos.answer;
    end if;
    -- The control character keeps the keys that C makes apart from those of clients.
    if operation <> 'batch' then -- its operations have keys of their own (core/batch)
        repeat_key := coalesce(given_key, E'\x01' || left(ctx ->> 'attempt', 64));
    end if;
    if repeat_key is not null then
        if not pg_try_advisory_xact_lock(
                hashtextextended(c.tenant_id || '/' || c.lineage || '/' || repeat_key, 7214460004)) then
            if given_key is null then
                raise exception 'the first try is still being worked on' using errcode = 'lock_not_available';
            end if;
            return (409, pos.refusal('IDEMPOTENCY_IN_PROGRESS',
                    'A request with this idempotency key is still being worked on. Repeat it in a moment.',
                    null, c.request_id), null, c.tenant_id, false)::pos.answer;
        end if;
        hash := pos.request_hash(ctx, operation, body);
        select i.request_hash, i.status, i.body, i.attempt into earlier
          from pos.idempotency i
         where i.tenant_id = c.tenant_id and i.lineage = c.lineage and i.key = repeat_key;
        if found then
            if earlier.request_hash = hash then
                return (earlier.status, earlier.body, null, c.tenant_id,
                        coalesce(earlier.attempt <> ctx ->> 'attempt', true))::pos.answer;
            end if;
            if not pos.operation_corrects(operation) then
                return (422, pos.refusal('IDEMPOTENCY_KEY_REUSED',
                        'This idempotency key came with another request before. Use a new key for a new request.',
                        null, c.request_id), null, c.tenant_id, false)::pos.answer;
            end if;
            delete from pos.idempotency i
             where i.tenant_id = c.tenant_id and i.lineage = c.lineage and i.key = repeat_key;
        end if;
        if given_key is not null then
            applied := pos.applied_with(c.tenant_id, c.lineage, given_key);
            if applied is not null then
                return (409, pos.refusal('ALREADY_APPLIED',
                        'A request with this idempotency key was carried out long ago. Look at the transaction.',
                        ('{"transactionId":' || applied || '}')::json, c.request_id), null, c.tenant_id, false)::pos.answer;
            end if;
            c.idempotency_key := given_key;
        end if;
    end if;
    c.origin := ('{"kind":' || case ctx ->> 'kind' when 'socket' then '"socket"' else '"api"' end
        || coalesce(',"device":' || to_json(c.device), '') || coalesce(',"session":' || to_json(left(ctx ->> 'session', 128)), '')
        || coalesce(',"requestId":' || to_json(c.request_id), '')
        || coalesce(',"trace":' || to_json(left(ctx ->> 'trace', 128)), '') || '}')::json;

    begin
        a := pos.dispatch(operation, c, body);
    exception when sqlstate 'TWREF' then
        get stacked diagnostics refused_hint = pg_exception_hint,
            refused_detail = pg_exception_detail, refused_message = message_text;
        a := (left(refused_hint, 3)::int, pos.refusal(substr(refused_hint, 5), refused_message,
              nullif(refused_detail, '')::json, c.request_id), null, null, false)::pos.answer;
    end;
    a.tenant_id := c.tenant_id;
    if repeat_key is not null and a.status between 200 and 499 and a.status not in (401, 403, 413, 429) then
        insert into pos.idempotency (tenant_id, lineage, key, request_hash, status, body, attempt)
        values (c.tenant_id, c.lineage, repeat_key, hash, a.status, a.body,
                left(ctx ->> 'attempt', 64));
    end if;
    return a;
end $$;
