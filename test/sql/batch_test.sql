-- batch_test.sql - what a till did while it was offline: each operation as it would be alone, one by one or all or nothing.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();
select pg_temp.card('A', 100), pg_temp.card('B', 50), pg_temp.card('C', 30), pg_temp.card('BIG', 100000), pg_temp.card('TW-1', 100) \g /dev/null
insert into pos.customers (tenant_id, phone, name, loyalty_points) values (:alpha, '07700900123', 'Ada', 100);
insert into pos.gift_cards (tenant_id, card_number, initial_balance) values (:beta, 'BETA', 100);
select pg_temp.commit() \g /dev/null

create function pg_temp.send(body text, more jsonb default '{}') returns pos.answer language sql as $$
    select pg_temp.call('batch', '{}', body, '{"scope":"pos"}' || more)
$$;
create function pg_temp.batch(operations text, batch_mode text default 'each', more jsonb default '{}') returns pos.answer
language sql as $$
    select pg_temp.send(format('{"mode":"%s","operations":[%s]}', batch_mode, operations), more)
$$;
create function pg_temp.deduct(key text, card text, amount text, more text default '') returns text language sql as $$
    select format('{"key":"%s","op":"gift_card.deduct","path":{"cardNumber":"%s"},"body":{"amount":%s}%s}', key, card, amount, more)
