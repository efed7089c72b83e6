-- seed/demo.sql - two invented restaurants to try things with: kitchen and bistro.
-- SPDX-License-Identifier: Apache-2.0
--
-- Runs again without harm: what is there stays as it is. Phones come from ranges reserved for
-- fiction. Ledger entries and events follow from the triggers. API keys are not seeded: issue them
-- with pos.key_issue.

begin;
set local client_min_messages = warning;

insert into dinedesk_main.tenants (id, slug, name, country, currency, timezone, order_number_prefix) values
    ('2b1c6a0e-5d0f-4f4e-9a55-0c6d3f1e7a11', 'kitchen', 'Kitchen Restaurant', 'GB', 'GBP', 'Europe/London', 'KIT-'),
    ('7f3d9b52-1c84-4e0a-8d6b-2a9e5c470b22', 'bistro', 'Bistro Example', 'US', 'USD', 'America/New_York', 'BIS-')
on conflict do nothing;

create temp table seed_card (slug text, card text, status text, initial numeric, current numeric, expiry date)
    on commit drop;
insert into seed_card values
    ('kitchen', 'GC-1000000001', 'active', 100.00, 85.50, '2099-12-31'),
    ('kitchen', 'GC-1000000002', 'active', 50.00, 0.00, '2099-12-31'),
    ('kitchen', 'GC-1000000003', 'active', 25.00, 25.00, '2020-01-31'),
    ('kitchen', 'GC-1000000004', 'frozen', 40.00, 40.00, '2099-12-31'),
    ('kitchen', 'GC-1000000005', 'closed', 30.00, 0.00, null),
    ('kitchen', 'GC-1000000006', 'pending', 60.00, 0.00, null),
    ('kitchen', 'GC-1000000007', 'active', 0.01, 0.01, null),
    ('kitchen', 'GC-1000000008', 'active', 99999999.99, 99999999.99, null),
    ('bistro', 'GC-2000000001', 'active', 75.00, 62.25, '2099-12-31'),
    ('bistro', 'GC-2000000002', 'active', 20.00, 20.00, null),
    ('bistro', 'GC-2000000003', 'frozen', 15.00, 15.00, null);

-- A card is issued with its first balance; the deduct then brings it to today's.
with issued as (
    insert into pos.gift_cards (tenant_id, card_number, status, initial_balance, current_balance, expiry_date)
    select t.id, c.card, c.status, c.initial, case when c.status = 'pending' then 0 else c.initial end, c.expiry
      from seed_card c join dinedesk_main.tenants t using (slug)
     order by c.card
    on conflict do nothing
    returning tenant_id, card_number)
select count(*) as new_cards from issued \gset

insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount, notes)
select t.id, c.card, 'deduct', c.current - g.current_balance, 'demo seed'
  from seed_card c
  join dinedesk_main.tenants t using (slug)
  join pos.gift_cards g on g.tenant_id = t.id and g.card_number = c.card
 where c.current < c.initial and c.status <> 'pending' and g.entries = 1
 order by c.card;

insert into pos.customers (tenant_id, id, phone, name, email, loyalty_points, total_spent, erased_at)
select t.id, s.id, s.phone, s.name, s.email, s.points, s.spent, s.erased
  from (values
    ('kitchen', 456, '+447700900456', 'Maren Holt', 'maren@example.com', 250, 1250.00, null::timestamptz),
    ('kitchen', 457, '07700 900457', 'Galia Noor', null, 0, 0.00, null),
    ('kitchen', 458, '0044 (0)7700-900458', 'Zoë Ångström', 'zoe@example.com', 2140, 4380.75, null),
    ('kitchen', 459, '+12125550142', 'Visitor Abroad', null, 15, 61.20, null),
    ('kitchen', 460, null, 'Erased customer', null, 0, 88.10, '2025-09-01T09:00:00Z'),
    ('bistro', 701, '(212) 555-0142', 'Dana Whitfield', 'dana@example.com', 120, 640.00, null),
    ('bistro', 702, '+12125550199', 'Luis Ortega', null, 40, 95.50, null)
  ) s(slug, id, phone, name, email, points, spent, erased)
  join dinedesk_main.tenants t using (slug)
 order by s.id
on conflict do nothing;

commit;
