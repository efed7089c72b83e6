-- pos.find_gift_card - the card whose number a person typed, scanned or pasted.
-- Holds: typed_card_number.
-- Caller: the gift-card operations. Inputs: the context; the number as given; whether to lock the card's row.
-- Answers: find_gift_card: the card: the one of exactly this number, else the one whose number is the same without
-- case, blanks, hyphens and line ends. typed_card_number: what is compared then.
-- Refusals: 404 CARD_NOT_FOUND, also when several cards have such a number.
-- Locks: the card's row when `locking`. Events: none.
-- SPDX-License-Identifier: Apache-2.0

-- The index gift_cards_typed has the same expression.
create or replace function pos.typed_card_number(number text) returns text
language sql immutable parallel safe as $$
    select upper(translate(number, E' -\t\r\n\u00a0\u2010\u2011\u2012\u2013\u2014\u2212', ''))
$$;

create or replace function pos.find_gift_card(c pos.context, given text, locking boolean) returns pos.gift_cards
language plpgsql as $$
declare
    card pos.gift_cards;
    meant text;
begin
    if locking then
        select g.* into card from pos.gift_cards g where g.tenant_id = c.tenant_id and g.card_number = given
           for no key update;
    else
        select g.* into card from pos.gift_cards g where g.tenant_id = c.tenant_id and g.card_number = given;
    end if;
    if found then
        return card;
    end if;
    select case count(*) when 1 then min(l.card_number) end into meant
      from (select g.card_number::text from pos.gift_cards g
             where g.tenant_id = c.tenant_id and pos.typed_card_number(g.card_number) = pos.typed_card_number(given)
             limit 2) l;
    if meant is null then
        perform pos.refuse(404, 'CARD_NOT_FOUND', 'No such gift card here. Check the number.');
    end if;
    return pos.find_gift_card(c, meant, locking);
end $$;
