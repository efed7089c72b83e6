-- foreign_ids_test.sql - what belongs to another restaurant is answered exactly as what does not exist: not one byte gives away that it does.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

-- Beta has all of it: a card with a deduct, a hold and a key; a customer with points of an order; an order that was acknowledged; a dish.
create function pg_temp.beta(operation text, path text, body text default null, more jsonb default '{}') returns pos.answer language sql as $$
    select pos.call(operation, pg_temp.ctx(path, jsonb_build_object('keyHash', pg_temp.key_hash('beta', (pos.operation_scopes(operation))[1]), 'tenant', 'beta') || more), body::json)
$$;
insert into pos.gift_cards (tenant_id, card_number, initial_balance) values (:beta, 'FOREIGN-1', 100);
insert into pos.customers (tenant_id, id, phone, name, loyalty_points) values (:beta, 7701, '+12125550123', 'Beta Guest', 50);
insert into pos.orders (tenant_id, id, customer_name, total_amount, items) values (:beta, 'foreign-order', 'Beta Guest', 1, '[]');
insert into pos.menu_items (tenant_id, id, name, price) values (:beta, 'foreign-dish', 'Secret dish', 1);
select pg_temp.commit();
create temp table theirs as select
    (pg_temp.beta('gift_card_deduct', '{"cardNumber":"FOREIGN-1"}', '{"amount":5,"orderId":"foreign-order"}', '{"idempotencyKey":"foreign-key"}')).body::json ->> 'transactionId' as entry,
    (pg_temp.beta('gift_card_hold', '{"cardNumber":"FOREIGN-1"}', '{"amount":5}')).body::json ->> 'holdId' as hold,
    (pg_temp.beta('loyalty_add', '{"phone":"+12125550123"}', '{"points":5,"orderId":"foreign-order"}')).status as points,
    (pg_temp.beta('order_received', '{"id":"foreign-order"}', '{}')).status as acked;
select is(entry is not null and hold is not null and points = 200 and acked = 200, true, 'they are there') from theirs;

select pg_temp.card('MINE', 100) \g /dev/null
insert into pos.customers (tenant_id, id, phone, name, loyalty_points) values (:alpha, 7702, '+447700900771', 'Ada', 50);

