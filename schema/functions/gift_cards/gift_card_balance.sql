-- pos.gift_card_balance - GET /api/{tenant}/gift-cards/{cardNumber}/balance.
-- Caller: pos.call. Inputs: path.cardNumber, as find_gift_card reads it.
-- Answers: 200 {cardNumber, balance, status, expiryDate}, and added to them held, available: available is what a deduct may
-- take, the balance less what open holds have. An active card that is past its date has the status expired.
-- Refusals: 404 CARD_NOT_FOUND. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.gift_card_balance(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    card pos.gift_cards := pos.find_gift_card(c, c.path ->> 'cardNumber', false);
    held numeric := round(pos.gift_card_held_now(card), scale(card.current_balance));
    shown text := '"cardNumber":' || to_json(card.card_number) || ',"balance":' || card.current_balance || ',"status":"' || case
            when card.status = 'active' and card.expiry_date < pos.today(c.timezone) then 'expired' else card.status end
        || '","expiryDate":' || coalesce(to_json(card.expiry_date)::text, 'null');
begin
    return (200, '{"success":true,' || shown || ',"held":' || held || ',"available":' || card.current_balance - held
        || ',"data":{' || shown || '}}', null, c.tenant_id, false)::pos.answer;
end $$;
