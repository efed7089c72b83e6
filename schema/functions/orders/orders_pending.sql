-- pos.orders_pending - GET /api/{tenant}/orders/pending.
-- Caller: pos.call. Inputs: none.
-- Answers: 200 {orders, count}, and added to them asOfSeq: online orders that are not finished, oldest first; at most
-- 1000 and about 4 MiB of them, and if there are more, `hasMore` is true.
-- Refusals, events: none. Locks: none; the head is read first, so that `?since=<asOfSeq>` may repeat a change but
-- never misses one. Volatile, because each statement must see its own moment.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.orders_pending(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    head bigint; -- and the rows come from one snapshot: the function is stable
    o pos.orders;
    list text[] := array[]::text[];
    bytes bigint := 0;
    has_more boolean := false;
begin
    select s.head into head from pos.stream s where s.tenant_id = c.tenant_id;
    for o in
        select p.* from pos.orders p
         where p.tenant_id = c.tenant_id and p.order_source = 'online'
           and p.status in ('new', 'pending', 'confirmed', 'preparing')
         order by p.created_at, p.id
    loop
        has_more := cardinality(list) = 1000 or bytes > 4194304;
        exit when has_more;
        o.special_instructions := left(pos.order_instructions(o), 2000); -- a till shows no other word for it
        list := list || pos.order_json(o);
        bytes := bytes + length(list[cardinality(list)]);
    end loop;
    return (200, pos.success(
        ('{"orders":[' || array_to_string(list, ',') || '],"count":' || cardinality(list) || '}')::json,
        ('{"asOfSeq":' || head || case when has_more then ',"hasMore":true' else '' end || '}')::json),
        null, c.tenant_id, false)::pos.answer;
end $$;
