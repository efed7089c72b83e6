-- 0002_event_log.sql - the heart: every change that a client may see, in its order.
-- SPDX-License-Identifier: Apache-2.0

-- One row a tenant. Taking head + 1 under this row's lock, as the last thing a transaction does,
-- makes seq gapless and its order the commit order.
create table pos.stream (
    tenant_id uuid primary key references dinedesk_main.tenants,
    head      bigint not null default 0, -- last seq written
    oldest    bigint not null default 1, -- smallest seq still kept, or head + 1
    check (oldest between 1 and head + 1)
) with (fillfactor = 40); -- the row moves within its page, so that no index is touched

-- Partitioned by day: old days are dropped, not deleted. (tenant_id, seq) is unique by the stream
-- row; the key needs `at` because it is what the table is divided by.
create table pos.event (
    tenant_id uuid not null,
    seq       bigint not null,
    type      varchar(64) not null,
    at        timestamptz not null,
    origin    json not null,
    data      json not null,
    external  boolean not null, -- written by plain SQL: the bridge has to publish it
    primary key (tenant_id, seq, at)
) partition by range (at);

-- What has no day of its own lands here: an insert never fails for want of a partition.
create table pos.event_default partition of pos.event default;

create index event_external on pos.event (at) where external;

-- One row: up to when the bridge knows that everything external has been published.
create table pos.relay (
    only_row  boolean primary key default true check (only_row),
    watermark timestamptz not null default '-infinity'
);
insert into pos.relay default values;
