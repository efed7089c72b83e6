-- 0025_indexes.sql - indexes that no statement takes: each costs every write. test/sql/plans_test.sql knows of all
-- others who needs them.
-- SPDX-License-Identifier: Apache-2.0

drop index pos.outbox_ready;
drop index pos.country_calling_code;
