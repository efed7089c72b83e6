-- 0016_inputs.sql - amounts with the decimals of their currency; card numbers as people type them.
-- SPDX-License-Identifier: Apache-2.0

-- Views of the columns that change. views.sql makes them again.
drop view if exists pos.violations, pos.order_history;

-- Yen have no decimals and Kuwaiti dinars three (ISO 4217), so a type cannot say how many there are: an amount keeps
-- those that it was written with, and the functions and triggers that write it round it first.
alter domain pos.amount rename to amount_two;
alter domain pos.amount_change rename to amount_change_two;
alter domain pos.amount_total rename to amount_total_two;
create domain pos.amount as numeric
    check (value >= 0 and value <= 99999999.99 and scale(value) <= 3);
create domain pos.amount_change as numeric
    check (value >= -99999999.99 and value <= 99999999.99 and scale(value) <= 3);
create domain pos.amount_total as numeric
    check (value >= -9999999999.99 and value <= 9999999999.99 and scale(value) <= 3);
alter table pos.orders alter column total_amount type pos.amount;
alter table pos.tables alter column order_total type pos.amount;
alter table pos.menu_items alter column price type pos.amount;
alter table pos.gift_cards
    alter column initial_balance type pos.amount,
    alter column current_balance type pos.amount;
alter table pos.pos_gift_card_transactions
    alter column amount type pos.amount_change,
    alter column previous_balance type pos.amount,
    alter column new_balance type pos.amount;
alter table pos.customers
    alter column total_spent drop default,
    alter column total_spent type pos.amount_total,
    alter column total_spent set default 0.00;
alter table pos.pos_daily_reports
    alter column total_sales type pos.amount_total,
    alter column cash_sales type pos.amount_total,
    alter column card_sales type pos.amount_total,
    alter column gift_card_sales type pos.amount_total,
    alter column online_sales type pos.amount_total,
    alter column discounts type pos.amount_total,
    alter column refunds type pos.amount_total,
    alter column net_sales type pos.amount_total;
drop domain pos.amount_two, pos.amount_change_two, pos.amount_total_two;

-- The expression of pos.typed_card_number.
create index gift_cards_typed on pos.gift_cards
    (tenant_id, upper(translate(card_number::text, E' -\t\r\n\u00a0\u2010\u2011\u2012\u2013\u2014\u2212', '')));
