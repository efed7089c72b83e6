-- 0027_order_filters.sql - each filter of GET /api/v1/orders has an index: without one a type that no order has walked
-- through all orders that a restaurant ever had.
-- No transaction: writers go on while an index is built, and one whose building was interrupted is built anew.
-- SPDX-License-Identifier: Apache-2.0

drop index concurrently if exists pos.orders_by_type;
create index concurrently orders_by_type on pos.orders (tenant_id, order_type, status, created_at);
drop index concurrently if exists pos.orders_by_table;
create index concurrently orders_by_table on pos.orders (tenant_id, table_number, status, created_at) where table_number is not null;
