-- tills/till_cards - gift cards at the addresses and in the words of OrderWeb's tills.
-- Holds: till_card_lookup, till_card_redeem, till_card_balance, till_card.
-- Caller: pos.call. Inputs: till_card_lookup (POST /api/tenant/{tenant}/admin/gift-cards/lookup) {card_number};
-- till_card_redeem (POST …/redeem) {card_number, amount, description?, order_id?}; till_card_balance (POST
-- /api/{tenant}/gift-cards/balance) {code}.
-- Answers: till_card_lookup: 200 {gift_card: {card_number, balance, status, card_type, created_at, expiry_date}};
-- till_card_redeem: 200 {message, remaining_balance, amount_redeemed, previous_balance, transaction_id, …};
-- till_card_balance: 200 {code, balance, original_amount, status, created_at, expires_at}.
-- Refusals, locks, events: those of gift_card_balance and gift_card_deduct; 400 INVALID_FIELD without a number.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.till_card_lookup(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    card record;
begin
    card := pos.till_card(c, 'card_number', pos.either(body -> 'card_number', body -> 'cardNumber'));
    return (200, '{"success":true,"gift_card":' || row_to_json(g) || '}', null, c.tenant_id, false)::pos.answer
      from (select card.number as card_number, card.balance, card.status, 'digital' as card_type,
                   card.created_at, card.expiry_date) g;
end $$;

create or replace function pos.till_card_balance(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    card record;
begin
    card := pos.till_card(c, 'code', pos.either(body -> 'code', body -> 'card_number'));
    return (200, '{"success":true,' || pos.inside(row_to_json(g)) || '}', null, c.tenant_id, false)::pos.answer
      from (select card.number as code, card.balance, card.original as original_amount, card.status,
                   card.created_at, card.expiry_date as expires_at) g;
end $$;

create or replace function pos.till_card_redeem(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    number text := pos.read_label('card_number', pos.either(body -> 'card_number', body -> 'cardNumber'), 64);
    deducted pos.answer;
    said json;
begin
    if number is null then
        perform pos.refuse_field('card_number', 'Send the number of the card as "card_number".');
    end if;
    c.path := jsonb_build_object('cardNumber', number);
    deducted := pos.gift_card_deduct(c, ('{"amount":' || coalesce(body -> 'amount', 'null') || ',"notes":'
        || coalesce(body -> 'description', 'null') || ',"orderId":'
        || coalesce(pos.either(body -> 'order_id', body -> 'orderId'), 'null') || '}')::json);
    said := deducted.body::json;
    deducted.body := '{"success":true,"message":"Gift card redeemed successfully","remaining_balance":'
        || (said -> 'newBalance') || ',"amount_redeemed":' || (said -> 'amountDeducted')
        || ',"previous_balance":' || (said -> 'previousBalance') || ',"transaction_id":' || (said -> 'transactionId')
        || coalesce(',"possibleDuplicateOf":' || (said -> 'possibleDuplicateOf'), '')
        || coalesce(',"warnings":' || (said -> 'warnings'), '') || '}';
    return deducted;
end $$;

-- What gift_card_balance says of the card, and when it was made.
create or replace function pos.till_card(c pos.context, field text, given json, out number text, out balance numeric,
    out status text, out expiry_date text, out original numeric, out created_at text)
language plpgsql stable as $$
declare
    said json;
begin
    number := pos.read_label(field, given, 64);
    if number is null then
        perform pos.refuse_field(field, format('Send the number of the card as "%s".', field));
    end if;
    c.path := jsonb_build_object('cardNumber', number);
    said := (pos.gift_card_balance(c, null)).body::json;
    number := said ->> 'cardNumber';
    balance := (said ->> 'balance')::numeric;
    status := said ->> 'status';
    expiry_date := said ->> 'expiryDate';
    select g.initial_balance, pos.utc(g.purchased_at) into original, created_at
      from pos.gift_cards g where g.tenant_id = c.tenant_id and g.card_number = said ->> 'cardNumber';
end $$;
