-- console/console_gift_cards - gift cards, their ledgers, and what may be done about them.
-- Holds: console_gift_cards, console_gift_card, console_gift_card_freeze, console_gift_card_unfreeze, console_gift_card_void,
-- console_card, console_holds, console_ledger_by, console_gift_card_change.
-- Caller: pos.call, for GET /api/{tenant}/console/gift-cards, /gift-cards/{cardNumber}, and POST /freeze, /unfreeze, /void
-- below it. Inputs: query.limit, after (of the list: the number of the last card); path.cardNumber, as find_gift_card
-- reads it; reason, which stands in the ledger.
-- Answers: console_gift_cards: 200 {cards: [card], next}, by number. console_gift_card: 200 {card, holds: [{id, amount, orderId, at,
-- expiresAt, by}], ledger: [{id, type, amount, balanceAfter, orderId, at, by, reason, reverses, reversed, remaining, holdId, otherCard}],
-- next}: the open holds, the next to expire first, and the newest entry first. `reversed` is what of an entry was taken back,
-- `remaining` what still can be, as gift_card_void does it; null: it is nothing that is taken back. The actions: 200 {card}.
-- Refusals: 400 INVALID_FIELD; 404 CARD_NOT_FOUND; 409 CARD_CLOSED, CARD_FROZEN, CARD_NOT_FROZEN, CARD_NOT_ACTIVE.
-- Locks: the actions: the card's row, then the stream. Events: gift_card.updated; an audit row for each action.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.console_card(c pos.context, card pos.gift_cards) returns json
language plpgsql stable as $$
begin
    return row_to_json(r) from (select card.card_number as "cardNumber",
        case when card.status = 'active' and card.expiry_date < pos.today(c.timezone) then 'expired' else card.status end as status,
        card.current_balance as balance, round(h.held, scale(card.current_balance)) as held, card.current_balance - h.held as available,
        card.initial_balance as "initialBalance", c.currency as currency,
        card.expiry_date as "expiryDate", card.recipient_name as "recipientName", pos.utc(card.purchased_at) as "issuedAt",
        pos.utc((select max(l.created_at) from pos.pos_gift_card_transactions l
                  where l.tenant_id = card.tenant_id and l.card_number = card.card_number and l.entry_no = card.entries)) as "lastUsedAt"
      from (select pos.gift_card_held_now(card) as held) h) r;
end $$;

create or replace function pos.console_holds(card pos.gift_cards) returns json
language plpgsql stable as $$
begin
    return array_to_json(array(select row_to_json(r) from (
        select h.id, h.amount, h.order_id_json::json as "orderId", pos.utc(h.created_at) as at, pos.utc(h.expires_at) as "expiresAt",
               pos.console_ledger_by(h.tenant_id, h.key_id, h.lineage, h.device) as by
          from pos.gift_card_holds h
         where h.tenant_id = card.tenant_id and h.card_number = card.card_number and h.state = 'open' and h.expires_at > clock_timestamp()
         order by h.expires_at, h.id limit 100) r));
end $$;

-- Who made an entry of a ledger.
create or replace function pos.console_ledger_by(owner uuid, key_id uuid, lineage uuid, device text) returns text
language plpgsql stable as $$
begin
    return coalesce((select k.label || coalesce(', ' || nullif(console_ledger_by.device, ''), '') from pos.api_key k where k.id = key_id),
                    case when lineage = pos.operator_lineage(owner) then 'operator' when lineage is null then 'SQL'
                         else coalesce(nullif(device, ''), 'token') end);
end $$;

create or replace function pos.console_gift_cards(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    most int := pos.console_limit(c);
    after text := coalesce(c.query ->> 'after', '');
    page record;
begin
    perform pos.console_look(c, 'gift_cards');
    if length(after) > 64 then
        perform pos.refuse_field('after', 'Say as "after" what the list before has said as "next", or leave it out.');
    end if;
    select g.list, g.next into page
      from (select array_agg(pos.console_card(c, k) order by k.card_number) as rows, array_agg(k.card_number::text order by k.card_number) as places
              from (select i.* from pos.gift_cards i
                     where i.tenant_id = c.tenant_id and i.card_number > after::varchar
                     order by i.card_number limit most + 1) k) l,
           lateral pos.console_page(l.rows, l.places, most) g;
    return pos.console_answer(c, row_to_json(a)) from (select page.list as cards, page.next as next) a;
end $$;

create or replace function pos.console_gift_card(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    most int := pos.console_limit(c);
    after bigint[] := pos.console_after(c, 1);
    card pos.gift_cards;
    page record;
begin
    perform pos.console_look(c, 'gift_card');
    card := pos.find_gift_card(c, c.path ->> 'cardNumber', false);
    select g.list, g.next into page
      from (select array_agg((select row_to_json(x) from (
                       select e.id, e.type, e.amount, e.new_balance as "balanceAfter", e.order_id_json::json as "orderId", pos.utc(e.created_at) as at,
                              pos.console_ledger_by(e.tenant_id, e.key_id, e.lineage, e.device) as by, e.notes as reason, e.reverses,
                              round(l.reversed, scale(e.amount)) as reversed,
                              case when e.type in ('deduct', 'reload', 'refund') then abs(e.amount) - l.reversed end as remaining,
                              e.hold_id as "holdId", e.other_card as "otherCard") x)
                             order by e.entry_no desc) as rows, array_agg(e.entry_no::text order by e.entry_no desc) as places
              from pos.gift_card_entries(card, least(after[1], 2147483647)::int, most + 1) l, lateral (select (l.entry).*) e) l,
           lateral pos.console_page(l.rows, l.places, most) g;
    return pos.console_answer(c, row_to_json(a)) from (select pos.console_card(c, card) as card, pos.console_holds(card) as holds, page.list as ledger, page.next as next) a;
end $$;

create or replace function pos.console_gift_card_change(c pos.context, what text, body json) returns pos.answer
language plpgsql as $$
declare
    changed record;
begin
    c := pos.console_origin(c);
    changed := pos.card_change(c, c.path ->> 'cardNumber', what, pos.read_text('reason', body -> 'reason', 2000));
    perform pos.console_note(c, 'card.' || what, (changed.card).card_number, concat_ws(' ', c.request_id, body ->> 'reason'));
    return pos.console_answer(c, ('{"card":' || pos.console_card(c, changed.card) || '}')::json, 200, array[changed.event]);
end $$;

create or replace function pos.console_gift_card_freeze(c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    return pos.console_gift_card_change(c, 'freeze', body);
end $$;

create or replace function pos.console_gift_card_unfreeze(c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    return pos.console_gift_card_change(c, 'unfreeze', body);
end $$;

create or replace function pos.console_gift_card_void(c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    return pos.console_gift_card_change(c, 'void', body);
end $$;
