-- 0010_house.sql - the restaurant itself: floor, menu, stock, staff, printers, settings; who changed what.
-- SPDX-License-Identifier: Apache-2.0

-- What tablets and tills share. Each row has a version, the number of its changes, and for each field
-- that ever changed the version that did it. What we have no column for stays in details, as it came.
-- A deleted row stays, so that its version goes on.
create domain pos.row_id as varchar(64) check (value <> '');
create domain pos.stock_held as numeric(15,3) check (value >= 0 and value <= 999999999.999);
create domain pos.table_status as varchar(16) check (value in ('available', 'occupied', 'reserved', 'cleaning'));

create table pos.tables (
    tenant_id        uuid not null references dinedesk_main.tenants,
    id               pos.row_id not null default gen_random_uuid()::text,
    version          bigint not null default 1,
    number           varchar(32), -- or a name: "Terrace 4"
    seats            int check (seats between 0 and 1000),
    status           pos.table_status not null default 'available',
    order_id         varchar(64),
    customer         json,
    order_items      pos.array_json,
    order_total      pos.amount,
    reservation_time varchar(64), -- as the device wrote it
    details          pos.object_json not null default '{}',
    field_versions   json not null default '{}',
    created_at       timestamptz not null default clock_timestamp(),
    updated_at       timestamptz not null default clock_timestamp(),
    updated_by       varchar(128), -- the device
    deleted_at       timestamptz,
    primary key (tenant_id, id)
) with (fillfactor = 70);

create table pos.categories (
    tenant_id      uuid not null references dinedesk_main.tenants,
    id             varchar(200) not null check (id <> ''), -- its name
    version        bigint not null default 1,
    sort_order     int,
    details        pos.object_json not null default '{}',
    field_versions json not null default '{}',
    created_at     timestamptz not null default clock_timestamp(),
    updated_at     timestamptz not null default clock_timestamp(),
    updated_by     varchar(128),
    deleted_at     timestamptz,
    primary key (tenant_id, id)
);

create table pos.menu_items (
    tenant_id      uuid not null references dinedesk_main.tenants,
    id             pos.row_id not null default gen_random_uuid()::text,
    version        bigint not null default 1,
    name           varchar(200),
    description    varchar(4000),
    price          pos.amount,
    category       varchar(200),
    image          text, -- an address, or the picture itself as a data: address
    available      boolean not null default true,
    details        pos.object_json not null default '{}',
    field_versions json not null default '{}',
    created_at     timestamptz not null default clock_timestamp(),
    updated_at     timestamptz not null default clock_timestamp(),
    updated_by     varchar(128),
    deleted_at     timestamptz,
    primary key (tenant_id, id)
);

create table pos.inventory (
    tenant_id           uuid not null references dinedesk_main.tenants,
    id                  pos.row_id not null default gen_random_uuid()::text,
    version             bigint not null default 1,
    name                varchar(200),
    category            varchar(200),
    unit                varchar(32),
    stock               pos.stock_held,
    low_stock_threshold pos.stock_held,
    low_stock_alert     boolean not null default false, -- somebody said so, and it has not been filled up since
    details             pos.object_json not null default '{}',
    field_versions      json not null default '{}',
    created_at          timestamptz not null default clock_timestamp(),
    updated_at          timestamptz not null default clock_timestamp(),
    updated_by          varchar(128),
    deleted_at          timestamptz,
    primary key (tenant_id, id)
) with (fillfactor = 70);

-- Never a password, PIN or token: pos.without_secrets takes them out before anything is stored.
create table pos.staff (
    tenant_id      uuid not null references dinedesk_main.tenants,
    id             pos.row_id not null default gen_random_uuid()::text,
    version        bigint not null default 1,
    name           varchar(200),
    role           varchar(32),
    active         boolean not null default true,
    details        pos.object_json not null default '{}',
    field_versions json not null default '{}',
    created_at     timestamptz not null default clock_timestamp(),
    updated_at     timestamptz not null default clock_timestamp(),
    updated_by     varchar(128),
    deleted_at     timestamptz,
    primary key (tenant_id, id)
);

