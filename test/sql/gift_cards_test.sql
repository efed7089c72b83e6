-- gift_cards_test.sql - balance, deduct, issue: every answer and every refusal.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();
select pg_temp.card('A1', 85.50, expiry => '2099-12-31'), pg_temp.card('FROZEN', 40, 'frozen'),
       pg_temp.card('CLOSED', 30, 'closed'),
       pg_temp.card('PENDING', 0, 'pending'), pg_temp.card('EXPIRED', 25, expiry => '2020-01-31'),
           pg_temp.card('EMPTY', 0),
       pg_temp.card('PENNY', 0.01), pg_temp.card('HUGE', 99999999.99);
select pg_temp.commit() \g /dev/null

-- Balance.
select is(a.status, 200, 'balance'),
       is(a.body,
          '{"success":true,"cardNumber":"A1","balance":85.50,"status":"active","expiryDate":"2099-12-31",'
          '"held":0.00,"available":85.50,"data":{"cardNumber":"A1","balance":85.50,"status":"active","expiryDate":"2099-12-31"}}', 'exactly'),
       is(a.events, null, 'a read tells nobody')
  from pg_temp.call('gift_card_balance', '{"cardNumber":"A1"}') a;
select is((pg_temp.call('gift_card_balance', format('{"cardNumber":%s}',
       to_json(v.card)))).body::json ->> 'status', v.wanted, v.card || ' is ' || v.wanted)
  from (values ('FROZEN', 'frozen'), ('CLOSED', 'closed'), ('PENDING', 'pending'), ('EXPIRED', 'expired'),
      ('EMPTY', 'active')) v(card, wanted);
select is((pg_temp.call('gift_card_balance', '{"cardNumber":"HUGE"}')).body::json ->> 'balance', '99999999.99',
          'the largest');
select is((pg_temp.call('gift_card_balance', '{"cardNumber":"EMPTY"}')).body::json ->> 'balance', '0.00',
          'nothing has two decimals too');
select is((pg_temp.call('gift_card_balance', '{"cardNumber":"EMPTY"}')).body::json ->> 'expiryDate', null, 'no expiry');
select is(pg_temp.try('gift_card_balance', format('{"cardNumber":%s}', v.number)), '404 CARD_NOT_FOUND',
       'card ' || left(v.number, 30))
  from (values ('"nope"'), ('""'), ('null'), ('"-"'), ('"A1'' or true --"'), ('"%"'),
      (to_json(repeat('9', 5000))::text)) v(number);

-- A number that was typed, scanned or pasted.
select is(pg_temp.try('gift_card_balance', format('{"cardNumber":%s}', v.number)), '200', 'card ' || v.number)
  from (values ('"a1"'), ('"A1 "'), ('" a 1\r\n"'), ('"A-1"'), ('"a\u20131"'), ('"empty"')) v(number);
select pg_temp.card('TW-1', 5), pg_temp.card('TW1', 6), pg_temp.card('tw-2', 7) \g /dev/null
select is((pg_temp.call('gift_card_balance', format('{"cardNumber":"%s"}', v.number))).body::json ->> 'balance', v.balance, v.number)
  from (values ('TW-1', '5.00'), ('TW1', '6.00'), ('TW2', '7.00'), ('tw 1', null)) v(number, balance);
select is(pg_temp.try('gift_card_issue', '{}', format('{"initialBalance":1,"cardNumber":"%s"}', v.number)), v.wanted, 'issue ' || v.number)
  from (values ('tw-2', '409 CARD_EXISTS'), ('TW--2', '409 CARD_EXISTS'), (' NEW-1\r\n', '201')) v(number, wanted);

-- Deduct: the answer and the event.
create temp table d as select pg_temp.call('gift_card_deduct', '{"cardNumber":"A1"}',
    '{"amount":25.00,"orderId":12345,"notes":"table 4"}') as a;
create temp table t as select * from pos.pos_gift_card_transactions
    where tenant_id = :alpha and card_number = 'A1' and type = 'deduct';
