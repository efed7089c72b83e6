-- 0053_menu_and_day.sql - when a restaurant's day begins, what of its menu is sold out and until when, and restaurants to try
-- things in.
-- SPDX-License-Identifier: Apache-2.0

alter table dinedesk_main.tenants
    -- A sale before this time of day is yesterday's.
    add column day_start time not null default '05:00' check (day_start between '00:00' and '12:00'),
    -- Nobody eats there: integrators try their tills.
    add column sandbox boolean not null default false,
    -- It has items that are counted: only its orders look whether they name one.
    add column counts_items boolean not null default false;

alter type pos.context
    add attribute day_start time,
    add attribute counts_items boolean;

-- What somebody said about an item of the menu, while it holds: not now, not before a time, or so many and no more. Orders take
-- from the quantity, so it is not in the item's row, whose versions devices are told.
create table pos.menu_state (
    tenant_id    uuid not null references dinedesk_main.tenants,
    item_id      pos.row_id not null,
    is_available boolean not null,
    until        timestamptz,                            -- it ends then, and the item is to be had
    reason       varchar(200),
    quantity     numeric(12,3) check (quantity >= 0),    -- left of it; null: nobody counts
    version      bigint not null,                        -- of the item, when this was said
    said_at      timestamptz not null default clock_timestamp(),
    primary key (tenant_id, item_id)
) with (fillfactor = 50);
