-- seed/demo.sql - two invented restaurants to try things with: kitchen and bistro.
-- SPDX-License-Identifier: Apache-2.0
--
-- It can run again without harm: rows that exist stay as they are. Phones come from ranges that are reserved for
-- fiction. The triggers write ledger entries and events. API keys are not seeded: issue them with pos.key_issue.

begin;
set local client_min_messages = warning;

insert into dinedesk_main.tenants (id, slug, name, country, currency, timezone, order_number_prefix, sandbox) values
    ('2b1c6a0e-5d0f-4f4e-9a55-0c6d3f1e7a11', 'kitchen', 'Kitchen Restaurant', 'GB', 'GBP', 'Europe/London', 'KIT-', true),
    ('7f3d9b52-1c84-4e0a-8d6b-2a9e5c470b22', 'bistro', 'Bistro Example', 'US', 'USD', 'America/New_York', 'BIS-', true)
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

-- The shared state: a floor, a menu, stock, people, printers, settings.
insert into pos.tables (tenant_id, id, number, seats, status, customer, reservation_time, details)
select t.id, 'table-' || n, n::text, case when n <= 4 then 2 when n <= 9 then 4 else 6 end,
       case when n = 11 then 'reserved' when n = 12 then 'cleaning' else 'available' end,
       case when n = 11 then '"Maren Holt"'::json end, case when n = 11 then '2099-12-31T19:30:00Z' end,
       json_build_object('area', case when n <= 8 then 'Hall' else 'Terrace' end)
  from dinedesk_main.tenants t, generate_series(1, 12) n
 where t.slug in ('kitchen', 'bistro')
 order by t.id, n
on conflict do nothing;

create temp table seed_item (slug text, n int, category text, name text, price numeric, description text)
    on commit drop;
insert into seed_item values
    ('kitchen', 1, 'Noodles', 'Shoyu Ramen', 11.50, 'Chicken broth, soy, egg, nori'),
    ('kitchen', 2, 'Noodles', 'Tonkotsu Ramen', 12.90, 'Pork broth, garlic oil, spring onion'),
    ('kitchen', 3, 'Noodles', 'Miso Ramen', 11.90, 'White miso, sweetcorn, butter'),
    ('kitchen', 4, 'Noodles', 'Yaki Udon', 10.80, 'Fried thick noodles, cabbage, ginger'),
    ('kitchen', 5, 'Small plates', 'Gyoza', 6.50, 'Five dumplings, pork or vegetables'),
    ('kitchen', 6, 'Small plates', 'Edamame', 4.20, 'Sea salt'),
    ('kitchen', 7, 'Small plates', 'Karaage', 7.40, 'Fried chicken, lemon, mayonnaise'),
    ('kitchen', 8, 'Rice', 'Katsu Curry', 12.40, 'Breaded chicken, curry sauce, pickles'),
    ('kitchen', 9, 'Rice', 'Salmon Donburi', 13.60, 'Raw salmon, avocado, sesame'),
    ('kitchen', 10, 'Desserts', 'Mochi', 5.00, 'Three flavours'),
    ('kitchen', 11, 'Desserts', 'Matcha Cheesecake', 5.80, 'Baked'),
    ('kitchen', 12, 'Drinks', 'Green Tea', 2.60, 'A pot'),
    ('kitchen', 13, 'Drinks', 'Ramune', 3.40, 'Lemonade with a marble'),
    ('bistro', 1, 'Starters', 'Onion Soup', 9.00, 'Gruyere, toasted bread'),
    ('bistro', 2, 'Starters', 'Nicoise Salad', 13.50, 'Tuna, beans, egg, olives'),
    ('bistro', 3, 'Starters', 'Country Pate', 11.00, 'Cornichons, mustard'),
    ('bistro', 4, 'Mains', 'Steak Frites', 27.00, 'Hanger steak, herb butter'),
    ('bistro', 5, 'Mains', 'Moules Frites', 22.00, 'Mussels, white wine, parsley'),
    ('bistro', 6, 'Mains', 'Croque Monsieur', 15.50, 'Ham, bechamel'),
    ('bistro', 7, 'Mains', 'Ratatouille', 17.00, 'With polenta'),
    ('bistro', 8, 'Sides', 'French Fries', 6.00, 'Twice cooked'),
    ('bistro', 9, 'Sides', 'Green Salad', 6.50, 'Vinaigrette'),
    ('bistro', 10, 'Desserts', 'Creme Brulee', 9.50, 'Vanilla'),
    ('bistro', 11, 'Desserts', 'Apple Tart', 9.00, 'With cream'),
    ('bistro', 12, 'Drinks', 'Espresso', 3.50, 'Single'),
    ('bistro', 13, 'Drinks', 'House Red', 8.00, 'A glass');

