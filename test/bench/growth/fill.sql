-- fill.sql - years of two thousand restaurants, written past the triggers: psql -v scale=1 -f fill.sql, as a superuser, into a
-- database that `migrate` has made. With scale=1: 2000 restaurants, 2 M orders over 400 days, 10 M events over seven days, 1 M cards
-- with 2 M entries, 200 k customers, 2 M rows of the till log. One order in twenty belongs to the restaurant bench-1.
-- SPDX-License-Identifier: Apache-2.0

\set ON_ERROR_STOP on
select round(2000 * :scale) as restaurants, round(2000000 * :scale) as orders, round(10000000 * :scale) as events,
       round(1000000 * :scale) as cards, round(200000 * :scale) as customers, round(2000000 * :scale) as log_rows \gset
set synchronous_commit = off;
set maintenance_work_mem = '512MB';

insert into dinedesk_main.tenants (slug, name, country, currency, timezone, order_number_prefix)
select 'bench-' || n, 'Bench ' || n, 'GB', 'GBP', 'Europe/London', '' from generate_series(1, :restaurants) n;

set session_replication_role = replica; -- no triggers from here on, no foreign keys
create temp table r as select substr(slug, 7)::int as n, id from dinedesk_main.tenants where slug ~ '^bench-[0-9]+$';
create unique index on r (n) include (id);
analyze r;

insert into pos.api_key (tenant_id, key_hash, hint, label, scopes)
select id, sha256(convert_to('key of ' || n, 'UTF8')), 'bench', 'bench', array['pos', 'platform'] from r;

-- What each restaurant has: dishes, tables, categories.
insert into pos.categories (tenant_id, id, sort_order) select r.id, 'Category ' || c, c from r, generate_series(1, 6) c;
insert into pos.menu_items (tenant_id, id, name, price, category, details)
select r.id, 'dish-' || d, 'Dish number ' || d, 3 + d % 20, 'Category ' || 1 + d % 6, '{"description":"With rice and a salad"}'
  from r, generate_series(1, 60) d;
insert into pos.tables (tenant_id, id, number, seats, status) select r.id, 'table-' || t, t, 4, 'available' from r, generate_series(1, 20) t;

-- Orders: the oldest first. All but the last two of a hundred are finished; those are of the last four days or so.
insert into pos.orders (tenant_id, id, id_json, order_number, customer_name, customer_phone, order_type, order_source, status,
                        total_amount, items, table_number, created_at, updated_at, version, acknowledged_at)
select r.id, o.id, '"' || o.id || '"', o.n::text, 'Ada Lovelace', '+4477009' || 10000 + o.n % 90000,
       (array['pickup', 'delivery', 'dine-in', 'pickup'])[1 + o.n % 4], (array['online', 'online', 'pos'])[1 + o.n % 3],
       case when o.n > :orders * 0.998 then (array['new', 'confirmed', 'preparing', 'ready'])[1 + o.n % 4]
            when o.n % 50 = 0 then 'cancelled' else 'completed' end,
       9.5 + o.n % 60,
       '[{"id":"i1","name":"Gyoza","price":9.50,"quantity":2,"selectedAddons":[{"id":"a1","name":"Chili oil","price":0.50,"quantity":1}]},'
       '{"id":"i2","name":"Green tea, a pot of it","price":4.40,"quantity":1,"selectedAddons":[]}]',
       case when o.n % 4 = 2 then (1 + o.n % 20)::text end, o.at, o.at + interval '30 minutes', 3, o.at + interval '5 seconds'
  from (select n, md5('order ' || n)::uuid::text as id, now() - (1 - n / :orders.0) * interval '400 days' - interval '31 minutes' as at,
               case when n % 20 = 0 then 1 else 1 + (n * 7919::bigint) % :restaurants end as restaurant
          from generate_series(1, :orders) n) o
  join r on r.n = o.restaurant;
insert into pos.order_status_history (tenant_id, order_id, at, previous, status)
select o.tenant_id, o.id, case x.n when 1 then o.created_at else o.updated_at end,
       case x.n when 2 then 'new' end, case x.n when 1 then 'new' else o.status::text end
  from pos.orders o, generate_series(1, 2) x(n) where x.n = 1 or o.status <> 'new';

