-- by_sql_test.sql - a web shop and a back office that write tables by plain SQL.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create temp table mark (head bigint);
insert into mark values (0);
create function pg_temp.mark() returns void language sql as $$ update mark set head = pg_temp.head() $$;
-- Runs the triggers that wait for the commit, and returns the events since the last call.
create function pg_temp.news() returns text language plpgsql as $$
declare
    said text;
begin
    perform pg_temp.commit();
    said := pg_temp.types_after((select head from mark));
    perform pg_temp.mark();
    return said;
end $$;

-- The least that a shop writes.
insert into pos.orders (tenant_id, customer_name, total_amount, items) values (:alpha, 'Web', 9.5,
    '[{"name":"Ramen","price":"9.5"}]');
select is((select count(*) from pos.outbox o where o.tenant_id = :alpha), 0::bigint, 'no event before the commit');
set constraints all immediate;
select is((select string_agg(x.type, ' ') from pos.outbox x where x.tenant_id = :alpha), 'order.created', 'one at the commit'),
       is((select s.head from pos.stream s where s.tenant_id = :alpha), 0::bigint, 'without a place in the stream');
set constraints all deferred;
select is(pg_temp.news(), 'order.created', 'which it gets then');
select is(o.status::text, 'new', 'status'),
       is(o.order_type::text, 'pickup', 'type'),
       is(o.order_source::text, 'online', 'source'),
       matches(o.id::text, '^[0-9a-f]{8}-', 'id'),
       is(o.id_json::text, '"' || o.id || '"', 'shown as a text'),
       is(o.order_number::text, 'ALP-0001', 'number'),
       is(o.items::text, '[{"id":"i1","name":"Ramen","price":9.50,"quantity":1,"selectedAddons":[]}]', 'lines'),
       is(o.details::text, '{}', 'details')
  from pos.orders o where o.tenant_id = :alpha;
select is(e.origin::text, '{"kind":"sql"}', 'from SQL'),
       is(e.data ->> 'customerName', 'Web', 'with its data'),
       is(e.data ->> 'previousStatus', null, 'and no status before')
  from pos.event e where e.tenant_id = :alpha;
select is(count(*), 1::bigint, 'its history begins') from pos.order_status_history where tenant_id = :alpha;

-- Values that a shop may set itself.
insert into pos.orders (tenant_id, id, id_json, order_number, customer_name, total_amount, items, details,
    status) values
    (:alpha, '4711', '4711', 'W-1', 'Num', 1, '[]', '{"tip":1.5,"status":"x","note":{"a":1e131071}}', 'confirmed'),
        (:alpha, 'ABCDEF01-0000-4000-8000-00000000000A', default, 'W-2', 'Uuid', 1, '[]', default, default);
