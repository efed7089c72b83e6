-- pos.gift_card_hold - POST /api/{tenant}/gift-cards/{cardNumber}/holds: money that is promised to an order for a while; and what
-- becomes of it: /holds/{holdId}/capture, /holds/{holdId}/release.
-- Holds: gift_card_capture, gift_card_release, hold_end.
-- Caller: pos.call. Inputs: path.cardNumber, as find_gift_card reads it; path.holdId; amount > 0 (of a capture: at most what is held,
-- and all of it when it is left out); orderId?; expiresIn?, whole seconds up to an hour, 900 when it is left out.
-- A hold is a promise that was made while the card was good: it can be captured after the card's last day, but not while the
-- card is frozen. What a capture leaves is released. A card has at most 100 open holds.
-- Answers: 201 {holdId, amount, available, expiresAt}; a capture: 201 {transactionId, holdId, amount, released, newBalance,
-- available}; a release: 200 {holdId, amount, available}.
-- Refusals: 400 INVALID_AMOUNT, INVALID_ORDER_ID, INVALID_FIELD; 404 CARD_NOT_FOUND, HOLD_NOT_FOUND; 400 CARD_CLOSED,
-- CARD_FROZEN, CARD_NOT_ACTIVE, CARD_EXPIRED, INSUFFICIENT_FUNDS; 409 TOO_MANY_HOLDS, HOLD_ENDED, HOLD_EXCEEDED.
-- Locks: the card's row, its holds, then the stream. Events: gift_card.hold; of a capture gift_card.updated with holdId. An audit row
-- for a release that was done in a console.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.gift_card_hold(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    amount numeric := pos.card_amount(c, body -> 'amount');
    ordered record := pos.read_order_id(body -> 'orderId');
    seconds numeric := pos.read_decimal(coalesce(pos.given(body -> 'expiresIn'), '900'));
    card pos.gift_cards;
    hold pos.gift_card_holds;
    available numeric;
begin
    if coalesce(seconds <> trunc(seconds) or seconds not between 1 and 3600, true) then
        perform pos.refuse_field('expiresIn', 'A hold lasts a whole number of seconds from 1 to 3600.');
    end if;
    card := pos.find_gift_card(c, c.path ->> 'cardNumber', true);
    perform pos.gift_card_usable(card, c.timezone);
    perform pos.gift_card_covers(card, amount, 'Hold at most that, or take the rest by other means.');
    if (select count(*) from pos.gift_card_holds h
         where h.tenant_id = c.tenant_id and h.card_number = card.card_number and h.state = 'open') >= 100 then
        perform pos.refuse(409, 'TOO_MANY_HOLDS', 'This card has 100 open holds. Capture or release some of them.');
    end if;
    insert into pos.gift_card_holds (tenant_id, card_number, amount, order_id, order_id_json, expires_at,
        key_id, lineage, device, request_id)
    values (c.tenant_id, card.card_number, amount, ordered.id, ordered.shown, clock_timestamp() + seconds * interval '1 s',
        c.key_id, c.lineage, c.device, c.request_id)
    returning * into hold;
    update pos.gift_cards g set held_until = greatest(g.held_until, hold.expires_at)
     where g.tenant_id = c.tenant_id and g.card_number = card.card_number
    returning g.* into card;
    available := card.current_balance - pos.gift_card_held_now(card);
    return (201, '{"success":true,"holdId":"' || hold.id || '","amount":' || hold.amount || ',"available":' || available
            || ',"expiresAt":"' || pos.utc(hold.expires_at) || '"}',
            array[pos.emit(c.tenant_id, 'gift_card.hold', c.origin, pos.hold_event_data(hold, available))],
            c.tenant_id, false)::pos.answer;
end $$;

-- Ends an open hold: captured is what was taken of it, or null. Answers it as it is then, and what is available of the card after that.
create or replace function pos.hold_end(given pos.gift_card_holds, taken numeric, out hold pos.gift_card_holds, out available numeric)
language plpgsql as $$
declare
    card pos.gift_cards;
begin
    update pos.gift_card_holds h
       set state = case when taken is null then 'released' else 'captured' end, captured = taken, ended_at = clock_timestamp()
     where h.id = given.id
    returning h.* into hold;
    update pos.gift_cards g
       set held_until = (select max(o.expires_at) from pos.gift_card_holds o
                          where o.tenant_id = given.tenant_id and o.card_number = given.card_number and o.state = 'open')
     where g.tenant_id = given.tenant_id and g.card_number = given.card_number
    returning g.* into card;
    available := card.current_balance - pos.gift_card_held_now(card);
end $$;

create or replace function pos.gift_card_capture(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    wanted numeric := case when pos.given(body -> 'amount') is not null then pos.card_amount(c, body -> 'amount') end;
    card pos.gift_cards := pos.find_gift_card(c, c.path ->> 'cardNumber', true);
    hold pos.gift_card_holds := pos.find_hold(c, card, c.path ->> 'holdId');
    entry pos.pos_gift_card_transactions;
    ended record;
begin
    if card.status <> 'active' then
        perform pos.gift_card_usable(card, c.timezone);
    end if;
    wanted := coalesce(wanted, hold.amount);
    if wanted > hold.amount then
        perform pos.refuse(409, 'HOLD_EXCEEDED', format(
            'This hold has %s. Capture at most that, and take the rest with a deduct.', hold.amount),
            ('{"held":' || hold.amount || '}')::json);
    end if;
    entry := pos.gift_card_entry('deduct', -wanted, null);
    entry.order_id := hold.order_id;
    entry.order_id_json := hold.order_id_json;
    entry.hold_id := hold.id;
    entry := pos.gift_card_move(c, card, entry);
    ended := pos.hold_end(hold, wanted);
    return (201, format('{"success":true,"transactionId":%s,"holdId":"%s","amount":%s,"released":%s,"newBalance":%s,"available":%s}',
                        entry.id, hold.id, wanted, hold.amount - wanted, entry.new_balance, ended.available),
            array[pos.emit(c.tenant_id, 'gift_card.updated', c.origin, pos.gift_card_corrected_data(entry, card.status))],
            c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.gift_card_release(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    card pos.gift_cards := pos.find_gift_card(c, c.path ->> 'cardNumber', true);
    ended record := pos.hold_end(pos.find_hold(c, card, c.path ->> 'holdId'), null);
begin
    c := pos.console_caller(c);
    perform pos.console_did(c, 'card.release', card.card_number, (ended.hold).amount::text);
    return (200, '{"success":true,"holdId":"' || (ended.hold).id || '","amount":' || (ended.hold).amount
            || ',"available":' || ended.available || '}',
            array[pos.emit(c.tenant_id, 'gift_card.hold', c.origin, pos.hold_event_data(ended.hold, ended.available))],
            c.tenant_id, false)::pos.answer;
end $$;
