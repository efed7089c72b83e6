-- pos.loyalty_points - GET /api/{tenant}/loyalty/{phone}/points.
-- Holds: loyalty_word.
-- Caller: pos.call; loyalty_word also tills/till_loyalty. Inputs: path.phone.
-- Answers: 200 {customerId, phone, name, loyaltyPoints, totalSpent, recentTransactions: the ten newest}, and added to
-- them points.
-- Refusals: 400 INVALID_PHONE, 404 CUSTOMER_NOT_FOUND. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.loyalty_points(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    customer pos.customers := pos.find_customer(c, false);
    documented json;
begin
    documented := row_to_json(d) from (select
        customer.id as "customerId", customer.phone as phone, customer.name as name,
        customer.loyalty_points as "loyaltyPoints", customer.total_spent as "totalSpent",
        array_to_json(array(
            select t from (
                select l.id as "transactionId", pos.loyalty_word(l.type) as type, l.points as points,
                       l.new_points as balance, l.order_id_json::json as "orderId",
                       coalesce(l.reason, '') as reason, pos.utc(l.created_at) as "createdAt"
                  from pos.pos_loyalty_transactions l
                 where l.tenant_id = c.tenant_id and l.customer_id = customer.id
                 order by l.entry_no desc limit 10) t)) as "recentTransactions") d;
    return (200, pos.success(documented, ('{"points":' || customer.loyalty_points || '}')::json),
            null, c.tenant_id, false)::pos.answer;
end $$;

-- What tills are told of an entry: they know these three words.
create or replace function pos.loyalty_word(type text) returns text
language sql immutable parallel safe as $$
    select case type when 'reverse' then 'adjust' else type end
$$;
