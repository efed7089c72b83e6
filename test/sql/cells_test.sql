-- cells_test.sql - a restaurant that moves to another cell: who is refused in each state, what is copied, what is forgotten.
-- That a whole move loses nothing is in test/promises/tenant_move.test.mjs.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

select pg_temp.card('GC-1', 50) \g /dev/null
insert into pos.customers (tenant_id, phone) values (:alpha, '+447700900111');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"GC-1"}', '{"amount":1}'), '200', 'here');

-- Which state follows which.
select throws_ok($$select pos.tenant_freeze('alpha', 2)$$, '55000', 'the tenant "alpha" is active', 'its sockets leave first');
select throws_ok($$select pos.tenant_left('alpha', 2)$$, '55000', null, 'nothing has been copied');
select throws_ok($$select pos.tenant_forget('alpha')$$, '55000', null, 'what is here is not forgotten');
select throws_ok($$select pos.tenant_leave('nobody', 2)$$, 'P0002', 'no tenant "nobody"', 'nobody');

-- leaving: no new sockets; what was sent is still done.
select is(pos.tenant_leave('alpha', 2), :alpha::uuid, 'leaving');
select is(pos.tenant_leave('alpha', 2), :alpha::uuid, 'again');
select throws_ok($$select pos.tenant_freeze('alpha', 3)$$, '55000', 'the tenant "alpha" moves to cell 2', 'to one place');
select throws_ok($$update dinedesk_main.tenants set status = 'suspended' where slug = 'alpha'$$, '55000', 'the tenant "alpha" is leaving', 'states follow each other');
select lives_ok($$update dinedesk_main.tenants set order_number_prefix = 'A-' where slug = 'alpha'$$, 'what is to be copied may change');
select is((select a.status || ' ' || (a.body::json #>> '{error,code}') from pos.authenticate(pg_temp.ctx('{}')) a),
          '503 TENANT_MOVING', 'a socket');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"GC-1"}', '{"amount":1}'), '200', 'a request');
select is((select array_agg(m) from pos.tenants_moving() m), array[:alpha::uuid], 'gateways are told');
select is((select count(*) from pos.keys_state((select array_agg(k.id) from pos.api_key k where k.tenant_id = :alpha))), 0::bigint,
          'its keys are not said to have ended');
select is((select count(*) from pos.tenants_ended(array[:alpha::uuid])), 0::bigint, 'nor its tokens');

-- frozen: nothing.
select is(pos.tenant_freeze('alpha', 2), :alpha::uuid, 'frozen');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"GC-1"}', '{"amount":1}'), '503 TENANT_MOVING', 'a request');
select is(pg_temp.try('gift_card_balance', '{"cardNumber":"GC-1"}'), '503 TENANT_MOVING', 'of any kind');
select is((select a.status from pos.authenticate(pg_temp.ctx('{}')) a), 503, 'a socket');
select is(pg_temp.balance('GC-1'), 48.00, 'as it was');
select throws_ok(w.sql, '55000', 'the tenant "alpha" moves to another database', w.sql)
  from (values ($$insert into pos.orders (tenant_id, customer_name, total_amount, items)
                  values ('aaaaaaaa-0000-4000-8000-000000000001', 'Ada', 1, '[]')$$),
               ($$update pos.gift_cards set current_balance = 1 where card_number = 'GC-1'$$),
               ($$insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount)
                  values ('aaaaaaaa-0000-4000-8000-000000000001', 'GC-1', 'deduct', -1)$$),
               ($$update pos.customers set loyalty_points = 5 where tenant_id = 'aaaaaaaa-0000-4000-8000-000000000001'$$),
               ($$insert into pos.tables (tenant_id, id, number) values ('aaaaaaaa-0000-4000-8000-000000000001', 't', '1')$$),
               ($$delete from pos.gift_cards where card_number = 'GC-1'$$),
               ($$delete from pos.customers where tenant_id = 'aaaaaaaa-0000-4000-8000-000000000001'$$),
               ($$insert into pos.pos_daily_reports (tenant_id, report_date) values ('aaaaaaaa-0000-4000-8000-000000000001', '2026-01-01')$$),
               ($$select pos.key_issue('alpha', '{pos}', 'late')$$),
               ($$select pos.tenant_alias_add('alpha', 'late')$$),
               ($$select pos.token_secret_set('alpha', repeat('x', 40))$$)) w(sql);
