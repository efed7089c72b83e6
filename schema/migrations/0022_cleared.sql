-- 0022_cleared.sql - which orders a tablet's "clear history" has hidden. A time cannot say that: an order may be changed
-- after it, or be written before it by a transaction that commits after it.
-- SPDX-License-Identifier: Apache-2.0

create table pos.cleared_order (
    tenant_id uuid not null references dinedesk_main.tenants,
    order_id  pos.order_id not null,
    primary key (tenant_id, order_id)
);

-- What has been hidden so far.
insert into pos.cleared_order (tenant_id, order_id)
select m.tenant_id, o.id
  from pos.order_history_mark m
 cross join lateral (select p.id from pos.orders p
                      where p.tenant_id = m.tenant_id and p.updated_at <= m.since
                        and (p.order_source = 'pos' or p.was_accepted)
                      order by p.updated_at desc limit 2000) o;