$$;
-- "200 | 400 INSUFFICIENT_FUNDS": what became of each.
create function pg_temp.said(a pos.answer) returns text language sql as $$
    select string_agg(concat_ws(' ', r ->> 'status', r #>> '{body,error,code}'), ' | ' order by n)
      from json_array_elements(a.body::json -> 'results') with ordinality x(r, n)
$$;
create function pg_temp.counts(a pos.answer) returns text language sql as $$
    select concat_ws(' ', a.status, j ->> 'success', j ->> 'done', j ->> 'refused', j ->> 'undone') from (select a.body::json as j) x
$$;
create function pg_temp.result(a pos.answer, place int) returns json language sql as $$
    select a.body::json -> 'results' -> (place - 1)
$$;
-- One of them alone, as C would call it.
create function pg_temp.alone(op text, key text, path text, body text) returns pos.answer language sql as $$
    select pg_temp.call(d.operation, path, body, jsonb_build_object('scope', case when 'pos' = any(pos.operation_scopes(d.operation)) then 'pos'
        else 'platform' end, 'method', d.method, 'route', d.route, 'idempotencyKey', key, 'attempt', key))
      from pos.batch_operations() d where d.op = alone.op
$$;

-- Each stands alone: order, answers, events, ledger.
create temp table b as select pg_temp.head() as head, pg_temp.batch(pg_temp.deduct('k1', 'A', '10', ',"occurredAt":"' || pos.utc(now() - interval '3 hours') || '"')
    || ',' || pg_temp.deduct('k2', 'nope', '1') || ',' || pg_temp.deduct('k3', 'A', '95') || ','
    || '{"key":"k4","op":"loyalty.redeem","path":{"phone":"07700900123"},"body":{"points":130}},'
    || '{"key":"k5","op":"loyalty.add","path":{"phone":"+447700900123"},"body":{"points":5}},' || pg_temp.deduct('k6', 'A', '20')) as a;
select is(pg_temp.counts(b.a), '200 false 3 3 0', 'three were done'),
       is(pg_temp.said(b.a), '200 | 404 CARD_NOT_FOUND | 400 INSUFFICIENT_FUNDS | 400 INSUFFICIENT_POINTS | 200 | 200', 'in order'),
       is((select string_agg(r ->> 'key', ' ' order by n) from json_array_elements((b.a).body::json -> 'results') with ordinality x(r, n)),
          'k1 k2 k3 k4 k5 k6', 'each with its key'),
       is(pg_temp.result(b.a, 3) #>> '{body,error,details,shortfall}', '5.00', 'how much is missing'),
       is(pg_temp.result(b.a, 4) #>> '{body,error,details,shortfall}', '30', 'how many points'),
       is(pg_temp.result(b.a, 6) #>> '{body,newBalance}', '70.00', 'one after the other'),
       is(pg_temp.types_after(b.head), 'gift_card.updated loyalty.updated gift_card.updated', 'an event each'),
       is((select string_agg(e::json ->> 'seq', ' ' order by n) from unnest((b.a).events) with ordinality x(e, n)),
          format('%s %s %s', b.head + 1, b.head + 2, b.head + 3), 'for its caller to publish, in order'),
       is((b.a).events[1]::json -> 'origin' ->> 'requestId', 'req-1', 'which say where they came from')
  from b;
select is(array_agg(pos.utc(t.occurred_at) = pos.utc(now() - interval '3 hours') order by t.entry_no), array[null, true, null], 'when it was done, if it is said')
  from pos.pos_gift_card_transactions t where t.tenant_id = :alpha and t.card_number = 'A';
select is(array_agg(t.entry_no::int order by t.id), array[1, 2, 3], 'the ledger is in the order of coming')
  from pos.pos_gift_card_transactions t where t.tenant_id = :alpha and t.card_number = 'A';

-- The same operation, alone and in a batch.
create temp table way as
    select d.op, p.path, p.body from pos.batch_operations() d
      join (values ('gift_card.deduct', '{"cardNumber":"B"}', '{"amount":1,"notes":"b"}'), ('gift_card.reload', '{"cardNumber":"TW-1"}', '{"amount":1}'),
                   ('order.ack', '{"id":"way"}', '{"state":"printed"}'), ('loyalty.add', '{"phone":"07700900123"}', '{"points":1}'),
                   ('loyalty.redeem', '{"phone":"07700900123"}', '{"points":2}'), ('order.confirm', '{"id":"way"}', '{"device_id":"t"}'),
                   ('order.status', '{"id":"way"}', '{"status":"confirmed"}'), ('report.daily', '{}', '{"reportDate":"2025-10-10","totalSales":1}'))
           p(op, path, body) using (op);
insert into pos.orders (tenant_id, id, customer_name, total_amount, items) values (:alpha, 'way', 'Ada', 1, '[]');
select ok(pg_temp.result(b, 1) ->> 'status' in ('200', '201'), v.op || ': done alone'), is((pg_temp.result(b, 1) -> 'body')::text, (a).body, v.op || ': its answer in a batch'),
       is(b.events, null, v.op || ': not done again')
  from (select w.*, pg_temp.alone(w.op, 'alone-' || w.op, w.path, w.body) as a from way w) v,
       lateral pg_temp.batch(format('{"key":"alone-%s","op":"%1$s","path":%s,"body":%s}', v.op, v.path, v.body)) b;
select is((pg_temp.result(b, 1) -> 'body')::text, (a).body, w.op || ': done in a batch, its answer alone'),
       is((a).replayed, true, w.op || ': is a replay'), is((a).events, null, w.op || ': not done again')
  from way w, lateral pg_temp.batch(format('{"key":"batch-%s","op":"%1$s","path":%s,"body":%s}', w.op, w.path, w.body)) b,
       lateral pg_temp.alone(w.op, 'batch-' || w.op, w.path, w.body) a;
select is(pg_temp.said(pg_temp.batch(pg_temp.deduct('alone-gift_card.deduct', 'B', '2'))), '422 IDEMPOTENCY_KEY_REUSED', 'another request with its key');
\set routes `cat api/routes.c`
-- A macro may have the first part of an address.
select ok(exists (select from regexp_matches(regexp_replace(:'routes', '\s+', ' ', 'g'), '"([^"]+)", "(\w+)"', 'g') r
                   where r[2] = d.operation and d.route like '%' || r[1]), d.op || ' is a request that there is') from pos.batch_operations() d;

-- What needs something before it: sent in a batch, with a moment, and then alone.
select pg_temp.card('N', 100), pg_temp.call('loyalty_add', '{"phone":"07700900123"}', '{"points":9,"orderId":"rev"}') \g /dev/null
create temp table need as
    select 'gift_card.void' as op, format('{"cardNumber":"N","id":"%s"}', (pg_temp.alone('gift_card.deduct', 'need', '{"cardNumber":"N"}', '{"amount":40}')).body::json ->> 'transactionId') as path,
           '{"amount":5,"reason":"a mistake"}' as body, 'pos' as scope
    union all select 'gift_card.capture', format('{"cardNumber":"N","holdId":"%s"}', (pg_temp.call('gift_card_hold', '{"cardNumber":"N"}', '{"amount":7}')).body::json ->> 'holdId'), '{"amount":6}', 'pos'
    union all select 'gift_card.release', format('{"cardNumber":"N","holdId":"%s"}', (pg_temp.call('gift_card_hold', '{"cardNumber":"N"}', '{"amount":7}')).body::json ->> 'holdId'), '{}', 'pos'
    union all select 'gift_card.refund', '{"cardNumber":"N"}', '{"amount":3,"orderId":"o","reason":"a return"}', 'platform'
    union all select 'loyalty.reverse', '{"phone":"07700900123"}', '{"orderId":"rev"}', 'pos';
select ok(pg_temp.result(b, 1) ->> 'status' in ('200', '201'), n.op || ': done in a batch: ' || pg_temp.said(b)),
       is((pg_temp.result(b, 1) -> 'body')::text, (a).body, n.op || ': its answer alone'), is((a).replayed, true, n.op || ': is a replay')
  from need n,
       lateral pg_temp.batch(format('{"key":"need-%s","op":"%1$s","path":%s,"body":%s,"occurredAt":"%s"}', n.op, n.path, n.body, pos.utc(now() - interval '1 day')),
                             'each', jsonb_build_object('scope', n.scope)) b,
       lateral (select pg_temp.call(d.operation, n.path, n.body, jsonb_build_object('scope', n.scope, 'method', d.method, 'route', d.route,
                                    'idempotencyKey', 'need-' || n.op)) as a from pos.batch_operations() d where d.op = n.op) x;
select is(array(select d.op from pos.batch_operations() d except select w.op from way w except select n.op from need n), '{}', 'all that can be in a batch were tried');
select is(count(*)::int, 4, 'each entry says when') from (
    select t.occurred_at from pos.pos_gift_card_transactions t where t.tenant_id = :alpha and t.idempotency_key like 'need-%'
    union all select t.occurred_at from pos.pos_loyalty_transactions t where t.tenant_id = :alpha and t.points = -9) t
 where pos.utc(t.occurred_at) = pos.utc(now() - interval '1 day');

-- Two with one key.
select is(pg_temp.said(a), '200 | 200 | 422 IDEMPOTENCY_KEY_REUSED', 'two that are one, and one that is not'),
       is((pg_temp.result(a, 1) -> 'body')::text, (pg_temp.result(a, 2) -> 'body')::text, 'one answer'), is(cardinality(a.events), 1, 'one event')
  from pg_temp.batch(pg_temp.deduct('two', 'C', '1') || ',' || pg_temp.deduct('two', 'C', '1') || ',' || pg_temp.deduct('two', 'C', '2')) a;
select is(pg_temp.counts(a), '200 true 2 0 0', 'all: two that are one'), is(cardinality(a.events), 1, 'one event')
  from pg_temp.batch(pg_temp.deduct('two-all', 'C', '1') || ',' || pg_temp.deduct('two-all', 'C', '1'), 'all') a;
select is(pg_temp.said(a), '424 BATCH_UNDONE | 422 IDEMPOTENCY_KEY_REUSED', 'all: one that is not'), is(a.events, null, 'nothing happened')
  from pg_temp.batch(pg_temp.deduct('two-not', 'C', '1') || ',' || pg_temp.deduct('two-not', 'C', '2'), 'all') a;
select is(pg_temp.balance('C'), 28.00, 'so much is left');

-- All or nothing.
select pg_temp.alone('gift_card.deduct', 'before', '{"cardNumber":"C"}', '{"amount":3}') \g /dev/null
create temp table n as select pg_temp.head() as head,
    pg_temp.batch(pg_temp.deduct('all-1', 'A', '1') || ',' || pg_temp.deduct('before', 'C', '3') || ',' || pg_temp.deduct('all-2', 'B', '999')
                  || ',' || pg_temp.deduct('all-3', 'A', '1') || ',{"op":"x"}', 'all') as a;
select is(pg_temp.counts(n.a), '200 false 1 1 3', 'nothing was done but what had been done before'),
       is(pg_temp.said(n.a), '424 BATCH_UNDONE | 200 | 400 INSUFFICIENT_FUNDS | 424 BATCH_UNDONE | 424 BATCH_UNDONE', 'each says what is true of it'),
       matches(pg_temp.result(n.a, 1) #>> '{body,message}', 'operation 3 ', 'which one it was'),
       is((n.a).events, null, 'no event'), is(pg_temp.head(), n.head, 'none in the log'), is(pg_temp.balance('A'), 70.00, 'no money')
  from n;
select is(count(*)::int, 0, 'and no key is used up') from pos.idempotency where tenant_id = :alpha and key like 'all-%';
select is(pg_temp.counts(a), '200 true 4 0 0', 'with the one mended'), is(cardinality(a.events), 3, 'an event each'), is(pg_temp.balance('A'), 68.00, 'the money')
  from pg_temp.batch(pg_temp.deduct('all-1', 'A', '1') || ',' || pg_temp.deduct('before', 'C', '3') || ',' || pg_temp.deduct('all-2', 'B', '9')
                     || ',' || pg_temp.deduct('all-3', 'A', '1'), 'all') a;
select is(pg_temp.counts(a), '200 true 4 0 0', 'sent again'), is(a.events, null, 'no event')
  from pg_temp.batch(pg_temp.deduct('all-1', 'A', '1') || ',' || pg_temp.deduct('before', 'C', '3') || ',' || pg_temp.deduct('all-2', 'B', '9')
                     || ',' || pg_temp.deduct('all-3', 'A', '1'), 'all') a;

-- Five hundred, with a bad one at each end. `each` takes several calls, each with the answer before as its body.
create function pg_temp.five_hundred(prefix text, ends text) returns text language sql as $$
    select string_agg(pg_temp.deduct(prefix || n, case when n in (1, 500) then ends else 'BIG' end, '0.01'), ',' order by n) from generate_series(1, 500) n
$$;
create function pg_temp.settle(body text, out a pos.answer, out turns int, out events int) language plpgsql as $$
begin
    turns := 0;
    events := 0;
    loop
        a := pg_temp.send(body);
        turns := turns + 1;
        events := events + coalesce(cardinality(a.events), 0);
        exit when a.status <> 102;
        body := a.body;
    end loop;
end $$;
create temp table five as
    select s.* from pg_temp.settle(format('{"operations":[%s]}', pg_temp.five_hundred('e', 'nope'))) s;
select is(pg_temp.counts(f.a), '200 false 498 2 0', '500, each'), is(f.turns, 10, 'fifty at a time'), is(f.events, 498, 'an event each'),
       is(pg_temp.balance('BIG'), 100000 - 4.98, 'the money'),
       is((select string_agg(n || ' ' || (r ->> 'key') || ' ' || (r #>> '{body,error,code}'), ', ' order by n)
             from json_array_elements((f.a).body::json -> 'results') with ordinality x(r, n) where r ->> 'status' <> '200'),
          '1 e1 CARD_NOT_FOUND, 500 e500 CARD_NOT_FOUND', 'the first and the last were refused')
  from five f;
select is((s.a).body, (five.a).body, 'the same answers again'), is(s.events, 0, 'and no event')
  from five, pg_temp.settle(format('{"operations":[%s]}', pg_temp.five_hundred('e', 'nope'))) s;
select is(pg_temp.counts(a), '200 false 0 1 499', '500, all: the first is bad'), is(a.events, null, 'nothing happened'),
       is(pg_temp.result(a, 1) #>> '{body,error,code}', 'CARD_NOT_FOUND', 'the bad one says why'),
       is(pg_temp.result(a, 500) #>> '{body,error,code}', 'BATCH_UNDONE', 'the last is as good as the others')
  from pg_temp.batch(pg_temp.five_hundred('a', 'nope'), 'all') a;
select is(pg_temp.counts(a), '200 false 0 1 499', '500, all: the last is bad'), is(pg_temp.result(a, 500) #>> '{body,error,code}', 'INVALID_AMOUNT', 'it'),
       is(pg_temp.balance('BIG'), 100000 - 4.98, 'nothing happened')
  from pg_temp.batch((select string_agg(pg_temp.deduct('a' || n, 'BIG', case n when 500 then '0' else '0.01' end), ',' order by n) from generate_series(1, 500) n), 'all') a;
select is(pg_temp.counts(a), '200 true 500 0 0', '500, all good'), is(cardinality(a.events), 500, 'an event each'),
       is(pg_temp.balance('BIG'), 100000 - 9.98, 'all of it')
  from pg_temp.batch(pg_temp.five_hundred('a', 'BIG'), 'all') a;

-- What is no batch.
select is(pg_temp.outcome(pg_temp.send(v.body)), v.wanted, left(v.body, 50))
  from (values ('{"operations":[]}', '200'), ('{"mode":"all","operations":[]}', '200'), ('{}', '400 INVALID_FIELD'), ('{"operations":{}}', '400 INVALID_FIELD'),
               ('{"operations":null}', '400 INVALID_FIELD'), ('{"mode":"some","operations":[]}', '400 INVALID_FIELD'), ('{"mode":1,"operations":[]}', '400 INVALID_FIELD'),
               ('{"operations":[' || repeat('{},', 500) || '{}]}', '400 INVALID_FIELD'), ('{"mode":"all","operations":[' || repeat('{},', 500) || '{}]}', '400 INVALID_FIELD'),
               ('{"unsettled":{}}', '400 INVALID_FIELD'), ('{"unsettled":{"operations":[],"results":{"a":1},"done":1,"refused":0}}', '400 INVALID_FIELD'),
               ('{"unsettled":{"operations":[],"results":[],"done":"x","refused":0}}', '400 INVALID_FIELD'),
               ('{"unsettled":{"operations":[],"results":[],"done":0,"refused":0}}', '200')) v(body, wanted);
select is(pg_temp.counts(pg_temp.batch('')), '200 true 0 0 0', 'nothing to do is done');
select is(pg_temp.outcome(pg_temp.call('batch', '{}', '[]', '{"scope":"pos"}')), '400 INVALID_JSON', 'a list alone');

-- What is no operation: it is refused, and the next one is done.
select is(pg_temp.said(pg_temp.batch(v.one || ',' || pg_temp.deduct('good-' || n, 'BIG', '0.01'))), v.wanted || ' | 200', v.one)
  from (select *, row_number() over () as n from (values ('1', '400 UNKNOWN_OPERATION'), ('{}', '400 UNKNOWN_OPERATION'), ('null', '400 UNKNOWN_OPERATION'),
               ('{"key":"x","op":"batch","body":{"operations":[]}}', '400 UNKNOWN_OPERATION'), ('{"key":"x","op":"order.create","body":{}}', '400 UNKNOWN_OPERATION'),
               ('{"key":"x","op":["gift_card.deduct"]}', '400 UNKNOWN_OPERATION'), ('{"key":"x","op":"gift_card.deduct","body":{"amount":1}}', '400 INVALID_FIELD'),
               ('{"key":"x","op":"gift_card.deduct","path":"A","body":{"amount":1}}', '400 INVALID_FIELD'),
               ('{"key":"x","op":"gift_card.deduct","path":{"cardNumber":null},"body":{"amount":1}}', '400 INVALID_FIELD'),
               ('{"key":"x","op":"gift_card.deduct","path":{"cardNumber":["A"]},"body":{"amount":1}}', '400 INVALID_FIELD'),
               ('{"op":"gift_card.deduct","path":{"cardNumber":"A"},"body":{"amount":1}}', '400 INVALID_IDEMPOTENCY_KEY'),
               ('{"key":7,"op":"gift_card.deduct","path":{"cardNumber":"A"},"body":{"amount":1}}', '400 INVALID_IDEMPOTENCY_KEY'),
               ('{"key":" ","op":"gift_card.deduct","path":{"cardNumber":"A"},"body":{"amount":1}}', '400 INVALID_IDEMPOTENCY_KEY'),
               ('{"key":"' || repeat('k', 201) || '","op":"gift_card.deduct","path":{"cardNumber":"A"},"body":{"amount":1}}', '400 INVALID_IDEMPOTENCY_KEY'),
               ('{"key":"x","op":"gift_card.deduct","path":{"cardNumber":"A"},"body":[]}', '400 INVALID_JSON'),
               ('{"key":"x2","op":"gift_card.deduct","path":{"cardNumber":"A"}}', '400 INVALID_AMOUNT'),
               ('{"key":"x3","op":"gift_card.deduct","path":{"cardNumber":"BETA"},"body":{"amount":1}}', '404 CARD_NOT_FOUND'),
               ('{"key":"x4","op":"order.status","path":{"id":"no"},"body":{"status":"ready"}}', '404 ORDER_NOT_FOUND'),
               ('{"key":"x5","op":"loyalty.add","path":{"phone":"12"},"body":{"points":1}}', '400 INVALID_PHONE')) x(one, wanted)) v;
select is(pg_temp.said(pg_temp.batch(pg_temp.deduct('typed', 'tw1', '1'))), '200', 'a number as somebody typed it');
select is(pg_temp.said(pg_temp.batch('{"key":"seven","op":"gift_card.deduct","path":{"cardNumber":77},"body":{"amount":1}}')), '404 CARD_NOT_FOUND', 'a number as a number');

-- Rights: those of each operation.
select is(pg_temp.said(pg_temp.batch(pg_temp.deduct('r1', 'A', '1') || ',{"key":"r2","op":"order.status","path":{"id":"way"},"body":{"status":"preparing"}}', 'each',
                                     '{"scope":"platform"}'::jsonb || jsonb_build_object('keyHash', pg_temp.key_hash('alpha', 'platform')))),
          '403 FORBIDDEN | 200', 'a key of the shop');
select is(pg_temp.outcome(pg_temp.batch('', 'each', jsonb_build_object('keyHash', pg_temp.key_hash('beta', 'pos')))), '403 TENANT_MISMATCH', 'a key of another restaurant');

-- When it happened.
select is(pg_temp.said(pg_temp.batch(pg_temp.deduct('o-' || n, 'BIG', '0.01', ',"occurredAt":' || v.given))), v.wanted, 'occurredAt ' || v.what)
  from (select *, row_number() over () as n from (values (to_json(pos.utc(now() + interval '4 minutes'))::text, '200', 'a clock that is fast'), (to_json(pos.utc(now() + interval '6 minutes'))::text, '400 INVALID_OCCURRED_AT', 'the future'),
               (to_json(pos.utc(now() - interval '30 days 23 hours'))::text, '200', 'a month ago'), (to_json(pos.utc(now() - interval '31 days 1 hour'))::text, '400 INVALID_OCCURRED_AT', 'longer ago'),
               ('"2026-02-30T10:00:00Z"', '400 INVALID_OCCURRED_AT', 'no day'), ('"yesterday"', '400 INVALID_OCCURRED_AT', 'no time'), ('1767636000', '400 INVALID_OCCURRED_AT', 'a number'),
               ('{}', '400 INVALID_OCCURRED_AT', 'an object'), ('null', '200', 'nothing'), (to_json(to_char(now() - interval '2 days', 'YYYY-MM-DD"T"HH24:MI:SS"+02:00"'))::text, '200', 'another zone'))
       x(given, wanted, what)) v;
-- In the restaurant's zone: the later of two when clocks go back, the next one when they go forward.
select is(pos.utc(pos.batch_moment(to_json(v.given), 'Europe/London')), v.wanted, v.given)
  from (values ('2026-10-25T01:30:00'::text, '2026-10-25T01:30:00.000Z'), ('2026-03-29T01:30:00', '2026-03-29T01:00:00.000Z'),
               ('2026-07-01T00:30:00', '2026-06-30T23:30:00.000Z'), ('2026-10-25T01:30:00+01:00', '2026-10-25T00:30:00.000Z')) v(given, wanted);
select is(pg_temp.said(pg_temp.batch(pg_temp.deduct('k1', 'A', '10', ',"occurredAt":"2020-01-01T00:00:00Z"'))), '200', 'what was done is not asked again when it was');
delete from pos.idempotency where tenant_id = :alpha and key = 'k1';
select is(pg_temp.said(pg_temp.batch(pg_temp.deduct('k1', 'A', '10', ',"occurredAt":"2020-01-01T00:00:00Z"'))), '409 ALREADY_APPLIED', 'however long ago');

-- Each row of the amounts is answered as it is alone. What is no JSON does not come so far.
\set vectors `cat test/samples/vectors.json`
create temp table amount as
    select a.n, a.v ->> 'json' as given, concat_ws(' ', coalesce(a.v ->> 'status', '200'), a.v ->> 'code') as wanted, coalesce((a.v ->> 'effect')::numeric, 0) as effect
      from json_array_elements((:'vectors')::json -> 'amounts') with ordinality a(v, n) where a.v ->> 'code' is distinct from 'INVALID_JSON';
select pg_temp.card('V' || n, 85.50), pg_temp.card('W' || n, 85.50) from amount \g /dev/null
create temp table given as select pg_temp.batch((select string_agg(pg_temp.deduct('v' || n, 'V' || n, given), ',' order by n) from amount)) as a;
select is(concat_ws(' ', r ->> 'status', r #>> '{body,error,code}'), v.wanted, 'amount ' || v.given), is(pg_temp.balance('V' || v.n), 85.50 - v.effect, 'its effect')
  from amount v join given g on true, lateral json_array_elements((g.a).body::json -> 'results') r where r ->> 'key' = 'v' || v.n;
select is(pg_temp.counts(a), case v.wanted when '200' then '200 true 1 0 0' else '200 false 0 1 0' end, 'all: amount ' || v.given),
       is(pg_temp.balance('W' || v.n), 85.50 - v.effect, 'its effect')
  from amount v, lateral pg_temp.batch(pg_temp.deduct('w' || v.n, 'W' || v.n, v.given), 'all') a;

-- A server that is too slow for all of them says so, and how many it can do, before its statement is cancelled.
create function pg_temp.slowly() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); return new; end $$;
create trigger slowly before update on pos.gift_cards for each row when (new.card_number = 'SLOW') execute function pg_temp.slowly();
select pg_temp.card('SLOW', 100) \g /dev/null
set statement_timeout = '2s';
create temp table slow as
    select pg_temp.batch((select string_agg(pg_temp.deduct('slow' || n, 'SLOW', '0.01'), ',' order by n) from generate_series(1, 200) n), 'all') as a;
set statement_timeout = 0;
drop trigger slowly on pos.gift_cards;
select is(pg_temp.outcome(a), '503 BUSY', 'too slow'), is((a).body::json #>> '{error,details,limit}' between '1' and '99', true, 'with what it can do'),
       is(pg_temp.balance('SLOW'), 100.00, 'nothing was done'),
       is_empty($$select from pos.idempotency where key like 'slow%'$$, 'or is kept') from slow;

-- Profiles: each answer in the types of the key's.
select pos.key_profile_set((select k.id from pos.api_key k where k.key_hash = decode(pg_temp.key_hash('alpha', 'pos'), 'hex')), 'orderweb-net') \g /dev/null
select is(json_typeof(pg_temp.result(a, 1) #> '{body,transactionId}'), 'string', 'a success'), is(json_typeof(pg_temp.result(a, 2) #> '{body,error}'), 'string', 'a refusal'),
       is(pg_temp.result(a, 3) ->> 'status', '200', 'a number in both')
  from pg_temp.batch(pg_temp.deduct('p1', 'A', '1') || ',' || pg_temp.deduct('p2', 'A', '0') || ',' || pg_temp.deduct('p1', 'A', '1')) a;

\ir invariants.sql
select * from finish();
rollback;
