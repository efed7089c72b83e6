-- plans_test.sql - each index has a statement of ours that takes it when there are as many rows as restaurants have, and
-- none of these statements walks a whole table.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

-- Twenty restaurants with a fortnight of orders and what else grows, written as a restore does: without triggers.
set local session_replication_role = replica;
insert into dinedesk_main.tenants (id, slug, name, country, currency, timezone, order_number_prefix)
select format('cccccccc-0000-4000-8000-%s', lpad(n::text, 12, '0'))::uuid, 'full' || n, 'Full', 'GB', 'GBP', 'Europe/London', ''
  from generate_series(1, 500) n;
create temp table house as
    select t.id, row_number() over (order by t.slug = 'alpha' desc, t.slug) as place from dinedesk_main.tenants t
     where t.slug like 'full%' or t.slug = 'alpha' order by 2 limit 20;
insert into pos.orders (tenant_id, id, id_json, order_number, customer_name, order_source, status, table_number, total_amount,
                        items, created_at, updated_at, acknowledged_at)
select h.id, 'p' || n, '"p' || n || '"', 'P-' || n, 'Ada', case when n % 2 = 0 then 'online' else 'pos' end,
       case when n > 1990 then 'new' when n % 50 = 0 then 'cancelled' else 'completed' end, (n % 40)::text, 1, '[]',
       now() - interval '10 minutes' * (2000 - n), now() - interval '10 minutes' * (2000 - n), case when n <= 1990 then now() end
  from house h, generate_series(1, 2000) g(n);
insert into pos.order_status_history (tenant_id, order_id, status) select o.tenant_id, o.id, o.status from pos.orders o;
insert into pos.order_archive
select now(), false, null, null, (json_populate_record(o, json_build_object('id', 'a' || n, 'updated_at', now() - interval '1 hour' * (10000 - n)))).*
  from generate_series(1, 5000) g(n), house h, lateral (select p as o from pos.orders p where p.tenant_id = h.id limit 1) p;
insert into pos.order_given (tenant_id, name, order_id, content_hash)
select h.id, 'number P-' || n, 'p' || n, sha256('') from house h, generate_series(1, 500) g(n);
insert into pos.gift_cards (tenant_id, card_number, initial_balance, current_balance, held_until)
select h.id, 'GC-' || h.place || '-' || n, 0, 0, now() + interval '1 hour' from house h, generate_series(1, 500) g(n);
insert into pos.pos_gift_card_transactions (id, tenant_id, card_number, entry_no, type, amount, previous_balance, new_balance, created_at, reverses)
select 1000000 + 1000 * h.place + 2 * n + i, h.id, 'GC-' || h.place || '-' || n, 1 + i, case i when 0 then 'deduct' else 'void' end, 2 * i - 1, 1 - i, i,
       now() - interval '20 days', case i when 1 then 1000000 + 1000 * h.place + 2 * n end
  from house h, generate_series(1, 400) g(n), generate_series(0, 1) i;
insert into pos.gift_card_holds (tenant_id, card_number, state, amount, ended_at, expires_at)
select h.id, 'GC-' || h.place || '-' || n, 'released', 1, now(), now() - interval '1 hour' * n from house h, generate_series(1, 500) g(n);
-- One restaurant that lives of its cards.
insert into pos.pos_gift_card_transactions (tenant_id, card_number, entry_no, type, amount, previous_balance, new_balance, created_at)
select h.id, 'GC-1-' || (n % 500 + 1), (n - 1) / 500 + 3, 'reload', 1, (n - 1) / 500, (n - 1) / 500 + 1, now() - interval '2 minutes' * (10000 - n)
  from house h, generate_series(1, 10000) g(n) where h.place = 1;
insert into pos.idempotency (tenant_id, lineage, key, request_hash, status, body, created_at)
select h.id, h.id, case when n % 2 = 0 then E'\x01' else '' end || n, sha256(''), 200, '{}', now() - interval '1 minute'
  from house h, generate_series(1, 500) g(n);
