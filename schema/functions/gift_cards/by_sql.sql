-- gift_cards/by_sql - gift cards and their ledger, written by plain SQL. When one of the two is written, triggers
-- write the other, so that a balance is always the sum of its entries; the event is written at commit.
-- Holds: gift_card_by_sql, gift_card_by_sql_entry, gift_card_entry_by_sql, gift_card_entry_by_sql_balance,
-- gift_card_entry_event, gift_card_keeps_held.
-- Caller: triggers, for writers other than our own functions; `set tillwire.writer` keeps the two from triggering
-- each other.
-- Refusals: SQL errors: a card keeps its number and tenant; balances are never negative, and not below what is held for
-- orders; what is an answer to another entry or card (a void, a transfer, the capture of a hold) is written by operations alone.
-- Locks: the card's row, and its holds where it has some.
-- Events: gift_card.purchased, gift_card.updated.
-- SPDX-License-Identifier: Apache-2.0

-- What is held for orders is not taken by others.
create or replace function pos.gift_card_keeps_held(card pos.gift_cards, rest numeric) returns void
language plpgsql as $$
declare
    held numeric := pos.gift_card_held_now(card);
begin
    if rest < held then
        raise exception '% of this gift card are held for orders', held using errcode = 'check_violation',
            hint = 'Release the holds first, or wait until they have expired.';
    end if;
end $$;

-- Before a card is written.
create or replace function pos.gift_card_by_sql() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    decimals int := pos.tenant_decimals(new.tenant_id);
begin
    perform pos.tenant_is_here(new.tenant_id);
    new.initial_balance := round(new.initial_balance, decimals);
    new.current_balance := round(new.current_balance, decimals);
    if tg_op = 'INSERT' then
        new.initial_balance := coalesce(new.initial_balance, new.current_balance);
        new.current_balance := coalesce(new.current_balance,
            case when new.status = 'pending' then round(0::numeric, decimals) else new.initial_balance end);
        new.entries := 1;
        new.held_until := null;
    else
        if new.card_number <> old.card_number or new.tenant_id <> old.tenant_id then
            raise exception 'a gift card keeps its number' using errcode = 'restrict_violation';
        end if;
        new.entries := old.entries;
        new.held_until := old.held_until;
        if new.current_balance < old.current_balance or (new.status = 'closed' and old.status <> 'closed') then
            perform pos.gift_card_keeps_held(old, case when new.status = 'closed' then 0 else new.current_balance end);
        end if;
        if new.current_balance <> old.current_balance or new.status <> old.status
           or new.expiry_date is distinct from old.expiry_date then
            new.entries := old.entries + 1;
        end if;
        new.updated_at := clock_timestamp();
    end if;
    new.purchased_by := coalesce(pos.clean_text(new.purchased_by), '');
    new.recipient_name := coalesce(pos.clean_text(new.recipient_name), '');
    new.recipient_email := coalesce(pos.clean_text(new.recipient_email), '');
    return new;
end $$;

-- After a card is written: the entry that explains the balance.
create or replace function pos.gift_card_by_sql_entry() returns trigger
language plpgsql security definer set search_path = pos, pg_temp set tillwire.writer = 'trigger' as $$
begin
    if tg_op = 'INSERT' then
        insert into pos.pos_gift_card_transactions (tenant_id, card_number, entry_no, type, amount,
            previous_balance, new_balance)
        values (new.tenant_id, new.card_number, 1, 'issue', new.current_balance, round(0::numeric, scale(new.current_balance)),
            new.current_balance);
    elsif new.entries <> old.entries then
        insert into pos.pos_gift_card_transactions (tenant_id, card_number, entry_no, type, amount,
            previous_balance, new_balance)
        values (new.tenant_id, new.card_number, new.entries,
            case when new.current_balance = old.current_balance then 'status' else 'adjust' end,
            new.current_balance - old.current_balance, old.current_balance, new.current_balance);
    end if;
    return null;
end $$;

-- Before an entry is written: its place in the chain. The entries of one statement see each other, but the card's row
-- changes only after the statement.
create or replace function pos.gift_card_entry_by_sql() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    last_no int;
    last_balance numeric;
    decimals int := pos.tenant_decimals(new.tenant_id);
    card pos.gift_cards;
begin
    perform pos.tenant_is_here(new.tenant_id);
    if new.type in ('void', 'transfer') or new.reverses is not null or new.hold_id is not null or new.other_card is not null then
        raise exception 'an entry that answers another one is written by an operation' using errcode = 'restrict_violation',
            hint = 'Use tillctl card reverse or transfer, or the requests of docs/rest.md; or correct the balance with the type adjust.';
    end if;
    select g.* into card from pos.gift_cards g
      where g.tenant_id = new.tenant_id and g.card_number = new.card_number for no key update;
    select t.entry_no, t.new_balance into last_no, last_balance
      from pos.pos_gift_card_transactions t
     where t.tenant_id = new.tenant_id and t.card_number = new.card_number
     order by t.entry_no desc limit 1;
    new.entry_no := coalesce(last_no, 0) + 1;
    new.amount := round(new.amount, decimals);
    if not (case new.type when 'deduct' then new.amount < 0 when 'adjust' then new.amount <> 0 when 'status' then new.amount = 0
                         when 'issue' then new.amount >= 0 else new.amount > 0 end) then
        raise exception 'an entry of the type % cannot have the amount %', new.type, new.amount using errcode = 'check_violation',
            hint = 'What is taken from a card is negative (deduct), what is put on it is positive (refund, reload).';
    end if;
    new.previous_balance := coalesce(last_balance, round(0::numeric, decimals));
    new.new_balance := new.previous_balance + new.amount;
    if new.amount < 0 and card.held_until is not null then
        perform pos.gift_card_keeps_held(card, new.new_balance);
    end if;
    new.notes := pos.clean_text(new.notes);
    new.order_id_json := coalesce(new.order_id_json::json, to_json(new.order_id))::text;
    return new;
end $$;

-- After an entry is written: the card's balance.
create or replace function pos.gift_card_entry_by_sql_balance() returns trigger
language plpgsql security definer set search_path = pos, pg_temp set tillwire.writer = 'trigger' as $$
begin
    update pos.gift_cards g
       set current_balance = new.new_balance, entries = new.entry_no, updated_at = clock_timestamp()
     where g.tenant_id = new.tenant_id and g.card_number = new.card_number;
    return null;
end $$;

-- At commit: the entry's event.
create or replace function pos.gift_card_entry_event() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    card pos.gift_cards;
begin
    select g.* into card from pos.gift_cards g
     where g.tenant_id = new.tenant_id and g.card_number = new.card_number;
    if new.type = 'issue' then
        perform pos.outbox_add(new.tenant_id, 'gift_card.purchased', pos.gift_card_purchased_data(new, card));
    else
        perform pos.outbox_add(new.tenant_id, 'gift_card.updated', pos.gift_card_updated_data(new, card.status));
    end if;
    return null;
end $$;
