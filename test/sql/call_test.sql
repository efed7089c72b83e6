-- call_test.sql - the wrapper: authentication, idempotency, refusals, the order of checks.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();
select pg_temp.card('C1', 100);
insert into pos.customers (tenant_id, phone, name, loyalty_points) values (:alpha, '07700 900111', 'Ada', 100);
select pg_temp.commit() \g /dev/null

-- Authentication comes first: before the body is read and before anything is looked up.
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"nope"}', '{"amount":"x"}', '{"keyHash":"0000"}'),
       '401 UNAUTHORIZED', 'no key');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"nope"}', '[]', '{"keyHash":null}'), '401 UNAUTHORIZED',
       'no key, no object');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":1}', '{"tenant":"beta"}'),
       '403 TENANT_MISMATCH', 'another path');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":1}', '{"tenantHeader":"beta"}'),
       '403 TENANT_MISMATCH', 'another header');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":1}', '{"scope":"platform"}'),
       '403 FORBIDDEN', 'a platform key is no till');
select is(pg_temp.outcome(pos.call('order_create', pg_temp.ctx('{}'), '{}')), '403 FORBIDDEN',
       'a till''s key is no shop');
select is(pg_temp.try('gift_card_balance', '{"cardNumber":"C1"}', null,
          jsonb_build_object('keyHash', pg_temp.key_hash('beta', 'pos'), 'tenant', 'beta')), '404 CARD_NOT_FOUND',
              'another tenant''s card is not there');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":1}',
          jsonb_build_object('keyHash', pg_temp.key_hash('beta', 'pos'), 'tenant', 'beta')), '404 CARD_NOT_FOUND',
              'nor can it be charged');
select is(pg_temp.balance('C1'), 100.00, 'nothing moved');
select is(a.tenant_id, null, 'a refused key has no tenant'),
       is(a.events, null, 'no events'),
       is(a.replayed, false, 'no replay')
  from pg_temp.call('health', '{}', null, '{"keyHash":"x"}') a;

-- Names that are not operations.
select throws_ok(format('select pos.call(%L, pg_temp.ctx(%L), null)', v.name, '{}'), '42883', null,
       'operation "' || v.name || '"')
  from (values ('drop_everything'), (''), ('call'), ('emit'), ('refuse'), ('HEALTH'), ('health; select 1'),
      ('gift_card_deduct(')) v(name);
select throws_ok('select pos.call(null, pg_temp.ctx(''{}''), null)', '42883', null, 'no operation');

-- Bodies.
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', v.body), '400 INVALID_JSON', 'body ' || v.body)
  from (values ('[]'), ('"x"'), ('17'), ('null'), ('true')) v(body);
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', null), '400 INVALID_AMOUNT',
       'no body is an empty one');

-- No key, but an attempt id from the api: a request that is sent again because its answer was lost happens once.
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":2}', '{"attempt":"a1"}'), '200',
       'the first try');
create temp table tried as select pg_temp.head() as head, i.body from pos.idempotency i where i.key like E'\x01%a1';
select is(a.status, 200, 'the second'),
       is(a.body, (select body from tried), 'has its answer'),
       is(a.replayed, false, 'as if it were the first'),
       is(a.events, null, 'no event again')
  from pg_temp.call('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":2}', '{"attempt":"a1"}') a;
select is(pg_temp.balance('C1'), 98.00, 'taken once');
select is(pg_temp.head(), (select head from tried), 'told once');
select is(t.idempotency_key, null, 'the ledger knows no key')
  from pos.pos_gift_card_transactions t where t.card_number = 'C1' and t.amount = -2;
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":2}', '{"attempt":"a2"}'), '200',
       'another attempt is another deduct');
select is(pg_temp.balance('C1'), 96.00, 'and counts');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":2}',
          jsonb_build_object('attempt', 'a1', 'idempotencyKey', E'\x01' || 'a1')), '400 INVALID_IDEMPOTENCY_KEY',
       'no client reaches it');
update pos.idempotency set created_at = now() - interval '11 minutes' where key like E'\x01%';
insert into pos.idempotency (tenant_id, lineage, key, request_hash, status, body, created_at)
    select tenant_id, lineage, 'kept', request_hash, status, body, created_at
      from pos.idempotency
     where key like E'\x01%a1';
