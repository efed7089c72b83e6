-- pos.emit - writes one event: takes the tenant's next seq and appends to the log.
-- Holds: emit_behind, event_seq, event_text.
-- Caller: every operation that changes what a client may see, as the last thing that it does.
-- Inputs: the tenant, the canonical type, the origin, the data (compact JSON).
-- Answers: the canonical text, which the caller publishes, behind those of SQL writers' events that were numbered first,
-- each on a line of its own; no NOTIFY is sent. The last line is empty when the event has to wait itself: see emit_behind.
-- Refusals: an SQL error for an unknown tenant. Locks: the tenant's stream row, until commit.
-- SPDX-License-Identifier: Apache-2.0

-- In one statement. The time is read under the lock, so that a greater seq never has an earlier one. What SQL writers commit
-- while this waits for the lock cannot be the cause of the event: the operation has read everything before.
create or replace function pos.emit(tenant uuid, type text, origin json, data json) returns text
language plpgsql as $$
declare
    next_seq bigint;
    emitted text;
begin
    with head as (
        update pos.stream s set head = s.head + 1 where s.tenant_id = tenant
        returning s.head as seq, clock_timestamp() as at, exists (select from pos.outbox o where o.tenant_id = tenant) as waits),
    placed as (
        insert into pos.event (tenant_id, seq, type, at, origin, data)
        select tenant, h.seq, emit.type, h.at, emit.origin, emit.data from head h where not h.waits)
    select h.seq, case when not h.waits then pos.event_text(h.seq, emit.type, h.at, emit.origin, emit.data) end
      into strict next_seq, emitted
      from head h;
    return coalesce(emitted, pos.emit_behind(tenant, next_seq, emit.type, emit.origin, emit.data));
end $$;

-- SQL writers have committed events that wait (log/outbox), and one of them may be the cause of this one: they come
-- first, once in a transaction. When there are too many to wait for, or an order that has become ready among them, this
-- one waits behind them; so do all that follow, and the text ends with an empty line. `next_seq` has been taken already.
create or replace function pos.emit_behind(tenant uuid, next_seq bigint, type text, origin json, data json) returns text
language plpgsql as $$
declare
    has_taken boolean := coalesce(current_setting('tillwire.outbox_taken', true), '') = tenant::text;
    texts text[] := case when has_taken then '{}' else pos.outbox_take(tenant, next_seq - 1, 200, false) end;
    moment timestamptz := clock_timestamp();
    waits boolean := has_taken or pos.outbox_waits(tenant);
begin
    perform set_config('tillwire.outbox_taken', tenant::text, true);
    next_seq := next_seq + cardinality(texts);
    update pos.stream s set head = next_seq - case when waits then 1 else 0 end where s.tenant_id = tenant;
    if waits then
        insert into pos.outbox (tenant_id, type, origin, data) values (tenant, emit_behind.type, emit_behind.origin, emit_behind.data);
        return array_to_string(texts || ''::text, E'\n');
    end if;
    insert into pos.event (tenant_id, seq, type, at, origin, data)
    values (tenant, next_seq, emit_behind.type, moment, emit_behind.origin, emit_behind.data);
    return array_to_string(texts || pos.event_text(next_seq, emit_behind.type, moment, emit_behind.origin, emit_behind.data), E'\n');
end $$;

-- The seq of what emit has answered; null when the event waits.
create or replace function pos.event_seq(emitted text) returns text
language sql immutable parallel safe as $$
    select substring(split_part(emitted, E'\n', -1), '^\{"seq":([0-9]+)')
$$;

-- The canonical event, one line, which Redis carries and every dialect renders.
create or replace function pos.event_text(seq bigint, type text, at timestamptz, origin json, data json)
returns text
language sql stable parallel safe as $$
    select '{"seq":' || seq || ',"type":"' || type || '","at":"' || pos.utc(at) || '","origin":'
           || origin || ',"data":' || data || '}'
$$;
