-- 0028_archive.sql - finished orders that nothing has happened to for long: kept, and out of everybody's way.
-- SPDX-License-Identifier: Apache-2.0

alter table pos.setting
    add column order_archive interval default '400 days' check (order_archive >= interval '1 day'); -- null: never

-- The columns of an order, behind what belongs to the archive: with one index instead of eleven, and its history beside it,
-- an order takes half the space. A migration that adds a column to pos.orders adds it here.
create table pos.order_archive (
    archived_at timestamptz not null default now(),
    cleared     boolean not null,
    history     json, -- rows of order_status_history, without what is empty
    acks        json, -- rows of order_ack
    like pos.orders,
    primary key (tenant_id, id)
);
-- They come in the order of their times, nearly.
create index order_archive_updated on pos.order_archive using brin (updated_at) with (autosummarize = on);
