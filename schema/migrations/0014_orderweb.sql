-- 0014_orderweb.sql - what OrderWeb's tills need: profiles of keys, acknowledgements, lists that drain, repeated orders.
-- SPDX-License-Identifier: Apache-2.0

-- In which words and types a key's client is answered; pos.profiles() has them.
alter table pos.api_key add column profile varchar(32) not null default 'default';

-- What the acknowledgements of an order come to: its paper, and since when a device is known to have it. Null: none.
alter table pos.orders
    add column print_status varchar(16) check (print_status in ('received', 'queued', 'printed', 'failed')),
    add column acknowledged_at timestamptz;

-- orders_pull: what changed, oldest change first; and what no device has yet.
create index orders_pulled on pos.orders (tenant_id, status, updated_at, id) where order_source = 'online';
create index orders_unacknowledged on pos.orders (tenant_id, status, updated_at, id)
    where order_source = 'online' and acknowledged_at is null;
-- Some tills acknowledge the number that is printed on the ticket.
create index orders_by_number on pos.orders (tenant_id, order_number);

-- What a device said about an order: each of it is a fact, once.
create table pos.order_ack (
    tenant_id  uuid not null,
    order_id   pos.order_id not null,
    device     varchar(128) not null, -- '': it did not say
    state      varchar(16) not null check (state in ('received', 'queued', 'printed', 'failed', 'accepted', 'rejected')),
    at         timestamptz not null, -- by the device's clock, if it said
    reason     varchar(2000),
    detail     pos.object_json not null default '{}', -- what it sent besides
    key_id     uuid,
    request_id varchar(128),
    created_at timestamptz not null default clock_timestamp(),
    primary key (tenant_id, order_id, device, state),
    foreign key (tenant_id, order_id) references pos.orders on delete cascade
);

-- The names that a shop gave to an order (its number, its id elsewhere) and what it sent then: a repeat is recognised
-- by them for a day.
create table pos.order_given (
    tenant_id    uuid not null,
    name         varchar(100) not null, -- 'number <orderNumber>', 'external <externalId>'
    order_id     pos.order_id not null,
    content_hash pos.digest not null,
    at           timestamptz not null default clock_timestamp(),
    primary key (tenant_id, name, order_id)
);
create index order_given_at on pos.order_given (at);

-- Tills that say that they are there.
create table pos.till (
    tenant_id      uuid not null references dinedesk_main.tenants,
    device         varchar(128) not null check (device <> ''),
    status         varchar(32) not null,
    pending_acks   int,
    pending_orders int,
    last_print_at  timestamptz,
    seen_at        timestamptz not null default clock_timestamp(),
    primary key (tenant_id, device)
) with (fillfactor = 50);