select throws_ok(w.sql, '55000', 'the tenant "alpha" is frozen', w.sql)
  from (values ($$select pos.keyless_set('alpha', true)$$),
               ($$update dinedesk_main.tenants set status = 'active' where slug = 'alpha'$$),
               ($$update dinedesk_main.tenants set timezone = 'UTC' where slug = 'alpha'$$)) w(sql);
select is(pg_temp.try('health', '{}', null, jsonb_build_object('keyHash', pg_temp.key_hash('beta', 'pos'), 'tenant', 'beta')),
          '200', 'others are not touched');

-- What is copied: every table that has rows of it.
select is((select string_agg(c.oid::regclass::text, ' ')
             from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
            where c.relnamespace = 'pos'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
              and c.oid::regclass not in (select t.name from pos.tenant_tables() t)), null, 'no table is left out');
select is((select string_agg(k.conrelid::regclass || ' before ' || k.confrelid::regclass, ' ')
             from pg_constraint k
             join pos.tenant_tables() a on a.name = k.conrelid
             join pos.tenant_tables() b on b.name = k.confrelid
            where k.contype = 'f' and a.place <= b.place), null, 'what is referred to comes first');
select matches((select reads from pos.tenant_copy(:alpha) where name = 'dinedesk_main.tenants'), '''arriving''', 'it arrives');
select matches((select reads from pos.tenant_copy(:alpha) where name like '%order_status_history'), 'order by id\) to stdout',
               'numbers that are given anew keep their order');
select matches((select writes from pos.tenant_copy(:alpha) where name like '%gift_card_transactions'), '\(id, ',
               'and those that clients were shown are kept');
select is((select count(*) from pos.transactions_now()), 0::bigint, 'nobody else is at work here');

-- Back, and away.
select is(pos.tenant_stay('alpha', 2), :alpha::uuid, 'it stays');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"GC-1"}', '{"amount":1}'), '200', 'here again');
select pos.tenant_leave('alpha', 2), pos.tenant_freeze('alpha', 2), pos.tenant_left('alpha', 2) \g /dev/null
select is(pg_temp.try('gift_card_balance', '{"cardNumber":"GC-1"}'), '503 TENANT_MOVING', 'who comes here by an old route');
select throws_ok($$select pos.tenant_stay('alpha', 2)$$, '55000', null, 'there is no way back');
select cmp_ok(pos.tenant_forget('alpha'), '>', 5::bigint, 'forgotten');
select is((select sum((xpath('/row/n/text()', query_to_xml(format('select count(*) as n from %s where tenant_id = %L', t.name, :alpha),
                                                           false, true, '')))[1]::text::bigint) from pos.tenant_tables() t),
          0::numeric, 'with all of its rows');
select is(pos.tenant_named('alpha'), null, 'and its name');
select is((select count(*) from pg_class where relname = 'order_number_' || replace(:alpha, '-', '')), 0::bigint, 'and its numbers');
select is((select count(*) from pos.api_key k where k.tenant_id = :beta), 2::bigint, 'of nobody else');

-- Numbers of cells.
select lives_ok('select pos.cell_set(2)', 'a number');
select lives_ok('select pos.cell_set(2)', 'again');
select is(nextval('pos.pos_gift_card_transactions_id_seq'), 2000000000001, 'entries are numbered from there');
select throws_ok('select pos.cell_set(1)', '55000', 'this database has numbers of cell 2 already', 'it keeps it');
select throws_ok('select pos.cell_set(9001)', '23514', null, 'not above 2^53');

select * from finish();
rollback;