create table pos.printers (
    tenant_id      uuid not null references dinedesk_main.tenants,
    id             pos.row_id not null default gen_random_uuid()::text,
    version        bigint not null default 1,
    name           varchar(200),
    type           varchar(64),
    status         varchar(32),
    configuration  json,
    assignment     json,
    details        pos.object_json not null default '{}',
    field_versions json not null default '{}',
    created_at     timestamptz not null default clock_timestamp(),
    updated_at     timestamptz not null default clock_timestamp(),
    updated_by     varchar(128),
    deleted_at     timestamptz,
    primary key (tenant_id, id)
);

-- One row a tenant; every setting is one of its details.
create table pos.restaurant_settings (
    tenant_id      uuid not null references dinedesk_main.tenants,
    id             varchar(64) not null default 'settings' check (id = 'settings'),
    version        bigint not null default 1,
    details        pos.object_json not null default '{}',
    field_versions json not null default '{}',
    created_at     timestamptz not null default clock_timestamp(),
    updated_at     timestamptz not null default clock_timestamp(),
    updated_by     varchar(128),
    deleted_at     timestamptz,
    primary key (tenant_id, id)
);

-- Orders have the same.
alter table pos.orders
    add column version        bigint not null default 1,
    add column field_versions json not null default '{}';
-- What changed last: tablets show the newest of all, tills those of the last day.
create index orders_touched on pos.orders (tenant_id, updated_at);

-- A tablet's "clear history" hides orders, and deletes none.
create table pos.order_history_mark (
    tenant_id  uuid primary key references dinedesk_main.tenants,
    since      timestamptz not null default '-infinity',
    updated_by varchar(128)
);

-- Who changed what of the house. Kept for 30 days.
create table pos.sync_log (
    id        bigint generated always as identity primary key,
    at        timestamptz not null default clock_timestamp(),
    tenant_id uuid not null,
    type      varchar(32) not null,
    action    varchar(64) not null,
    row_id    varchar(200),
    version   bigint,
    client_id varchar(128), -- null: somebody by plain SQL
    data      json not null -- the fields that changed, without secrets
);
create index sync_log_tenant on pos.sync_log (tenant_id, at);
create index sync_log_at on pos.sync_log (at);

-- What minipos_state and cloudsync_data answered last. After an outage all devices of a restaurant ask
-- for the same; it is good as long as the stream's head is the same. Nothing is lost with it.
create unlogged table pos.state_shown (
    tenant_id uuid not null,
    dialect   varchar(16) not null,
    head      bigint not null,
    at        timestamptz not null default clock_timestamp(),
    body      text not null,
    primary key (tenant_id, dialect)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50,
        toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 5000);
alter table pos.state_shown alter column body set storage external; -- read far more often than written

-- Changes that carried an id, so that a repeat is known as one. Kept for 48 hours.
create table pos.change_seen (
    tenant_id uuid not null,
    change_id varchar(200) not null,
    kind      varchar(32) not null,
    row_id    varchar(200) not null,
    at        timestamptz not null default clock_timestamp(),
    primary key (tenant_id, change_id, kind, row_id)
);
create index change_seen_at on pos.change_seen (at);

-- One change of a batch, as house_change works on it.
create type pos.house_step as (
    kind       text,
    action     text,
    id         text,
    shown      text,    -- the id as JSON, of an order
    change_id  text,
    seen       bigint,  -- the version that the device saw
    deletes    boolean,
    renews     boolean, -- a deleted row starts afresh
    names      text[],  -- stored names …
    vals       text[],  -- … and their new values as JSON, null to take one away
    body       json,    -- of an order: its fields as REST names them, but its lines
    lines      json,    -- of an order: what the device said of its lines
    wanted     text,    -- of an order: its status, in the dialect's word
    warning    text,
    result     text,
    version    bigint,
    seq        text
);
