-- privacy_test.sql - a customer is erased: planted through every way in, and then looked for in every column of every table.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();
insert into test_key select 'alpha', 'console:write', pos.key_issue('alpha', array['console', 'console:write', 'pos', 'platform'], 'console');

-- What can be found of the customer, in any spelling.
\set who '\'quillfeather|7700[^0-9a-z]{0,4}900[^0-9a-z]{0,3}321|zq@example[.]org|unlikely crescent|behind the door\''
create function pg_temp.found(pattern text) returns table (place text, text text) language plpgsql as $$
declare
    one record;
begin
    for one in select c.oid::regclass as name, s.nspname || '.' || c.relname as place from pg_class c join pg_namespace s on s.oid = c.relnamespace
                where s.nspname in ('pos', 'dinedesk_main') and c.relkind = 'r' order by 2 loop
        return query execute format('select %L, t::text from %s t where t::text ~* %L', one.place, one.name, pattern);
    end loop;
end $$;
create function pg_temp.as_all(operation text, path text, body text, more jsonb default '{}') returns text language sql as $$
    select pg_temp.commit();
    select pg_temp.outcome(pos.call(operation, pg_temp.ctx(path, '{"scope":"console:write"}'::jsonb || more), body::json))
$$;

-- Somebody else, here and elsewhere, whose rows must not change.
insert into pos.customers (tenant_id, id, phone, name) values (:alpha, 7002, '07700 900322', 'Ada'), (:beta, 7001, '+447700900321', 'Zaphod Quillfeather');
select pg_temp.as_all('order_create', '{}', '{"orderId":"OTHER-1","customerName":"Ada","customerPhone":"07700 900322","totalAmount":1,"items":[{"name":"Zaphod pie","price":1}],
    "notes":"ring twice","status":"completed"}') \g /dev/null
insert into pos.orders (tenant_id, id, id_json, customer_name, customer_phone, total_amount, items) values (:beta, 'B-1', '"B-1"', 'Zaphod Quillfeather', '+447700900321', 1, '[]');

