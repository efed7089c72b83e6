-- 0055_offline.sql - what a till did while it was offline, and sends later.
-- SPDX-License-Identifier: Apache-2.0

-- When the till did it, by its own clock; null: when the entry was made. It decides the business date, and nothing else:
-- entries are in the order in which they came.
alter table pos.pos_gift_card_transactions add column occurred_at timestamptz;
alter table pos.pos_loyalty_transactions add column occurred_at timestamptz;

-- Null unless the operation came in a batch that says so.
alter type pos.context add attribute occurred_at timestamptz;
