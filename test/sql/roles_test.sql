-- roles_test.sql - each process may call the functions that it needs, and has no right to any table.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

select is((select string_agg(p.oid::regprocedure::text, ' ' order by p.oid::regprocedure::text collate "C")
             from pg_proc p
            where p.pronamespace = 'pos'::regnamespace and has_function_privilege(v.role, p.oid, 'execute')
              and not has_function_privilege('public', p.oid, 'execute')),
          v.wanted, v.role || ' may call')
  from (values ('tillwire_api',
                'api_leaves(uuid) api_rates(uuid) call(text,jsonb,json) heads(uuid[]) process_leaves(uuid) process_seen(json) '
                'request_log_write(text,json,json) schema_version() token_tenant(text)'),
               ('tillwire_gateway',
                'authenticate(jsonb) call(text,jsonb,json) console_watched() delivery_write(text,json,integer) events_after(uuid,bigint,integer) '
                'events_piece(uuid,bigint,integer) events_pieces(uuid[],bigint[],integer[]) gateway_report_write(uuid,text,json) heads(uuid[]) '
                'keyless_tenants() keys_state(uuid[]) process_leaves(uuid) process_seen(json) schema_version() sync_log_write(json) tenants_ended(uuid[]) tenants_moving() ticket_take(jsonb) '
                'tills_online_write(uuid,json) token_tenant(text)'),
               ('tillwire_bridge',
                'devices_look(integer) ledger_look(text,integer) maintain(text) outbox_relay(uuid,integer) process_leaves(uuid) process_seen(json) schema_version() timers_run(integer) watch()')) v(role, wanted);
select is((select count(*)
             from pg_class c
            where c.relnamespace in ('pos'::regnamespace, 'dinedesk_main'::regnamespace)
              and c.relkind in ('r', 'p', 'v')
              and has_table_privilege(v.role, c.oid, 'select, insert, update, delete, truncate, references, trigger')),
          0::bigint, v.role || ' touches no table'),
       is((select count(*)
             from pg_class c
            where c.relnamespace = 'pos'::regnamespace
              and c.relkind = 'S'
              and has_sequence_privilege(v.role, c.oid, 'usage, select, update')), 0::bigint, 'nor a sequence'),
       is((select rolsuper or rolcreatedb or rolcreaterole or rolbypassrls or rolreplication
             from pg_roles
            where rolname = v.role), false, 'and is nobody special'),
       is(has_schema_privilege(v.role, 'pos', 'create'), false, 'makes nothing'),
       is(has_schema_privilege(v.role, 'dinedesk_main', 'usage'), false, 'sees no tenants'),
       is((select array_to_string(rolconfig, ' ') from pg_roles where rolname = v.role),
          'lock_timeout=1s statement_timeout=' || case v.role when 'tillwire_bridge' then '5s' else '2s' end
          || ' idle_in_transaction_session_timeout=10s jit=off', 'waits for nothing long')
  from (values ('tillwire_api'), ('tillwire_gateway'), ('tillwire_bridge')) v(role);

select is_empty($$select p.oid::regprocedure from pg_proc p where p.pronamespace = 'pos'::regnamespace and
                  p.prosecdef and not coalesce(p.proconfig @> array['search_path=pos, pg_temp'], false)$$,
                'every definer has its search_path');
select is_empty($$select p.oid::regprocedure from pg_proc p where p.pronamespace = 'pos'::regnamespace and not
                  p.prosecdef and not has_function_privilege('public', p.oid, 'execute') and (has_function_privilege('tillwire_api', p.oid, 'execute') or
                  has_function_privilege('tillwire_gateway', p.oid, 'execute') or
                  has_function_privilege('tillwire_bridge', p.oid, 'execute'))$$, 'what they call runs as the owner');
select results_eq($$select p.oid::regprocedure::text, p.prosecdef, p.pronargs from pg_proc p where p.pronamespace = 'pos'::regnamespace and
                    has_function_privilege('public', p.oid, 'execute') order by 1$$,
                  $$values ('by_function()', false, 0::smallint), ('by_sql()', false, 0::smallint)$$,
                  'the public calls nothing but the conditions of triggers, which say who is writing');
select is_empty($$select t.typname from pg_type t join pg_proc p on p.proname = t.typname and p.pronamespace in
                  ('pg_catalog'::regnamespace, 'public'::regnamespace) where t.typnamespace = 'pos'::regnamespace and
                  t.typtype = 'd'$$, 'no domain hides a function');

-- Tried as the roles themselves.
create temp table hash as select pg_temp.key_hash('alpha', 'pos') as h;
grant select on hash to tillwire_api, tillwire_gateway;
set local role tillwire_api;
select is((pos.call('health', jsonb_build_object('keyHash', h, 'tenant', 'alpha'), null)).status, 200,
       'the api calls') from hash;
select is((pos.call('gift_card_balance', jsonb_build_object('keyHash', h, 'path', '{"cardNumber":"x"}'::jsonb),
       null)).status, 404, 'and reads') from hash;
