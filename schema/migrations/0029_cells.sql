-- 0029_cells.sql - several databases beside each other, and restaurants that move between them.
-- SPDX-License-Identifier: Apache-2.0

-- Which cell this database is. Numbers that clients are shown (transactions) never meet those of another cell.
alter table pos.setting
    add column cell int not null default 0 check (cell between 0 and 9000);

-- leaving: its sockets go; frozen: its rows are copied to another cell; left: they are there; arriving: they are copied here.
alter table dinedesk_main.tenants add column moving_to int; -- the cell, of one that is leaving, frozen or left
create index tenants_moving on dinedesk_main.tenants (id) where status not in ('active', 'suspended');
alter table dinedesk_main.tenants drop constraint tenants_status_check;
alter table dinedesk_main.tenants
    add constraint tenants_status_check check (status in ('active', 'suspended', 'leaving', 'frozen', 'left', 'arriving'));
