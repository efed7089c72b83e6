-- pos.loyalty_adjust - POST /api/{tenant}/loyalty/{phone}/adjust: the platform side corrects a customer's points.
-- Holds: loyalty_adjusted, read_change.
-- Caller: pos.call. Inputs: path.phone; points, negative ones are taken; reason (or notes); allowNegative?. read_change reads
-- points, as JSON or as tillctl has them.
-- Answers: 201 {customerId, previousPoints, pointsChange, newPoints}, and added to them transactionId, remainingPoints,
-- possibleDuplicateOf?.
-- Refusals: 400 INVALID_POINTS, INVALID_FIELD, INVALID_PHONE, INSUFFICIENT_POINTS with `shortfall`; 404 CUSTOMER_NOT_FOUND.
-- Locks: the customer's row, then the stream. Events: loyalty.updated.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.loyalty_adjust(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    change int := pos.read_change(body -> 'points');
    why text := pos.read_text('reason', pos.either(body -> 'reason', body -> 'notes'), 2000);
    may_owe boolean := pos.read_owing(c, body -> 'allowNegative');
    customer pos.customers;
    changed record;
    entry pos.pos_loyalty_transactions;
    twin bigint;
begin
    if coalesce(btrim(why), '') = '' then
        perform pos.refuse_field('reason', 'Say why, in 1 to 2000 characters: it stands in the customer''s ledger.');
    end if;
    customer := pos.find_customer(c, true);
    if c.idempotency_key is null then
        twin := pos.loyalty_twin(c, customer, change, null, '{adjust}', why);
        if twin is not null and c.dedupe_seconds > 0 then
            select t.* into entry from pos.pos_loyalty_transactions t where t.id = twin;
            if entry.created_at > now() - make_interval(secs => c.dedupe_seconds) then
                return (201, pos.loyalty_adjusted(entry, null), null, c.tenant_id, true)::pos.answer;
            end if;
        end if;
    end if;
    changed := pos.loyalty_change(c, customer, 'adjust', change, may_owe, null, null, why, null, c.idempotency_key);
    return (201, pos.loyalty_adjusted(changed.entry, twin), array[changed.event], c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.loyalty_adjusted(entry pos.pos_loyalty_transactions, twin bigint) returns text
language plpgsql stable as $$
begin
    return pos.success(
        ('{"customerId":' || entry.customer_id || ',"previousPoints":' || entry.previous_points || ',"pointsChange":' || entry.points
         || ',"newPoints":' || entry.new_points || '}')::json,
        ('{"transactionId":' || entry.id || ',"remainingPoints":' || entry.new_points || coalesce(',"possibleDuplicateOf":' || twin, '')
         || '}')::json);
end $$;

create or replace function pos.read_change(given json) returns int
language plpgsql immutable parallel safe as $$
declare
    change numeric := pos.read_decimal(given);
begin
    if change is null or change <> trunc(change) or change = 0 or abs(change) > 1000000 then
        perform pos.refuse_field('points',
            'Points are a whole number, with a minus sign when they are taken: from -1000000 to 1000000, and not 0.', 'INVALID_POINTS');
    end if;
    return change::int;
end $$;
