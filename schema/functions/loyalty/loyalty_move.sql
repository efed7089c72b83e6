-- pos.loyalty_move - adds or redeems points: what loyalty_add and loyalty_redeem have in common.
-- Holds: loyalty_moved, loyalty_twin, loyalty_updated_data.
-- Caller: pos.loyalty_add, pos.loyalty_redeem. Inputs: 'add' or 'redeem', the context with path.phone, the body:
-- points > 0, orderId?, reason? (or notes).
-- Answers: 200 {customerId, previousPoints, pointsAdded | pointsRedeemed, newPoints}, and added to them
-- transactionId, remainingPoints, warnings?, possibleDuplicateOf?, customer (as OrderWeb's tills read it).
-- Refusals: 400 INVALID_POINTS, INVALID_ORDER_ID, INVALID_FIELD, INVALID_PHONE; 404 CUSTOMER_NOT_FOUND; 400
-- INSUFFICIENT_POINTS with `shortfall`.
-- Locks: the customer's row, then the stream. Events: loyalty.updated.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.loyalty_move(kind text, c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    given int := pos.read_points(body -> 'points');
    change int := case kind when 'add' then given else -given end;
    ordered record;
    noted record;
    customer pos.customers;
    entry pos.pos_loyalty_transactions;
    twin bigint;
begin
    if given is null then
        perform pos.refuse_field('points', 'Points are a whole number from 1 to 1000000.', 'INVALID_POINTS');
    end if;
    ordered := pos.read_order_id(pos.either(body -> 'orderId', body -> 'order_reference'));
    noted := pos.read_note('reason', pos.either(body -> 'reason', body -> 'notes'));
    customer := pos.find_customer(c, true);

    if c.idempotency_key is null then
        twin := pos.loyalty_twin(c, customer, change, ordered.id);
        if twin is not null and c.dedupe_seconds > 0 then
            select t.* into entry from pos.pos_loyalty_transactions t where t.id = twin;
            if entry.created_at > now() - make_interval(secs => c.dedupe_seconds) then
                return (200, pos.loyalty_moved(entry, customer, null, null), null, c.tenant_id, true)::pos.answer;
            end if;
        end if;
    end if;
    if change < 0 and customer.loyalty_points + change < 0 then
        perform pos.refuse(400, 'INSUFFICIENT_POINTS',
            case when customer.loyalty_points > 0 then format('The customer has %s points. Redeem at most that.', customer.loyalty_points)
                 else format('The customer has %s points. None can be redeemed.', customer.loyalty_points) end,
            ('{"currentPoints":' || customer.loyalty_points || ',"shortfall":' || -(customer.loyalty_points + change) || '}')::json);
    end if;
    if customer.loyalty_points > 2000000000 - change then
        perform pos.refuse_field('points', 'A customer cannot hold more than 2000000000 points.', 'INVALID_POINTS');
    end if;

    with moved as (
        update pos.customers p
           set loyalty_points = p.loyalty_points + change, entries = p.entries + 1, updated_at = clock_timestamp()
         where p.tenant_id = c.tenant_id and p.id = customer.id
        returning p.entries, p.loyalty_points)
    insert into pos.pos_loyalty_transactions (tenant_id, customer_id, entry_no, type, points,
        previous_points, new_points, order_id, order_id_json, reason,
        key_id, lineage, idempotency_key, device, request_id, occurred_at)
    select c.tenant_id, customer.id, m.entries, kind, change,
        customer.loyalty_points, m.loyalty_points, ordered.id, ordered.shown, noted.note,
        c.key_id, c.lineage, c.idempotency_key, c.device, c.request_id, c.occurred_at
      from moved m
    returning * into entry;
    customer.loyalty_points := entry.new_points;
    return (200, pos.loyalty_moved(entry, customer, noted.cut, twin),
            array[pos.emit(c.tenant_id, 'loyalty.updated', c.origin,
                           pos.loyalty_updated_data(entry, customer.phone))],
            c.tenant_id, false)::pos.answer;
end $$;

-- The answer, from the ledger entry and the customer as it is now.
create or replace function pos.loyalty_moved(entry pos.pos_loyalty_transactions, customer pos.customers, cut boolean, twin bigint)
returns text
language plpgsql stable as $$
begin
    return pos.success(
        ('{"customerId":' || entry.customer_id || ',"previousPoints":' || entry.previous_points
         || case entry.type when 'add' then ',"pointsAdded":' else ',"pointsRedeemed":' end
         || abs(entry.points) || ',"newPoints":' || entry.new_points || '}')::json,
        ('{"transactionId":' || entry.id || ',"points":' || entry.new_points
         || ',"remainingPoints":' || entry.new_points
         || case when cut then ',' || pos.inside(pos.note_warning(true)) else '' end
         || coalesce(',"possibleDuplicateOf":' || twin, '')
         || ',"customer":' || pos.till_customer(customer) || '}')::json);
end $$;

-- A move of the same key and device, of the same points, customer and order within ten minutes (or the tenant's own,
-- longer time): perhaps a till has repeated its request without a key. Looks at the last fifty entries; one that was reversed
-- since then was no mistake of the till's to repeat. Of an adjustment, the reason is the same as well.
create or replace function pos.loyalty_twin(c pos.context, customer pos.customers, change int, order_id text,
    kinds text[] default '{add,redeem}', why text default null) returns bigint
language plpgsql stable as $$
declare
    since timestamptz := now() - make_interval(secs => greatest(600, c.dedupe_seconds));
    twin bigint;
begin
    if customer.updated_at > since then
        select l.id into twin
          from (select t.id, t.entry_no, t.type, t.points, t.order_id, t.reason, t.lineage, t.device, t.created_at
                  from pos.pos_loyalty_transactions t
                 where t.tenant_id = c.tenant_id and t.customer_id = customer.id
                 order by t.entry_no desc limit 50) l
         where l.points = change and l.order_id is not distinct from loyalty_twin.order_id
           and l.type = any(kinds) and (why is null or l.reason = why)
           and l.lineage is not distinct from c.lineage and l.device is not distinct from c.device
           and l.created_at > since and pos.loyalty_reversal(c.tenant_id, l.id) is null
         order by l.entry_no desc limit 1;
    end if;
    return twin;
end $$;

-- The event's data. A change of points without an operation (a seed, an adjustment by SQL) is shown as add or redeem,
-- depending on its sign: the document has no other type.
create or replace function pos.loyalty_updated_data(entry pos.pos_loyalty_transactions, phone text) returns json
language sql stable parallel safe as $$
    select ('{"customerId":' || entry.customer_id
        || ',"customerPhone":' || to_json(coalesce(phone, ''))
        || ',"pointsChange":' || entry.points || ',"newBalance":' || entry.new_points
        || ',"transactionType":"' || case when entry.points > 0 then 'add' else 'redeem' end
        || '","reason":' || to_json(coalesce(entry.reason, ''))
        || ',"updatedAt":"' || pos.utc(entry.created_at) || '","transactionId":' || entry.id || '}')::json
$$;
