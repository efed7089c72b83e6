-- wait.sql - migrate waits until another one has finished. It asks again and again: a statement that waits for a lock
-- has a snapshot, and the other one, when it builds an index concurrently, waits for all who have one.
-- SPDX-License-Identifier: Apache-2.0
select pg_sleep(1) \g /dev/null
select not pg_try_advisory_lock(7214460002) as waits \gset
\if :waits
\i wait.sql
\endif
