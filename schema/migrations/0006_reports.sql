-- 0006_reports.sql - what tills report at the end of a day, and what devices did.
-- SPDX-License-Identifier: Apache-2.0

-- The newest revision of each day's report; register_id '' is the whole restaurant.
create table pos.pos_daily_reports (
    tenant_id       uuid not null references dinedesk_main.tenants,
    report_date     date not null,
    register_id     varchar(64) not null default '',
    revision        pos.positive_int not null,
    total_sales     pos.amount_total not null,
    total_orders    pos.natural_int not null,
    cash_sales      pos.amount_total not null,
    card_sales      pos.amount_total not null,
    gift_card_sales pos.amount_total not null,
    online_sales    pos.amount_total not null,
    discounts       pos.amount_total not null,
    refunds         pos.amount_total not null,
    net_sales       pos.amount_total not null,
    notes           varchar(2000),
    report          pos.object_json not null, -- all of it, as sent
    content_hash    pos.digest not null, -- an equal upload is recognised by it
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    primary key (tenant_id, report_date, register_id)
);

-- Every revision that was ever uploaded. Append-only.
create table pos.daily_report_revision (
    tenant_id   uuid not null,
    report_date date not null,
    register_id varchar(64) not null,
    revision    pos.positive_int not null,
    report      pos.object_json not null,
    key_id      uuid,
    device      varchar(128),
    request_id  varchar(128),
    created_at  timestamptz not null default clock_timestamp(),
    primary key (tenant_id, report_date, register_id, revision),
    foreign key (tenant_id, report_date, register_id) references pos.pos_daily_reports
);

-- Connects, disconnects, refused keys, deliveries: written in batches, off the hot path.
create table pos.pos_sync_logs (
    id        bigint generated always as identity primary key,
    at        timestamptz not null default clock_timestamp(),
    tenant_id uuid, -- null when nobody could tell
    instance  varchar(64),
    kind      varchar(64) not null,
    dialect   varchar(32),
    device    varchar(128),
    seq       bigint,
    count     pos.natural_int not null default 1,
    detail    json
);
create index pos_sync_logs_tenant on pos.pos_sync_logs (tenant_id, at);
create index pos_sync_logs_at on pos.pos_sync_logs using brin (at);
