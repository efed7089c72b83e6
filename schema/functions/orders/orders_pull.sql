-- pos.orders_pull - GET /api/pos/pull-orders?tenant=&status=&limit=&since=.
-- Caller: pos.call. Inputs: query.status (default confirmed), query.limit (default 50, at most 100), query.since
-- (orders created after that moment).
-- Answers: 200 {tenant: {id, name, slug}, orders, count}, and added to them asOfSeq; online orders, oldest first: an
-- order that a till has taken itself never comes back to it. The list ends after about 4 MiB, and `hasMore` is true.
-- Refusals: 400 INVALID_STATUS, INVALID_FIELD, INVALID_DATE. Locks, events: none, as in orders_pending.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.orders_pull(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    wanted text := pos.read_status(to_json(coalesce(nullif(btrim(c.query ->> 'status'), ''), 'confirmed')));
    most_given text := coalesce(nullif(c.query ->> 'limit', ''), '50');
    since_given text := nullif(c.query ->> 'since', '');
    since timestamptz := timestamptz '-infinity';
    head bigint; -- from the same database snapshot as the rows, because the function is stable
    o pos.orders;
    list text[] := array[]::text[];
    bytes bigint := 0;
    has_more boolean := false;
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
        since := coalesce(pos.read_instant(since_given, c.timezone),
                          pos.local_instant(pos.read_date(since_given), c.timezone));
        if since is null then
            perform pos.refuse_field('since', '"since" is a time like 2026-01-05T18:00:00Z.', 'INVALID_DATE');
        end if;
    end if;
    select s.head into head from pos.stream s where s.tenant_id = c.tenant_id;
    for o in
        select p.* from pos.orders p
         where p.tenant_id = c.tenant_id and p.status = wanted and p.created_at > since
           and p.order_source = 'online'
         order by p.created_at, p.id
         limit most_given::int
    loop
        has_more := bytes > 4194304;
        exit when has_more;
        list := list || pos.order_pull_json(o);
        bytes := bytes + length(list[cardinality(list)]);
    end loop;
    tenant := row_to_json(t) from (select c.tenant_id as id, c.tenant_name as name, c.tenant_slug as slug) t;
    return (200, pos.success(
        ('{"tenant":' || tenant || ',"orders":[' || array_to_string(list, ',') || '],"count":' || cardinality(list) || '}')::json,
        ('{"asOfSeq":' || head || case when has_more then ',"hasMore":true' else '' end || '}')::json),
        null, c.tenant_id, false)::pos.answer;
end $$;