-- The log of seven days. Each restaurant has as many events.
select pos.maintain('create_days');
do $$
begin
    for ago in 1..7 loop
        execute format('create table if not exists pos.%I partition of pos.event for values from (%L) to (%L)',
                       'event_' || to_char((now() at time zone 'UTC')::date - ago, 'YYYYMMDD'),
                       ((now() at time zone 'UTC')::date - ago)::timestamp at time zone 'UTC',
                       ((now() at time zone 'UTC')::date - ago + 1)::timestamp at time zone 'UTC');
    end loop;
end $$;
select ceil(:events.0 / :restaurants)::bigint as each \gset
insert into pos.event (tenant_id, seq, type, at, origin, data)
select r.id, e.seq, case e.seq % 3 when 1 then 'order.created' when 2 then 'order.status_changed' else 'gift_card.deducted' end,
       e.at, '{"kind":"api","requestId":"r-259901152"}',
       case e.seq % 3
       when 1 then ('{"orderId":"' || md5(r.n || ' ' || e.seq)::uuid || '","orderNumber":"' || e.seq || '","customerName":"Ada Lovelace","customerPhone":"+447700900123","orderType":"delivery","orderSource":"online","status":"new","totalAmount":23.40,"items":[{"id":"i1","name":"Gyoza","price":9.50,"quantity":2,"selectedAddons":[]},{"id":"i2","name":"Tea","price":4.40,"quantity":1,"selectedAddons":[]}],"specialInstructions":null,"scheduledFor":null,"createdAt":"2026-11-28T01:30:32.917Z","tableNumber":null,"updatedAt":"2026-11-28T01:30:32.917Z","previousStatus":null,"version":1}')::json
       when 2 then ('{"orderId":"' || md5(r.n || ' ' || e.seq - 1)::uuid || '","orderNumber":"' || e.seq || '","status":"confirmed","previousStatus":"new","reason":null,"updatedAt":"2026-11-28T01:30:32.917Z","version":2}')::json
       else ('{"cardNumber":"GC-' || 1000000000 + e.seq || '","amount":1.00,"previousBalance":50.00,"newBalance":49.00,"orderId":null}')::json end
  from (select seq, now() - (1 - seq / (:each + 1.0)) * interval '6 days 20 hours' as at from generate_series(1, :each) seq) e, r;
update pos.stream s set head = :each from r where s.tenant_id = r.id;

-- Money.
insert into pos.gift_cards (tenant_id, card_number, initial_balance, current_balance, entries)
select r.id, 'GC-' || 1000000000 + c, 1000, 999, 2 from r, generate_series(1, (:cards / :restaurants)::int) c;
insert into pos.pos_gift_card_transactions (tenant_id, card_number, entry_no, type, amount, previous_balance, new_balance, created_at)
select g.tenant_id, g.card_number, e.n, case e.n when 1 then 'issue' else 'deduct' end, case e.n when 1 then 1000 else -1 end,
       case e.n when 1 then 0 else 1000 end, case e.n when 1 then 1000 else 999 end, now() - interval '30 days'
  from pos.gift_cards g, generate_series(1, 2) e(n);
insert into pos.customers (tenant_id, id, phone, phone_e164, name, loyalty_points, entries)
select r.id, c, '+4477009' || 10000 + c, '+4477009' || 10000 + c, 'Ada', 0, 0 from r, generate_series(1, (:customers / :restaurants)::int) c;
insert into pos.idempotency (tenant_id, lineage, key, request_hash, status, body, created_at)
select r.id, r.id, 'key-' || k, sha256(k::text::bytea), 200, '{"success":true,"data":{"newBalance":49.00}}', now() - random() * interval '7 days'
  from r, generate_series(1, (:cards / :restaurants)::int) k;
insert into pos.pos_sync_logs (at, tenant_id, instance, kind, dialect, device, seq, count)
select now() - random() * interval '30 days', r.id, 'gateway-1', 'delivered', 'orderweb', 'till-' || 1 + l % 5, l, 1
  from generate_series(1, :log_rows) l join r on r.n = 1 + (l * 7919::bigint) % :restaurants;

set session_replication_role = default;
vacuum analyze;