-- The customer, by every way in.
create temp table planted (what text, said text);
insert into planted values
    ('customer', pg_temp.as_all('customer_create', '{}', '{"phone":"07700 900321","name":"Zaphod Quillfeather","email":"ZQ@example.org"}', '{"idempotencyKey":"c1"}')),
    ('order', pg_temp.as_all('order_create', '{}', '{"orderId":"Z-1","customerName":"Zaphod Quillfeather","customerPhone":"+44 7700 900-321","totalAmount":21.40,
        "items":[{"name":"Zaphod pie","price":10.70,"quantity":2,"notes":"for Quillfeather"}],"specialInstructions":"leave it behind the door",
        "deliveryAddress":{"line1":"17 Unlikely Crescent","postcode":"UC1 7ZZ"},"customerEmail":"zq@example.org","paymentMethod":"card","doorCode":"behind the door"}',
        '{"idempotencyKey":"o1"}')),
    ('order by e-mail', pg_temp.as_all('order_create', '{}', '{"orderId":"Z-2","customerName":"Z. Q.","totalAmount":1,"items":[{"name":"Ramen","price":1}],"email":"zq@example.org"}')),
    ('order by its number', pg_temp.as_all('order_create', '{}', '{"orderId":"Z-3","customerName":"Z","totalAmount":1,"items":[{"name":"Ramen","price":1}],"notes":"behind the door","customerId":7001}')),
    ('order by name', pg_temp.as_all('order_create', '{}', '{"orderId":"Z-4","customerName":"zaphod  quillfeather","totalAmount":1,"items":[{"name":"Ramen","price":1}]}')),
    ('update', pg_temp.as_all('order_update', '{"id":"Z-1"}', '{"status":"confirmed","reason":"Quillfeather called","updatedBy":"who has 07700900321"}')),
    ('screen', pg_temp.as_all('v1_order_create', '{}', '{"customer_name":"Zaphod Quillfeather","customer_phone":"07700900321","items":[{"name":"Ramen","price":1}],"total":1,"notes":"behind the door"}')),
    ('status', pg_temp.as_all('order_status', '{}', '{"orderId":"Z-2","status":"preparing","reason":"zq@example.org asked"}')),
    ('ack', pg_temp.as_all('order_ack', '{}', '{"order_id":"Z-1","status":"printed","device_id":"till-1","reason":"for Quillfeather","printed_for":"behind the door"}')),
    ('acks', pg_temp.as_all('order_ack_batch', '{}', '{"device_id":"till-2","acknowledgments":[{"order_id":"Z-1","status":"failed","reason":"07700900321"}]}')),
    ('add', pg_temp.as_all('loyalty_add', '{"phone":"07700900321"}', '{"points":50,"orderId":"Z-1","reason":"for Zaphod Quillfeather"}')),
    ('redeem', pg_temp.as_all('loyalty_redeem', '{"phone":"07700900321"}', '{"points":10,"reason":"Quillfeather"}', '{"idempotencyKey":"l1"}')),
    ('adjust', pg_temp.as_all('loyalty_adjust', '{"phone":"07700900321"}', '{"points":5,"reason":"zq@example.org"}')),
    ('reverse', pg_temp.as_all('loyalty_reverse', '{"phone":"07700900321"}', '{"orderId":"Z-1","reason":"Zaphod Quillfeather","allowNegative":true}')),
    ('lookup', pg_temp.as_all('till_customer_create', '{}', '{"Phone":"07700900321","Name":"Zaphod Quillfeather"}', '{"idempotencyKey":"t1"}')),
    ('card for the customer', pg_temp.as_all('gift_card_issue', '{}', '{"cardNumber":"GC-Z1","initialBalance":50,"purchasedBy":"Ada","recipientName":"Quillfeather","recipientEmail":"zq@example.org"}')),
    ('card by the customer', pg_temp.as_all('gift_card_issue', '{}', '{"cardNumber":"GC-Z2","initialBalance":50,"purchasedBy":"Zaphod Quillfeather","recipientName":"Ada","recipientEmail":"ada@example.org"}')),
    ('deduct', pg_temp.as_all('gift_card_deduct', '{"cardNumber":"GC-Z1"}', '{"amount":5,"notes":"Zaphod Quillfeather, 07700-900321","orderId":"Z-1"}')),
    ('freeze', pg_temp.as_all('console_gift_card_freeze', '{"cardNumber":"GC-Z2"}', '{"reason":"Zaphod Quillfeather lost it"}')),
    ('alert', pg_temp.as_all('kitchen_alert', '{}', '{"type":"info","message":"Zaphod Quillfeather waits, 07700 900321"}')),
    ('report', pg_temp.as_all('report_daily', '{}', '{"reportDate":"2026-01-05","totalSales":1,"notes":"Zaphod Quillfeather complained","complaints":["zq@example.org"]}')),
    ('table', pg_temp.as_all('shared_state_change', '{}', '{"dialect":"minipos","changes":[{"kind":"tables","action":"add","id":"t-1","data":{"number":"4","status":"occupied",
        "customer":"Zaphod Quillfeather","notes":"17 Unlikely Crescent"}}]}')),
    ('tablet', pg_temp.as_all('shared_state_change', '{}', '{"dialect":"minipos","changes":[{"kind":"orders","action":"add","data":{"id":"POS-1","tableNumber":4,
        "customerName":"Zaphod Quillfeather","status":"pending","total":10.7,"items":"[{\"id\":\"i1\",\"name\":\"Ramen\",\"price\":10.7,\"quantity\":1,\"notes\":\"Quillfeather''s\"}]",
        "waiter":"Bo","remark":"behind the door"}}]}')),
    ('device', pg_temp.as_all('cloudsync_push', '{}', '{"restaurant_id":"alpha","device_id":"pos_1","changes":[{"type":"data_change","data_type":"orders","action":"updated",
        "data":{"id":"Z-7","order_number":"ORD7","customer_name":"Zaphod Quillfeather","customer_phone":"07700900321","total_amount":25.50,"status":"OrderStatus.confirmed",
        "items":[],"notes":"behind the door"},"change_id":"1_pos_1_Z7"}]}', '{"tenant":null}'));
