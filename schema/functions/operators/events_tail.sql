-- pos.events_tail - what has happened since it was asked last, of one restaurant or all.
-- Holds: events_tail_begin.
-- Caller: tillctl tail, as the tables' owner, again and again in one session. Inputs: the slug of a restaurant or null; how an
-- event's type begins, or null; how many rows; whether to show the events' data. Its position in each stream is in the
-- temporary table tail_at, which events_tail_begin makes.
-- Answers: a row for each event, and one of nulls when there may be more. Without data it names what the event is about, and nobody: customers' names and phones are
-- in the data only, and of a card the last four characters are shown. A piece ends after `most` rows or about four megabytes.
-- Those of a restaurant come in their order; those of several in the order of their times, as far as a piece goes.
-- Refusals: an SQL error for an unknown slug. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

-- Where to begin: behind a seq, or with the first event that is not older than a moment (or "2 hours ago"); null for both:
-- with what comes.
create or replace function pos.events_tail_begin(given text, after bigint, since text) returns void
language plpgsql as $$
declare
    moment timestamptz := case when since ~ ' ago *$' then now() + since::interval else since::timestamptz end;
begin
    if given is not null and not exists (select from dinedesk_main.tenants t where t.slug = given) then
        raise exception 'no tenant "%"', given using errcode = 'no_data_found';
    end if;
    create temp table tail_at (tenant_id uuid primary key, seq bigint not null) with (fillfactor = 50);
    execute 'insert into pg_temp.tail_at
        select s.tenant_id, coalesce($2, (select min(e.seq) - 1 from pos.event e where e.tenant_id = s.tenant_id and e.at >= $3), s.head)
          from pos.stream s join dinedesk_main.tenants t on t.id = s.tenant_id
         where $1 is null or t.slug = $1' using given, after, moment;
end $$;

create or replace function pos.events_tail(given text, begins text, most int, shows_data boolean)
returns table (at timestamptz, restaurant text, seq bigint, type text, subject text, origin json, data json)
language plpgsql as $$
declare
    stream record;
    e record;
    seen bigint;
    rows int := 0;
    bytes bigint := 0;
begin
    -- A restaurant that is new since is shown from its first event on; those that wait longest come first.
    for stream in execute
        'select s.tenant_id, s.head, t.slug, coalesce(a.seq, s.oldest - 1) as seen
           from pos.stream s join dinedesk_main.tenants t on t.id = s.tenant_id left join pg_temp.tail_at a on a.tenant_id = s.tenant_id
          where s.head > coalesce(a.seq, s.oldest - 1) and ($1 is null or t.slug = $1)
          order by coalesce(a.seq, s.oldest - 1) - s.head limit $2' using given, most loop
        restaurant := stream.slug;
        seen := stream.head;
        for e in select l.* from pos.event l
                  where l.tenant_id = stream.tenant_id and l.seq > stream.seen and l.seq <= stream.head order by l.seq loop
            rows := rows + 1;
            if rows > most or bytes > 4000000 then
                seen := e.seq - 1;
                exit;
            end if;
            continue when begins is not null and not starts_with(e.type, begins);
            at := e.at;
            seq := e.seq;
            type := e.type;
            origin := e.origin;
            subject := coalesce(e.data ->> 'orderNumber', e.data ->> 'orderId', '...' || right(e.data ->> 'cardNumber', 4),
                                'customer ' || (e.data ->> 'customerId'), (e.data ->> 'kind') || ' ' || (e.data ->> 'id'),
                                e.data ->> 'id', '');
            data := case when shows_data then e.data end;
            bytes := bytes + case when shows_data then octet_length(e.data::text) else 0 end;
            return next;
        end loop;
        execute 'insert into pg_temp.tail_at values ($1, $2) on conflict (tenant_id) do update set seq = excluded.seq'
            using stream.tenant_id, seen;
        if rows > most or bytes > 4000000 then
            at := null;
            restaurant := null;
            seq := null;
            type := null;
            subject := null;
            origin := null;
            data := null;
            return next;
            exit;
        end if;
    end loop;
end $$;