insert into pos.sync_log (tenant_id, type, action, data, at)
select h.id, 'tables', 'updated', '{}', now() - interval '1 minute' * n from house h, generate_series(1, 500) g(n);
insert into pos.pos_sync_logs (tenant_id, kind, at)
select h.id, 'connect', now() - interval '1 minute' * n from generate_series(1, 5000) g(n), house h;
insert into pos.change_seen (tenant_id, change_id, kind, row_id)
select h.id, 'c' || n, 'tables', 'r' from house h, generate_series(1, 500) g(n);
insert into pos.ws_ticket (ticket_hash, tenant_id, lineage, key_id, expires_at)
select sha256(n::text::bytea), k.tenant_id, gen_random_uuid(), k.id, now() + interval '30 s' - case when n <= 20 then interval '1 hour' else '0' end
  from generate_series(1, 3000) n, (select * from pos.api_key where tenant_id = 'aaaaaaaa-0000-4000-8000-000000000001' limit 1) k;
insert into pos.list_left (tenant_id, list_id, n, change, work)
select h.id, h.id, n, '{}', 1 from house h, generate_series(1, 500) g(n);
insert into pos.event (tenant_id, seq, type, at, origin, data)
select h.id, n, 'order.created', now(), '{"kind":"api","requestId":"r7"}', '{"orderId":"p1999"}' from house h, generate_series(1, 200) g(n);
insert into pos.request_log (tenant, at, request_id, method, status)
select h.id, now() - interval '1 second' * n, 'r' || n, 'GET', 200 from house h, generate_series(1, 500) g(n);
insert into pos.device_seen (tenant, device, dialect, is_connected, at, silent_at)
select h.id, 'd' || n, 'orderweb', n > 2, now(), case when n = 1 then now() end from house h, generate_series(1, 500) g(n);
insert into pos.delivery (tenant, seq, order_id, at, devices) select h.id, n, 'p' || n, now(), '[]' from house h, generate_series(1, 500) g(n);
insert into pos.audit (tenant_id, action, subject) select h.id, 'key.issue', 'k' from house h, generate_series(1, 200) g(n);
insert into pos.api_key (tenant_id, key_hash, hint, scopes, label)
select t.id, sha256(convert_to(t.slug || n, 'UTF8')), 'k', '{pos}', 'k' from dinedesk_main.tenants t, generate_series(1, 10) g(n);
insert into pos.tenant_alias (alias, tenant_id)
select 'other-' || t.slug, t.id from dinedesk_main.tenants t;
set local session_replication_role = origin;
update pos.setting set order_retention = '10 years';
analyze;

-- How often each index and table of ours was scanned in this transaction.
create function pg_temp.scanned() returns jsonb language sql as $$
    select jsonb_object_agg(c.relkind::text || c.relname, pg_stat_get_xact_numscans(c.oid))
      from pg_class c join pg_namespace s on s.oid = c.relnamespace
     where c.relkind in ('r', 'i') and s.nspname in ('pos', 'dinedesk_main')
$$;
-- Which tables of more than a few rows a statement has walked through, after the index if it has taken it.
create function pg_temp.course(index text, statement text) returns text language plpgsql as $$
declare
    before jsonb := pg_temp.scanned();
    later jsonb;
begin
    execute statement;
    set constraints all immediate;
    set constraints all deferred;
    later := pg_temp.scanned();
    return concat_ws(' walking ',
        case when (later ->> ('i' || index))::bigint > (before ->> ('i' || index))::bigint then 'taken' else 'not taken' end,
        (select string_agg(c.relname, ', ') from pg_class c
          where c.relkind = 'r' and c.reltuples > 1000 and later ? ('r' || c.relname)
            and (later ->> ('r' || c.relname))::bigint > (before ->> ('r' || c.relname))::bigint));
