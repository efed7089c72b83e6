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
    page record;
begin
    perform pos.console_look(c, 'customer');
    customer := pos.find_customer(c, false);
    select g.list, g.next into page
      from (select array_agg((select row_to_json(x) from (
                       select e.id, e.type, e.points, e.new_points as "pointsAfter", e.order_id_json::json as "orderId", coalesce(e.reason, '') as reason,
                              pos.utc(e.created_at) as at, pos.console_ledger_by(e.tenant_id, e.key_id, e.lineage, e.device) as by) x)
                             order by e.entry_no desc) as rows, array_agg(e.entry_no::text order by e.entry_no desc) as places
              from (select i.* from pos.pos_loyalty_transactions i
                     where i.tenant_id = c.tenant_id and i.customer_id = customer.id and i.entry_no < coalesce(after[1], 2147483648)
                     order by i.entry_no desc limit most + 1) e) l,
           lateral pos.console_page(l.rows, l.places, most) g;
    return pos.console_answer(c, row_to_json(a)) from (select
        (select row_to_json(r) from (select customer.id as id, customer.name as name, customer.phone as phone, customer.email as email,
            customer.loyalty_points as points, customer.total_spent as "totalSpent", pos.utc(customer.created_at) as "joinedAt") r) as customer,
        page.list as ledger, page.next as next) a;
end $$;
