-- 0057_acking_device.sql - which devices acknowledge orders by order_ack.
-- SPDX-License-Identifier: Apache-2.0

-- An order that nobody acknowledges is offered to them again, also when they have connected anew (orders/order_ladder).
create table pos.acking_device (
    tenant_id uuid not null references dinedesk_main.tenants,
    device    varchar(128) not null check (device <> ''),
    at        timestamptz not null default clock_timestamp(), -- the last time, but for an hour
    primary key (tenant_id, device)
);