select pos.maintain('attempts');
select is(array(select i.key::text from pos.idempotency i where i.created_at < now() - interval '5 minutes'), '{kept}',
       'attempts are forgotten after ten minutes, keys are not');
delete from pos.idempotency where key = 'kept';
update pos.gift_cards set current_balance = 100 where card_number = 'C1';
select pg_temp.commit() \g /dev/null

-- A key: the request happens once, and a repeat gets the same answer.
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":10}', '{"idempotencyKey":"k1"}'),
       '200', 'the first time');
create temp table first as select pg_temp.head() as head, i.body, i.status from pos.idempotency i
    where i.key = 'k1';
select is(a.status, 200, 'again'),
       is(a.body, (select body from first), 'byte for byte'),
       is(a.replayed, true, 'marked'),
       is(a.events, null, 'no event')
  from pg_temp.call('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":10}',
                    '{"idempotencyKey":"k1","requestId":"another"}') a;
select is(pg_temp.balance('C1'), 90.00, 'taken once');
select is(pg_temp.head(), (select head from first), 'told once');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":1}',
          '{"idempotencyKey":"k0","attempt":"b1"}'), '200', 'a key and an attempt');
select is(a.replayed, false, 'the api''s own repeat is no replay')
  from pg_temp.call('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":1}',
                    '{"idempotencyKey":"k0","attempt":"b1"}') a;
select is(a.replayed, true, 'the client''s is')
  from pg_temp.call('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":1}',
                    '{"idempotencyKey":"k0","attempt":"b2"}') a;
update pos.gift_cards set current_balance = current_balance + 1 where card_number = 'C1';
select pg_temp.commit() \g /dev/null
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":11}', '{"idempotencyKey":"k1"}'),
       '422 IDEMPOTENCY_KEY_REUSED', 'another body');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C2"}', '{"amount":10}', '{"idempotencyKey":"k1"}'),
       '422 IDEMPOTENCY_KEY_REUSED', 'another card');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":10}',
       '{"idempotencyKey":"k1","route":"/other"}'), '422 IDEMPOTENCY_KEY_REUSED', 'another route');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":10}',
       '{"idempotencyKey":"k1","method":"PATCH"}'), '422 IDEMPOTENCY_KEY_REUSED', 'another method');
select is(pg_temp.try('loyalty_add', '{"phone":"07700900111"}', '{"points":1}', '{"idempotencyKey":"k1"}'),
       '422 IDEMPOTENCY_KEY_REUSED', 'another operation');
select is(pg_temp.try('gift_card_balance', '{"cardNumber":"C1"}', null, '{"idempotencyKey":"k1"}'), '200',
       'a read has no key');

-- The key in the body.
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":5,"requestId":"b1"}'), '200',
       'a key in the body');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":5,"requestId":"b1"}'), '200 replayed',
       'counts');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":5,"requestId":"b1"}',
       '{"idempotencyKey":"h1"}'), '200', 'the header''s goes before');
select is(pg_temp.balance('C1'), 80.00, 'two were taken');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":1,"requestId":null}'), '200',
       'null is no key');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', format('{"amount":1,"requestId":%s}', v.key)),
       '400 INVALID_IDEMPOTENCY_KEY', 'key ' || left(v.key, 20))
  from (values ('17'), ('true'), ('{}'), ('[]'), ('""'), ('"  "'), ('"a\u0001b"'), ('"a\nb"'),
      (to_json(repeat('k', 201))::text)) v(key);
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":1}',
       jsonb_build_object('idempotencyKey', v.key)), v.wanted, 'header ' || left(v.key, 20))
  from (values (repeat('k', 200), '200'), (repeat('k', 201), '400 INVALID_IDEMPOTENCY_KEY'),
      ('', '400 INVALID_IDEMPOTENCY_KEY'), ('schlüssel 1', '200')) v(key, wanted);

-- Refusals are remembered, except those that may be different the next time.
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":1000}', '{"idempotencyKey":"r1"}'),
       '400 INSUFFICIENT_FUNDS', 'too much');
