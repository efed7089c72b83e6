-- pos.loyalty_change - corrects a customer's points: one entry of the ledger, and its event.
-- Holds: read_owing.
-- Caller: loyalty_adjust and loyalty_reverse, of the API and of operators. Inputs: who asks; the customer, locked; 'adjust' or
-- 'reverse'; the points, negative ones are taken; the order, the reason, the entry that this one reverses, and the idempotency
-- key, each of which may be null; whether the customer may have less than none afterwards. read_owing reads that from a body.
-- Answers: the entry, and the event's text.
-- Refusals: 400 INSUFFICIENT_POINTS with `shortfall`, INVALID_POINTS; read_owing: 400 INVALID_FIELD, 403 PERMISSION_DENIED.
-- Locks: the customer's row is the caller's; the stream. Events: loyalty.updated.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.loyalty_change(c pos.context, customer pos.customers, kind text, change int, may_owe boolean,
    ordered_id text, ordered_shown text, why text, reverses bigint, key text, out entry pos.pos_loyalty_transactions, out event text)
language plpgsql as $$
declare
    before bigint := customer.loyalty_points;
begin
    if change < 0 and before + change < 0 and not may_owe then
        perform pos.refuse(400, 'INSUFFICIENT_POINTS',
            format('The customer has %s points, %s less than are to be taken. Take fewer; the platform side may send "allowNegative": true.',
                   before, -(before + change)),
            ('{"currentPoints":' || before || ',"shortfall":' || -(before + change) || '}')::json);
    elsif abs(before + change) > 2000000000 then
        perform pos.refuse_field('points', 'A customer cannot hold more than 2000000000 points, or owe more.', 'INVALID_POINTS');
    end if;
    with moved as (
        update pos.customers p
           set loyalty_points = p.loyalty_points + change, entries = p.entries + 1, updated_at = clock_timestamp()
         where p.tenant_id = c.tenant_id and p.id = customer.id
        returning p.entries, p.loyalty_points)
    insert into pos.pos_loyalty_transactions (tenant_id, customer_id, entry_no, type, points, previous_points, new_points,
        order_id, order_id_json, reason, key_id, lineage, idempotency_key, device, request_id, reverses,
        occurred_at)
    select c.tenant_id, customer.id, m.entries, kind, change, m.loyalty_points - change, m.loyalty_points,
           ordered_id, ordered_shown, why, c.key_id, c.lineage, key, c.device, c.request_id, loyalty_change.reverses, c.occurred_at
      from moved m
    returning * into entry;
    event := pos.emit(c.tenant_id, 'loyalty.updated', c.origin, pos.loyalty_updated_data(entry, customer.phone));
end $$;

create or replace function pos.read_owing(c pos.context, value json) returns boolean
language plpgsql stable as $$
declare
    may_owe boolean := pos.read_yes('allowNegative', value);
begin
    if may_owe and not exists (select from pos.api_key k where k.id = c.key_id and 'platform' = any(k.scopes)) then
        perform pos.refuse(403, 'PERMISSION_DENIED',
            'Only the platform side may leave a customer with less than no points. Send it without "allowNegative".');
    end if;
    return may_owe;
end $$;