insert into pos.categories (tenant_id, id, sort_order)
select t.id, s.category, min(s.n) from seed_item s join dinedesk_main.tenants t using (slug)
 group by t.id, s.category order by t.id, min(s.n)
on conflict do nothing;

insert into pos.menu_items (tenant_id, id, name, description, price, category, available)
select t.id, 'item-' || s.n, s.name, s.description, s.price, s.category, s.n <> 9
  from seed_item s join dinedesk_main.tenants t using (slug)
 order by t.id, s.n
on conflict do nothing;

insert into pos.inventory (tenant_id, id, name, category, unit, stock, low_stock_threshold)
select t.id, s.id, s.name, s.category, s.unit, s.stock, s.threshold
  from (values
    ('kitchen', 'stock-1', 'Ramen noodles', 'pantry', 'kilograms', 18.5, 5),
    ('kitchen', 'stock-2', 'Eggs', 'dairy', 'pieces', 96, 48),
    ('kitchen', 'stock-3', 'Salmon', 'meat', 'kilograms', 1.2, 2),
    ('kitchen', 'stock-4', 'Ramune', 'beverages', 'pieces', 40, 12),
    ('bistro', 'stock-1', 'Butter', 'dairy', 'kilograms', 6.25, 3),
    ('bistro', 'stock-2', 'Mussels', 'meat', 'kilograms', 8, 4),
    ('bistro', 'stock-3', 'Potatoes', 'produce', 'kilograms', 55, 20),
    ('bistro', 'stock-4', 'House red', 'beverages', 'pieces', 5, 6)
  ) s(slug, id, name, category, unit, stock, threshold)
  join dinedesk_main.tenants t using (slug)
 order by t.id, s.id
on conflict do nothing;

insert into pos.staff (tenant_id, id, name, role)
select t.id, s.id, s.name, s.role
  from (values
    ('kitchen', 'staff-1', 'Aiko', 'manager'), ('kitchen', 'staff-2', 'Ben', 'server'),
    ('kitchen', 'staff-3', 'Chen', 'kitchen'), ('kitchen', 'staff-4', 'Dora', 'cashier'),
    ('bistro', 'staff-1', 'Elise', 'admin'), ('bistro', 'staff-2', 'Franck', 'server'),
    ('bistro', 'staff-3', 'Gina', 'kitchen')
  ) s(slug, id, name, role)
  join dinedesk_main.tenants t using (slug)
 order by t.id, s.id
on conflict do nothing;

insert into pos.printers (tenant_id, id, name, type, status, configuration, assignment)
select t.id, s.id, s.name, 'network', 'online', s.configuration::json, s.assignment::json
  from (values
    ('printer-1', 'Kitchen', '{"address":"192.0.2.21","port":9100,"width":80}', '["kitchen"]'),
    ('printer-2', 'Counter', '{"address":"192.0.2.22","port":9100,"width":58}', '["receipts","bar"]')
  ) s(id, name, configuration, assignment), dinedesk_main.tenants t
 where t.slug in ('kitchen', 'bistro')
 order by t.id, s.id
on conflict do nothing;

insert into pos.restaurant_settings (tenant_id, details)
select t.id, json_build_object('restaurantName', t.name, 'description', '', 'currency', t.currency, 'taxRate',
           case t.slug when 'kitchen' then 20 else 8.875 end, 'serviceCharge', 0, 'serviceChargeEnabled', false,
           'theme', 'light', 'language', 'en', 'sessionTimeout', 60, 'receiptFooter', 'Thank you')
  from dinedesk_main.tenants t
 where t.slug in ('kitchen', 'bistro')
 order by t.id
on conflict do nothing;

-- These lists are complete, so tablets may take them in place of their own.
select count(pos.mastered_set(t.slug, k.kind, true)) as mastered
  from dinedesk_main.tenants t, unnest(array['categories', 'menu_items', 'settings', 'tables']) k(kind)
 where t.slug in ('kitchen', 'bistro') \gset

commit;