select is((d.a).status, 200, 'deduct'),
       is((d.a).body,
          format('{"success":true,"previousBalance":85.50,"amountDeducted":25.00,"newBalance":60.50,'
                 '"transactionId":%1$s,"remainingBalance":60.50,"data":{"previousBalance":85.50,'
                 '"amountDeducted":25.00,"newBalance":60.50,"transactionId":%1$s}}', t.id), 'exactly'),
       is(cardinality((d.a).events), 1, 'one event'),
       is((d.a).events[1],
          format('{"seq":%s,"type":"gift_card.updated","at":"%s","origin":{"kind":"api","device":"till-1",'
                 '"requestId":"req-1"},"data":{"cardNumber":"A1","balance":60.50,"amount":-25.00,'
                 '"transactionId":%s,"orderId":12345,"status":"active","updatedAt":"%s"}}', pg_temp.head(),
                 (select pos.utc(e.at) from pos.event e where e.tenant_id = :alpha order by e.seq desc limit 1), t.id,
                 pos.utc(t.created_at)), 'exactly'),
       is((d.a).events[1], (select event from pos.events_after(:alpha, pg_temp.head() - 1, 1)), 'as the log has it')
  from d, t;
select is(t.entry_no::int, 2, 'the second entry'),
       is(t.amount::numeric, -25.00, 'signed'),
       is(t.previous_balance::numeric, 85.50, 'from'),
       is(t.new_balance::numeric, 60.50, 'to'),
       is(t.order_id::text, '12345', 'for the order'),
       is(t.order_id_json::text, '12345', 'a number'),
       is(t.notes::text, 'table 4', 'with its note'),
       is(t.device::text, 'till-1', 'from the till'),
       is(t.request_id::text, 'req-1', 'by the request'),
       isnt(t.key_id, null, 'with the key')
  from t;
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"A1"}', v.body), '200', v.what)
  from (values ('{"amount":"1.00"}', 'an amount as text'), ('{"amount":1,"orderId":null,"notes":null}', 'nulls'),
      ('{"amount":1.01,"order_reference":"R 7"}', 'order_reference'),
               ('{"amount":1.02,"reference":"till 2"}', 'reference'),
                   ('{"amount":1.03,"unknownField":[1,{"a":1e131071}]}', 'unknown fields'),
               ('{"amount":1.04,"orderId":"69FB5687-044A-48AF-AC0E-D6B817AEC684"}', 'a UUID in capitals')) v(body,
                   what);
select is((select string_agg(coalesce(order_id, '-') || ':' || coalesce(notes, '-'), ' ' order by entry_no)
       from pos.pos_gift_card_transactions
            where tenant_id = :alpha and card_number = 'A1' and entry_no > 2),
                '-:- -:- R 7:- -:till 2 -:- 69fb5687-044a-48af-ac0e-d6b817aec684:-', 'all of it is in the ledger');

-- Refusals, in this order: fields, existence, status, money.
select is(pg_temp.try('gift_card_deduct', format('{"cardNumber":%s}', to_json(v.card)), v.body), v.wanted,
       format('%s %s', v.card, left(v.body, 40)))
  from (values ('A1', '{}', '400 INVALID_AMOUNT'), ('A1', '{"amount":0}', '400 INVALID_AMOUNT'),
      ('A1', '{"amount":-1}', '400 INVALID_AMOUNT'),
               ('A1', '{"Amount":1}', '400 INVALID_AMOUNT'), ('A1', '{"amount":1e131071}', '400 INVALID_AMOUNT'),
                   ('A1', '{"amount":25.005}', '400 INVALID_AMOUNT'),
               ('A1', '{"amount":1,"orderId":1.5}', '400 INVALID_ORDER_ID'),
                   ('A1', '{"amount":1,"orderId":[]}', '400 INVALID_ORDER_ID'),
               ('A1', '{"amount":1,"notes":17}', '400 INVALID_FIELD'),
                   ('A1', '{"amount":1,"reference":{}}', '400 INVALID_FIELD'),
               ('nope', '{"amount":0}', '400 INVALID_AMOUNT'), ('nope', '{"amount":1}', '404 CARD_NOT_FOUND'),
               ('FROZEN', '{"amount":1000}', '400 CARD_FROZEN'), ('CLOSED', '{"amount":1000}', '400 CARD_CLOSED'),
                   ('PENDING', '{"amount":1}', '400 CARD_NOT_ACTIVE'),
               ('EXPIRED', '{"amount":1000}', '400 CARD_EXPIRED'),
                   ('EMPTY', '{"amount":0.01}', '400 INSUFFICIENT_FUNDS'),
               ('PENNY', '{"amount":0.02}', '400 INSUFFICIENT_FUNDS'), ('PENNY', '{"amount":0.01}', '200'),
                   ('PENNY', '{"amount":0.01}', '400 INSUFFICIENT_FUNDS'),
               ('HUGE', '{"amount":99999999.99}', '200')) v(card, body, wanted);
