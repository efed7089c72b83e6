-- 0011_names.sql - other names for a tenant, and tenants that let devices in without a key.
-- SPDX-License-Identifier: Apache-2.0

-- What a device's configuration calls its restaurant: "restaurant_123".
create table pos.tenant_alias (
    alias      varchar(200) primary key check (alias <> '' and alias !~ '[\x01-\x20\x7f]'),
    tenant_id  uuid not null references dinedesk_main.tenants,
    created_at timestamptz not null default clock_timestamp()
);
create index tenant_alias_tenant on pos.tenant_alias (tenant_id);

alter table dinedesk_main.tenants add column keyless boolean not null default false;
comment on column dinedesk_main.tenants.keyless is
    'unsafe: anybody who reaches the gateway is a device of this restaurant';
create index tenants_keyless on dinedesk_main.tenants (id) where keyless;
