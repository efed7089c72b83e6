-- views.sql - views for people, and one that lists every breach of what the ledgers and the log promise.
-- SPDX-License-Identifier: Apache-2.0
--
-- The documents of clients promise some names without a schema. They are tables or views in the schema pos, which is in
-- the database's search_path. New columns come last: then a view is replaced, and what uses it stays.

create or replace view pos.restaurants as
    select t.id, t.slug, t.name, t.country, t.currency, t.timezone, t.status, s.details as settings,
           s.version as settings_version, s.updated_at as settings_updated_at, t.created_at
      from dinedesk_main.tenants t
      left join pos.restaurant_settings s on s.tenant_id = t.id and s.deleted_at is null;

create or replace view pos.order_history as
    select h.id, h.tenant_id, h.order_id, o.order_number, h.at, h.previous, h.status, h.reason, h.updated_by,
           h.device, h.request_id, o.customer_name, o.total_amount, o.items
      from pos.order_status_history h
      left join pos.orders o on o.tenant_id = h.tenant_id and o.id = h.order_id
    union all
    select h.id, a.tenant_id, a.id, a.order_number, h.at, h.previous, h.status, h.reason, h.updated_by,
           h.device, h.request_id, a.customer_name, a.total_amount, a.items
      from pos.order_archive a, json_populate_recordset(null::pos.order_status_history, a.history) h;

-- Who has connected and who was refused, and why: many clients show nobody. Of a refused one, the restaurant is what it
-- called it.
create or replace view pos.sessions as
    select l.at, case l.kind when 'connect' then 'connected' when 'disconnect' then 'ended' else 'refused' end as what,
           coalesce(t.slug, l.detail ->> 'named') as restaurant, l.dialect, l.device, l.detail ->> 'address' as address,
           l.detail ->> 'reason' as reason, (l.detail ->> 'code')::int as code, l.instance as gateway
      from pos.pos_sync_logs l
      left join dinedesk_main.tenants t on t.id = l.tenant_id
     where l.kind in ('connect', 'disconnect', 'auth_failed');

-- A day is the sum of its registers.
create or replace view pos.daily_sales as
    select r.tenant_id, r.report_date, count(*) as registers, sum(r.total_sales) as total_sales,
           sum(r.total_orders) as total_orders, sum(r.cash_sales) as cash_sales, sum(r.card_sales) as card_sales,
           sum(r.gift_card_sales) as gift_card_sales, sum(r.online_sales) as online_sales, sum(r.discounts) as discounts,
           sum(r.refunds) as refunds, sum(r.net_sales) as net_sales
      from pos.pos_daily_reports r
     group by r.tenant_id, r.report_date;

-- The events that have their place in the stream, and those that wait for it, whose seq is negative.
create or replace view pos.event_known as
    select e.tenant_id, e.seq, e.type, e.data from pos.event e
union all
    select o.tenant_id, -o.id, o.type, o.data from pos.outbox o;

-- One row for each breach of an invariant; empty when all is well. Reads everything, so it is for tests and for an
-- operator's check of the ledgers. An event that is older than the retention is not a breach when it is missing.
create or replace view pos.violations as
    select l.what, l.tenant_id, l.subject, l.detail from pos.laws_broken() l
union all
    select 'idempotency key has more than one entry', k.tenant_id, k.idempotency_key, count(*)::text
      from (select tenant_id, lineage, idempotency_key from pos.pos_gift_card_transactions
             where idempotency_key is not null
            union all
            select tenant_id, lineage, idempotency_key from pos.pos_loyalty_transactions
             where idempotency_key is not null) k
     group by k.tenant_id, k.lineage, k.idempotency_key
    having count(*) > 1
union all
    select 'ledger entry has not exactly one event', l.tenant_id, l.family || ' ' || l.id, count(e.seq)::text
      from (select tenant_id, id, created_at, 'gift_card' as family from pos.pos_gift_card_transactions
            union all
            select tenant_id, id, created_at, 'loyalty' from pos.pos_loyalty_transactions) l
      left join (select tenant_id, seq, split_part(type, '.', 1) as family, (data ->> 'transactionId')::bigint as entry
                   from pos.event_known where type like 'gift\_card.%' or type like 'loyalty.%') e
        on e.tenant_id = l.tenant_id and e.family = l.family and e.entry = l.id
     group by l.tenant_id, l.family, l.id, l.created_at
    having count(e.seq) > 1
        or (count(e.seq) = 0 and l.created_at > (select now() - event_retention + interval '1 day' from pos.setting))
union all
    select 'ledger event has no entry', e.tenant_id, e.type || ' ' || e.seq, e.data ->> 'transactionId'
      from pos.event e
     where (e.type in ('gift_card.purchased', 'gift_card.updated') and not exists (select 1 from pos.pos_gift_card_transactions t
                where t.tenant_id = e.tenant_id and t.id = (e.data ->> 'transactionId')::bigint))
        or (e.type like 'loyalty.%' and not exists (select 1 from pos.pos_loyalty_transactions t
                where t.tenant_id = e.tenant_id and t.id = (e.data ->> 'transactionId')::bigint))