update pos.gift_cards set current_balance = 5000 where tenant_id = :alpha and card_number = 'C1';
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":1000}', '{"idempotencyKey":"r1"}'),
       '400 INSUFFICIENT_FUNDS replayed', 'the same answer, though there is money now');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"no"}', '{"amount":1}', '{"idempotencyKey":"r2"}'),
          '404 CARD_NOT_FOUND', 'no card');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"no"}', '{"amount":1}', '{"idempotencyKey":"r2"}'),
          '404 CARD_NOT_FOUND replayed', 'still none');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":1}',
                      '{"idempotencyKey":"r3","tenant":"beta"}'), '403 TENANT_MISMATCH', 'a wrong path');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":1}', '{"idempotencyKey":"r3"}'), '200',
          'does not use the key up');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '[]', '{"idempotencyKey":"r4"}'), '400 INVALID_JSON',
          'no object');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":1}', '{"idempotencyKey":"r4"}'), '200',
          'does not either');

-- A key is recognised longer than its answer is kept.
select is(pos.maintain('answers'), 0, 'young answers stay');
update pos.idempotency set created_at = now() - interval '8 days' where key in ('k1', 'r1');
select is(pos.maintain('answers'), 2, 'old ones go');
select is(a.body::json #>> '{error,code}', 'ALREADY_APPLIED', 'a repeat long after'),
       is(a.status, 409, 'is a conflict'),
       is((a.body::json #>> '{error,details,transactionId}')::bigint,
          (select t.id from pos.pos_gift_card_transactions t where t.idempotency_key = 'k1'), 'which names the entry')
  from pg_temp.call('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":10}', '{"idempotencyKey":"k1"}') a;
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":10}', '{"idempotencyKey":"k1"}'),
       '409 ALREADY_APPLIED', 'every time');
select is(pg_temp.try('loyalty_add', '{"phone":"07700900111"}', '{"points":1}', '{"idempotencyKey":"k1"}'),
       '409 ALREADY_APPLIED', 'in the other ledger too');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":1000}', '{"idempotencyKey":"r1"}'),
       '200', 'a forgotten refusal is free');

-- Keys belong to a tenant and a lineage of API keys.
create temp table turned as
    select pos.key_rotate(k.id, interval '1 hour') as key from pos.api_key k
           where k.key_hash = decode(pg_temp.key_hash('alpha', 'pos'), 'hex');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":2}', '{"idempotencyKey":"l1"}'), '200',
          'with the old key'),
       is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":2}',
                      jsonb_build_object('idempotencyKey', 'l1', 'keyHash', pg_temp.hash(key))), '200 replayed',
          'repeated with its successor')
  from turned;
create temp table stranger as select pos.key_issue('alpha', array['pos'], 'other till') as key;
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"C1"}', '{"amount":2}',
       jsonb_build_object('idempotencyKey', 'l1', 'keyHash', pg_temp.hash(key))), '200',
       'another till''s key is another matter')
  from stranger;

-- Health, and the shape of errors.
select is(a.status, 200, 'health'),
       is(a.tenant_id, :alpha::uuid, 'for the tenant'),
       matches(a.body,
               '^\{"status":"ok","tenant":"alpha","timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",'
               '"version":"9\.9\.9"\}$', 'exactly')
  from pg_temp.call('health', '{}') a;
select is(a.body,
          '{"success":false,"error":{"code":"INSUFFICIENT_FUNDS","message":"The card has 3.00 left. Deduct at most '
          'that, or take the rest by other means.","details":{"currentBalance":3.00,"shortfall":1.00},"help":"/docs/errors#INSUFFICIENT_FUNDS"},"message":"The card has 3.00 '
          'left. Deduct at most that, or take the rest by other means.","currentBalance":3.00,"requestId":"req-1"}',
          'an error, whole')
  from (select pg_temp.card('C3', 3)) c,
       lateral pg_temp.call('gift_card_deduct', '{"cardNumber":"C3"}', '{"amount":4}') a;
select is(a.body::json -> 'requestId' is null, true, 'no request id, none shown')
  from pg_temp.call('gift_card_deduct', '{"cardNumber":"C3"}', '{"amount":4}', '{"requestId":null}') a;
select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the ledgers are whole');

select * from finish();
rollback;