select is(pg_temp.news(), 'order.created order.created', 'two');
select is((pg_temp.call('order_get', '{"id":"4711"}')).body::json #> '{order,id}' ->> 0, null, 'a number');
select is((pg_temp.call('order_get', '{"id":"4711"}')).body::json #>> '{order,id}', '4711', 'is shown as one');
select is((pg_temp.call('order_get', '{"id":"4711"}')).body::json #>> '{order,status}', 'confirmed',
          'details do not hide a field');
select is((pg_temp.call('order_get', '{"id":"4711"}')).body::json #>> '{order,tip}', '1.5', 'but add to them');
select is((pg_temp.call('order_get', '{"id":"abcdef01-0000-4000-8000-00000000000a"}')).body::json #>> '{order,id}',
          'ABCDEF01-0000-4000-8000-00000000000A', 'a UUID keeps its spelling');

-- Control characters are removed.
insert into pos.orders (tenant_id, id, customer_name, special_instructions, total_amount, items)
    values (:alpha, E'od\u0001d', E'Ev\u001bil', E'a\u202eb\nc', 5,
            E'[{"name":"x\\u001by", "price": -3, "note":"\\u0007"},\n {"name":"n","price":"1","quantity":2.00}]');
select is(pg_temp.news(), 'order.created', 'odd, but an order');
select is(o.customer_name::text, 'Evil', 'no escape in the name'),
       is(o.special_instructions::text, E'ab\nc', 'a line break stays'),
       is(o.items::text,
          '[{"id":"i1","name":"xy","price":-3.00,"quantity":1,"selectedAddons":[],"note":""},{"id":"i2","name":"n",'
          '"price":1.00,"quantity":2,"selectedAddons":[]}]', 'its lines'),
       is(position(E'\n' in pg_temp.newest()::text), 0, 'the event is one line')
  from pos.orders o where o.tenant_id = :alpha and o.id = 'odd';

-- Changes.
update pos.orders set status = 'preparing' where tenant_id = :alpha and id = '4711';
select is(pg_temp.news(), 'order.status_changed', 'a status');
select is(pg_temp.newest() ->> 'previousStatus', 'confirmed', 'from');
select is(pg_temp.newest() ->> 'status', 'preparing', 'to');
update pos.orders set status = 'new' where tenant_id = :alpha and id = '4711';
select is(pg_temp.news(), 'order.status_changed', 'a shop may go back');
update pos.orders set customer_name = 'New name', status = 'cancelled', details = '{"tip":2,"extra":[1]}'
    where tenant_id = :alpha and id = '4711';
select is(pg_temp.news(), 'order.updated order.status_changed order.deleted', 'all of it, in order');
select is((e.data -> 'changes')::text, '["customerName","tip","extra","note"]', 'what changed'),
       is(e.data ->> 'status', 'new', 'while it was new')
  from pos.event e where e.tenant_id = :alpha and e.type = 'order.updated';
update pos.orders set customer_name = customer_name, updated_at = now() where tenant_id = :alpha;
select is(pg_temp.news(), '', 'nothing changed, no news');
delete from pos.orders where tenant_id = :alpha and id = '4711';
select is(pg_temp.news(), '', 'cancelled was gone already');
delete from pos.orders where tenant_id = :alpha and id = 'odd';
select is(pg_temp.news(), 'order.deleted', 'deleted');
select is(pg_temp.newest() ->> 'status', 'cancelled', 'as cancelled');
select is(pg_temp.newest() ->> 'previousStatus', 'new', 'from');
insert into pos.orders (tenant_id, id, customer_name, total_amount, items) values (:alpha, 'brief', 'b', 1, '[]');
update pos.orders set status = 'ready' where tenant_id = :alpha and id = 'brief';
delete from pos.orders where tenant_id = :alpha and id = 'brief';
select is(pg_temp.news(), 'order.created order.status_changed order.deleted', 'a whole life in one transaction');
select is((select count(*) from pos.order_status_history h
            where h.tenant_id = :alpha and h.order_id in ('4711', 'odd', 'brief')), 0::bigint, 'their history went with them');

-- Refusals.
select throws_ok(format('insert into pos.orders (tenant_id, customer_name, total_amount, items) values (%s)',
       replace(v.row, ':alpha', quote_literal('aaaaaaaa-0000-4000-8000-000000000001'))), v.code, null, v.what)
       from (values
    (':alpha, null, 1, ''[]''', '23502', 'no name'), (':alpha, ''x'', -1, ''[]''', '23514', 'a negative total'),
        (':alpha, ''x'', ''NaN'', ''[]''', '23514', 'NaN'), (':alpha, ''x'', 1e9, ''[]''', '23514', 'too large'),
        (':alpha, ''x'', 1, ''{}''', '23514', 'no list'),
    (':alpha, ''x'', 1, ''"[]"''', '23514', 'a text'), (':alpha, ''x'', 1, null', '23502', 'no items'),
        (':alpha, ''x'', 1, ''[''', '22P02', 'no JSON'),
        ('gen_random_uuid(), ''x'', 1, ''[]''', '42P01', 'no such tenant'),
        (':alpha, repeat(''x'', 201), 1, ''[]''', '22001', 'too long a name')) v(row, code, what);
select throws_ok(format('update pos.orders set %s where tenant_id = %L', v.what,
       'aaaaaaaa-0000-4000-8000-000000000001'), v.code, null, v.what)
  from (values ('id = ''other''', '23001'), ('tenant_id = ''bbbbbbbb-0000-4000-8000-000000000002''', '23001'),
      ('id_json = ''1''', '23001'), ('status = ''cooking''', '23514'), ('items = ''{}''', '23514'),
      ('total_amount = ''NaN''', '23514')) v(what, code);
select throws_ok($$insert into pos.orders (tenant_id, id, id_json, customer_name, total_amount, items) values
                   ('aaaaaaaa-0000-4000-8000-000000000001', 'x', 'not json', 'x', 1, '[]')$$, '22P02', null,
                 'id_json is JSON');
select is(pg_temp.news(), '', 'and none of it was told');

-- Gift cards: when one of card and ledger is written, triggers write the other.
insert into pos.gift_cards (tenant_id, card_number, initial_balance, purchased_by) values (:alpha, 'S1', 50,
    E'Sh\u0007op');
select is(pg_temp.news(), 'gift_card.purchased', 'a card');
select is(pg_temp.newest() ->> 'currentBalance', '50.00', 'with its balance');
select is(pg_temp.newest() ->> 'purchasedBy', 'Shop', 'clean');
select is(pg_temp.balance('S1'), 50.00, 'full');
insert into pos.gift_cards (tenant_id, card_number, initial_balance, status) values (:alpha, 'S2', 60, 'pending');
select is(pg_temp.news(), 'gift_card.purchased', 'a pending card');
select is(pg_temp.balance('S2'), 0.00, 'holds nothing yet');
insert into pos.gift_cards (tenant_id, card_number, current_balance) values (:alpha, 'S3', 7);
select is(pg_temp.news(), 'gift_card.purchased', 'only a balance');
update pos.gift_cards set current_balance = current_balance - 20 where tenant_id = :alpha and card_number = 'S1';
select is(pg_temp.news(), 'gift_card.updated', 'a balance');
select is(pg_temp.newest() ->> 'amount', '-20.00', 'amount');
select is(pg_temp.newest() ->> 'balance', '30.00', 'balance');
update pos.gift_cards set status = 'active', current_balance = initial_balance
    where tenant_id = :alpha and card_number = 'S2';
select is(pg_temp.news(), 'gift_card.updated', 'activated');
select is(pg_temp.newest() ->> 'status', 'active', 'status');
select is(pg_temp.newest() ->> 'amount', '60.00', 'amount');
update pos.gift_cards set status = 'frozen' where tenant_id = :alpha and card_number = 'S2';
select is(pg_temp.news(), 'gift_card.updated', 'frozen');
select is(pg_temp.newest() ->> 'amount', '0.00', 'without money');
select is(pg_temp.newest() ->> 'status', 'frozen', 'status');
update pos.gift_cards set recipient_name = 'Ben', entries = 99 where tenant_id = :alpha and card_number = 'S2';
select is(pg_temp.news(), '', 'a name is no news');
select is((select entries::int from pos.gift_cards where tenant_id = :alpha and card_number = 'S2'), 3,
          'and entries are counted here');
insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount, order_id) values (:alpha, 'S1',
    'deduct', -5, 'o"1'), (:alpha, 'S1', 'reload', 15, null), (:alpha, 'S3', 'refund', 1, null);
select is(pg_temp.news(), 'gift_card.updated gift_card.updated gift_card.updated', 'entries');
select is(pg_temp.balance('S1'), 40.00, 'the balance follows');
select is(pg_temp.balance('S3'), 8.00, 'of each card');
select is(string_agg(entry_no || ':' || type || ' ' || previous_balance || '>' || new_balance,
       ', ' order by entry_no),
       '1:issue 0.00>50.00, 2:adjust 50.00>30.00, 3:deduct 30.00>25.00, 4:reload 25.00>40.00', 'chained')
  from pos.pos_gift_card_transactions where tenant_id = :alpha and card_number = 'S1';
insert into pos.pos_gift_card_transactions (tenant_id, card_number, entry_no, type, amount, previous_balance,
    new_balance) values (:alpha, 'S1', 77, 'reload', 1, 500, 900);
select is(pg_temp.balance('S1'), 41.00, 'what a writer says of the chain is not believed');
select throws_ok(replace(v.what, ':alpha', quote_literal('aaaaaaaa-0000-4000-8000-000000000001')), v.code, null,
                 v.what)
  from (values ('update pos.gift_cards set current_balance = -1 where tenant_id = :alpha and card_number = ''S1''',
                '23514'),
               ('update pos.gift_cards set current_balance = ''NaN'' where tenant_id = :alpha', '23514'),
               ('update pos.gift_cards set card_number = ''S9'' where tenant_id = :alpha and card_number = ''S1''',
                '23001'),
               ('update pos.gift_cards set tenant_id = ''bbbbbbbb-0000-4000-8000-000000000002'' where tenant_id = '
                ':alpha', '23001'),
               ('insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount) values (:alpha, '
                '''S1'', ''deduct'', -1000)', '23514'),
               ('insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount) values (:alpha, '
                '''S1'', ''deduct'', 5)', '23514'),
               ('insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount) values (:alpha, '
                '''S1'', ''reload'', ''NaN'')', '23514'),
               ('insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount) values (:alpha, '
                '''none'', ''reload'', 5)', '23503'),
               ('update pos.pos_gift_card_transactions set amount = 1', '23001'),
               ('delete from pos.pos_gift_card_transactions', '23001'),
               ('delete from pos.gift_cards where tenant_id = :alpha', '23503'),
               ('insert into pos.gift_cards (tenant_id, card_number, initial_balance) values (:alpha, ''S1'', 1)',
                '23505'),
               ('insert into pos.gift_cards (tenant_id, card_number, initial_balance) values (:alpha, '''', 1)',
                '23514'),
               ('insert into pos.gift_cards (tenant_id, card_number, initial_balance) values (:alpha, ''S8'', '
                '100000000)', '23514')) v(what, code);
select is(pg_temp.news(), 'gift_card.updated', 'only what was done');
select throws_ok(format('insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount) values (%L, ''S1'', %s)',
       'aaaaaaaa-0000-4000-8000-000000000001', v.row), '23514', null, 'an entry ' || v.row)
  from (values ('''deduct'', 1'), ('''deduct'', 0'), ('''adjust'', 0'), ('''status'', 1'), ('''issue'', -1'), ('''refund'', -1'),
               ('''reload'', 0')) v(row);
select throws_ok(v.what, '23001', null, v.what) from (values ('truncate pos.pos_gift_card_transactions'),
       ('truncate pos.gift_cards cascade'), ('truncate pos.orders cascade'), ('truncate pos.tables, pos.staff'),
       ('truncate dinedesk_main.tenants cascade')) v(what);

-- Customers and points.
insert into pos.customers (tenant_id, id, phone, name, loyalty_points) values (:alpha, 801, '07700 900801', 'Ada',
    0), (:alpha, 802, ' (0)7700 900802', E'B\u0007en', 30);
select is(pg_temp.news(), 'loyalty.updated', 'points to begin with');
select is(pg_temp.newest() ->> 'customerPhone', ' (0)7700 900802', 'phone as given');
select is(pg_temp.newest() ->> 'transactionType', 'add', 'add');
select is(phone_e164::text, '+447700900802', 'and compared so'),
       is(name::text, 'Ben', 'clean')
  from pos.customers where tenant_id = :alpha and id = 802;
update pos.customers set loyalty_points = 10 where tenant_id = :alpha;
select is(pg_temp.news(), 'loyalty.updated loyalty.updated', 'points of two');
select is(pg_temp.newest() ->> 'transactionType', 'redeem', 'fewer is redeem');
select is(pg_temp.newest() ->> 'pointsChange', '-20', 'by so many');
insert into pos.pos_loyalty_transactions (tenant_id, customer_id, type, points, reason) values (:alpha, 801, 'add',
    5, E'bon\u001bus'), (:alpha, 801, 'redeem', -15, null);
select is(pg_temp.news(), 'loyalty.updated loyalty.updated', 'entries');
select is((select loyalty_points::int from pos.customers where tenant_id = :alpha and id = 801), 0,
          'the points follow');
update pos.customers set name = 'Adele', phone = '+12125550142', email = 'a@example.com'
    where tenant_id = :alpha and id = 801;
select is(pg_temp.news(), '', 'a name is no news');
select is((select phone_e164::text from pos.customers where tenant_id = :alpha and id = 801), '+12125550142',
          'a new phone is normalised');
update pos.customers set phone = null, name = '', email = null, erased_at = now()
    where tenant_id = :alpha and id = 801;
select is((select phone_e164 is null from pos.customers where tenant_id = :alpha and id = 801), true,
       'an erased customer has none');
select throws_ok(replace(v.what, ':alpha', quote_literal('aaaaaaaa-0000-4000-8000-000000000001')), v.code, null,
                 v.what)
  from (values ('insert into pos.customers (tenant_id, phone) values (:alpha, ''12345'')', '23514'),
               ('insert into pos.customers (tenant_id, phone) values (:alpha, ''+44 7700 900802'')', '23505'),
               ('update pos.customers set loyalty_points = -1 where tenant_id = :alpha', '23514'),
               ('update pos.customers set id = 5 where tenant_id = :alpha and id = 801', '23001'),
               ('delete from pos.customers where tenant_id = :alpha and id = 802', '23503'),
               ('insert into pos.pos_loyalty_transactions (tenant_id, customer_id, type, points) values (:alpha, '
                '802, ''redeem'', -11)', '23514'),
               ('insert into pos.pos_loyalty_transactions (tenant_id, customer_id, type, points) values (:alpha, '
                '802, ''add'', 0)', '23514'),
               ('insert into pos.pos_loyalty_transactions (tenant_id, customer_id, type, points) values (:alpha, '
                '802, ''add'', 2147483647)', '22003'),
               ('update pos.pos_loyalty_transactions set points = 1', '23001'),
               ('truncate pos.pos_loyalty_transactions', '23001')) v(what, code);

-- Both ways in one transaction, and two tenants.
insert into pos.orders (tenant_id, customer_name, total_amount, items) values (:beta, 'b', 1, '[]'),
    (:alpha, 'a', 1, '[]');
select is(pg_temp.outcome(pos.call('gift_card_deduct', pg_temp.ctx('{"cardNumber":"S1"}'), '{"amount":1}')), '200', 'an operation in between');
insert into pos.gift_cards (tenant_id, card_number, initial_balance) values (:beta, 'B1', 5);
select is(pg_temp.news(), 'gift_card.updated order.created', 'an operation tells at once, SQL at the commit');
select is(pg_temp.types_after(0, 'beta'), 'order.created gift_card.purchased', 'each tenant its own');
select is(coalesce(current_setting('tillwire.writer', true), ''), '', 'nor who writes');

-- A shop's own role needs a right to this one table, and none to the tables that triggers write.
create role shop_of_test;
grant usage on schema pos to shop_of_test;
grant insert, select, update on pos.orders to shop_of_test;
set local role shop_of_test;
insert into pos.orders (tenant_id, customer_name, total_amount, items) values (:alpha, 'shop', 1, '[]');
update pos.orders set status = 'ready' where tenant_id = :alpha and customer_name = 'shop';
set constraints all immediate;
set constraints all deferred;
select throws_ok('select * from pos.event', '42501', null, 'it does not see the log');
reset role;
select is(pg_temp.news(), 'order.created order.status_changed', 'its orders are told like all others');

-- When a savepoint is rolled back, so are its events.
savepoint s;
insert into pos.orders (tenant_id, customer_name, total_amount, items) values (:alpha, 'gone', 1, '[]');
rollback to s;
select is(pg_temp.news(), '', 'undone, untold');

set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the ledgers are whole');
select throws_ok(format('insert into pos.pos_loyalty_transactions (tenant_id, customer_id, type, points) select tenant_id, id, %s '
       'from pos.customers where tenant_id = %L limit 1', v.row, 'aaaaaaaa-0000-4000-8000-000000000001'), '23514', null, 'an entry ' || v.row)
  from (values ('''add'', -1'), ('''add'', 0'), ('''redeem'', 1'), ('''adjust'', 0')) v(row);
select * from finish();
rollback;
