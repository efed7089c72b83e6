-- log/outbox - the place in the stream of what plain SQL writers have changed.
-- Holds: outbox_add, outbox_take, outbox_place, outbox_waits, outbox_number, outbox_tenants, outbox_relay,
-- outbox_number_one.
-- Writers put their events into pos.outbox at their commit, without a lock. Whoever needs the stream next numbers
-- them in the order of their ids: the active bridge at once, an operation before its own event (what it has seen may be
-- the cause), and a gateway's or api's comparison of heads when they have waited for a quarter of a second, so that no
-- bridge is needed. Each takes a bounded piece, and holds the stream for that long.
-- Caller: see each. Refusals: none. Locks: the stream of one tenant after the other. Events: those in the outbox.
-- SPDX-License-Identifier: Apache-2.0

-- For the triggers of plain SQL writers. The bridge is told once a transaction. PostgreSQL lets transactions that
-- notify commit one after the other, and prepares none of them for two-phase commit: who needs that sets
-- tillwire.notify to off, and is heard a moment later.
create or replace function pos.outbox_add(tenant uuid, type text, data json) returns void
language plpgsql as $$
begin
    insert into pos.outbox (tenant_id, type, data) values (tenant, outbox_add.type, outbox_add.data);
    if coalesce(current_setting('tillwire.notify', true), '') <> 'off' then
        perform pg_notify('tillwire', '');
    end if;
end $$;

-- Writes the oldest of a tenant's waiting events to the log behind `head`, about `most` and 4 MiB at most, and answers
-- their canonical texts in order. The caller holds the stream, and moves its head. Behind an order that has become ready
-- comes the event of its table, if it was the last one there: only here is it known of which others tills have heard. A
-- caller that has changed rows itself, of which nobody has heard yet, cannot know it (`asks_tables` false): it stops
-- in front of such an order.
create or replace function pos.outbox_take(tenant uuid, head bigint, most int, asks_tables boolean) returns text[]
language plpgsql set enable_seqscan = off as $$
declare
    texts text[] := '{}';
    piece record;
    bytes bigint := 0;
    work int := 0;
    said json;
    moment timestamptz;
begin
    while work < most and bytes < 4194304 loop
        piece := pos.outbox_place(tenant, head + cardinality(texts), most - work, asks_tables);
        exit when cardinality(piece.texts) = 0;
        texts := texts || piece.texts;
        work := work + cardinality(piece.texts);
        bytes := bytes + piece.bytes;
        continue when piece.ready is null;
        work := work + 10;
        select pos.table_ready(o) into said from pos.orders o where o.tenant_id = tenant and o.id = pos.path_order_id(piece.ready);
        continue when not found or said is null;
        moment := clock_timestamp();
        insert into pos.event (tenant_id, seq, type, at, origin, data)
        values (tenant, head + cardinality(texts) + 1, 'table.ready', moment, piece.origin, said);
        texts := texts || pos.event_text(head + cardinality(texts) + 1, 'table.ready', moment, piece.origin, said);
    end loop;
    return texts;
end $$;

-- One piece of it, up to the first order that has become ready: with it (`ready`, and whose origin), or without.
create or replace function pos.outbox_place(tenant uuid, head bigint, most int, with_ready boolean,
    out texts text[], out bytes bigint, out ready text, out origin json)
language plpgsql set enable_seqscan = off as $$
declare
    moment timestamptz := clock_timestamp(); -- read under the lock: a greater seq never has an earlier time
begin
    -- In one statement: what commits meanwhile is the next piece's.
    with oldest as materialized (
        select f.id, f.ready, f.origin, count(f.ready) over w as readies,
               sum(octet_length(f.data::text)) over w - octet_length(f.data::text) as before
          from (select o.id, o.ready, o.origin, o.data from pos.outbox o where o.tenant_id = tenant order by o.id limit most) f
        window w as (order by f.id)),
    chosen as materialized (
        select c.id, c.ready, c.origin from oldest c
         where c.before < 4194304 and (c.readies = 0 or (with_ready and c.readies = 1 and c.ready is not null))),
    taken as (
        delete from pos.outbox o where o.tenant_id = tenant and o.id = any(array(select c.id from chosen c))
        returning o.id, o.type, o.origin, o.data),
    placed as (
        select t.*, outbox_place.head + row_number() over (order by t.id) as seq from taken t),
    logged as (
        insert into pos.event (tenant_id, seq, type, at, origin, data)
        select tenant, p.seq, p.type, moment, p.origin, p.data from placed p)
    select coalesce(array_agg(pos.event_text(p.seq, p.type, moment, p.origin, p.data) order by p.seq), '{}'),
           coalesce(sum(octet_length(p.data::text)), 0), (select max(c.ready) from chosen c),
           (select c.origin from chosen c where c.ready is not null)
      into texts, bytes, ready, origin
      from placed p;
end $$;

-- Whether a tenant has any waiting. Its plan is made while there are few, and used when there are many.
create or replace function pos.outbox_waits(tenant uuid) returns boolean
language plpgsql stable set enable_seqscan = off as $$
begin
    return exists (select 1 from pos.outbox o where o.tenant_id = tenant);
end $$;

-- The same with the stream's lock; none when somebody else has it, who numbers them before it writes.
create or replace function pos.outbox_number(tenant uuid, most int) returns text[]
language plpgsql as $$
declare
    texts text[];
    head bigint;
begin
    if not pos.outbox_waits(tenant) then
        return '{}';
    end if;
    select s.head into head from pos.stream s where s.tenant_id = tenant for no key update skip locked;
    if head is null then
        return '{}';
    end if;
    texts := pos.outbox_take(tenant, head, most, true);
    if cardinality(texts) > 0 then
        update pos.stream s set head = s.head + cardinality(texts) where s.tenant_id = tenant;
    end if;
    return texts;
end $$;

-- The tenants behind `after` whose events wait, with a look into the index for each; of these alone, if any are given.
create or replace function pos.outbox_tenants(after uuid default null, among uuid[] default null)
returns table (tenant_id uuid, at timestamptz)
language plpgsql stable set enable_seqscan = off as $$
begin
    tenant_id := coalesce(after, '00000000-0000-0000-0000-000000000000');
    loop
        select o.tenant_id, o.at into tenant_id, at
          from pos.outbox o where o.tenant_id > outbox_tenants.tenant_id
         order by o.tenant_id, o.id limit 1;
        exit when not found;
        if among is null or tenant_id = any(among) then
            return next;
        end if;
    end loop;
end $$;

-- For the bridge: numbers what waits, a thousand events of a tenant at most, and answers the events. It goes on behind
-- the last tenant, and begins again when there is none. What goes wrong with one tenant stops no other.
create or replace function pos.outbox_relay(after uuid, most int)
returns table (tenant_id uuid, event text)
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    waiting record;
    left_over int := most;
    texts text[];
begin
    for waiting in select w.tenant_id from pos.outbox_tenants(after) w loop
        texts := pos.outbox_number_one(waiting.tenant_id, least(left_over, 1000));
        return query select waiting.tenant_id, t.one from unnest(texts) t(one);
        left_over := left_over - cardinality(texts);
        exit when left_over <= 0;
    end loop;
end $$;

-- outbox_number of one tenant among many.
create or replace function pos.outbox_number_one(tenant uuid, most int) returns text[]
language plpgsql as $$
begin
    return pos.outbox_number(tenant, most);
exception when others then
    raise warning 'the events of tenant % that wait cannot be numbered: %', tenant, sqlerrm;
    return '{}';
end $$;
