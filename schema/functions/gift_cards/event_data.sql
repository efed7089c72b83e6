-- gift_cards/event_data - what the events of a gift card contain.
-- Holds: gift_card_updated_data, gift_card_corrected_data, gift_card_purchased_data.
-- Caller: the gift-card operations, the ledger's trigger. Inputs: the ledger entry, the card.
-- Answers: the event's data. Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

-- An expression that PostgreSQL puts into the functions that use it.
create or replace function pos.gift_card_updated_data(entry pos.pos_gift_card_transactions, status text)
returns json
language sql stable parallel safe as $$
    select ('{"cardNumber":' || to_json(entry.card_number) || ',"balance":' || entry.new_balance
        || ',"amount":' || entry.amount || ',"transactionId":' || entry.id
        || ',"orderId":' || coalesce(entry.order_id_json, 'null')
        || ',"status":"' || status || '","updatedAt":"' || pos.utc(entry.created_at) || '"}')::json
$$;

-- The same, and what the entry belongs to. A deduct by itself belongs to nothing, so it does not ask.
create or replace function pos.gift_card_corrected_data(entry pos.pos_gift_card_transactions, status text) returns json
language plpgsql stable as $$
begin
    return rtrim(pos.gift_card_updated_data(entry, status)::text, '}')
        || coalesce(',"reverses":' || entry.reverses, '') || coalesce(',"holdId":"' || entry.hold_id || '"', '')
        || coalesce(',"otherCard":' || to_json(entry.other_card), '') || '}';
end $$;

create or replace function pos.gift_card_purchased_data(entry pos.pos_gift_card_transactions, card pos.gift_cards)
returns json
language plpgsql stable as $$
begin
    return row_to_json(d) from (select
        card.card_number as "cardNumber", card.initial_balance as "initialBalance",
        entry.new_balance as "currentBalance", card.purchased_by as "purchasedBy",
        card.recipient_name as "recipientName", card.recipient_email as "recipientEmail",
        card.expiry_date as "expiryDate", pos.utc(card.purchased_at) as "purchasedAt",
        entry.id as "transactionId") d;
end $$;
