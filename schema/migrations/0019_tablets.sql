-- 0019_tablets.sql - lists that were handed over, pictures, and what tablets must not mix up.
-- SPDX-License-Identifier: Apache-2.0

-- Tablets have lists of their own and take a list that they are sent as the whole truth. A list is sent whole only
-- after it was handed over: by an import, by the seed, or by pos.mastered_set.
create table pos.mastered_list (
    tenant_id uuid not null references dinedesk_main.tenants,
    kind      varchar(32) not null check (kind in ('tables', 'menu_items', 'categories', 'settings', 'users')),
    since     timestamptz not null default clock_timestamp(),
    primary key (tenant_id, kind)
);

-- A picture that devices put into rows as a data: address, kept once; rows, events and logs have
-- "tillwire-picture:<id>" in its place.
create table pos.picture (
    tenant_id uuid not null references dinedesk_main.tenants,
    id        char(64) not null, -- SHA-256 of the address, in hex
    data      text not null,     -- the address
    bytes     int generated always as (octet_length(data)) stored,
    primary key (tenant_id, id)
);
alter table pos.picture alter column data set storage external; -- compressed already

alter table pos.orders
    add column made_by varchar(128), -- the device that made it; null: no device
    add column was_accepted boolean not null default false; -- it has been confirmed, or was beyond that

-- Orders that were accepted before anybody wrote it down. Nobody hears of it.
set local tillwire.writer = 'function';
update pos.orders o set was_accepted = true
 where exists (select 1 from pos.order_status_history h
                where h.tenant_id = o.tenant_id and h.order_id = o.id
                  and h.status not in ('new', 'pending', 'cancelled', 'rejected'));
reset tillwire.writer;

alter table dinedesk_main.tenants
    add column tablet_orders varchar(8) not null default 'accepted' check (tablet_orders in ('accepted', 'all'));
comment on column dinedesk_main.tenants.tablet_orders is
    'which online orders MiniPOS tablets hear: accepted ones, or all';
