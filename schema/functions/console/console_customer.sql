-- pos.console_customer - GET /api/{tenant}/console/customers/{phone}: a customer, and the ledger of the points.
-- Caller: pos.call. Inputs: path.phone, in any spelling; query.limit, after.
-- Answers: 200 {customer: {id, name, phone, email, points, totalSpent, joinedAt}, ledger: [{id, type, points, pointsAfter, orderId,
-- reason, at, by}], next}, the newest entry first.
-- Refusals: 400 INVALID_FIELD, INVALID_PHONE; 404 CUSTOMER_NOT_FOUND. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.console_customer(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    most int := pos.console_limit(c);
    after bigint[] := pos.console_after(c, 1);
    customer pos.customers;
begin
    perform pos.console_look(c, 'customer');
    customer := pos.find_customer(c, false);
    return pos.console_answer(c, row_to_json(a)) from (select
        (select row_to_json(r) from (select customer.id as id, customer.name as name, customer.phone as phone, customer.email as email,
            customer.loyalty_points as points, customer.total_spent as "totalSpent", pos.utc(customer.created_at) as "joinedAt") r) as customer,
        array_to_json(array(select row_to_json(e) from (
            select l.id, l.type, l.points, l.new_points as "pointsAfter", l.order_id_json::json as "orderId", coalesce(l.reason, '') as reason,
                   pos.utc(l.created_at) as at, pos.console_ledger_by(l.tenant_id, l.key_id, l.lineage, l.device) as by
              from pos.pos_loyalty_transactions l
             where l.tenant_id = c.tenant_id and l.customer_id = customer.id and l.entry_no < coalesce(after[1], 2147483648)
             order by l.entry_no desc limit most) e)) as ledger,
        (select case when count(*) = most and min(l.entry_no) > 1 then min(l.entry_no)::text end
           from (select i.entry_no from pos.pos_loyalty_transactions i
                  where i.tenant_id = c.tenant_id and i.customer_id = customer.id and i.entry_no < coalesce(after[1], 2147483648)
                  order by i.entry_no desc limit most) l) as next) a;
end $$;
