-- pos.orders_pull - GET /api/pos/pull-orders?tenant=&status=&limit=&since=&unacknowledged=.
-- Holds: pull_position, pull_next, pull_place.
-- Caller: pos.call. Inputs: query.status (default confirmed), query.limit (default 50, at most 500), query.since (a
-- time: orders that changed after it by our clock; or `nextSince` of an earlier answer), query.unacknowledged (true:
-- without those that a device has acknowledged; include_all=true takes that back).
-- Answers: 200 {tenant: {id, name, slug}, orders, count}, and added to them asOfSeq, hasMore, nextSince; online orders,
-- the oldest change first: an order that a till has taken itself never comes back to it. The list ends after about
-- 4 MiB, and hasMore is true.
-- A client that always continues with nextSince gets each change once, also when many orders changed in one
-- transaction or when one commits late: a position is a place in the log of events, whose order is that of the commits.
-- Without `since` it first walks through the list as it is (a position there is a time and an id), and then through
-- what has happened since it began. A position that is no longer kept starts the list again (resyncRequired).
-- Refusals: 400 INVALID_STATUS, INVALID_FIELD, INVALID_DATE. Locks, events: none. All is read from one snapshot: the
-- function is stable.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.orders_pull(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    wanted text := pos.read_status(to_json(coalesce(nullif(btrim(c.query ->> 'status'), ''), 'confirmed')));
    most_given text := coalesce(nullif(c.query ->> 'limit', ''), '50');
    most int;
    is_open boolean := coalesce(c.query ->> 'unacknowledged', '') = 'true'
                       and coalesce(c.query ->> 'include_all', '') <> 'true';
    s pos.stream;
    place record;
    next record;
    o pos.orders;
    list text[] := array[]::text[];
    bytes bigint := 0;
    has_more boolean := false;
    tenant json;
begin
    if most_given !~ '^0*[1-9][0-9]*$' then
        perform pos.refuse_field('limit', '"limit" is a whole number from 1 to 500.');
    end if;
    most_given := ltrim(most_given, '0');
    most := case when length(most_given) > 3 then 500 else least(most_given::int, 500) end;
    select t.* into s from pos.stream t where t.tenant_id = c.tenant_id;
    place := pos.pull_position(nullif(c.query ->> 'since', ''), s, c.timezone);

    for next in
        select x.place, x.o from pos.pull_next(c.tenant_id, wanted, is_open, place.seq, place.at, place.id, place.began,
                                               most + 1) x
    loop
        has_more := cardinality(list) = most or bytes > 4194304;
        exit when has_more;
        o := next.o;
        list := list || pos.order_pull_json(o);
        bytes := bytes + length(list[cardinality(list)]);
        place.shown := next.place;
    end loop;
    if not has_more then
        place.shown := case when place.seq is null then 's' || place.began else 's' || s.head end;
    end if;
    tenant := row_to_json(t) from (select c.tenant_id as id, c.tenant_name as name, c.tenant_slug as slug) t;
    return (200, pos.success(
        ('{"tenant":' || tenant || ',"orders":[' || array_to_string(list, ',') || '],"count":' || cardinality(list) || '}')::json,
        ('{"asOfSeq":' || s.head || ',"hasMore":' || has_more || ',"nextSince":"' || place.shown || '"'
            || case when place.is_lost then ',"resyncRequired":true' else '' end || '}')::json),
        null, c.tenant_id, false)::pos.answer;
end $$;

-- Where to go on: after an event (`seq`), or in the list after a time and an id; `began` is the head of the stream when
-- the list was begun. As text: s<seq>, or l<began>-<microseconds>-<id in hexadecimal>.
create or replace function pos.pull_position(given text, s pos.stream, zone text, out seq bigint, out at timestamptz,
    out id text, out began bigint, out is_lost boolean, out shown text)
language plpgsql stable as $$
declare
    parts text[] := regexp_match(given, '^(?:s([0-9]{1,18})|l([0-9]{1,18})-([0-9]{1,17})-((?:[0-9a-f]{2})*))$');
begin
    at := '-infinity';
    id := '';
    began := s.head;
    shown := given;
    is_lost := false;
    if parts is null then
        if given is not null then
            at := coalesce(pos.read_instant(given, zone), pos.local_instant(pos.read_date(given), zone));
            if at is null then
                perform pos.refuse_field('since',
                    '"since" is a time like 2026-01-05T18:00:00Z, or "nextSince" of the answer before.', 'INVALID_DATE');
            end if;
            at := at + interval '1 microsecond'; -- an order that changed at that very moment is not after it
        end if;
        return;
    end if;
    is_lost := coalesce(parts[1], parts[2])::bigint not between s.oldest - 1 and s.head;
    if is_lost then
        return;
    elsif parts[1] is not null then
        seq := parts[1]::bigint;
    else
        began := parts[2]::bigint;
        at := timestamptz 'epoch' + parts[3]::bigint * interval '1 microsecond';
        id := convert_from(decode(parts[4], 'hex'), 'UTF8');
    end if;
exception when character_not_in_repertoire then
    perform pos.refuse_field('since', 'This is no "nextSince" of an answer. Start again without it.', 'INVALID_DATE');
end $$;

-- The next orders that have the status now: those that changed after an event, by their last change; or the list, by
-- the time of their change, in a statement for each index.
create or replace function pos.pull_next(tenant uuid, wanted text, is_open boolean, seq bigint, at timestamptz, id text,
    began bigint, most int)
returns table (place text, o pos.orders)
language plpgsql stable as $$
begin
    if seq is not null then
        return query
        select 's' || e.last, p
          from (select pos.path_order_id(v.data ->> 'orderId') as id, max(v.seq) as last
                  from pos.event v
                 where v.tenant_id = tenant and v.seq > pull_next.seq
                   and v.type in ('order.created', 'order.updated', 'order.status_changed')
                 group by 1) e
          join pos.orders p on p.tenant_id = tenant and p.id = e.id
         where p.status = wanted and p.order_source = 'online' and not (is_open and p.acknowledged_at is not null)
         order by e.last
         limit most;
    elsif is_open then
        return query
        select pos.pull_place(began, p), p
          from pos.orders p
         where p.tenant_id = tenant and p.status = wanted and p.order_source = 'online' and p.acknowledged_at is null
           and (p.updated_at, p.id::text) > (pull_next.at, pull_next.id)
         order by p.updated_at, p.id
         limit most;
    else
        return query
        select pos.pull_place(began, p), p
          from pos.orders p
         where p.tenant_id = tenant and p.status = wanted and p.order_source = 'online'
           and (p.updated_at, p.id::text) > (pull_next.at, pull_next.id)
         order by p.updated_at, p.id
         limit most;
    end if;
end $$;

-- The position in the list after an order.
create or replace function pos.pull_place(began bigint, o pos.orders) returns text
language sql stable as $$
    select 'l' || began || '-' || (extract(epoch from o.updated_at) * 1000000)::bigint || '-'
           || encode(convert_to(o.id, 'UTF8'), 'hex')
$$;
