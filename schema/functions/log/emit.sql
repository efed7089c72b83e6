-- pos.emit - writes one event: takes the tenant's next seq and appends to the log.
-- Holds: emit_external, event_text.
-- Caller: every operation that changes what a client may see, as the last thing that it does.
-- Inputs: the tenant, the canonical type, the origin, the data (compact JSON).
-- Answers: the canonical text, which the caller publishes; no NOTIFY is sent.
-- Refusals: an SQL error for an unknown tenant. Locks: the tenant's stream row, until commit.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.emit(tenant uuid, type text, origin json, data json) returns text
language plpgsql as $$
declare
    next_seq bigint;
    moment timestamptz;
begin
    update pos.stream s set head = s.head + 1 where s.tenant_id = tenant returning s.head into strict next_seq;
    -- Read under the lock, so that a greater seq never has an earlier time.
    moment := clock_timestamp();
    insert into pos.event (tenant_id, seq, type, at, origin, data, external)
    values (tenant, next_seq, emit.type, moment, emit.origin, emit.data, false);
    return pos.event_text(next_seq, emit.type, moment, emit.origin, emit.data);
end $$;

-- The same for a change that was made by plain SQL (triggers.sql): its origin says so, and the bridge gets a NOTIFY,
-- because nobody else will publish the event.
create or replace function pos.emit_external(tenant uuid, type text, data json) returns void
language plpgsql as $$
declare
    next_seq bigint;
begin
    update pos.stream s set head = s.head + 1 where s.tenant_id = tenant returning s.head into strict next_seq;
    insert into pos.event (tenant_id, seq, type, at, origin, data, external)
    values (tenant, next_seq, emit_external.type, clock_timestamp(), '{"kind":"sql"}', emit_external.data, true);
    perform pg_notify('tillwire', tenant || ' ' || next_seq);
end $$;

-- The canonical event, one line, which Redis carries and every dialect renders.
create or replace function pos.event_text(seq bigint, type text, at timestamptz, origin json, data json)
returns text
language sql stable parallel safe as $$
    select '{"seq":' || seq || ',"type":"' || type || '","at":"' || pos.utc(at) || '","origin":'
           || origin || ',"data":' || data || '}'
$$;
