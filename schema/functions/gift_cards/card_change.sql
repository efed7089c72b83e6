-- pos.card_change - somebody freezes a gift card, lets it be used again, or ends it.
-- Caller: gift_card_freeze, gift_card_unfreeze, gift_card_close, card_state_set (an operator), the console. Inputs: who asks; the
-- card's number as find_gift_card reads it; what is to be done (freeze, unfreeze, void), and why.
-- A card that is voided is closed and has no money left: the entry says how much it had. While some of it is held for an
-- order, it is not closed; it can be frozen, and then its holds can be released but not captured.
-- Answers: the card as it is now, the entry, and the event.
-- Refusals: 404 CARD_NOT_FOUND; 409 CARD_CLOSED, CARD_FROZEN, CARD_NOT_FROZEN, CARD_NOT_ACTIVE, CARD_HAS_HOLDS; 400 INVALID_FIELD.
-- Locks: the card's row, its holds, then the stream. Events: gift_card.updated.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.card_change(c pos.context, number text, what text, why text, out card pos.gift_cards,
    out entry pos.pos_gift_card_transactions, out event text)
language plpgsql as $$
declare
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
    elsif what = 'void' then
        perform pos.gift_card_without_holds(card);
    end if;
    entry := pos.gift_card_move(c, card,
        pos.gift_card_entry(case when lost = 0 then 'status' else 'adjust' end, -lost, pos.clean_text(why)), becomes);
    card := pos.find_gift_card(c, card.card_number, false);
    event := pos.emit(c.tenant_id, 'gift_card.updated', c.origin, pos.gift_card_updated_data(entry, becomes));
end $$;
