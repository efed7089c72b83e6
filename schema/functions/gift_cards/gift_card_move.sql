-- pos.gift_card_move - changes a card's balance by one entry of its ledger.
-- Holds: gift_card_entry, key_is_of, card_amount, card_reason.
-- Caller: the gift-card operations but deduct and issue, which do it themselves, and card_change.
-- Inputs: the context; the card, whose row the caller has locked; the entry, of which type, amount (signed), order, notes, reverses,
-- hold_id and other_card count; the status that the card has then.
-- Answers: gift_card_move: the entry as it was written. gift_card_entry: the new entry to fill in. key_is_of: whether the request's key
-- has this scope; an operator has every scope. card_amount, card_reason: a field of the body.
-- Refusals: 400 BALANCE_TOO_HIGH; INVALID_AMOUNT, INVALID_FIELD. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.gift_card_entry(type text, amount numeric, notes text) returns pos.pos_gift_card_transactions
language plpgsql immutable parallel safe as $$
declare
    entry pos.pos_gift_card_transactions;
begin
    entry.type := type;
    entry.amount := amount;
    entry.notes := notes;
    return entry;
end $$;

create or replace function pos.gift_card_move(c pos.context, card pos.gift_cards, entry pos.pos_gift_card_transactions,
    becomes text default null) returns pos.pos_gift_card_transactions
language plpgsql as $$
declare
    written pos.pos_gift_card_transactions;
begin
    if card.current_balance + entry.amount > 99999999.99 then
        perform pos.refuse(400, 'BALANCE_TOO_HIGH', format(
            'The card has %s, and a card holds at most 99999999.99. Put the rest on another one.', card.current_balance),
            ('{"currentBalance":' || card.current_balance || '}')::json);
    end if;
    with moved as (
        update pos.gift_cards g
           set current_balance = g.current_balance + entry.amount, entries = g.entries + 1,
               status = coalesce(becomes, g.status), updated_at = clock_timestamp()
         where g.tenant_id = c.tenant_id and g.card_number = card.card_number
        returning g.entries, g.current_balance)
    insert into pos.pos_gift_card_transactions (tenant_id, card_number, entry_no, type, amount, previous_balance, new_balance,
        order_id, order_id_json, notes, key_id, lineage, idempotency_key, device, request_id, reverses, hold_id, other_card,
        occurred_at)
    select c.tenant_id, card.card_number, m.entries, entry.type, entry.amount, m.current_balance - entry.amount, m.current_balance,
        entry.order_id, entry.order_id_json, entry.notes, c.key_id, c.lineage, c.idempotency_key, c.device, c.request_id,
        entry.reverses, entry.hold_id, entry.other_card, c.occurred_at
      from moved m
    returning * into written;
    return written;
end $$;

create or replace function pos.key_is_of(c pos.context, scope text) returns boolean
language plpgsql stable as $$
begin
    return coalesce((select scope = any(k.scopes) from pos.api_key k where k.id = c.key_id),
                    c.lineage = pos.operator_lineage(c.tenant_id), false);
end $$;

create or replace function pos.card_amount(c pos.context, given json) returns numeric
language plpgsql stable as $$
declare
    decimals int := pos.currency_decimals(c.currency);
    amount numeric := pos.read_money(given, 99999999.99, decimals);
begin
    if amount is null or amount <= 0 then
        perform pos.refuse_field('amount',
            format('The amount must be a number above 0 with at most %s decimals, up to 99999999.99.', decimals),
            'INVALID_AMOUNT');
    end if;
    return amount;
end $$;

create or replace function pos.card_reason(given json) returns text
language plpgsql immutable as $$
declare
    reason text := btrim(pos.read_text('reason', given, 2000));
begin
    if coalesce(reason, '') = '' then
        perform pos.refuse_field('reason', 'Say why, in 1 to 2000 characters: it stands in the card''s ledger.');
    end if;
    return reason;
end $$;