end $$;
create function pg_temp.by_call(operation text, more jsonb default '{}', path text default '{}', body text default null)
returns text language sql as $$
    select format('do $do$ begin perform pos.call(%L, %L, %L::json); end $do$', operation, pg_temp.ctx(path, case
        when 'platform' = any(pos.operation_scopes(operation)) then '{"scope":"platform"}'::jsonb || more else more end), body)
$$;

insert into test_key select 'alpha', 'console', pos.key_issue('alpha', array['console'], 'console');

create temp table needed (index text, statement text);
insert into needed values
    ('orders_open', pg_temp.by_call('orders_pending')),
    ('orders_pulled', pg_temp.by_call('orders_pull', '{"query":{"limit":"3","status":"completed"}}')),
    ('orders_unacknowledged', pg_temp.by_call('orders_pull', '{"query":{"limit":"3","status":"new","unacknowledged":"true"}}')),
    ('orders_by_status', pg_temp.by_call('orders_sync')),
    ('orders_by_type', pg_temp.by_call('v1_orders', '{"query":{"type":"delivery"}}')),
    ('orders_by_table', pg_temp.by_call('v1_orders', '{"query":{"table_number":"77"}}')),
    ('orders_touched', pg_temp.by_call('minipos_state')),
    ('orders_of_table', pg_temp.by_call('table_complete', '{}', '{"tableNumber":"7"}', '{"table_number":"7"}')),
    ('orders_by_number', pg_temp.by_call('order_ack', '{}', '{}', '{"order_id":"P-1999","status":"printed"}')),
    ('orders_finished', $$do 'begin perform pos.maintain(''old_orders''); end'$$),
    ('order_archive_updated', $$do 'begin perform pos.orders_drop(); end'$$),
    ('order_status_history_order', $$delete from pos.orders where tenant_id = 'aaaaaaaa-0000-4000-8000-000000000001' and id = 'p77'$$),
    ('order_given_at', $$do 'begin perform pos.maintain(''orders_given''); end'$$),
    ('gift_cards_typed', pg_temp.by_call('gift_card_balance', '{}', '{"cardNumber":"gc 1 7"}')),
    ('gift_card_transactions_key', pg_temp.by_call('gift_card_deduct', '{"idempotencyKey":"k1"}', '{}', '{"cardNumber":"GC-1-7","amount":1}')),
    ('pos_gift_card_transactions_tenant_id_card_number_entry_no_key', pg_temp.by_call('gift_card_transactions', '{}', '{"cardNumber":"GC-1-7"}')),
    ('gift_card_holds_card', pg_temp.by_call('gift_card_balance', '{}', '{"cardNumber":"GC-1-7"}')),
    ('gift_card_holds_ended', $$do 'begin perform pos.maintain(''orders_given''); end'$$),
    ('idempotency_age', $$do 'begin perform pos.maintain(''answers''); end'$$),
    ('idempotency_attempts', $$do 'begin perform pos.maintain(''attempts''); end'$$),
    ('sync_log_at', $$do 'begin perform pos.maintain(''sync_log''); end'$$),
    ('sync_log_tenant', $$select from pos.sync_log where tenant_id = 'aaaaaaaa-0000-4000-8000-000000000001' and refused is not null order by at desc$$),
    ('pos_sync_logs_at', $$do 'begin perform pos.maintain(''till_log''); end'$$),
    ('pos_sync_logs_tenant', pg_temp.by_call('pos_status')),
    ('change_seen_at', $$do 'begin perform pos.maintain(''changes''); end'$$),
    ('list_left_at', $$do 'begin perform pos.maintain(''lists''); end'$$),
    ('ws_ticket_expires', $$do 'begin perform pos.maintain(''tickets''); end'$$),
    ('ws_ticket_waiting', pg_temp.by_call('ticket_issue', '{"scope":"pos"}')),
    ('audit_tenant', $$select from pos.audit where tenant_id = 'aaaaaaaa-0000-4000-8000-000000000001' order by at desc limit 20$$),
    ('api_key_tenant', $$select from pos.api_key where tenant_id = 'aaaaaaaa-0000-4000-8000-000000000001'$$),
    ('tenant_alias_tenant', $$select from pos.tenant_alias where tenant_id = 'aaaaaaaa-0000-4000-8000-000000000001'$$),
    ('pos_gift_card_transactions_tenant_id_card_number_entry_no_key', pg_temp.by_call('report_compare', '{"scope":"pos"}', format('{"date":"%s"}', (now() - interval '3 days')::date))),
    ('request_log_tenant', pg_temp.by_call('console_requests', '{"scope":"console"}')),
    ('request_log_request', pg_temp.by_call('console_event', '{"scope":"console"}', '{"seq":"7"}')),
    ('delivery_event', pg_temp.by_call('console_event', '{"scope":"console"}', '{"seq":"7"}')),
    ('delivery_order', pg_temp.by_call('console_order', '{"scope":"console"}', '{"id":"P-1999"}')),
    ('timer_due', $$do 'begin perform 1 from pos.timers_run(1) r; end'$$),
    ('device_seen_due', $$do 'begin perform pos.devices_look(); end'$$),
    ('device_seen_silent', $$do 'begin perform pos.devices_look(); end'$$),
    ('till_seen', $$do 'begin perform pos.devices_look(); end'$$),
    ('till_back', $$do 'begin perform pos.devices_look(); end'$$),
    ('tenants_moving', $$do 'begin perform pos.tenants_moving(); end'$$),
    ('tenants_rated', $$do 'begin perform pos.api_rates(gen_random_uuid()); end'$$),
    ('tenants_keyless', $$do 'begin perform pos.keyless_tenants(); end'$$);
