-- pos.loyalty_reverse - POST /api/{tenant}/loyalty/{phone}/reverse: an order came back, and so do the points that it moved.
-- Holds: loyalty_reverse_order, loyalty_reversal.
-- What was added and redeemed for the order, and has not been reversed yet, is reversed, each entry by one of its own: what was
-- redeemed first, so that it is there when what was added is taken. An order that is sold again afterwards moves points again,
-- and they can be reversed again.
-- Caller: pos.call; loyalty_reverse_order also operators. Inputs: path.phone; orderId, reason?, allowNegative? (platform side).
-- Answers: 201 {customerId, previousPoints, pointsChange, newPoints}, and added to them transactionId (of the last entry),
-- remainingPoints, reversals: [{transactionId, reverses, points, newPoints}], warnings?, customer (as OrderWeb's tills read it).
-- loyalty_reverse_order: the entries and their events. loyalty_reversal: the entry that has reversed one; null: none has.
-- Refusals: 400 INVALID_ORDER_ID, INVALID_FIELD, INVALID_PHONE, INSUFFICIENT_POINTS with `shortfall`; 403 PERMISSION_DENIED; 404
-- CUSTOMER_NOT_FOUND, NOTHING_TO_REVERSE; 409 ALREADY_REVERSED.
-- Locks: the customer's row, then the stream. Events: loyalty.updated, one for each entry.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.loyalty_reverse(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    ordered record := pos.read_order_id(pos.either(body -> 'orderId', body -> 'order_reference'));
    noted record := pos.read_note('reason', pos.either(body -> 'reason', body -> 'notes'));
    may_owe boolean := pos.read_owing(c, body -> 'allowNegative');
    customer pos.customers;
    done record;
    last pos.pos_loyalty_transactions;
begin
    if ordered.id is null then
        perform pos.refuse_field('orderId', 'Say whose points are to be reversed: "orderId", as it was when they were moved.', 'INVALID_ORDER_ID');
    end if;
    customer := pos.find_customer(c, true);
    done := pos.loyalty_reverse_order(c, customer, ordered.id, noted.note, may_owe);
    last := done.entries[cardinality(done.entries)];
    return (201, pos.success(
        ('{"customerId":' || customer.id || ',"previousPoints":' || customer.loyalty_points
         || ',"pointsChange":' || last.new_points - customer.loyalty_points || ',"newPoints":' || last.new_points || '}')::json,
        ('{"transactionId":' || last.id || ',"remainingPoints":' || last.new_points || ',"reversals":['
         || (select string_agg('{"transactionId":' || e.id || ',"reverses":' || e.reverses || ',"points":' || e.points
                               || ',"newPoints":' || e.new_points || '}', ',' order by e.entry_no) from unnest(done.entries) e)
         || ']' || case when noted.cut then ',' || pos.inside(pos.note_warning(true)) else '' end
         || ',"customer":' || pos.till_customer((select p from pos.customers p where p.tenant_id = c.tenant_id and p.id = customer.id))
         || '}')::json), done.events, c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.loyalty_reverse_order(c pos.context, customer pos.customers, wanted text, why text, may_owe boolean,
    out entries pos.pos_loyalty_transactions[], out events text[])
language plpgsql as $$
declare
    left_points bigint := customer.loyalty_points;
    one pos.pos_loyalty_transactions;
    of_order bigint := 0;
    taken bigint := 0;
    changed record;
begin
    select count(*), coalesce(sum(l.points) filter (where not r.is_reversed), 0) into of_order, taken
      from pos.pos_loyalty_transactions l
     cross join lateral (select pos.loyalty_reversal(l.tenant_id, l.id) is not null as is_reversed) r
     where l.tenant_id = c.tenant_id and l.customer_id = customer.id and l.order_id = wanted and l.type in ('add', 'redeem');
    if of_order = 0 then
        perform pos.refuse(404, 'NOTHING_TO_REVERSE',
            'This order has moved no points of this customer. Check "orderId" and the phone; GET .../transactions shows the entries.');
    elsif taken > 0 and left_points - taken < 0 and not may_owe then
        perform pos.refuse(400, 'INSUFFICIENT_POINTS',
            format('The customer has %s points, %s less than are to be taken back. The platform side may send "allowNegative": true.',
                   left_points, taken - left_points),
            ('{"currentPoints":' || left_points || ',"shortfall":' || taken - left_points || '}')::json);
    end if;
    entries := '{}';
    events := '{}';
    for one in select l.* from pos.pos_loyalty_transactions l
                where l.tenant_id = c.tenant_id and l.customer_id = customer.id and l.order_id = wanted and l.type in ('add', 'redeem')
                  and pos.loyalty_reversal(l.tenant_id, l.id) is null
                order by l.points > 0, l.entry_no loop
        -- One request has one key, whatever it does, and a key stands in one entry.
        changed := pos.loyalty_change(c, customer, 'reverse', -one.points, true, one.order_id, one.order_id_json, why, one.id,
                                      case when cardinality(entries) = 0 then c.idempotency_key end);
        customer.loyalty_points := (changed.entry).new_points;
        entries := entries || changed.entry;
        events := events || changed.event;
    end loop;
    if cardinality(entries) = 0 then
        perform pos.refuse(409, 'ALREADY_REVERSED', 'All that this order has moved is reversed already: there is nothing left.',
                           '{"left":0}');
    end if;
end $$;

create or replace function pos.loyalty_reversal(tenant uuid, entry bigint) returns bigint
language plpgsql stable parallel safe as $$
begin
    return (select r.id from pos.pos_loyalty_transactions r where r.tenant_id = tenant and r.reverses = entry);
end $$;
