-- 0008_restaurant_os.sql - tokens instead of keys, and the orders of a table.
-- SPDX-License-Identifier: Apache-2.0

-- A tenant's own secret for signed tokens (JWT, HS256). Kept as it is: a signature is checked with
-- it. No role reads this table; two of them ask pos.token_tenant.
create table pos.token_secret (
    tenant_id  uuid primary key references dinedesk_main.tenants,
    secret     text not null check (length(secret) between 32 and 1024),
    updated_at timestamptz not null default clock_timestamp()
);

-- Who a token speaks for; null with a key.
alter type pos.context add attribute subject text;

-- What is still open at a table: few rows, whatever the table has seen.
create index orders_of_table on pos.orders (tenant_id, table_number, created_at)
    where table_number is not null and status not in ('completed', 'cancelled', 'rejected');
