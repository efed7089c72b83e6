-- 0009_attempts.sql - which try an answer was given to: the api may itself send a request again, and what
-- it then gets is no replay to its client.
-- SPDX-License-Identifier: Apache-2.0

alter table pos.idempotency add column attempt varchar(64);
