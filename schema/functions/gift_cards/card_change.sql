-- pos.card_change - somebody freezes a gift card, lets it be used again, or ends it.
-- Caller: card_state_set (an operator), the console. Inputs: who asks; the card's number as find_gift_card reads it; what
-- is to be done (freeze, unfreeze, void), and why.
-- A card that is voided is closed and has no money left: the entry says how much it had.
-- Answers: the card as it is now, and the event.
-- Refusals: 404 CARD_NOT_FOUND; 409 CARD_CLOSED, CARD_FROZEN, CARD_NOT_FROZEN, CARD_NOT_ACTIVE; 400 INVALID_FIELD.
-- Locks: the card's row, then the stream. Events: gift_card.updated.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.card_change(c pos.context, number text, what text, why text, out card pos.gift_cards, out event text)
language plpgsql as $$
declare
    entry pos.pos_gift_card_transactions;
    lost numeric;
    becomes text := case what when 'freeze' then 'frozen' when 'unfreeze' then 'active' when 'void' then 'closed' end;
begin
    card := pos.find_gift_card(c, number, true);
    lost := case what when 'void' then card.current_balance else round(0::numeric, scale(card.current_balance)) end;
    if coalesce(btrim(why), '') = '' or length(why) > 2000 then
        perform pos.refuse_field('reason', 'Say why, in 1 to 2000 characters: it stands in the card''s ledger.');
    elsif card.status = 'closed' then
        perform pos.refuse(409, 'CARD_CLOSED', 'This card is closed, for good.');
    elsif what = 'freeze' and card.status = 'frozen' then
        perform pos.refuse(409, 'CARD_FROZEN', 'This card is frozen already.');
    elsif what = 'freeze' and card.status <> 'active' then
        perform pos.refuse(409, 'CARD_NOT_ACTIVE', 'Only an active card can be frozen. This one is ' || card.status || '.');
    elsif what = 'unfreeze' and card.status <> 'frozen' then
        perform pos.refuse(409, 'CARD_NOT_FROZEN', 'This card is not frozen. It is ' || card.status || '.');
    end if;
    update pos.gift_cards g
       set status = becomes, current_balance = g.current_balance - lost, entries = g.entries + 1, updated_at = clock_timestamp()
     where g.tenant_id = c.tenant_id and g.card_number = card.card_number
    returning g.* into card;
    insert into pos.pos_gift_card_transactions (tenant_id, card_number, entry_no, type, amount, previous_balance, new_balance,
        notes, key_id, lineage, idempotency_key, device, request_id)
    values (c.tenant_id, card.card_number, card.entries, case when lost = 0 then 'status' else 'adjust' end, -lost,
        card.current_balance + lost, card.current_balance, pos.clean_text(why), c.key_id, c.lineage, c.idempotency_key, c.device, c.request_id)
    returning * into entry;
    event := pos.emit(c.tenant_id, 'gift_card.updated', c.origin, pos.gift_card_updated_data(entry, becomes));
end $$;
