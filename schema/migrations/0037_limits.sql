-- 0037_limits.sql - how often a restaurant may ask, and how many processes share that.
-- SPDX-License-Identifier: Apache-2.0

-- Requests of all its keys, tokens and devices, over all apis. Null: what the apis' settings say.
alter table dinedesk_main.tenants
    add column rate_per_second int check (rate_per_second between 1 and 100000),
    add column rate_burst int check (rate_burst between 1 and 1000000),
    add constraint tenants_rate_check check ((rate_per_second is null) = (rate_burst is null));
create index tenants_rated on dinedesk_main.tenants (id) where rate_per_second is not null;

-- The apis that serve now: each says so every few seconds. Unlogged: after a crash they say it again.
create unlogged table pos.api_process (
    id      uuid primary key,
    seen_at timestamptz not null default clock_timestamp()
);
