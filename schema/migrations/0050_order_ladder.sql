-- 0050_order_ladder.sql - orders that nobody acknowledges, when an order will be ready, and how many tills hear of it.
-- SPDX-License-Identifier: Apache-2.0

-- Whether somebody is told of an online order that no device has acknowledged (orders/order_ladder). auto: from the first
-- acknowledgement by an order_ack on.
alter table dinedesk_main.tenants
    add column order_ladder varchar(8) not null default 'auto' check (order_ladder in ('off', 'auto', 'on')),
    add column order_ladder_rejects boolean not null default false; -- and cancels it in the end

-- Each order is made by somebody who knows it already.
alter type pos.context add attribute order_ladder text;

-- When the kitchen will have it ready, as the device that accepted it says.
alter table pos.order_ack add column ready_at timestamptz;

-- How many sessions of a restaurant hear its orders, at each gateway, which tells of it. Unlogged: after a crash they tell again.
create unlogged table pos.tills_online (
    tenant   uuid not null,
    gateway  uuid not null, -- of pos.process
    sessions int not null,
    primary key (tenant, gateway)
) with (fillfactor = 50);
