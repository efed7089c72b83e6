-- pos.emit - writes one event: takes the tenant's next seq and appends to the log.
-- Holds: emit_behind, event_seq, event_text.
-- Caller: every operation that changes what a client may see, as the last thing that it does.
-- Inputs: the tenant, the canonical type, the origin, the data (compact JSON).
-- Answers: the canonical text, which the caller publishes, behind those of SQL writers' events that were numbered first,
-- each on a line of its own; no NOTIFY is sent. Null when the event has to wait itself: see emit_behind.
-- Refusals: an SQL error for an unknown tenant. Locks: the tenant's stream row, until commit.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.emit(tenant uuid, type text, origin json, data json) returns text
language plpgsql as $$
declare
    next_seq bigint;
    moment timestamptz;
begin
    update pos.stream s set head = s.head + 1 where s.tenant_id = tenant returning s.head into strict next_seq;
    if pos.outbox_waits(tenant) then
        return pos.emit_behind(tenant, next_seq, emit.type, emit.origin, emit.data);
    end if;
    -- Read under the lock, so that a greater seq never has an earlier time.
    moment := clock_timestamp();
    insert into pos.event (tenant_id, seq, type, at, origin, data)
    values (tenant, next_seq, emit.type, moment, emit.origin, emit.data);
    return pos.event_text(next_seq, emit.type, moment, emit.origin, emit.data);
end $$;

-- SQL writers have committed events that wait (log/outbox), and one of them may be the cause of this one: they come
-- first. When there are too many to wait for, or a question that only the next transaction can answer, this one waits behind
-- them. `next_seq` has been taken already.
create or replace function pos.emit_behind(tenant uuid, next_seq bigint, type text, origin json, data json) returns text
language plpgsql as $$
declare
    texts text[] := pos.outbox_take(tenant, next_seq - 1, 200, false);
    moment timestamptz := clock_timestamp();
    waits boolean := pos.outbox_waits(tenant);
begin
    next_seq := next_seq + cardinality(texts);
    update pos.stream s set head = next_seq - case when waits then 1 else 0 end where s.tenant_id = tenant;
    if waits then
        insert into pos.outbox (tenant_id, type, origin, data) values (tenant, emit_behind.type, emit_behind.origin, emit_behind.data);
    else
        insert into pos.event (tenant_id, seq, type, at, origin, data)
        values (tenant, next_seq, emit_behind.type, moment, emit_behind.origin, emit_behind.data);
        texts := texts || pos.event_text(next_seq, emit_behind.type, moment, emit_behind.origin, emit_behind.data);
    end if;
    return nullif(array_to_string(texts, E'\n'), '');
end $$;

-- The seq of what emit has answered; null when the event waits.
create or replace function pos.event_seq(emitted text) returns text
language sql immutable parallel safe as $$
    select substring(emitted from '(?:^|\n)\{"seq":([0-9]+)[^\n]*$')
$$;

-- The canonical event, one line, which Redis carries and every dialect renders.
create or replace function pos.event_text(seq bigint, type text, at timestamptz, origin json, data json)
returns text
language sql stable parallel safe as $$
    select '{"seq":' || seq || ',"type":"' || type || '","at":"' || pos.utc(at) || '","origin":'
           || origin || ',"data":' || data || '}'
$$;
