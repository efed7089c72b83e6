-- pos.orders_pending - GET /api/{tenant}/orders/pending.
-- Caller: pos.call. Inputs: none.
-- Answers: 200 {orders, count}, beside them asOfSeq: online orders that nobody has finished, oldest
-- first, at most 1000 (then `hasMore` is true).
-- Refusals, events: none. Locks: none; the head is read first, so that `?since=<asOfSeq>` may repeat
-- a change but never miss one. Volatile, because each statement must see its own moment.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.orders_pending(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    head bigint;
    list text[];
    has_more boolean;
begin
    select s.head into head from pos.stream s where s.tenant_id = c.tenant_id;
    list := array(
        select pos.order_json(o) from pos.orders o
         where o.tenant_id = c.tenant_id and o.order_source = 'online'
           and o.status in ('new', 'pending', 'confirmed', 'preparing')
         order by o.created_at, o.id
         limit 1001);
    has_more := cardinality(list) > 1000;
    return (200, pos.success(
        ('{"orders":[' || array_to_string(list[:1000], ',') || '],"count":'
         || least(cardinality(list), 1000) || '}')::json,
        ('{"asOfSeq":' || head || case when has_more then ',"hasMore":true' else '' end || '}')::json),
        null, c.tenant_id, false)::pos.answer;
end $$;
