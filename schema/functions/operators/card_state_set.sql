-- pos.card_state_set - an operator freezes a gift card, lets it be used again, or ends it.
-- Holds: card_shown, card_entries.
-- Caller: tillctl card. Inputs: the restaurant's slug, the card's number as find_gift_card reads it, what is to be done
-- (freeze, unfreeze, void), and why.
-- A card that is voided is closed and has no money left: the entry says how much it had.
-- Answers: card_state_set, card_shown: a row: the card as it is now; card_entries: a row an entry, the oldest first.
-- Refusals: 404 TENANT_NOT_FOUND, CARD_NOT_FOUND; 409 CARD_CLOSED, CARD_FROZEN, CARD_NOT_FROZEN, CARD_NOT_ACTIVE; 400 INVALID_FIELD.
-- Locks: the card's row, then the stream. Events: gift_card.updated; an audit row.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.card_state_set(slug text, number text, what text, why text) returns text
language plpgsql set tillwire.writer = 'function' as $$
declare
    c pos.context := pos.operator_context(slug);
    card pos.gift_cards := pos.find_gift_card(c, number, true);
    entry pos.pos_gift_card_transactions;
    lost numeric := case what when 'void' then card.current_balance else round(0::numeric, scale(card.current_balance)) end;
    becomes text := case what when 'freeze' then 'frozen' when 'unfreeze' then 'active' when 'void' then 'closed' end;
begin
    if coalesce(btrim(why), '') = '' or length(why) > 2000 then
        perform pos.refuse_field('reason', 'say why, in 1 to 2000 characters: it stands in the card''s ledger');
    elsif card.status = 'closed' then
        perform pos.refuse(409, 'CARD_CLOSED', 'this card is closed, for good');
    elsif what = 'freeze' and card.status = 'frozen' then
        perform pos.refuse(409, 'CARD_FROZEN', 'this card is frozen already');
    elsif what = 'freeze' and card.status <> 'active' then
        perform pos.refuse(409, 'CARD_NOT_ACTIVE', 'only an active card can be frozen; this one is ' || card.status);
    elsif what = 'unfreeze' and card.status <> 'frozen' then
        perform pos.refuse(409, 'CARD_NOT_FROZEN', 'this card is not frozen; it is ' || card.status);
    end if;
    update pos.gift_cards g
       set status = becomes, current_balance = g.current_balance - lost, entries = g.entries + 1, updated_at = clock_timestamp()
     where g.tenant_id = c.tenant_id and g.card_number = card.card_number;
    insert into pos.pos_gift_card_transactions (tenant_id, card_number, entry_no, type, amount, previous_balance, new_balance,
        notes, lineage, request_id)
    values (c.tenant_id, card.card_number, card.entries + 1, case when lost = 0 then 'status' else 'adjust' end, -lost,
        card.current_balance, card.current_balance - lost, pos.clean_text(why), c.lineage, c.request_id)
    returning * into entry;
    perform pos.operator_note(c.tenant_id, 'card.' || what, card.card_number, c.request_id || ' ' || why);
    perform pos.emit(c.tenant_id, 'gift_card.updated', c.origin, pos.gift_card_updated_data(entry, becomes));
    return card.card_number;
end $$;

-- An active card that is past its date is shown as expired.
create or replace function pos.card_shown(slug text, number text)
returns table (card_number text, status text, balance numeric, initial_balance numeric, currency text, expiry_date date,
    purchased_by text, recipient_name text, recipient_email text, purchased_at timestamptz, entries int, last_entry text)
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
    card pos.gift_cards;
    c pos.context;
begin
    c.tenant_id := tenant.id;
    card := pos.find_gift_card(c, number, false);
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
    device text, request_id text, id bigint)
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
    c pos.context;
    card pos.gift_cards;
begin
    c.tenant_id := tenant.id;
    card := pos.find_gift_card(c, number, false);
    return query
    select l.entry_no::int, date_trunc('second', l.created_at), l.type::text, l.amount::numeric, l.new_balance::numeric,
           l.order_id::text, l.notes::text, k.label::text, l.device::text, l.request_id::text, l.id
      from pos.pos_gift_card_transactions l
      left join pos.api_key k on k.id = l.key_id
     where l.tenant_id = tenant.id and l.card_number = card.card_number
     order by l.entry_no;
end $$;
