-- 0048_reversed_once.sql - an entry of points is reversed whole, and once. Other entries do not write this index.
-- No transaction: writers go on while an index is built, and one whose building was interrupted is built anew.
-- SPDX-License-Identifier: Apache-2.0

drop index concurrently if exists pos.loyalty_transactions_reverses;
create unique index concurrently loyalty_transactions_reverses on pos.pos_loyalty_transactions (tenant_id, reverses)
    where reverses is not null;
