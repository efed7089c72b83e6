-- 0026_checks.sql - constraints that PostgreSQL reads anew for each entry (a quarter of its cost) and that only a writer by
-- plain SQL could break: his triggers compute the chain, and now look at the sign as well. pos.violations lists breaches.
-- SPDX-License-Identifier: Apache-2.0

alter table pos.pos_gift_card_transactions
    drop constraint pos_gift_card_transactions_check,
    drop constraint pos_gift_card_transactions_check1;
alter table pos.pos_loyalty_transactions
    drop constraint pos_loyalty_transactions_check,
    drop constraint pos_loyalty_transactions_check1;
alter table pos.stream drop constraint stream_check;
