-- pos.gift_card_balance - GET /api/{tenant}/gift-cards/{cardNumber}/balance.
-- Caller: pos.call. Inputs: path.cardNumber.
-- Answers: 200 {cardNumber, balance, status, expiryDate}; an active card that is past its date has the status
-- expired.
-- Refusals: 404 CARD_NOT_FOUND. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.gift_card_balance(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    documented json;
begin
    select row_to_json(b) into documented
      from (select g.card_number as "cardNumber", g.current_balance as balance,
                   case when g.status = 'active' and g.expiry_date < pos.today(c.timezone)
                        then 'expired' else g.status end as status,
                   g.expiry_date as "expiryDate"
              from pos.gift_cards g
             where g.tenant_id = c.tenant_id and g.card_number = c.path ->> 'cardNumber') b;
    if not found then
        perform pos.refuse(404, 'CARD_NOT_FOUND', 'No such gift card here. Check the number.');
    end if;
    return (200, pos.success(documented), null, c.tenant_id, false)::pos.answer;
end $$;