select throws_ok(v.what, '42501', null, 'the api may not: ' || v.what)
  from (values ('select * from pos.gift_cards'),
               ('select * from pos.api_key'),
               ('select * from dinedesk_main.tenants'),
               ('insert into pos.orders (tenant_id) values (null)'),
               ('select pos.emit(null, null, null, null)'),
               ('select pos.gift_card_deduct(null, null)'),
               ('select pos.key_issue(''alpha'', array[''pos''], ''x'')'),
               ('select pos.authenticate(''{}'')'),
               ('select * from pos.events_after(null, 0, 1)'),
               ('select pos.maintain(''answers'')'),
               ('select nextval(''pos.customer_id_seq'')'),
               ('create table pos.mine (a int)'),
               ('select * from pos.violations'),
               ('select * from pos.token_secret'),
               ('select pos.token_secret_set(''alpha'', null)'),
               ('select pos.keyless_set(''alpha'', true)'),
               ('select * from pos.keyless_tenants()'),
               ('select pos.tenant_alias_add(''alpha'', ''x'')'),
               ('select * from pos.staff'),
               ('select * from pos.restaurants'),
               ('insert into pos.tables (tenant_id) values (null)')) v(what);
select is((select count(*) from pos.token_tenant('alpha')), 1::bigint, 'but asks whose token it is');
reset role;
set local role tillwire_gateway;
select is((pos.authenticate(jsonb_build_object('keyHash', h))).status, 200, 'the gateway asks'),
       is((pos.call('orders_sync', jsonb_build_object('keyHash', h, 'kind', 'socket'), null)).status, 200,
          'and calls for its sockets'),
       is((select count(*) from pos.token_tenant('alpha')), 1::bigint, 'and asks whose token it is')
  from hash;
select throws_ok(v.what, '42501', null, 'the gateway may not: ' || v.what)
       from (values ('select * from pos.token_secret'), ('select * from pos.outbox_relay(null, 1)'),
       ('select * from pos.event'), ('select * from pos.pos_sync_logs'), ('select * from pos.sync_log'),
       ('select pos.keyless_set(''alpha'', true)')) v(what);
select lives_ok('select * from pos.keyless_tenants()', 'the gateway asks whom it lets in without a key');
reset role;
set local role tillwire_bridge;
select lives_ok('select * from pos.outbox_relay(null, 1)', 'the bridge numbers');
select lives_ok('select * from pos.timers_run(1)', 'and does what is due');
select lives_ok($$select pos.maintain('create_days')$$, 'and does the housekeeping');
select throws_ok(v.what, '42501', null, 'the bridge may not: ' || v.what)
       from (values ('select pos.call(null, null, null)'), ('select * from pos.events_after(null, 0, 1)'),
       ('delete from pos.event'), ('delete from pos.outbox'), ('select pos.event_partition_drop()'), ('select * from pos.timer'), ('select pos.timer_set(null, null, null, null)')) v(what);
reset role;

-- A role that writes by SQL cannot say that it is one of our functions, and so write a balance without its entry.
create role test_shop;
grant usage on schema pos, dinedesk_main to test_shop;
grant select, insert, update, delete on pos.gift_cards, pos.pos_gift_card_transactions, pos.orders, pos.tables to test_shop;
select pg_temp.card('SHOP-1', 50);
set local role test_shop;
set local tillwire.writer = 'function';
select throws_ok(v.what, '42501', 'tillwire.writer is for the functions of Tillwire', v.what)
  from (values ($$update pos.gift_cards set current_balance = 5000 where card_number = 'SHOP-1'$$),
               ($$insert into pos.gift_cards (card_number) values ('SHOP-2')$$),
               ($$insert into pos.pos_gift_card_transactions (card_number) values ('SHOP-1')$$),
               ($$delete from pos.orders$$), ($$update pos.tables set seats = 1$$)) v(what);
-- Nor by a table of his own that has the name of the catalogue.
create temp table pg_class as select c.oid, 'test_shop'::regrole::oid as relowner from pg_catalog.pg_class c;
select throws_ok($$update pos.gift_cards set current_balance = 5000 where card_number = 'SHOP-1'$$, '42501', null, 'whatever he owns');
drop table pg_temp.pg_class;
set local tillwire.writer = 'trigger';
select throws_ok($$update pos.gift_cards set current_balance = 5000 where card_number = 'SHOP-1'$$, '42501', null, 'nor a trigger');
set local tillwire.writer = '';
update pos.gift_cards set current_balance = 40 where card_number = 'SHOP-1';
select is((select string_agg(amount::text, ' ' order by entry_no) from pos.pos_gift_card_transactions where card_number = 'SHOP-1'),
          '50.00 -10.00', 'without it the ledger is kept');
reset role;

-- Functions do not follow the search path of the session.
create schema evil;
create function evil.now() returns timestamptz language sql as 'select ''1999-01-01''::timestamptz';
create table evil.gift_cards (tenant_id uuid, card_number text);
set local search_path = evil, pos, public;
select is(pg_temp.try('health', '{}'), '200', 'not by the api''s wrapper');
set local search_path = pos, public;

-- Names that clients' documents promise.
select is(to_regclass(v.name) is not null, true, v.name || ' resolves')
  from (values ('dinedesk_main.tenants'),
               ('pos_gift_card_transactions'),
               ('pos_loyalty_transactions'),
               ('pos_daily_reports'),
               ('pos_sync_logs'),
               ('restaurants'),
               ('tables'),
               ('menu_items'),
               ('categories'),
               ('order_history'),
               ('sync_log'),
               ('inventory'),
               ('staff'),
               ('printers')) v(name);

select * from finish();
rollback;
