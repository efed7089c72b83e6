-- pos.gift_card_freeze - POST /api/{tenant}/gift-cards/{cardNumber}/freeze; and /unfreeze, /close.
-- Holds: gift_card_unfreeze, gift_card_close, gift_card_changed.
-- Caller: pos.call. A till may freeze a card that a customer has lost; the others are the platform's. Inputs: path.cardNumber, as
-- find_gift_card reads it; reason; of a close refundTo?, how the customer gets back what was on it: we move no money, it
-- stands in the ledger behind the reason.
-- Answers: 200 {cardNumber, status, balance, transactionId}; of a close also amount, what was on it, and refundTo.
-- Refusals, locks, events: those of card_change; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.gift_card_changed(c pos.context, what text, why text, more text default '') returns pos.answer
language plpgsql as $$
declare
    changed record := pos.card_change(pos.console_caller(c), c.path ->> 'cardNumber', what, why);
begin
    perform pos.console_note(c, 'card.' || what, (changed.card).card_number, concat_ws(' ', c.request_id, why));
    return (200, '{"success":true,"cardNumber":' || to_json((changed.card).card_number) || ',"status":"' || (changed.card).status
            || '","balance":' || (changed.card).current_balance || ',"transactionId":' || (changed.entry).id
            || case what when 'void' then ',"amount":' || abs((changed.entry).amount) else '' end || more || '}',
            array[changed.event], c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.gift_card_freeze(c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    return pos.gift_card_changed(c, 'freeze', pos.card_reason(body -> 'reason'));
end $$;

create or replace function pos.gift_card_unfreeze(c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    return pos.gift_card_changed(c, 'unfreeze', pos.card_reason(body -> 'reason'));
end $$;

create or replace function pos.gift_card_close(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    reason text := pos.card_reason(body -> 'reason');
    refund_to text := nullif(btrim(pos.read_text('refundTo', body -> 'refundTo', 200)), '');
begin
    return pos.gift_card_changed(c, 'void', left(reason || coalesce(' (paid back: ' || refund_to || ')', ''), 2000),
                                 ',"refundTo":' || coalesce(to_json(refund_to)::text, 'null'));
end $$;
