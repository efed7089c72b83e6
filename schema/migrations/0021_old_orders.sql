-- 0021_old_orders.sql - how long finished orders are kept.
-- SPDX-License-Identifier: Apache-2.0

alter table pos.setting
    add column order_retention interval check (order_retention >= interval '1 day'); -- null: for ever

-- What is looked for, however many orders there are.
create index orders_finished on pos.orders (updated_at) where status in ('completed', 'cancelled', 'rejected');