-- Of each request: with an id of beta's, and with one that nobody has, of the same length. What the caller has sent may come back.
create temp table asked (operation text, path text, body text, query text, theirs text, nobodys text);
insert into asked
select v.operation, v.path, v.body, v.query, v.theirs, v.nobodys
  from theirs t, lateral (values
    ('gift_card_balance', '{"cardNumber":"<id>"}', null, '{}', 'FOREIGN-1', 'UNKNOWN-1'),
    ('gift_card_deduct', '{"cardNumber":"<id>"}', '{"amount":1}', '{}', 'FOREIGN-1', 'UNKNOWN-1'),
    ('gift_card_transactions', '{"cardNumber":"<id>"}', null, '{}', 'FOREIGN-1', 'UNKNOWN-1'),
    ('gift_card_transactions', '{"cardNumber":"MINE"}', null, '{"after":"<id>"}', t.entry, '999999999999'),
    ('gift_card_reload', '{"cardNumber":"<id>"}', '{"amount":1}', '{}', 'FOREIGN-1', 'UNKNOWN-1'),
    ('gift_card_refund', '{"cardNumber":"<id>"}', '{"amount":1,"orderId":"o","reason":"x"}', '{}', 'FOREIGN-1', 'UNKNOWN-1'),
    ('gift_card_hold', '{"cardNumber":"<id>"}', '{"amount":1}', '{}', 'FOREIGN-1', 'UNKNOWN-1'),
    ('gift_card_void', '{"cardNumber":"MINE","id":"<id>"}', '{"reason":"x"}', '{}', t.entry, '999999999999'),
    ('gift_card_void', '{"cardNumber":"<id>","id":"1"}', '{"reason":"x"}', '{}', 'FOREIGN-1', 'UNKNOWN-1'),
    ('gift_card_capture', '{"cardNumber":"MINE","holdId":"<id>"}', '{}', '{}', t.hold, '00000000-0000-4000-8000-000000000000'),
    ('gift_card_release', '{"cardNumber":"MINE","holdId":"<id>"}', '{}', '{}', t.hold, '00000000-0000-4000-8000-000000000000'),
    ('gift_card_freeze', '{"cardNumber":"<id>"}', '{"reason":"x"}', '{}', 'FOREIGN-1', 'UNKNOWN-1'),
    ('gift_card_unfreeze', '{"cardNumber":"<id>"}', '{"reason":"x"}', '{}', 'FOREIGN-1', 'UNKNOWN-1'),
    ('gift_card_close', '{"cardNumber":"<id>"}', '{"reason":"x"}', '{}', 'FOREIGN-1', 'UNKNOWN-1'),
    ('gift_card_transfer', '{"cardNumber":"<id>"}', '{}', '{}', 'FOREIGN-1', 'UNKNOWN-1'),
    ('operation_outcome', '{"idempotencyKey":"<id>"}', null, '{}', 'foreign-key', 'unknown-key'),
    ('loyalty_points', '{"phone":"<id>"}', null, '{}', '+12125550123', '+12125550124'),
    ('loyalty_add', '{"phone":"<id>"}', '{"points":1}', '{}', '+12125550123', '+12125550124'),
    ('loyalty_reverse', '{"phone":"<id>"}', '{"orderId":"foreign-order"}', '{}', '+12125550123', '+12125550124'),
    ('loyalty_reverse', '{"phone":"+447700900771"}', '{"orderId":"<id>"}', '{}', 'foreign-order', 'unknown-order'),
    ('loyalty_adjust', '{"phone":"<id>"}', '{"points":1,"reason":"x"}', '{}', '+12125550123', '+12125550124'),
    ('loyalty_transactions', '{"phone":"<id>"}', null, '{}', '+12125550123', '+12125550124'),
    ('customer_erase', '{"id":"<id>"}', '{}', '{}', '7701', '7799'),
    ('customer_export', '{"id":"<id>"}', null, '{}', '7701', '7799'),
    ('order_get', '{"id":"<id>"}', null, '{}', 'foreign-order', 'unknown-order'),
    ('order_delivery', '{"id":"<id>"}', null, '{}', 'foreign-order', 'unknown-order'),
    ('order_update', '{"id":"<id>"}', '{"status":"ready"}', '{}', 'foreign-order', 'unknown-order'),
    ('order_answer', '{"id":"<id>"}', '{"state":"received"}', '{}', 'foreign-order', 'unknown-order'),
    ('order_received', '{"id":"<id>"}', '{}', '{}', 'foreign-order', 'unknown-order'),
    ('order_acks_get', '{}', null, '{"order_id":"<id>"}', 'foreign-order', 'unknown-order'),
    ('v1_order_status', '{"id":"<id>"}', '{"status":"ready"}', '{}', 'foreign-order', 'unknown-order'),
    ('menu_availability_set', '{"id":"<id>"}', '{"available":false}', '{}', 'foreign-dish', 'unknown-dish'),
    ('till_card_balance', '{}', null, '{"cardNumber":"<id>"}', 'FOREIGN-1', 'UNKNOWN-1'),
    ('batch', '{}', '{"operations":[{"key":"b","op":"gift_card.deduct","path":{"cardNumber":"<id>"},"body":{"amount":1}}]}', '{}', 'FOREIGN-1', 'UNKNOWN-1'),
    ('batch', '{}', '{"mode":"all","operations":[{"key":"foreign-key","op":"gift_card.void","path":{"cardNumber":"MINE","id":"<id>"},"body":{"reason":"x"}}]}', '{}', t.entry, '999999999999'))
    v(operation, path, body, query, theirs, nobodys);
create function pg_temp.told(a asked, id text) returns text language sql as $$
    select concat_ws(' ', b.status, replace(b.body::text, id, '<id>'), b.events)
      from pg_temp.call(a.operation, replace(a.path, '<id>', id), replace(a.body, '<id>', id), jsonb_build_object('query', replace(a.query, '<id>', id)::jsonb)) b
$$;
create temp table heard as select a, pg_temp.told(a, (a).theirs) as theirs, pg_temp.told(a, (a).nobodys) as nobodys from asked a;
select is(h.theirs, h.nobodys, format('%s %s %s', (h.a).operation, (h.a).path, (h.a).query)) from heard h;
select matches(h.theirs, '^(40[0-9]|409|200 \{"success":false)', (h.a).operation || ' refuses') from heard h;
-- Nor does what it names of its own: the shop's numbers and ids are its own affair.
select is(pg_temp.try('gift_card_transfer', '{"cardNumber":"MINE"}', '{"to":"FOREIGN-1"}'), '201', 'a number that only another restaurant has is free');
select is(pg_temp.try('gift_card_reload', '{"cardNumber":"FOREIGN-1"}', '{"amount":1}', '{"idempotencyKey":"foreign-key"}'), '201', 'and so is a key');
select is(pg_temp.try('order_create', '{}', '{"orderId":"foreign-order","customerName":"x","totalAmount":1,"items":[]}'), '201', 'and an order id');
select is(string_agg(t.type || ' ' || t.amount, ', ' order by t.entry_no), 'issue 100.00, deduct -5.00', 'beta''s card is as it was')
  from pos.pos_gift_card_transactions t where t.tenant_id = :beta;

\ir invariants.sql
select * from finish();
rollback;