select is(pg_temp.course(n.index, n.statement), 'taken', n.index) from needed n;

-- Those that hold a rule need no statement. `event_external` is empty and goes with its column.
select is_empty($$
    select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace s on s.oid = c.relnamespace
     where s.nspname in ('pos', 'dinedesk_main') and not i.indisunique and not c.relispartition
       and c.relname <> 'event_external' and c.relname not in (select n.index from needed n)
$$, 'each index is needed');

-- PostgreSQL plans the body of an SQL function at each call when it cannot put the body in the call's place, which it
-- cannot when the body reads from something: that took a third of an order's time. PL/pgSQL keeps its plans.
select is_empty($$
    select p.proname from pg_proc p join pg_language l on l.oid = p.prolang
     where p.pronamespace = 'pos'::regnamespace and l.lanname = 'sql' and not p.proretset
       and regexp_replace(p.prosrc, '(distinct from|extract\([a-z]+ from)', '', 'g') ~* '\m(from|insert into)\M'
$$, 'no function is planned at each call');
-- Nor can it when the body may do what the function says that it does not: then EXPLAIN still names the function.
create function pg_temp.stays(f regprocedure) returns boolean language plpgsql as $$
declare
    name text := (select p.proname from pg_proc p where p.oid = f);
    given text := (select string_agg(format('null::%s as a%s', t.type::regtype, t.n), ', ' order by t.n)
                     from pg_proc p, unnest(p.proargtypes::oid[]) with ordinality t(type, n) where p.oid = f);
    args text := (select string_agg('x.a' || n, ', ' order by n)
                    from generate_series(1, (select p.pronargs from pg_proc p where p.oid = f)) n);
    line text;
begin
    for line in execute format('explain (verbose, costs off) select pos.%I(%s) from (select %s offset 0) x', name, args, given) loop
        if position(name || '(' in line) > 0 then
            return true;
        end if;
    end loop;
    return false;
end $$;
select is_empty($$
    select p.oid::regprocedure from pg_proc p join pg_language l on l.oid = p.prolang
     where p.pronamespace = 'pos'::regnamespace and l.lanname = 'sql' and not p.proretset
       and p.prorettype <> 'record'::regtype and pg_temp.stays(p.oid)
$$, 'each function of SQL is put into the place of its call');
select * from finish();
rollback;
