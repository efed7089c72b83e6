-- pos.loyalty_transactions - GET /api/{tenant}/loyalty/{phone}/transactions: the ledger of a customer's points, the newest entry first.
-- Caller: pos.call. Inputs: path.phone; query.limit (1 to 200, 50), query.after (`next` of the answer before).
-- Answers: 200 {customerId, loyaltyPoints, transactions: [{transactionId, entry, type, points, balance, orderId, reason, reverses,
-- reversedBy, createdAt, businessDate}], next}: `reverses` and `reversedBy` are transactionIds, or null.
-- Refusals: 400 INVALID_FIELD, INVALID_PHONE; 404 CUSTOMER_NOT_FOUND. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.loyalty_transactions(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    most int := pos.console_limit(c);
    before bigint := coalesce((pos.console_after(c, 1))[1], 2147483648);
    customer pos.customers := pos.find_customer(c, false);
    list json[];
begin
    list := array(select row_to_json(e) from (
        select l.id as "transactionId", l.entry_no as entry, l.type, l.points, l.new_points as balance, l.order_id_json::json as "orderId",
               coalesce(l.reason, '') as reason, l.reverses, pos.loyalty_reversal(l.tenant_id, l.id) as "reversedBy",
               pos.utc(l.created_at) as "createdAt",
               pos.business_date(coalesce(l.occurred_at, l.created_at), c.timezone, c.day_start) as "businessDate"
          from pos.pos_loyalty_transactions l
         where l.tenant_id = c.tenant_id and l.customer_id = customer.id and l.entry_no < before
         order by l.entry_no desc limit most) e);
    return (200, pos.success(
        ('{"customerId":' || customer.id || ',"loyaltyPoints":' || customer.loyalty_points || ',"transactions":' || array_to_json(list)
         || ',"next":' || case when cardinality(list) = most and (list[most] ->> 'entry')::int > 1
                               then '"' || (list[most] ->> 'entry') || '"' else 'null' end || '}')::json),
        null, c.tenant_id, false)::pos.answer;
end $$;
