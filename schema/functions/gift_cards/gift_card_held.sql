-- pos.gift_card_held - what of a card's balance is promised to orders.
-- Holds: gift_card_held_now, gift_card_covers, gift_card_without_holds, hold_event_data, find_hold.
-- Caller: the operations of gift cards. Inputs: the card, whose row the caller has locked, except for gift_card_held_now.
-- Answers: gift_card_held: the sum of the open holds; those whose time is over are marked as expired first, so that none
-- comes back when a clock is set back, and held_until of the card's row is put right. gift_card_held_now: the same for a
-- reader, who writes nothing. hold_event_data: what gift_card.hold says. find_hold: the hold, locked.
-- Refusals: gift_card_covers: 400 INSUFFICIENT_FUNDS, when less than the amount is available; `advice` says what to do then. gift_card_without_holds: 409
-- CARD_HAS_HOLDS, when there is an open one. find_hold: 404 HOLD_NOT_FOUND, also for one of another card or restaurant; 409
-- HOLD_ENDED, when it was captured, released or has expired.
-- Locks: the card's holds. Events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.gift_card_held(card pos.gift_cards) returns numeric
language plpgsql as $$
declare
    held numeric;
    until timestamptz;
begin
    if card.held_until is null then
        return 0;
    end if;
    update pos.gift_card_holds h set state = 'expired', ended_at = h.expires_at
     where h.tenant_id = card.tenant_id and h.card_number = card.card_number
       and h.state = 'open' and h.expires_at <= clock_timestamp();
    select coalesce(sum(h.amount), 0), max(h.expires_at) into held, until
      from pos.gift_card_holds h
     where h.tenant_id = card.tenant_id and h.card_number = card.card_number and h.state = 'open';
    if until is distinct from card.held_until then
        update pos.gift_cards g set held_until = until
         where g.tenant_id = card.tenant_id and g.card_number = card.card_number;
    end if;
    return held;
end $$;

create or replace function pos.gift_card_held_now(card pos.gift_cards) returns numeric
language plpgsql stable as $$
begin
    if card.held_until is null then
        return 0;
    end if;
    return coalesce((select sum(h.amount) from pos.gift_card_holds h
                      where h.tenant_id = card.tenant_id and h.card_number = card.card_number
                        and h.state = 'open' and h.expires_at > clock_timestamp()), 0);
end $$;

create or replace function pos.gift_card_covers(card pos.gift_cards, amount numeric,
    advice text default 'Deduct at most that, or take the rest by other means.') returns void
language plpgsql as $$
declare
    held numeric := pos.gift_card_held(card);
    available numeric := card.current_balance - held;
begin
    if available >= amount then
        return;
    end if;
    -- Tills take what currentBalance says, so it is what they can take.
    perform pos.refuse(400, 'INSUFFICIENT_FUNDS',
        case when held = 0
             then format('The card has %s left. %s', available, advice)
             else format('The card has %s, of which %s are held for orders, so %s are left. %s',
                         card.current_balance, held, available, advice) end,
        ('{"currentBalance":' || available || ',"shortfall":' || (amount - available)
            || case when held > 0 then ',"balance":' || card.current_balance || ',"held":' || held else '' end || '}')::json);
end $$;

create or replace function pos.gift_card_without_holds(card pos.gift_cards) returns void
language plpgsql as $$
declare
    held numeric := pos.gift_card_held(card);
begin
    if held > 0 then
        perform pos.refuse(409, 'CARD_HAS_HOLDS',
            format('%s of this card are held for orders. Capture or release the holds first, or wait until they have expired.', held),
            ('{"held":' || held || ',"holds":' || (
                select json_agg(h.id order by h.created_at) from pos.gift_card_holds h
                 where h.tenant_id = card.tenant_id and h.card_number = card.card_number and h.state = 'open') || '}')::json);
    end if;
end $$;

create or replace function pos.hold_event_data(hold pos.gift_card_holds, available numeric) returns json
language plpgsql stable as $$
begin
    return '{"cardNumber":' || to_json(hold.card_number) || ',"holdId":"' || hold.id || '","state":"' || hold.state
        || '","amount":' || hold.amount || ',"available":' || available
        || ',"orderId":' || coalesce(hold.order_id_json, 'null')
        || ',"expiresAt":"' || pos.utc(hold.expires_at)
        || '","updatedAt":"' || pos.utc(coalesce(hold.ended_at, hold.created_at)) || '"}';
end $$;

create or replace function pos.find_hold(c pos.context, card pos.gift_cards, given text) returns pos.gift_card_holds
language plpgsql as $$
declare
    hold pos.gift_card_holds;
begin
    if given ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        perform pos.gift_card_held(card);
        select h.* into hold from pos.gift_card_holds h
         where h.id = given::uuid and h.tenant_id = c.tenant_id and h.card_number = card.card_number
           for no key update;
    end if;
    if hold.id is null then
        perform pos.refuse(404, 'HOLD_NOT_FOUND', 'This card has no such hold. Take holdId from the answer that made it.');
    elsif hold.state <> 'open' then
        perform pos.refuse(409, 'HOLD_ENDED', case hold.state
            when 'captured' then 'This hold has been captured. Look at the card''s transactions.'
            when 'released' then 'This hold has been released. Make a new one, or deduct.'
            else 'This hold has expired. Make a new one, or deduct.' end,
            ('{"state":"' || hold.state || '","endedAt":"' || pos.utc(hold.ended_at) || '"}')::json);
    end if;
    return hold;
end $$;
