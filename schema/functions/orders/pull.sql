-- pos.orders_pull - GET /api/pos/pull-orders?tenant=&status=&limit=&since=.
-- Caller: pos.call. Inputs: query.status (default confirmed), query.limit (default 50, at most 100),
-- query.since (orders created after that moment).
-- Answers: 200 {tenant: {id, name, slug}, orders, count}, beside them asOfSeq; oldest first.
-- Refusals: 400 INVALID_STATUS, INVALID_FIELD, INVALID_DATE. Locks, events: none; like
-- orders_pending.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.orders_pull(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    wanted text := pos.read_status(to_json(coalesce(nullif(c.query ->> 'status', ''), 'confirmed')));
    most_given text := coalesce(nullif(c.query ->> 'limit', ''), '50');
    since_given text := nullif(c.query ->> 'since', '');
    since timestamptz := timestamptz '-infinity';
    head bigint;
    list text[];
    tenant json;
begin
    if most_given !~ '^0*[1-9][0-9]*$' then
        perform pos.refuse_field('limit', '"limit" is a whole number from 1 to 100.');
    end if;
    most_given := ltrim(most_given, '0');
    if length(most_given) > 2 then
        most_given := '100';
    end if;
    if since_given is not null then
        since := coalesce(pos.read_instant(since_given), pos.read_date(since_given)::timestamp at time zone 'UTC');
        if since is null then
            perform pos.refuse_field('since', '"since" is a time like 2026-01-05T18:00:00Z.', 'INVALID_DATE');
        end if;
    end if;
    select s.head into head from pos.stream s where s.tenant_id = c.tenant_id;
    list := array(
        select pos.order_pull_json(o) from pos.orders o
         where o.tenant_id = c.tenant_id and o.status = wanted and o.created_at > since
         order by o.created_at, o.id
         limit most_given::int);
    tenant := row_to_json(t) from (select c.tenant_id as id, c.tenant_name as name, c.tenant_slug as slug) t;
    return (200, pos.success(
        ('{"tenant":' || tenant || ',"orders":[' || array_to_string(list, ',') || '],"count":' || cardinality(list) || '}')::json,
        ('{"asOfSeq":' || head || '}')::json),
        null, c.tenant_id, false)::pos.answer;
end $$;
