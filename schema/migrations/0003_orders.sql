-- 0003_orders.sql - orders, and how each came to its status.
-- SPDX-License-Identifier: Apache-2.0

-- A web shop may write here by plain SQL: tenant_id, customer_name, total_amount and items are
-- enough, triggers.sql fills in the rest, and the event follows at commit.
create domain pos.order_status as varchar(20) check (value in ('new', 'pending', 'confirmed', 'preparing',
    'ready', 'picked_up', 'out_for_delivery', 'served', 'completed', 'cancelled', 'rejected'));
create domain pos.order_word as varchar(32) check (value <> '');

create table pos.orders (
    tenant_id            uuid not null references dinedesk_main.tenants,
    id                   pos.order_id not null default gen_random_uuid()::text,
    id_json              varchar(400) not null, -- as the creator wrote it: "0012345", 12345
    order_number         varchar(64) not null,
    customer_name        pos.short_text not null,
    customer_phone       varchar(64), -- as given, only shown
    order_type           pos.order_word not null default 'pickup',
    order_source         pos.order_word not null default 'online',
    status               pos.order_status not null default 'new',
    total_amount         pos.amount not null,
    items                pos.array_json not null,
    special_instructions varchar(2000),
    scheduled_for        timestamptz,
    table_number         pos.order_word,
    details              pos.object_json not null default '{}', -- what the creator sent besides
    created_at           timestamptz not null default now(),
    updated_at           timestamptz not null default now(),
    primary key (tenant_id, id)
);
create index orders_open on pos.orders (tenant_id, created_at)
    where order_source = 'online' and status in ('new', 'pending', 'confirmed', 'preparing');
create index orders_by_status on pos.orders (tenant_id, status, created_at);

create table pos.order_status_history (
    id         bigint generated always as identity primary key,
    tenant_id  uuid not null,
    order_id   pos.order_id not null,
    at         timestamptz not null default clock_timestamp(),
    previous   pos.order_status, -- null: the order came into being
    status     pos.order_status not null,
    reason     varchar(2000),
    updated_by varchar(200),
    key_id     uuid,
    device     varchar(128),
    request_id varchar(128)
);
create index order_status_history_order on pos.order_status_history (tenant_id, order_id, id);