select is(a.body::json #>> '{error,details,currentBalance}', '0.00', 'what is left'),
       is(a.body::json ->> 'currentBalance', '0.00', 'also where tills look')
  from pg_temp.call('gift_card_deduct', '{"cardNumber":"EMPTY"}', '{"amount":1}') a;
select is((pg_temp.call('gift_card_deduct', '{"cardNumber":"A1"}',
       '{"amount":1,"notes":17}')).body::json #>> '{error,details,field}', 'notes', 'the field is named');

-- A card is valid through its last day, in the tenant's time zone.
select pg_temp.card('TODAY', 10, expiry => (now() at time zone 'Europe/London')::date),
       pg_temp.card('YESTERDAY', 10, expiry => (now() at time zone 'Europe/London')::date - 1);
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"TODAY"}', '{"amount":1}'), '200', 'on its last day');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"YESTERDAY"}', '{"amount":1}'), '400 CARD_EXPIRED',
          'the day after');

-- Notes that are too long.
select is(a.status, 200, 'money moves'),
       is(a.body::json #>> '{warnings,0,code}', 'NOTES_TRUNCATED', 'with a warning'),
       is(json_array_length(a.body::json -> 'warnings'), 1, 'one')
  from pg_temp.call('gift_card_deduct', '{"cardNumber":"TODAY"}',
                    json_build_object('amount', 2, 'notes', repeat('ü', 2001))::text) a;
select is(length(t.notes), 2000, 'the note is cut') from pos.pos_gift_card_transactions t
 where t.tenant_id = :alpha and t.card_number = 'TODAY' order by t.entry_no desc limit 1;
select is((pg_temp.call('gift_card_deduct', '{"cardNumber":"TODAY"}',
       json_build_object('amount', 2.5, 'notes', repeat('x', 2000))::text)).body::json -> 'warnings' is null, true,
       '2000 characters fit');

-- Repeats without a key.
select pg_temp.card('DUP', 100);
select is(b.body::json -> 'possibleDuplicateOf' is null, true, 'the first is none')
       from pg_temp.call('gift_card_deduct', '{"cardNumber":"DUP"}', '{"amount":5,"orderId":"o1"}') b;
select is((b.body::json ->> 'possibleDuplicateOf')::bigint,
          (select id
             from pos.pos_gift_card_transactions
            where tenant_id = :alpha and card_number = 'DUP' and entry_no = 2), 'the second names the first'),
       is(b.body::json ->> 'newBalance', '90.00', 'and is carried out'),
       is(b.body::json -> 'data' -> 'possibleDuplicateOf' is null, true, 'data has the documented fields')
  from pg_temp.call('gift_card_deduct', '{"cardNumber":"DUP"}', '{"amount":5,"orderId":"o1"}') b;
select is((pg_temp.call('gift_card_deduct', '{"cardNumber":"DUP"}', v.body,
       v.more::jsonb)).body::json -> 'possibleDuplicateOf' is null, true, v.what)
  from (values ('{"amount":5.01,"orderId":"o1"}', '{}', 'another amount'),
      ('{"amount":5,"orderId":"o2"}', '{}', 'another order'), ('{"amount":5}', '{}', 'no order'),
               ('{"amount":5,"orderId":"o1"}', '{"idempotencyKey":"dup-1"}',
                   'a request with a key knows what it does')) v(body, more, what);
select is((b.body::json ->> 'possibleDuplicateOf') is null, false, 'no order, twice')
       from pg_temp.call('gift_card_deduct', '{"cardNumber":"DUP"}', '{"amount":5}') b;

-- What someone else has taken is no twin.
select is((b.body::json ->> 'possibleDuplicateOf') is null, true, 'another device')
       from pg_temp.call('gift_card_deduct', '{"cardNumber":"DUP"}', '{"amount":5}', '{"device":"till-2"}') b;
update pos.gift_cards set current_balance = current_balance - 6 where tenant_id = :alpha and card_number = 'DUP';
select is((b.body::json ->> 'possibleDuplicateOf') is null, true, 'an adjustment of the office')
       from pg_temp.call('gift_card_deduct', '{"cardNumber":"DUP"}', '{"amount":6}') b;

-- A tenant can choose that such a repeat gets the answer of the first request.
update dinedesk_main.tenants set dedupe_seconds = 60 where slug = 'alpha';
select pg_temp.card('DD', 100);
create temp table dd as select pg_temp.call('gift_card_deduct', '{"cardNumber":"DD"}',
    '{"amount":7,"orderId":"o1"}') as a;
select is(b.replayed, true, 'a replay'),
       is(b.body, (dd.a).body, 'the same answer'),
       is(b.events, null, 'no event'),
       is(pg_temp.balance('DD'), 93.00, 'taken once')
  from dd, pg_temp.call('gift_card_deduct', '{"cardNumber":"DD"}', '{"amount":7,"orderId":"o1"}') b;
update dinedesk_main.tenants set dedupe_seconds = 0 where slug = 'alpha';

-- Issue.
create temp table i as
    select pg_temp.call('gift_card_issue', '{}',
                        '{"initialBalance":50,"purchasedBy":"Ada","recipientName":"Ben",'
                        '"recipientEmail":"ben@example.com","expiryDate":"2099-01-31","cardNumber":"GIFT-1"}') as a;
select is((i.a).status, 201, 'issued'),
       is(g ->> 'cardNumber', 'GIFT-1', 'number'),
       is(g ->> 'initialBalance', '50.00', 'initial'),
       is(g ->> 'currentBalance', '50.00', 'current'),
       is(g ->> 'status', 'active', 'status'),
       is(g ->> 'expiryDate', '2099-01-31', 'expiry'),
       is(e ->> 'type', 'gift_card.purchased', 'its event'),
       is((select string_agg(k, ' ' order by n) from json_object_keys(e -> 'data') with ordinality x(k, n)),
          'cardNumber initialBalance currentBalance purchasedBy recipientName recipientEmail expiryDate '
          'purchasedAt transactionId', 'its fields in order'),
       is(e #>> '{data,purchasedBy}', 'Ada', 'by'),
       is(e #>> '{data,recipientEmail}', 'ben@example.com', 'for'),
       is(e #>> '{data,transactionId}', g ->> 'transactionId', 'its entry')
  from i, lateral (select (i.a).body::json -> 'giftCard' as g, (i.a).events[1]::json as e) x;
select is(g ->> 'purchasedBy', '', 'texts are texts'),
       is(g ->> 'recipientName', '', 'never null'),
       is(g ->> 'expiryDate', null, 'a date may be'),
       matches(g ->> 'cardNumber', '^GC-\d{12}$', 'a number is made')
  from (select (pg_temp.call('gift_card_issue', '{}', '{"initialBalance":"0.01","expiryDate":null}')).body::json
                 -> 'giftCard' as g) x;
select is(pg_temp.try('gift_card_issue', '{}', v.body), v.wanted, v.body)
  from (values ('{}', '400 INVALID_AMOUNT'), ('{"initialBalance":0}', '400 INVALID_AMOUNT'),
      ('{"initialBalance":-1}', '400 INVALID_AMOUNT'), ('{"initialBalance":100000000}', '400 INVALID_AMOUNT'),
               ('{"initialBalance":99999999.99}', '201'),
                   ('{"initialBalance":1,"expiryDate":"2025-02-30"}', '400 INVALID_DATE'),
                   ('{"initialBalance":1,"expiryDate":"2020-01-01"}', '400 INVALID_DATE'),
               ('{"initialBalance":1,"expiryDate":20990101}', '400 INVALID_DATE'),
                   ('{"initialBalance":1,"purchasedBy":5}', '400 INVALID_FIELD'),
                   ('{"initialBalance":1,"recipientEmail":[]}', '400 INVALID_FIELD'),
               ('{"initialBalance":1,"cardNumber":"GIFT-1"}', '409 CARD_EXISTS'),
                   ('{"initialBalance":1,"cardNumber":"a b"}', '400 INVALID_FIELD'),
                   ('{"initialBalance":1,"cardNumber":"<script>"}', '400 INVALID_FIELD'),
               ('{"initialBalance":1,"cardNumber":123456}', '201'),
                   ('{"initialBalance":1,"status":"frozen","currentBalance":99}', '201')) v(body, wanted);
select is((select count(*) from pos.gift_cards where tenant_id = :alpha and status = 'frozen'), 1::bigint,
       'what is ours to say is not taken from a body');

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the ledgers are whole');
select * from finish();
rollback;
