-- 0024_lists.sql - long lists of cloud sync devices, while they are being settled.
-- SPDX-License-Identifier: Apache-2.0

-- What is left of a list that one transaction does not settle: it is looked at once, not again with each part. Unlogged:
-- a device sends its list again until it is settled, so nothing is lost with this.
create unlogged table pos.list_left (
    tenant_id uuid not null references dinedesk_main.tenants,
    list_id   uuid not null,
    n         int not null, -- its place in the list
    change    json not null,
    work      int not null, -- see pos.cloudsync_work
    at        timestamptz not null default clock_timestamp(),
    primary key (tenant_id, list_id, n)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, -- rows stay for seconds
        toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 1000);
create index list_left_at on pos.list_left (at);
