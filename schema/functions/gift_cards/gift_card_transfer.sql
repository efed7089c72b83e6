-- pos.gift_card_transfer - POST /api/{tenant}/gift-cards/{cardNumber}/transfer: a lost card. What it has moves to a new number, and it
-- is closed, in one transaction.
-- Holds: card_number_given.
-- Caller: pos.call, tillctl card transfer. Inputs: path.cardNumber, as find_gift_card reads it; to?, the new number (one is made
-- when it is left out); reason?.
-- The new card is active, and has the expiry date and the names of the old one. A frozen card, which is often frozen because
-- it was lost, is transferred by a key with the scope platform or
-- console:write. Open holds name the old card: they have to end first.
-- Answers: 201 {cardNumber, from, amount, newBalance, transactionId}: of the new card.
-- Refusals: 400 INVALID_FIELD; 404 CARD_NOT_FOUND; 400 CARD_CLOSED, CARD_FROZEN, CARD_NOT_ACTIVE, CARD_EXPIRED; 409
-- CARD_HAS_HOLDS, CARD_EXISTS.
-- Locks: the old card's row, its holds, the new card's, then the stream. Nobody else has the new card, so the order of the numbers
-- does not matter. An audit row. Events: gift_card.updated twice, with otherCard: of the old card and of the new one, which was not sold.
-- SPDX-License-Identifier: Apache-2.0

-- The number that a new card is to have; null when none was given. Two numbers that a person takes for one are one.
create or replace function pos.card_number_given(c pos.context, field text, given json) returns text
language plpgsql stable as $$
declare
    number text := nullif(btrim(pos.read_label(field, given, 200), E' \t\r\n'), '');
begin
    if number !~ '^[A-Za-z0-9][A-Za-z0-9-]{3,63}$' then
        perform pos.refuse_field(field, 'A card number has 4 to 64 letters, digits and hyphens.');
    elsif exists (select 1 from pos.gift_cards g where g.tenant_id = c.tenant_id
                     and pos.typed_card_number(g.card_number) = pos.typed_card_number(number)) then
        perform pos.refuse(409, 'CARD_EXISTS', 'There is a card of this number already. Choose another one.');
    end if;
    return number;
end $$;

create or replace function pos.gift_card_transfer(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    reason text := coalesce(nullif(btrim(pos.read_text('reason', body -> 'reason', 2000)), ''), 'lost');
    number text;
    old_card pos.gift_cards := pos.find_gift_card(c, c.path ->> 'cardNumber', true);
    new_card pos.gift_cards;
    entry pos.pos_gift_card_transactions;
    went pos.pos_gift_card_transactions;
    came pos.pos_gift_card_transactions;
begin
    c := pos.console_caller(c);
    if old_card.status <> 'frozen' or not (pos.key_is_of(c, 'platform') or pos.key_is_of(c, 'console:write')) then
        perform pos.gift_card_usable(old_card, c.timezone);
    end if;
    number := coalesce(pos.card_number_given(c, 'to', body -> 'to'), pos.card_number_make());
    perform pos.gift_card_without_holds(old_card);
    insert into pos.gift_cards (tenant_id, card_number, initial_balance, current_balance, expiry_date,
        purchased_by, recipient_name, recipient_email, entries)
    values (c.tenant_id, number, old_card.current_balance, round(0::numeric, scale(old_card.current_balance)), old_card.expiry_date,
        old_card.purchased_by, old_card.recipient_name, old_card.recipient_email, 0)
    on conflict do nothing
    returning * into new_card;
    if new_card.card_number is null then
        perform pos.refuse(409, 'CARD_EXISTS', 'There is a card of this number already. Choose another one.');
    end if;
    entry := pos.gift_card_entry('transfer', -old_card.current_balance, reason);
    entry.other_card := new_card.card_number;
    went := pos.gift_card_move(c, old_card, entry, 'closed');
    entry := pos.gift_card_entry('transfer', old_card.current_balance, reason);
    entry.other_card := old_card.card_number;
    c.idempotency_key := null; -- one entry of the ledger has it
    came := pos.gift_card_move(c, new_card, entry);
    if c.key_id is not null then -- an operator's call is noted by operator_call
        perform pos.console_note(c, 'card.transfer', old_card.card_number, concat_ws(' ', c.request_id, 'to', number, reason));
    end if;
    return (201, '{"success":true,"cardNumber":' || to_json(new_card.card_number) || ',"from":' || to_json(old_card.card_number)
            || ',"amount":' || came.amount || ',"newBalance":' || came.new_balance || ',"transactionId":' || came.id || '}',
            array[pos.emit(c.tenant_id, 'gift_card.updated', c.origin, pos.gift_card_corrected_data(went, 'closed')),
                  pos.emit(c.tenant_id, 'gift_card.updated', c.origin, pos.gift_card_corrected_data(came, new_card.status))],
            c.tenant_id, false)::pos.answer;
end $$;
