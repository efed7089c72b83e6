-- pos.gift_card_deduct - POST /api/{tenant}/gift-cards/{cardNumber}/deduct.
-- Holds: gift_card_deducted, gift_card_twin, gift_card_repeated, gift_card_usable.
-- Caller: pos.call. Inputs: path.cardNumber, as find_gift_card reads it; amount > 0, orderId?, notes? (or reference?).
-- Answers: 200 {previousBalance, amountDeducted, newBalance, transactionId}, and added to them remainingBalance,
-- warnings?, possibleDuplicateOf?.
-- Refusals: 400 INVALID_AMOUNT, INVALID_ORDER_ID, INVALID_FIELD; 404 CARD_NOT_FOUND; 400 CARD_CLOSED, CARD_FROZEN,
-- CARD_NOT_ACTIVE, CARD_EXPIRED, INSUFFICIENT_FUNDS.
-- Locks: the card's row, then the stream. Events: gift_card.updated.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.gift_card_deduct(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    decimals int := pos.currency_decimals(c.currency);
    amount numeric := pos.read_money(body -> 'amount', 99999999.99, decimals);
    ordered record;
    noted record;
    card pos.gift_cards;
    entry pos.pos_gift_card_transactions;
    twin bigint;
begin
    if amount is null or amount <= 0 then
        perform pos.refuse_field('amount',
            format('The amount must be a number above 0 with at most %s decimals, up to 99999999.99.', decimals),
            'INVALID_AMOUNT');
    end if;
    ordered := pos.read_order_id(pos.either(body -> 'orderId', body -> 'order_reference'));
    noted := pos.read_note('notes', pos.either(body -> 'notes', body -> 'reference'));

    card := pos.find_gift_card(c, c.path ->> 'cardNumber', true);
    if c.idempotency_key is null then
        twin := pos.gift_card_twin(c, card, -amount, ordered.id);
        if twin is not null and c.dedupe_seconds > 0 then
            entry := pos.gift_card_repeated(c, twin);
            if entry.id is not null then
                return (200, pos.gift_card_deducted(entry, null, null), null, c.tenant_id, true)::pos.answer;
            end if;
        end if;
    end if;

    if card.status <> 'active' or card.expiry_date is not null then
        perform pos.gift_card_usable(card, c.timezone);
    end if;
    if card.current_balance < amount or card.held_until is not null then
        perform pos.gift_card_covers(card, amount);
    end if;

    with taken as (
        update pos.gift_cards g
           set current_balance = g.current_balance - amount, entries = g.entries + 1, updated_at = clock_timestamp()
         where g.tenant_id = c.tenant_id and g.card_number = card.card_number
        returning g.entries, g.current_balance)
    insert into pos.pos_gift_card_transactions (tenant_id, card_number, entry_no, type, amount,
        previous_balance, new_balance, order_id, order_id_json, notes,
        key_id, lineage, idempotency_key, device, request_id, occurred_at)
    select c.tenant_id, card.card_number, t.entries, 'deduct', -amount,
        card.current_balance, t.current_balance, ordered.id, ordered.shown, noted.note,
        c.key_id, c.lineage, c.idempotency_key, c.device, c.request_id, c.occurred_at
      from taken t
    returning * into entry;
    return (200, pos.gift_card_deducted(entry, noted.cut, twin),
            array[pos.emit(c.tenant_id, 'gift_card.updated', c.origin,
                           pos.gift_card_updated_data(entry, card.status))],
            c.tenant_id, false)::pos.answer;
end $$;

-- The answer to a deduct, from its ledger entry.
create or replace function pos.gift_card_deducted(entry pos.pos_gift_card_transactions, cut boolean,
    twin bigint) returns text
language sql stable parallel safe as $$
    select format('{"success":true,%1$s,"remainingBalance":%2$s%3$s%4$s,"data":{%1$s}}',
        '"previousBalance":' || entry.previous_balance || ',"amountDeducted":' || -entry.amount
            || ',"newBalance":' || entry.new_balance || ',"transactionId":' || entry.id,
        entry.new_balance, case when cut then ',' || pos.inside(pos.note_warning(true)) end, ',"possibleDuplicateOf":' || twin)
$$;

-- A deduct (or another kind of entry) of the same key and device, of the same amount, card and order within ten minutes (or the
-- tenant's own, longer time): perhaps a till has repeated its request without a key. What someone else has taken is no twin, or a
-- payment would be swallowed. Looks at the last fifty entries.
create or replace function pos.gift_card_twin(c pos.context, card pos.gift_cards, amount numeric, order_id text, kind text default 'deduct')
returns bigint
language plpgsql stable as $$
declare
    since timestamptz := now() - make_interval(secs => greatest(600, c.dedupe_seconds));
    twin bigint;
begin
    if card.updated_at > since then -- most cards have not been used for days
        select l.id into twin
          from (select t.id, t.entry_no, t.type, t.amount, t.order_id, t.lineage, t.device, t.created_at
                  from pos.pos_gift_card_transactions t
                 where t.tenant_id = c.tenant_id and t.card_number = card.card_number
                 order by t.entry_no desc limit 50) l
         where l.type = kind and l.amount = gift_card_twin.amount
           and l.order_id is not distinct from gift_card_twin.order_id
           and l.lineage is not distinct from c.lineage and l.device is not distinct from c.device
           and l.created_at > since
         order by l.entry_no desc limit 1;
    end if;
    return twin;
end $$;

-- The twin, if the request is to be answered as it was: the tenant wants that, and it stands. What was voided since was no mistake
-- of the till's to repeat.
create or replace function pos.gift_card_repeated(c pos.context, twin bigint) returns pos.pos_gift_card_transactions
language plpgsql stable as $$
declare
    entry pos.pos_gift_card_transactions;
begin
    select t.* into entry from pos.pos_gift_card_transactions t
     where t.id = twin and t.created_at > now() - make_interval(secs => c.dedupe_seconds)
       and not exists (select from pos.pos_gift_card_transactions v
                        where v.tenant_id = t.tenant_id and v.card_number = t.card_number and v.entry_no > t.entry_no and v.reverses = t.id);
    return entry;
end $$;

-- Refuses a card that is closed, frozen, not active or expired.
create or replace function pos.gift_card_usable(card pos.gift_cards, timezone text) returns void
language plpgsql stable as $$
begin
    case card.status
    when 'closed' then
        perform pos.refuse(400, 'CARD_CLOSED', 'This card is closed. Ask for another one.');
    when 'frozen' then
        perform pos.refuse(400, 'CARD_FROZEN', 'This card is frozen. The restaurant can unfreeze it.');
    when 'pending' then
        perform pos.refuse(400, 'CARD_NOT_ACTIVE', 'This card is not active yet. The restaurant can activate it.');
    else
        if card.expiry_date < pos.today(timezone) then
            perform pos.refuse(400, 'CARD_EXPIRED', 'This card is past its expiry date. Ask for another one.',
                               ('{"expiryDate":' || to_json(card.expiry_date) || '}')::json);
        end if;
    end case;
end $$;
