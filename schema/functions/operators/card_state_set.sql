-- pos.card_state_set - an operator freezes a gift card, lets it be used again, or ends it.
-- Holds: card_named, card_shown, card_entries.
-- Caller: tillctl card. Inputs: the restaurant's slug, the card's number as find_gift_card reads it, what is to be done
-- (freeze, unfreeze, void), and why (gift_cards/card_change).
-- Answers: card_state_set, card_shown: a row: the card as it is now; card_entries: a row an entry, the oldest first.
-- Refusals: 404 TENANT_NOT_FOUND, CARD_NOT_FOUND; 409 CARD_CLOSED, CARD_FROZEN, CARD_NOT_FROZEN, CARD_NOT_ACTIVE; 400 INVALID_FIELD.
-- Locks: the card's row, then the stream. Events: gift_card.updated; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.card_state_set(slug text, number text, what text, why text) returns text
language plpgsql set tillwire.writer = 'function' as $$
declare
    c pos.context := pos.operator_context(slug);
    changed record := pos.card_change(c, number, what, why);
begin
    perform pos.operator_note(c.tenant_id, 'card.' || what, (changed.card).card_number, c.request_id || ' ' || why);
    return (changed.card).card_number;
end $$;

create or replace function pos.card_named(slug text, number text) returns pos.gift_cards
language plpgsql as $$
declare
    c pos.context;
begin
    c.tenant_id := (pos.operator_tenant(slug)).id;
    return pos.find_gift_card(c, number, false);
end $$;

-- An active card that is past its date is shown as expired.
create or replace function pos.card_shown(slug text, number text)
returns table (card_number text, status text, balance numeric, initial_balance numeric, currency text, expiry_date date,
    purchased_by text, recipient_name text, recipient_email text, purchased_at timestamptz, entries int, last_entry text)
language plpgsql as $$
declare
    card pos.gift_cards := pos.card_named(slug, number);
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
begin
    return query
    select card.card_number::text,
           case when card.status = 'active' and card.expiry_date < pos.today(tenant.timezone) then 'expired' else card.status::text end,
           card.current_balance::numeric, card.initial_balance::numeric, tenant.currency, card.expiry_date,
           card.purchased_by::text, card.recipient_name::text, card.recipient_email::text, date_trunc('second', card.purchased_at),
           card.entries::int,
           (select concat_ws(' ', l.type, l.amount, 'at', pos.utc(l.created_at), '(' || l.notes || ')')
              from pos.pos_gift_card_transactions l
             where l.tenant_id = tenant.id and l.card_number = card.card_number and l.entry_no = card.entries);
end $$;

create or replace function pos.card_entries(slug text, number text)
returns table (entry int, at timestamptz, type text, amount numeric, balance numeric, order_id text, notes text, key text,
    device text, request_id text, id bigint, reverses bigint, reversed numeric)
language plpgsql as $$
declare
    card pos.gift_cards := pos.card_named(slug, number);
begin
    return query
    select (l.entry).entry_no::int, date_trunc('second', (l.entry).created_at), (l.entry).type::text, (l.entry).amount::numeric,
           (l.entry).new_balance::numeric, (l.entry).order_id::text, (l.entry).notes::text, k.label::text, (l.entry).device::text,
           (l.entry).request_id::text, (l.entry).id, (l.entry).reverses, nullif(l.reversed, 0)
      from pos.gift_card_entries(card, null, null) l
      left join pos.api_key k on k.id = (l.entry).key_id
     order by (l.entry).entry_no;
end $$;