insert into planted values
    ('answer', pg_temp.as_all('order_answer', '{"id":"Z-1"}', '{"state":"failed","reason":"Quillfeather is not there","deviceId":"till-3"}')),
    ('batch', pg_temp.as_all('batch', '{}', '{"mode":"each","operations":[{"key":"b1","op":"loyalty.add","path":{"phone":"07700900321"},"body":{"points":1,"reason":"Zaphod Quillfeather"}}]}',
        '{"idempotencyKey":"b0"}')),
    ('void', pg_temp.as_all('gift_card_void', format('{"cardNumber":"GC-Z1","id":"%s"}', (select t.id from pos.pos_gift_card_transactions t
        where t.tenant_id = :alpha and t.card_number = 'GC-Z1' and t.type = 'deduct')), '{"reason":"07700900321 complained"}'));
insert into pos.menu_state (tenant_id, item_id, is_available, reason, version) values (:alpha, 'ramen', false, 'Zaphod Quillfeather had the last', 1);
insert into pos.orders (tenant_id, id, customer_name, customer_phone, total_amount, items, details, status)
values (:alpha, 'Z-5', 'Zaphod Quillfeather', '0044 7700 900321', 1, '[{"name":"Ramen","price":1,"quantity":1,"comment":"no onions for \u0051uillfeather"}]',
        '{"note":"behind the door","address":"17 Unlikely Crescent"}', 'completed'),
       (:alpha, 'Z-6', 'Quillfeather', '07700 900 321', 1, '[]', '{}', 'completed');
insert into pos.tables (tenant_id, id, number, customer, details) values (:alpha, 't-2', '5', '{"name":"Zaphod Quillfeather","phone":"07700900321"}', '{"remark":"for Zaphod  Quillfeather of 17 Unlikely Crescent"}');
update pos.orders set customer_name = 'Quillfeather the Elder' where tenant_id = :alpha and id = 'Z-6';
select pg_temp.commit() \g /dev/null
-- In the archive, with its history.
update pos.orders set status = 'completed', updated_at = now() - interval '500 days' where tenant_id = :alpha and id = 'Z-6';
set local tillwire.writer = 'function';
update pos.orders set updated_at = now() - interval '500 days' where tenant_id = :alpha and id in ('Z-6', 'Z-5');
insert into pos.order_status_history (tenant_id, order_id, status, reason) values (:alpha, 'Z-6', 'completed', 'brought to 17 Unlikely Crescent');
insert into pos.order_ack (tenant_id, order_id, device, state, at, reason) values (:alpha, 'Z-6', 'd', 'received', now(), 'Quillfeather');
reset tillwire.writer;
select pos.orders_archive() \g /dev/null
-- What processes write, and what waits or is shown.
select pos.request_log_write('api-1', format('[{"tenant":"%s","at":"2026-01-05T18:00:00Z","id":"r1","method":"GET","path":"/api/alpha/loyalty/%%2B447700900321/points","route":"x","status":200,"ms":1}]', :alpha)::json, '[]') \g /dev/null
select pos.operator_note(:alpha, 'test', 'customer 07700900321', 'Zaphod Quillfeather asked') \g /dev/null
insert into pos.outbox (tenant_id, type, data) values (:alpha, 'kitchen.alert', '{"message":"Zaphod Quillfeather"}');
insert into pos.list_left (tenant_id, list_id, n, change, work) values (:alpha, gen_random_uuid(), 1, '{"customer":{"name":"Zaphod Quillfeather","phone":"07700900321"}}', 1);
insert into pos.state_shown (tenant_id, dialect, head, body) values (:alpha, 'minipos', 1, 'Zaphod Quillfeather');
insert into pos.sync_log (tenant_id, type, action, row_id, data) values (:alpha, 'orders', 'updated', 'Z-1', '{"customer_name":"Zaphod Quillfeather","note":"behind the door"}');
update pos.customers set id = 7001 where false;
select p.id as customer from pos.customers p where p.tenant_id = :alpha and p.phone_e164 = '+447700900321' \gset
update pos.orders set details = (details::jsonb || jsonb_build_object('customerId', :customer))::json where tenant_id = :alpha and id = 'Z-3';
select is(p.said in ('200', '201'), true, p.what || ': ' || p.said) from planted p ;
create temp table before as select f.place, count(*) as n from pg_temp.found(:who) f where f.text !~ 'bbbbbbbb-' group by 1;
select is((select string_agg(n.place, ' ') from (select distinct p.name as place from pos.person_places() p union select 'pos.customers' union select 'pos.tables'
                                                 union select 'pos.state_shown' except select 'pos.event') n
            where not exists (select from before b where b.place = n.place)), null, 'it is in every place that is known');

