-- pos.operator_call - an operation of the API for an operator, who needs no key.
-- Holds: operator_context, operator_lineage.
-- Caller: tillctl and the functions of this folder; no process may. Inputs: the restaurant's slug, the operation, its path and body.
-- Answers: operator_call: the body that the API would answer. operator_context: who asks: no key, no device; its
-- request id is in the ledger, in the event and in the audit, where also the person is named.
-- Refusals: 404 TENANT_NOT_FOUND; 409 TENANT_MOVING; 400 INVALID_JSON; those of the operation, raised.
-- Locks: those of the operation. Events: those of the operation, which gateways find in the log within a second; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.operator_context(slug text) returns pos.context
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
    c pos.context;
begin
    -- What is written to one that is copied to another cell would be lost.
    if tenant.status not in ('active', 'suspended', 'leaving') then
        perform pos.refuse(409, 'TENANT_MOVING', format('the restaurant is %s: it moves to another cell, or is there', tenant.status));
    end if;
    c.tenant_id := tenant.id;
    c.tenant_slug := tenant.slug;
    c.tenant_name := tenant.name;
    c.country := tenant.country;
    c.currency := tenant.currency;
    c.timezone := tenant.timezone;
    c.order_number_prefix := tenant.order_number_prefix;
    c.order_ladder := tenant.order_ladder;
    c.day_start := tenant.day_start;
    c.counts_items := tenant.counts_items;
    c.dedupe_seconds := 0; -- nobody repeats a command without knowing it
    c.lineage := pos.operator_lineage(tenant.id);
    c.request_id := 'tillctl-' || left(gen_random_uuid()::text, 8);
    c.query := '{}';
    c.path := '{}';
    c.origin := ('{"kind":"operator","requestId":"' || c.request_id || '"}')::json;
    return c;
end $$;

create or replace function pos.operator_lineage(tenant uuid) returns uuid
language sql stable parallel safe as $$
    select encode(substr(sha256(convert_to('operator ' || tenant, 'UTF8')), 1, 16), 'hex')::uuid
$$;

create or replace function pos.operator_call(slug text, operation text, path jsonb, body json) returns json
language plpgsql set tillwire.writer = 'function' as $$
declare
    c pos.context := pos.operator_context(slug);
    a pos.answer;
begin
    if json_typeof(body) <> 'object' then
        perform pos.refuse(400, 'INVALID_JSON', 'the body must be a JSON object');
    end if;
    c.path := path;
    a := pos.dispatch(operation, c, body);
    if pos.operation_writes(operation) then
        perform pos.operator_note(c.tenant_id, operation, coalesce(a.body::json #>> '{order,id}', a.body::json #>> '{giftCard,cardNumber}',
            a.body::json #>> '{customer,id}', path ->> 'kind', slug), c.request_id);
    end if;
    return a.body::json;
end $$;
