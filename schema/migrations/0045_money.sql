-- 0045_money.sql - gift cards: entries that reverse others, transfers, holds, and refunds at the till.
-- SPDX-License-Identifier: Apache-2.0

-- Wider than before, so no row has to be looked at.
alter domain pos.card_entry_type drop constraint card_entry_type_check;
alter domain pos.card_entry_type add constraint card_entry_type_check
    check (value in ('issue', 'deduct', 'refund', 'reload', 'adjust', 'status', 'void', 'transfer')) not valid;

-- Plain types: a domain with a check would have the whole ledger written anew. No foreign keys: they would be looked up for
-- every entry, also where there is nothing; pos.laws_broken lists what they would find.
alter table pos.pos_gift_card_transactions
    add column reverses bigint,         -- the entry of the same card that this one takes back, wholly or in part
    add column hold_id uuid,            -- the hold that was captured by this entry
    add column other_card varchar(64);  -- of a transfer: where the money went, or came from
-- No index: each deduct would pay for it. What has been taken back of an entry stands behind it in its card's own ledger, and what
-- happened on a day, in those of the cards that were touched since.

-- When the last of the card's open holds ends, or later; null: it has none. A card without holds is charged as if there were
-- no holds at all.
alter table pos.gift_cards add column held_until timestamptz;

-- Money that is promised to an order. An open hold whose time is over is none: no job has to run first.
create domain pos.hold_state as varchar(16) check (value in ('open', 'captured', 'released', 'expired'));
create table pos.gift_card_holds (
    id            uuid primary key default gen_random_uuid(),
    tenant_id     uuid not null,
    card_number   pos.card_number not null,
    state         pos.hold_state not null default 'open',
    amount        pos.amount not null check (amount > 0),
    captured      pos.amount check (captured > 0 and captured <= amount),
    order_id      pos.order_id,
    order_id_json varchar(400),
    created_at    timestamptz not null default clock_timestamp(),
    expires_at    timestamptz not null,
    ended_at      timestamptz,
    key_id        uuid,
    lineage       uuid,
    device        varchar(128),
    request_id    varchar(128),
    foreign key (tenant_id, card_number) references pos.gift_cards,
    check ((state = 'open') = (ended_at is null) and (state = 'captured') = (captured is not null))
) with (fillfactor = 80);
create index gift_card_holds_card on pos.gift_card_holds (tenant_id, card_number, created_at);
create index gift_card_holds_ended on pos.gift_card_holds (expires_at) where state <> 'captured';

-- What keys with the scope pos may put on cards by refunds in a day, all of them together. Null: nothing.
alter table dinedesk_main.tenants
    add column till_refunds_a_day numeric check (till_refunds_a_day > 0 and till_refunds_a_day <= 99999999.99 and scale(till_refunds_a_day) <= 3);
