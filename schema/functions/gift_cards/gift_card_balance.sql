-- pos.gift_card_balance - GET /api/{tenant}/gift-cards/{cardNumber}/balance.
-- Caller: pos.call. Inputs: path.cardNumber, as find_gift_card reads it.
-- Answers: 200 {cardNumber, balance, status, expiryDate}; an active card that is past its date has the status
-- expired.
-- Refusals: 404 CARD_NOT_FOUND. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.gift_card_balance(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    card pos.gift_cards := pos.find_gift_card(c, c.path ->> 'cardNumber', false);
    documented json;
begin
    documented := row_to_json(b)
      from (select card.card_number as "cardNumber", card.current_balance as balance,
                   case when card.status = 'active' and card.expiry_date < pos.today(c.timezone)
                        then 'expired' else card.status end as status,
                   card.expiry_date as "expiryDate") b;
    return (200, pos.success(documented), null, c.tenant_id, false)::pos.answer;
end $$;