create function pg_temp.erase(body text default '{}', id text default null, more jsonb default '{"scope":"platform"}') returns pos.answer language sql as $$
    select pg_temp.commit();
    select pos.call('customer_erase', pg_temp.ctx(format('{"id":"%s"}', coalesce(id, (select p.id::text from pos.customers p
        where p.tenant_id = 'aaaaaaaa-0000-4000-8000-000000000001' and p.phone_e164 = '+447700900321'))), more), body::json)
$$;
-- Somebody makes or delivers some of them.
select is(pg_temp.outcome(e.a), '409 ORDERS_OPEN', 'not while somebody needs them'),
       is((select count(*)::int from json_array_elements((e.a).body::json #> '{error,details,orderIds}')), 7, 'which are named')
  from (select pg_temp.erase() as a) e;
select is((select sum(n) from (select count(*) as n from pg_temp.found(:who) f where f.text !~ 'bbbbbbbb-') x) >= (select sum(n) from before), true, 'and nothing was done');
select is(pg_temp.outcome(pg_temp.erase('{}', v.id)), '404 CUSTOMER_NOT_FOUND', v.id)
  from (values ('99999'), ('GC-Z1'), ('07700900321'), ('+447700900321'), ('0'), ('-1'), ('99999999999999'), ('')) v(id);
select is(pg_temp.outcome(pg_temp.erase('{}', :'customer', jsonb_build_object('tenant', 'beta', 'keyHash', pg_temp.key_hash('beta', 'platform')))),
          '404 CUSTOMER_NOT_FOUND', 'another restaurant''s');
select is(pg_temp.outcome(pg_temp.erase('{}', :'customer', '{"scope":"pos"}')), '403 FORBIDDEN', 'a till may not');
select is(pg_temp.outcome(pg_temp.erase('{"includeOpenOrders":"yes"}')), '400 INVALID_FIELD', 'yes is true');

-- What is held of the customer.
create temp table held as select (a).status, (a).body::json -> 'data' as d
  from pos.call('customer_export', pg_temp.ctx(format('{"id":"%s"}', :'customer'), '{"scope":"platform"}'), null) a;
select is(status, 200, 'export'), is(d #>> '{customer,name}', 'Zaphod Quillfeather', 'the customer'), is(d #>> '{customer,erasedAt}', null, 'as it is'),
       is(json_array_length(d -> 'orders'), 9, 'orders'), is(json_array_length(d -> 'loyaltyTransactions'), 5, 'points'),
       is((select string_agg(g ->> 'cardNumber', ' ') from json_array_elements(d -> 'giftCards') g), 'GC-Z1', 'gift cards'),
       is((select string_agg(t ->> 'id', ' ') from json_array_elements(d -> 'tables') t), 't-1 t-2', 'tables'),
       is(json_array_length(d -> 'events') > 20, true, 'events'), is(d ->> 'complete', 'true', 'all of it') from held;
select is(d::text ~* 'OTHER-1|ring twice|B-1', false, 'and nobody else') from held;

-- Erased.
create temp table seen as select pg_temp.head() as head, (select sum(t.points) from pos.pos_loyalty_transactions t) as points;
create temp table done as select pg_temp.erase('{"includeOpenOrders":true}') as a;
select is((done.a).status, 200, 'erased'), is((done.a).body::json ->> 'alreadyErased', 'false', 'now'), is((done.a).body::json ->> 'giftCards', '1', 'a card'),
       is((select string_agg(o, ' ' order by o collate "C") from json_array_elements_text((done.a).body::json -> 'orderIds') o where o ~ '^(Z|POS)'),
          'POS-1 Z-1 Z-2 Z-3 Z-4 Z-5 Z-6 Z-7', 'and the orders'),
       is((done.a).events[1]::json ->> 'type', 'customer.erased', 'one event'),
       is((done.a).events[1]::json #>> '{data,customerId}', :'customer', 'of the customer'),
       is((done.a).events[1]::json #>> '{data,orderIds}', (done.a).body::json ->> 'orderIds', 'and the orders')
  from done;
select is_empty(format($$select f.place, f.text from pg_temp.found(%L) f where f.text !~ 'bbbbbbbb-'$$, :who), 'nothing of it is left anywhere');
select is(pg_temp.types_after((select head from seen)), 'customer.erased' || repeat(' order.updated', 7) || ' table.updated table.updated', 'devices hear of orders and tables that showed it');
select is((select string_agg(distinct concat_ws(' ', e.data ->> 'customerName', e.data ->> 'customerPhone', e.data ->> 'status' = e.data ->> 'previousStatus'), ', ')
             from pos.event e, seen where e.tenant_id = :alpha and e.seq > seen.head and e.type = 'order.updated'), '[erased]  t', 'without the person');
select is_empty(format($$select f.place, f.text from pg_temp.found(%L) f where f.text !~ 'bbbbbbbb-'$$, :who), 'nor in what they hear');
select is((select concat_ws(' ', p.name, p.phone, p.email, p.erased_at is not null, p.loyalty_points) from pos.customers p where p.tenant_id = :alpha and p.id = :customer),
          '[erased] t -4', 'the customer');
select is((select sum(t.points) from pos.pos_loyalty_transactions t), (select points from seen), 'the ledger stays');
select is((select concat_ws(' | ', o.customer_name, o.customer_phone, o.special_instructions, o.status, o.total_amount, o.items, o.details) from pos.orders o where o.tenant_id = :alpha and o.id = 'Z-1'),
          '[erased] | confirmed | 21.40 | [{"id":"i1","name":"Zaphod pie","price":10.70,"quantity":2,"selectedAddons":[],"specialInstructions":"[erased]","notes":"[erased]"}] | '
          '{"deliveryAddress":{"line1":"[erased]","postcode":"[erased]"},"customerEmail":"[erased]","paymentMethod":"card","doorCode":"[erased]"}', 'an order');
select is(a.status, 200, 'which is still an order'), is(a.body::json #>> '{order,customerName}', '[erased]', 'of nobody') from pg_temp.call('order_get', '{"id":"Z-1"}') a;
select is(pg_temp.try('order_update', '{"id":"Z-1"}', '{"status":"ready"}'), '200', 'and goes on');
select is(pg_temp.try('order_get', '{"id":"Z-6"}'), '200', 'also in the archive');
select is((select concat_ws(' ', o.customer_name, o.customer_phone, o.details) from pos.orders o where o.tenant_id = :alpha and o.id = 'OTHER-1'),
          'Ada 07700 900322 {"notes":"ring twice"}', 'somebody else''s is as it was');
select is((select count(*)::int from pg_temp.found(:who) f where f.text ~ 'bbbbbbbb-'), 3, 'and so is another restaurant''s');
select is(pg_temp.outcome(pos.call('order_create', pg_temp.ctx('{}', '{"scope":"console:write","idempotencyKey":"o1"}'), '{"orderId":"Z-1","customerName":"Zaphod Quillfeather","customerPhone":"+44 7700 900-321","totalAmount":21.40,
        "items":[{"name":"Zaphod pie","price":10.70,"quantity":2,"notes":"for Quillfeather"}],"specialInstructions":"leave it behind the door",
        "deliveryAddress":{"line1":"17 Unlikely Crescent","postcode":"UC1 7ZZ"},"customerEmail":"zq@example.org","paymentMethod":"card","doorCode":"behind the door"}')),
       '201 replayed', 'a repeat is still one');
select is((select a.action || ' ' || a.subject || ' ' || (a.actor like 'key %') from pos.audit a where a.tenant_id = :alpha and a.action = 'customer.erase'),
          'customer.erase customer ' || :'customer' || ' true', 'who has done it');

-- Again, and afterwards.
select is(pg_temp.outcome(e.a), '200', 'again'), is((e.a).body::json ->> 'alreadyErased', 'true', 'was done'), is((e.a).body::json ->> 'orderIds', '[]', 'nothing is left to be found'),
       is((e.a).events, null, 'nobody hears of it') from (select pg_temp.erase('{}', :'customer') as a) e;
select is(pg_temp.try('loyalty_points', '{"phone":"07700900321"}'), '404 CUSTOMER_NOT_FOUND', 'the phone is nobody''s');
select is(pg_temp.try('customer_create', '{}', '{"phone":"07700900321","name":"New"}'), '201', 'and may be somebody''s again');
select is((a).body::json #>> '{data,customer,name}', '[erased]', 'what is held of who was erased')
  from pos.call('customer_export', pg_temp.ctx(format('{"id":"%s"}', :'customer'), '{"scope":"platform"}'), null) a;

-- By an operator; a customer without anything; a name that is also a word of ours.
insert into pos.customers (tenant_id, id, phone, name, email) values (:alpha, 7010, '07700 900333', 'Ready', null), (:alpha, 7011, null, '', null);
select pg_temp.as_all('order_create', '{}', '{"orderId":"R-1","customerName":"Ready","customerPhone":"07700900333","totalAmount":1,"items":[{"name":"Ready meal","price":1}],"status":"ready"}'),
       pg_temp.as_all('order_update', '{"id":"R-1"}', '{"status":"completed"}') \g /dev/null
select is(concat_ws(' ', e.id, e.orders, e.gift_cards, e.erased_before), '7010 1 0 f', 'tillctl') from pos.customer_erased('alpha', '07700900333', false) e;
select is((select string_agg(e.data ->> 'status', ' ' order by e.seq) from pos.event e where e.tenant_id = :alpha and e.data ->> 'orderId' = 'R-1' and e.type <> 'customer.erased'),
          'ready completed completed', 'words of ours stay');
select is((select o.items -> 0 ->> 'name' from pos.orders o where o.id = 'R-1'), 'Ready meal', 'and so do dishes');
insert into pos.customers (tenant_id, id, phone, name, email) values (:alpha, 7012, '07700 900334', 'Olden Times', null);
select pg_temp.as_all('order_create', '{}', '{"orderId":"R-2","customerName":"Olden Times","customerPhone":"07700900334","totalAmount":1,"items":[{"name":"Pie","price":1}],"status":"completed"}') \g /dev/null
set tillwire.writer = 'erase';
update pos.orders o set updated_at = now() - interval '25 hours' where o.id = 'R-2';
reset tillwire.writer;
delete from seen;
insert into seen (head) select pg_temp.head();
select is(concat_ws(' ', e.orders, e.erased_before), '1 f', 'an old order is erased') from pos.customer_erased('alpha', '07700900334', false) e;
select is(pg_temp.types_after((select head from seen)), 'customer.erased', 'and not shown again');
select is(concat_ws(' ', e.id, e.orders, e.gift_cards, e.erased_before), '7011 0 0 f', 'of whom nothing is known') from pos.customer_erased('alpha', 'id:7011', false) e;
select is(concat_ws(' ', e.id, e.erased_before), '7011 t', 'and again') from pos.customer_erased('alpha', 'id:7011', false) e;
select is(pos.customer_held('alpha', 'id:7011')::json #>> '{customer,loyaltyPoints}', '0', 'held');

-- Ledgers open their door for a text, and for nothing else.
select throws_ok(format('set local tillwire.writer = %L; %s', v.writer, v.sql), v.code, null, v.sql)
  from (values ('', $$update pos.pos_loyalty_transactions set reason = 'x'$$, '23001'), ('function', $$update pos.pos_loyalty_transactions set reason = 'x'$$, '23001'),
               ('erase', 'update pos.pos_loyalty_transactions set points = points + 1', '23001'), ('erase', 'update pos.pos_gift_card_transactions set amount = 1', '23001'),
               ('erase', 'delete from pos.pos_loyalty_transactions', '23001'), ('erase', 'update pos.daily_report_revision set revision = 9', '23001')) v(writer, sql, code);
select lives_ok($$set local tillwire.writer = 'erase'; update pos.pos_loyalty_transactions set reason = 'x'; set local tillwire.writer = ''$$, 'a text');

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the ledgers are whole');

-- Patterns: what they find, and what they leave.
select is(pos.forgotten_text(v.given, pos.phone_pattern('+447700900321')), v.wanted, v.given)
  from (values ('07700900321', '[erased]'), ('+44 (0)7700 900 321.', '[erased].'), ('0044-7700-900-321', '[erased]'), ('call 7700900321 now', 'call [erased] now'),
               ('/loyalty/%2B44%207700900321/points', '/loyalty/[erased]/points'), ('177009003219', '177009003219'), ('07700900322', '07700900322'), ('2026-01-05', '2026-01-05')) v(given, wanted);
select is(pos.forgotten_text(v.given, pos.term_pattern(v.term)), v.wanted, v.term || ' in ' || v.given)
  from (values ('Ann Lee', 'ann  LEE', '[erased]'), ('Ann Lee', 'Joann Lee', 'Joann Lee'), ('Ann Lee', 'Ann Leeds', 'Ann Leeds'), ('a.b@c.de', 'mail a.b@c.de!', 'mail [erased]!'),
               ('a.b@c.de', 'axb@c.de', 'axb@c.de'), ('李伟', 'für 李伟', 'für [erased]'), ('O"Neil (Jr)', 'O"Neil (Jr)', '[erased]'), ('[x]+*', '[x]+*', '[erased]')) v(term, given, wanted);
select is(pos.forgotten_json(v.given::json, pos.term_pattern('José X') || '|' || pos.phone_pattern('+447700900321'), false, '$.^')::text, v.wanted, v.given)
  from (values ('{"a":"Jos\u00e9 X"}', '{"a":"[erased]"}'), ('{"a":[1,{"b":"José X, 07700900321"}],"c":1.50}', '{"a":[1,{"b":"[erased], [erased]"}],"c":1.50}'),
               ('{"a":7700900321,"a":2}', '{"a":null,"a":2}'), ('"line\nJosé X"', '"line\n[erased]"'), ('[]', '[]'), ('{}', '{}'), ('null', 'null')) v(given, wanted);

-- Each column that can hold a text is in person_places, or is known to hold no customer's: the restaurant's own tables, what machines
-- say of themselves, and what has one of these names. Whoever adds another one decides, and adds it here or there.
create temp table undecided as
    select s.nspname || '.' || c.relname as place, a.attname::text as col
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace s on s.oid = c.relnamespace join pg_type t on t.oid = a.atttypid
     where s.nspname in ('pos', 'dinedesk_main') and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
       and coalesce(nullif(t.typbasetype, 0), t.oid) = any(array['text', 'varchar', 'json', 'jsonb', 'text[]', 'varchar[]']::regtype[])
       and not exists (select from pos.person_places() p where p.name = s.nspname || '.' || c.relname and p.col = a.attname)
       and not c.relname = any(string_to_array('tenants api_key tenant_alias token_secret categories menu_items menu_state inventory staff tablet_staff printers '
           'restaurant_settings country migration function_applied triggers_applied picture process gateway_report device_seen pos_sync_logs ws_ticket till acking_device', ' '))
       and not a.attname = any(string_to_array('id id_json order_id order_id_json order_number order_type order_source row_id change_id client_id register_id '
           'card_number other_card item_id object table_number number type kind state status print_status previous action actor code refused method route dialect instance gateway devices '
           'device made_by origin request_id key_hint idempotency_key key attempt field_versions page ready', ' '));
select is((select string_agg(u.place || ' ' || u.col, ', ' order by u.place, u.col) from undecided u),
          'pos.customers email, pos.customers name, pos.customers phone, pos.customers phone_e164, pos.order_given name, pos.order_history_mark updated_by, '
          'pos.state_shown body, pos.tables customer, pos.tables details, pos.tables order_items, pos.tables reservation_time, pos.tables updated_by, pos.tables words',
          'those that have code of their own, and three of devices and shops');
select * from finish();
rollback;
