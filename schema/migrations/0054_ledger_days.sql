-- 0054_ledger_days.sql - the entries of a day are found without reading the whole ledger. Entries come in the order of their times,
-- so an index of a few pages will do, which a deduct does not write.
-- No transaction: writers go on while an index is built, and one whose building was interrupted is built anew.
-- SPDX-License-Identifier: Apache-2.0

drop index concurrently if exists pos.gift_card_transactions_at;
create index concurrently gift_card_transactions_at on pos.pos_gift_card_transactions using brin (created_at)
    with (pages_per_range = 32, autosummarize = on);
