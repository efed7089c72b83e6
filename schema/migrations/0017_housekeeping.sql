-- 0017_housekeeping.sql - what is deleted is found by an index.
-- SPDX-License-Identifier: Apache-2.0

-- The api's own tries (pos.call marks their keys); they are kept for minutes, other answers for days.
create index idempotency_attempts on pos.idempotency (created_at) where left(key, 1) = E'\x01';
