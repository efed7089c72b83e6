-- invariants.sql - one row for each breach of what ledgers and log promise; no rows when all is well.
-- SPDX-License-Identifier: Apache-2.0
--
-- Balance = sum of the ledger, never negative, entries chained and numbered without gaps, at most
-- one entry a key, one event an entry, each tenant's stream gapless up to its head. The query is the
-- view pos.violations (schema/views.sql), so that an operator can ask it too.
select v.what, v.tenant_id, v.subject, v.detail from pos.violations v order by 1, 2, 3;