union all
    -- Each seq once, from the oldest that is kept to the head.
    select 'stream has gaps or doubles', s.tenant_id, 'head ' || s.head,
           count(e.seq) || ' events, ' || count(distinct e.seq) || ' seqs, from ' || s.oldest
      from pos.stream s
      left join pos.event e on e.tenant_id = s.tenant_id and e.seq >= s.oldest
     group by s.tenant_id, s.head, s.oldest
    having count(e.seq) <> s.head - s.oldest + 1 or count(distinct e.seq) <> count(e.seq)
        or coalesce(min(e.seq), s.head + 1) <> s.oldest or coalesce(max(e.seq), s.head) <> s.head
union all
    select 'event without a stream', e.tenant_id, 'seq ' || e.seq, e.type
      from pos.event e where not exists (select 1 from pos.stream s where s.tenant_id = e.tenant_id)
union all
    select 'daily report is not its newest revision', r.tenant_id, r.report_date || ' ' || r.register_id,
           r.revision || ' of ' || count(v.revision)
      from pos.pos_daily_reports r
      left join pos.daily_report_revision v using (tenant_id, report_date, register_id)
     group by r.tenant_id, r.report_date, r.register_id, r.revision
    having count(v.revision) <> r.revision or max(v.revision) <> r.revision
union all
    -- Each change of a row is one version and one event; a change that is older than the log is left out.
    select 'row has not one event for each version', r.tenant_id, r.kind || ' ' || r.id,
           'version ' || r.version || ', events of ' || coalesce(min(e.version) || ' to ' || max(e.version), 'none') || ', ' || count(e.version)
      from (select 'tables' as kind, tenant_id, id::text, version, updated_at from pos.tables
            union all select 'menu_items', tenant_id, id, version, updated_at from pos.menu_items
            union all select 'categories', tenant_id, id, version, updated_at from pos.categories
            union all select 'inventory', tenant_id, id, version, updated_at from pos.inventory
            union all select 'users', tenant_id, id, version, updated_at from pos.staff
            union all select 'printers', tenant_id, id, version, updated_at from pos.printers
            union all select 'settings', tenant_id, id, version, updated_at from pos.restaurant_settings) r
      join pos.stream s on s.tenant_id = r.tenant_id
      left join (select tenant_id, data ->> 'kind' as kind, data ->> 'id' as id, (data ->> 'version')::bigint as version
                   from pos.event_known where type in ('table.updated', 'menu.updated', 'category.updated', 'inventory.updated',
                                                 'staff.updated', 'printer.updated', 'settings.updated')) e
        on e.tenant_id = r.tenant_id and e.kind = r.kind and e.id = r.id
     group by r.kind, r.tenant_id, r.id, r.version, r.updated_at, s.oldest
    having count(e.version) <> count(distinct e.version) or max(e.version) <> r.version
        or count(e.version) <> coalesce(max(e.version) - min(e.version) + 1, 0) or (s.oldest = 1 and count(e.version) <> r.version)
        or (count(e.version) = 0 and r.updated_at > (select now() - event_retention + interval '1 day' from pos.setting))
union all
    select 'key with a profile that does not exist', k.tenant_id, k.id::text, k.profile
      from pos.api_key k where not exists (select 1 from pos.profiles() p where p.name = k.profile)
union all
    select 'order and its acknowledgements differ', o.tenant_id, o.id,
           coalesce(o.print_status, 'none') || ' and ' || coalesce(string_agg(k.state, ' '), 'none')
      from pos.orders o left join pos.order_ack k on k.tenant_id = o.tenant_id and k.order_id = o.id
     group by o.tenant_id, o.id
    having (o.acknowledged_at is null) <> (count(k.state) = 0)
        or coalesce(o.print_status = 'printed', false) <> coalesce(bool_or(k.state = 'printed'), false)
union all
    select 'order that a device has acknowledged has a ladder', t.tenant_id, t.object, 'rung ' || t.step
      from pos.timer t join pos.orders o on o.tenant_id = t.tenant_id and o.id = t.object
     where t.kind = 'order_ladder' and o.acknowledged_at is not null
union all
    -- The last rung says it once more when it came too late to cancel the order.
    select 'rung of an order''s ladder came twice', e.tenant_id, e.data ->> 'orderId', e.type || ' ' || count(*)
      from pos.event e
     where e.type in ('order.offered', 'kitchen.alert') and e.origin ->> 'kind' = 'timer'
     group by e.tenant_id, e.data ->> 'orderId', e.type, e.data ->> 'severity'
    having count(*) > case e.data ->> 'severity' when '5' then 2 else 1 end
union all
    select 'staff with a secret', f.tenant_id, f.id, null
      from pos.staff f where f.details::text <> pos.without_secrets(f.details)::text
union all
    select 'event with a secret of staff', e.tenant_id, 'seq ' || e.seq, e.type
      from pos.event e where e.type = 'staff.updated' and e.data::text <> pos.without_secrets(e.data)::text;
