-- money_test.sql - gift cards: voids, refunds, reloads, holds, transfers, what became of a request, and the laws.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.id_of(a pos.answer) returns text language sql as $$
    select a.body::json ->> 'transactionId'
$$;
create function pg_temp.on_card(operation text, number text, body text default '{}', more jsonb default '{}', path jsonb default '{}')
returns pos.answer language sql as $$
    select pg_temp.call(operation, (jsonb_build_object('cardNumber', number) || path)::text, body, more)
$$;
create function pg_temp.void(number text, id text, body text default '{"reason":"wrong table"}', more jsonb default '{}')
returns pos.answer language sql as $$
    select pg_temp.on_card('gift_card_void', number, body, more, jsonb_build_object('id', id))
$$;
-- The outcome, and members of the body or of the refusal's details.
create function pg_temp.said(a pos.answer, variadic members text[]) returns text language sql as $$
    select concat_ws(' ', pg_temp.outcome(a), (
        select string_agg(coalesce(a.body::json ->> m, a.body::json #>> array['error', 'details', m]), ' ' order by n)
          from unnest(members) with ordinality u(m, n)))
$$;

-- Void: of a deduct the money returns, in parts, up to the whole.
select pg_temp.card('V1', 100) \g /dev/null
create temp table d as select pg_temp.id_of(pg_temp.on_card('gift_card_deduct', 'V1', '{"amount":30,"orderId":"o1"}')) as id;
create temp table v as select pg_temp.void('V1', d.id, '{"amount":10.00,"reason":"one dish too many"}') as a from d;
select is((v.a).body, format('{"success":true,"transactionId":%s,"reverses":%s,"amount":10.00,"newBalance":80.00,"remaining":20.00}',
                             pg_temp.id_of(v.a), d.id), 'a void, exactly'),
       is((v.a).status, 201, 'makes an entry'),
       is((v.a).events[1]::json ->> 'type', 'gift_card.updated', 'and its event'),
       is((v.a).events[1]::json #>> '{data,reverses}', d.id, 'which says what it reverses'),
       is((v.a).events[1]::json #>> '{data,amount}', '10.00', 'how much'),
       is((v.a).events[1]::json #>> '{data,orderId}', 'o1', 'and for which order'),
       is(cardinality((v.a).events), 1, 'one')
  from v, d;
select is(row(t.type, t.amount, t.new_balance, t.reverses, t.notes, t.order_id)::text, format('(void,10.00,80.00,%s,"one dish too many",o1)', d.id), 'its entry')
  from pos.pos_gift_card_transactions t, v, d where t.id = pg_temp.id_of(v.a)::bigint;
select is(pg_temp.said(pg_temp.void('V1', d.id, v.body), variadic v.members), v.wanted, v.what)
  from d, (values (1, '{"amount":20.01,"reason":"x"}', array['left', 'amount'], '409 ALREADY_REVERSED 20.00 30.00', 'more than is left'),
                  (2, '{"amount":5,"reason":"x"}', array['newBalance', 'remaining'], '201 85.00 15.00', 'another part'),
                  (3, '{"reason":"x"}', array['amount', 'newBalance', 'remaining'], '201 15.00 100.00 0.00', 'the rest'),
                  (4, '{"reason":"x"}', array['left'], '409 ALREADY_REVERSED 0.00', 'once too often'),
                  (5, '{"amount":0.01,"reason":"x"}', array['left'], '409 ALREADY_REVERSED 0.00', 'by a penny')) v(n, body, members, wanted, what)
 order by n;
select is(pg_temp.balance('V1'), 100.00, 'all is back');
select is(pg_temp.outcome(pg_temp.void('V1', d.id, v.body)), v.wanted, 'void ' || v.body)
  from d, (values ('{}', '400 INVALID_FIELD'), ('{"reason":" "}', '400 INVALID_FIELD'), ('{"reason":7}', '400 INVALID_FIELD'),
                  ('{"reason":"x","amount":0}', '400 INVALID_AMOUNT'), ('{"reason":"x","amount":"no"}', '400 INVALID_AMOUNT'),
                  ('{"reason":"x","amount":null}', '409 ALREADY_REVERSED')) v(body, wanted);
select is((pg_temp.void('V1', d.id, '{"reason":" "}')).body::json #>> '{error,details,field}', 'reason', 'the field is named') from d;

-- Of a reload and a refund it is taken back, never below what is there.
select pg_temp.card('V2', 5) \g /dev/null
create temp table r as select pg_temp.id_of(pg_temp.on_card('gift_card_reload', 'V2', '{"amount":50}')) as id;
select is(pg_temp.outcome(pg_temp.on_card('gift_card_deduct', 'V2', '{"amount":40}')), '200', 'most of it is spent');
select is(pg_temp.said(pg_temp.void('V2', r.id), variadic array['currentBalance', 'shortfall']), '400 INSUFFICIENT_FUNDS 15.00 35.00', 'what is spent is not there')
  from r;
select is(pg_temp.said(pg_temp.void('V2', r.id, '{"amount":15,"reason":"x"}'), variadic array['newBalance', 'remaining']), '201 0.00 35.00', 'what is there is')
  from r;
create temp table f as select pg_temp.id_of(pg_temp.on_card('gift_card_refund', 'V2', '{"amount":7,"orderId":12,"reason":"cold"}')) as id;
select is(pg_temp.said(pg_temp.void('V2', f.id), 'newBalance'), '201 0.00', 'a refund, too') from f;

-- What is not voided.
select pg_temp.card('V3', 10) \g /dev/null
update pos.gift_cards set current_balance = 8 where tenant_id = :alpha and card_number = 'V3';
update pos.gift_cards set status = 'frozen' where tenant_id = :alpha and card_number = 'V3';
select pg_temp.commit() \g /dev/null
select is(pg_temp.said(pg_temp.void(t.card_number, t.id::text), 'type'), '409 NOT_REVERSIBLE ' || t.type, 'not a ' || t.type)
  from pos.pos_gift_card_transactions t
 where t.tenant_id = :alpha and ((t.card_number = 'V3' and t.type in ('issue', 'adjust', 'status')) or (t.card_number = 'V1' and t.type = 'void' and t.entry_no = 3));
select is(pg_temp.outcome(pg_temp.void('V1', v.id)), '404 TRANSACTION_NOT_FOUND', 'transaction ' || coalesce(v.id, 'null'))
  from (select id from r union all values ('0'), ('-1'), ('x'), ('1e3'), (''), ('99999999999999999'), ('999999999999999999999'), ('1.0'), (' 1')) v(id);
select is(pg_temp.outcome(pg_temp.void('nope', d.id)), '404 CARD_NOT_FOUND', 'no card') from d;
insert into pos.gift_cards (tenant_id, card_number, initial_balance) values (:beta, 'V1', 100), (:beta, 'OF-BETA', 100);
select pg_temp.commit() \g /dev/null
select is(pg_temp.outcome(pg_temp.void('V1', d.id, '{"reason":"x"}', jsonb_build_object('tenant', 'beta', 'keyHash', pg_temp.key_hash('beta', 'pos')))),
          '404 TRANSACTION_NOT_FOUND', 'that of another restaurant, by its id') from d;
select is(pg_temp.outcome(pg_temp.on_card(o.name, 'OF-BETA', '{"amount":1,"orderId":1,"reason":"x","to":"NEW-9"}', path => '{"id":"1","holdId":"1"}')),
          '404 CARD_NOT_FOUND', o.name || ': a card of another restaurant')
  from pos.operations() o where o.name ~ '^gift_card_(?!issue)';

-- A card that cannot be paid with gets back what was taken of it; a closed one does not.
select pg_temp.card('S-' || n, 50) from unnest(array['frozen', 'closed', 'expired']) n \g /dev/null
create temp table s as
    select n, pg_temp.id_of(pg_temp.on_card('gift_card_deduct', 'S-' || n, '{"amount":20}')) as id
      from unnest(array['frozen', 'closed', 'expired']) n;
update pos.gift_cards set status = 'frozen' where tenant_id = :alpha and card_number = 'S-frozen';
update pos.gift_cards set expiry_date = '2020-01-31' where tenant_id = :alpha and card_number = 'S-expired';
update pos.gift_cards set status = 'closed' where tenant_id = :alpha and card_number = 'S-closed';
select is(pg_temp.said(pg_temp.void('S-' || s.n, s.id), 'newBalance'), case s.n when 'closed' then '400 CARD_CLOSED' else '201 50.00' end, 'void, ' || s.n) from s;
select is(pg_temp.outcome(pg_temp.on_card('gift_card_' || o, 'S-' || s.n, '{"amount":1,"orderId":1,"reason":"x"}')),
          '400 CARD_' || upper(s.n), o || ', ' || s.n)
  from s, unnest(array['reload', 'refund', 'hold', 'deduct']) o;
select pg_temp.card('FULL', 99999999.99), pg_temp.card('MANY', 50) \g /dev/null
select is(pg_temp.outcome(pg_temp.on_card('gift_card_' || o, 'FULL', '{"amount":0.01,"orderId":1,"reason":"x"}')), '400 BALANCE_TOO_HIGH', o || ': a card has a limit')
  from unnest(array['reload', 'refund']) o;

-- Reload and refund: the answers.
select pg_temp.card('R1', 10) \g /dev/null
create temp table re as select pg_temp.on_card('gift_card_reload', 'R1', '{"amount":"2.50","orderId":77}', '{"scope":"pos"}') as a;
select is((re.a).body, format('{"success":true,"transactionId":%s,"previousBalance":10.00,"amount":2.50,"newBalance":12.50}', pg_temp.id_of(re.a)), 'reload, exactly'),
       is((re.a).events[1]::json #>> '{data,orderId}', '77', 'its event has the order'),
       is((re.a).events[1]::json #>> '{data,amount}', '2.50', 'and the amount')
  from re;
select is(pg_temp.outcome(pg_temp.on_card('gift_card_refund', 'R1', v.body)), v.wanted, 'refund ' || v.body)
  from (values ('{"amount":1,"reason":"x"}', '400 INVALID_ORDER_ID'), ('{"amount":1,"orderId":5}', '400 INVALID_FIELD'),
               ('{"amount":1,"orderId":5,"reason":"x"}', '201')) v(body, wanted);

-- A till refunds only where the restaurant says so, and all of its tills together up to the limit of a day.
create function pg_temp.till_refund(amount text, more jsonb default '{}') returns text language sql as $$
    select pg_temp.said(pg_temp.on_card('gift_card_refund', 'R1', format('{"amount":%s,"orderId":5,"reason":"x"}', amount), '{"scope":"pos"}' || more), 'left')
$$;
select is(pg_temp.till_refund('1'), '403 REFUND_NOT_ALLOWED', 'not by itself');
update dinedesk_main.tenants set till_refunds_a_day = 20 where slug = 'alpha';
select is(pg_temp.till_refund('20.01'), '409 REFUND_LIMIT 20.00', 'not more');
select is(pg_temp.till_refund('15'), '201', 'within it');
select is(pg_temp.till_refund('5.01', '{"device":"till-2"}'), '409 REFUND_LIMIT 5.00', 'nor two together');
select is(pg_temp.outcome(pg_temp.on_card('gift_card_refund', 'R1', '{"amount":500,"orderId":5,"reason":"x"}')), '201', 'the platform has none');
select is(pg_temp.till_refund('5'), '201', 'exactly');
select is(pg_temp.till_refund('0.01'), '409 REFUND_LIMIT 0.00', 'it is full');
select is(pg_temp.outcome(pg_temp.void('R1', t.id::text)), '201', 'one is voided')
  from pos.pos_gift_card_transactions t where t.tenant_id = :alpha and t.type = 'refund' and t.amount = 15;
select is(pg_temp.till_refund('15.01'), '409 REFUND_LIMIT 15.00', 'there is room again');
-- The day is the business day, which begins at five in the morning here.
create function pg_temp.refunded_at(moments timestamptz[], amounts numeric[]) returns void language sql as $$
    insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount, key_id, created_at)
    select k.tenant_id, 'R1', 'refund', v.amount, k.id, v.moment
      from pos.api_key k, dinedesk_main.tenants t, unnest(moments, amounts) v(moment, amount)
     where k.tenant_id = t.id and t.slug = 'alpha' and k.scopes = array['pos']
$$;
select pg_temp.refunded_at(array[s.begins - interval '1 ms', s.begins], array[1000, 14])
  from pos.business_day(pos.business_date(clock_timestamp(), 'Europe/London', '05:00'), 'Europe/London', '05:00') s \g /dev/null
select is(pg_temp.till_refund('1.01'), '409 REFUND_LIMIT 1.00', 'yesterday is over, and five is today');
select is((pg_temp.call('batch', '{}', format('{"operations":[{"key":"offline","op":"gift_card.refund","path":{"cardNumber":"R1"},"occurredAt":"%s",'
                        '"body":{"amount":1.01,"orderId":5,"reason":"x"}}]}', pos.utc(now() - interval '3 days')), '{"scope":"pos"}')).body::json
          #>> '{results,0,body,error,code}', 'REFUND_LIMIT', 'an earlier day has no limit of its own');
-- At midnight nothing begins; nor in the hour that comes twice, or does not come.
create function pg_temp.refunded(moment text, starts time) returns numeric language sql as $$
    select pos.till_refunded(row.c, moment::timestamptz)
      from (select jsonb_populate_record(null::pos.context, jsonb_build_object('tenant_id', t.id, 'timezone', t.timezone, 'day_start', starts)) as c
              from dinedesk_main.tenants t where t.slug = 'alpha') row
$$;
select pg_temp.refunded_at(array['2026-01-09T05:00Z', '2026-01-09T23:59:59.999Z', '2026-01-10T00:00Z', '2026-01-10T04:59:59.999Z', '2026-01-10T05:00Z',
                                 '2026-03-29T03:59:59Z', '2026-03-29T04:00Z', '2026-10-25T00:29:59Z', '2026-10-25T00:45:00Z', '2026-10-25T01:30:00Z',
                                 '2026-10-25T04:59:59Z', '2026-10-25T05:00Z']::timestamptz[],
                           array[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]) \g /dev/null
select is(pg_temp.refunded(v.moment, v.starts::time), v.wanted::numeric, v.what)
  from (values (1, '2026-01-10T04:30:00Z', '05:00', 15, 'the evening and the night are one day'),
               (2, '2026-01-09T05:00:00Z', '05:00', 15, 'from five'),
               (3, '2026-01-10T05:00:00Z', '05:00', 16, 'to five'),
               (4, '2026-01-10T00:00:00Z', '00:00', 28, 'unless it begins at midnight'),
               (5, '2026-03-29T03:00:00Z', '05:00', 32, 'the short night'),
               (6, '2026-03-29T04:00:00Z', '05:00', 64, 'ends at five by the clock'),
               (7, '2026-10-25T04:30:00Z', '05:00', 1920, 'the long night'),
               (8, '2026-10-25T05:00:00Z', '05:00', 2048, 'does, too'),
               (9, '2026-10-25T01:15:00Z', '01:30', 384, 'in the hour that comes twice the day does not end'),
               (10, '2026-10-25T01:30:00Z', '01:30', 3584, 'but once')) v(n, moment, starts, wanted, what)
 order by v.n;
update dinedesk_main.tenants set till_refunds_a_day = null where slug = 'alpha';

-- Without a key: a likely repeat is named, or answered as the first one where the restaurant wants that.
create temp table again (operation text, body text, path jsonb);
select pg_temp.card('A1', 100) \g /dev/null
insert into again
select 'gift_card_reload', '{"amount":5,"orderId":"a"}', '{}'::jsonb union all
select 'gift_card_refund', '{"amount":5,"orderId":"a","reason":"x"}', '{}' union all
select 'gift_card_void', '{"amount":5,"reason":"x"}', jsonb_build_object('id', pg_temp.id_of(pg_temp.on_card('gift_card_deduct', 'A1', '{"amount":50,"orderId":"a"}')));
create function pg_temp.again(operation text, more jsonb default '{}') returns pos.answer language sql as $$
    select pg_temp.on_card(g.operation, 'A1', g.body, more, g.path) from again g where g.operation = again.operation
$$;
create temp table first as select g.operation, pg_temp.again(g.operation) as a from again g;
select is((f.a).status, 201, f.operation), is((f.a).body::json ->> 'possibleDuplicateOf', null, 'once') from first f;
select is(b.body::json ->> 'possibleDuplicateOf', pg_temp.id_of(f.a), f.operation || ' again'), is(cardinality(b.events), 1, 'is carried out')
  from first f, pg_temp.again(f.operation) b;
select is(b.body::json ->> 'possibleDuplicateOf', null, f.operation || ' of another till'), is(k.body::json ->> 'possibleDuplicateOf', null, 'or with a key')
  from first f, pg_temp.again(f.operation, '{"device":"till-7"}') b, pg_temp.again(f.operation, jsonb_build_object('idempotencyKey', 'again ' || f.operation)) k;
update dinedesk_main.tenants set dedupe_seconds = 60 where slug = 'alpha';
create temp table before as select pg_temp.balance('A1') as balance, f.operation, pg_temp.again(f.operation, '{"device":"till-9"}') as a from first f;
create temp table after as select pg_temp.balance('A1') as balance;
select is(d.replayed, true, b.operation || ' is answered again'), is(d.body, (b.a).body, 'with the same'), is(d.events, null, 'no event')
  from before b, pg_temp.again(b.operation, '{"device":"till-9"}') d;
select is(pg_temp.balance('A1'), a.balance, 'once') from after a;
select is(pg_temp.outcome(pg_temp.void('A1', pg_temp.id_of(b.a))), '201', 'what was voided') from before b where b.operation = 'gift_card_reload';
select is(pg_temp.outcome(pg_temp.again('gift_card_reload', '{"device":"till-9"}')), '201', 'is done again');
create temp table paid as select pg_temp.on_card('gift_card_deduct', 'A1', '{"amount":2}') as a;
select is(pg_temp.outcome(pg_temp.on_card('gift_card_deduct', 'A1', '{"amount":2}')), '200 replayed', 'a payment, twice');
select is(pg_temp.outcome(pg_temp.void('A1', pg_temp.id_of(p.a))), '201', 'voided') from paid p;
select is(pg_temp.outcome(pg_temp.on_card('gift_card_deduct', 'A1', '{"amount":2}')), '200', 'and paid again');
-- A refund that came twice is told of also when there is nothing left to refund.
update dinedesk_main.tenants set till_refunds_a_day = (select pos.till_refunded(jsonb_populate_record(null::pos.context,
    jsonb_build_object('tenant_id', t.id, 'timezone', t.timezone, 'day_start', t.day_start)), now()) + 3 from dinedesk_main.tenants t where t.slug = 'alpha')
 where slug = 'alpha';
select is(pg_temp.till_refund('3'), '201', 'the last of the limit'), is(pg_temp.till_refund('3'), '201 replayed', 'is not refused when it comes again');
update dinedesk_main.tenants set dedupe_seconds = 0, till_refunds_a_day = null where slug = 'alpha';

-- Holds.
select pg_temp.card('H1', 50) \g /dev/null
create function pg_temp.hold(number text, amount text, more text default '') returns text language sql as $$
    select (pg_temp.on_card('gift_card_hold', number, format('{"amount":%s%s}', amount, more))).body::json ->> 'holdId'
$$;
create function pg_temp.ends(what text, number text, hold text, body text default '{}', more jsonb default '{}') returns pos.answer language sql as $$
    select pg_temp.on_card('gift_card_' || what, number, body, more, jsonb_build_object('holdId', hold))
$$;
create temp table h as select pg_temp.on_card('gift_card_hold', 'H1', '{"amount":20,"orderId":"o7","expiresIn":600}', '{"scope":"pos"}') as a;
select matches((h.a).body, '^\{"success":true,"holdId":"[0-9a-f-]{36}","amount":20\.00,"available":30\.00,"expiresAt":"[-0-9T:.]+Z"\}$', 'a hold, exactly'),
       is((h.a).status, 201, 'is made'),
       is((h.a).events[1]::json ->> 'type', 'gift_card.hold', 'its event'),
       matches((h.a).events[1]::json ->> 'data', '^\{"cardNumber":"H1","holdId":"[0-9a-f-]{36}","state":"open","amount":20\.00,"available":30\.00,'
               '"orderId":"o7","expiresAt":"[-0-9T:.]+Z","updatedAt":"[-0-9T:.]+Z"\}$', 'exactly'),
       ok(((h.a).body::json ->> 'expiresAt')::timestamptz between clock_timestamp() + interval '595 s' and clock_timestamp() + interval '601 s', 'in ten minutes')
  from h;
select is(pg_temp.said(pg_temp.on_card('gift_card_balance', 'H1'), variadic array['balance', 'held', 'available']), '200 50.00 20.00 30.00', 'the balance says so');
select is(pg_temp.said(pg_temp.on_card('gift_card_deduct', 'H1', '{"amount":30.01}'), variadic array['currentBalance', 'shortfall', 'balance', 'held']),
          '400 INSUFFICIENT_FUNDS 30.00 0.01 50.00 20.00', 'what is held is not spent');
select is(pg_temp.outcome(pg_temp.on_card('gift_card_hold', 'H1', '{"amount":30.01}')), '400 INSUFFICIENT_FUNDS', 'nor held twice');
select is(pg_temp.said(pg_temp.on_card('gift_card_deduct', 'H1', '{"amount":30}'), 'newBalance'), '200 20.00', 'what is left is');
select is(pg_temp.outcome(pg_temp.ends('capture', 'H1', (h.a).body::json ->> 'holdId', v.body)), v.wanted, 'capture ' || v.body)
  from h, (values ('{"amount":20.01}', '409 HOLD_EXCEEDED'), ('{"amount":0}', '400 INVALID_AMOUNT'), ('{"amount":"x"}', '400 INVALID_AMOUNT')) v(body, wanted);
create temp table c as select pg_temp.ends('capture', 'H1', (h.a).body::json ->> 'holdId', '{"amount":15}') as a from h;
select is((c.a).body, format('{"success":true,"transactionId":%s,"holdId":"%s","amount":15.00,"released":5.00,"newBalance":5.00,"available":5.00}',
                             pg_temp.id_of(c.a), (h.a).body::json ->> 'holdId'), 'a capture, exactly'),
       is((c.a).status, 201, 'makes an entry'),
       is((c.a).events[1]::json ->> 'type', 'gift_card.updated', 'which is told'),
       is((c.a).events[1]::json #>> '{data,holdId}', (h.a).body::json ->> 'holdId', 'with the hold'),
       is((c.a).events[1]::json #>> '{data,orderId}', 'o7', 'and its order'),
       is(cardinality((c.a).events), 1, 'once')
  from c, h;
select is(pg_temp.said(pg_temp.ends(what, 'H1', (h.a).body::json ->> 'holdId'), 'state'), '409 HOLD_ENDED captured', what || ': it has ended')
  from h, unnest(array['capture', 'release']) what;
select is(pg_temp.said(pg_temp.void('H1', pg_temp.id_of(c.a)), 'newBalance'), '201 20.00', 'a capture can be voided, as any deduct') from c;
select is((select g.held_until from pos.gift_cards g where g.tenant_id = :alpha and g.card_number = 'H1'), null, 'the card has forgotten its holds');

create temp table rel as select id, pg_temp.ends('release', 'H1', id) as a from pg_temp.hold('H1', '20') id;
select is((rel.a).body, format('{"success":true,"holdId":"%s","amount":20.00,"available":20.00}', rel.id), 'a release, exactly'),
       is((rel.a).events[1]::json #>> '{data,state}', 'released', 'is told'),
       is(pg_temp.said(pg_temp.ends('release', 'H1', rel.id), 'state'), '409 HOLD_ENDED released', 'once')
  from rel;
select is(pg_temp.outcome(pg_temp.ends(what, 'H1', v.id)), '404 HOLD_NOT_FOUND', what || ' ' || v.id)
  from unnest(array['capture', 'release']) what,
       (values ('1'), ('x'), (''), ('00000000-0000-4000-8000-000000000000'), ('%')) v(id);
select pg_temp.card('H2', 50) \g /dev/null
select is(pg_temp.outcome(pg_temp.ends('capture', 'H1', pg_temp.hold('H2', '5'))), '404 HOLD_NOT_FOUND', 'the hold of another card');
select is(pg_temp.outcome(pg_temp.on_card('gift_card_hold', 'H1', format('{"amount":1,"expiresIn":%s}', v.given))), v.wanted, 'expiresIn ' || v.given)
  from (values ('0', '400 INVALID_FIELD'), ('-1', '400 INVALID_FIELD'), ('3601', '400 INVALID_FIELD'), ('1.5', '400 INVALID_FIELD'), ('"x"', '400 INVALID_FIELD'),
               ('true', '400 INVALID_FIELD'), ('1e131071', '400 INVALID_FIELD'), ('{}', '400 INVALID_FIELD'),
               ('3600', '201'), ('"60"', '201'), ('1', '201'), ('null', '201')) v(given, wanted);

-- An expired hold is none, with no job, and stays none when the clock is set back.
select pg_temp.card('H3', 10) \g /dev/null
create temp table x as select pg_temp.hold('H3', '10') as id;
create function pg_temp.expire(hold text, at timestamptz default clock_timestamp() - interval '1 s') returns void language sql as $$
    update pos.gift_card_holds set expires_at = at where id = hold::uuid
$$;
select is(pg_temp.outcome(pg_temp.on_card('gift_card_deduct', 'H3', '{"amount":0.01}')), '400 INSUFFICIENT_FUNDS', 'all is held');
select pg_temp.expire(x.id) from x \g /dev/null
select is(pg_temp.said(pg_temp.on_card('gift_card_balance', 'H3'), variadic array['held', 'available']), '200 0.00 10.00', 'it has expired');
select is(pg_temp.said(pg_temp.ends('capture', 'H3', x.id), 'state'), '409 HOLD_ENDED expired', 'is not captured') from x;
select pg_temp.expire(pg_temp.hold('H3', '6')) \g /dev/null
select is(pg_temp.outcome(pg_temp.on_card('gift_card_deduct', 'H3', '{"amount":10}')), '200', 'its money is spent');
select is(string_agg(h.state, ' '), 'expired expired', 'for good') from pos.gift_card_holds h where h.tenant_id = :alpha and h.card_number = 'H3';
select is((select g.held_until from pos.gift_cards g where g.tenant_id = :alpha and g.card_number = 'H3'), null, 'the card has forgotten it');

-- A hold was made while the card was good: it is captured after the last day, and not while the card is frozen.
select pg_temp.card('H4', 10, expiry => (now() at time zone 'Europe/London')::date), pg_temp.card('H5', 10) \g /dev/null
create temp table y as select pg_temp.hold('H4', '6') as late, pg_temp.hold('H5', '6') as frozen, pg_temp.hold('H5', '1') as other;
update pos.gift_cards set expiry_date = expiry_date - 1 where tenant_id = :alpha and card_number = 'H4';
select is(pg_temp.outcome(pg_temp.on_card('gift_card_deduct', 'H4', '{"amount":1}')), '400 CARD_EXPIRED', 'the day after'),
       is(pg_temp.outcome(pg_temp.ends('capture', 'H4', y.late)), '201', 'what was promised is kept')
  from y;
select is(pg_temp.said(pg_temp.on_card('gift_card_freeze', 'H5', '{"reason":"stolen"}'), variadic array['status', 'balance']), '200 frozen 10.00', 'frozen'),
       is(pg_temp.outcome(pg_temp.ends('capture', 'H5', y.frozen)), '400 CARD_FROZEN', 'not captured'),
       is(pg_temp.outcome(pg_temp.ends('release', 'H5', y.other)), '200', 'released'),
       is(pg_temp.outcome(pg_temp.on_card('gift_card_unfreeze', 'H5', '{"reason":"found"}')), '200', 'unfrozen'),
       is(pg_temp.outcome(pg_temp.ends('capture', 'H5', y.frozen)), '201', 'captured')
  from y;
select is(string_agg(pg_temp.outcome(pg_temp.on_card('gift_card_hold', 'MANY', '{"amount":0.01}')), ' ' order by n), rtrim(repeat('201 ', 100)) || ' 409 TOO_MANY_HOLDS', 'a hundred')
  from generate_series(1, 101) n;

-- SQL writers take nothing that is held, and write no answers to other entries.
select pg_temp.card('Q1', 50), pg_temp.hold('Q1', '20') \g /dev/null
select throws_ok(v.query, v.state, null, v.query)
  from (values ('update pos.gift_cards set current_balance = 19.99 where card_number = ''Q1''', '23514'),
               ('update pos.gift_cards set status = ''closed'' where card_number = ''Q1''', '23514'),
               ('insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount) select tenant_id, card_number, ''deduct'', -30.01 from pos.gift_cards where card_number = ''Q1''', '23514'),
               ('insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount) select tenant_id, card_number, ''void'', 1 from pos.gift_cards where card_number = ''Q1''', '23001'),
               ('insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount, reverses) select tenant_id, card_number, ''adjust'', 1, 1 from pos.gift_cards where card_number = ''Q1''', '23001'),
               ('insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount) select tenant_id, card_number, ''transfer'', 1 from pos.gift_cards where card_number = ''Q1''', '23001')) v(query, state);
update pos.gift_cards set current_balance = 20, held_until = null where tenant_id = :alpha and card_number = 'Q1';
select is(pg_temp.said(pg_temp.on_card('gift_card_balance', 'Q1'), variadic array['balance', 'held', 'available']), '200 20.00 20.00 0.00', 'down to what is held');

-- Freeze, unfreeze, close.
select pg_temp.card('F1', 12.50), pg_temp.card('F2', 0), pg_temp.hold('F1', '1') \g /dev/null
select is(pg_temp.said(pg_temp.on_card('gift_card_' || v.what, v.number, v.body), variadic array['status', 'amount', 'balance', 'refundTo', 'held']), v.wanted, v.what || ' ' || v.number || ' ' || v.n)
  from (values (1, 'freeze', 'F1', '{}', '400 INVALID_FIELD'), (2, 'unfreeze', 'F1', '{"reason":"x"}', '409 CARD_NOT_FROZEN'),
               (3, 'close', 'F1', '{"reason":"x"}', '409 CARD_HAS_HOLDS 1.00')) v(n, what, number, body, wanted) order by n;
update pos.gift_card_holds set expires_at = now() - interval '1 s' where tenant_id = :alpha and card_number = 'F1';
select is(pg_temp.said(pg_temp.on_card('gift_card_' || v.what, v.number, v.body), variadic array['status', 'amount', 'balance', 'refundTo']), v.wanted, v.what || ' ' || v.number || ' ' || v.n)
  from (values (1, 'freeze', 'F1', '{"reason":"lost"}', '200 frozen 12.50'), (2, 'freeze', 'F1', '{"reason":"lost"}', '409 CARD_FROZEN'),
               (3, 'close', 'F1', '{"reason":"moved","refundTo":"cash"}', '200 closed 12.50 0.00 cash'), (4, 'close', 'F1', '{"reason":"moved"}', '409 CARD_CLOSED'),
               (5, 'freeze', 'F1', '{"reason":"x"}', '409 CARD_CLOSED'), (6, 'unfreeze', 'F1', '{"reason":"x"}', '409 CARD_CLOSED'),
               (7, 'close', 'F2', '{"reason":"empty"}', '200 closed 0.00 0.00'), (8, 'close', 'F2', '{"reason":"x","refundTo":5}', '400 INVALID_FIELD')) v(n, what, number, body, wanted)
 order by n;
select is(l.notes::text, 'moved (paid back: cash)', 'the ledger says how it was paid back')
  from pos.pos_gift_card_transactions l where l.tenant_id = :alpha and l.card_number = 'F1' order by l.entry_no desc limit 1;
select is(string_agg(u.action || ' ' || u.subject, ', ' order by u.id), 'card.freeze F1, card.void F1, card.void F2', 'the audit has it')
  from pos.audit u where u.tenant_id = :alpha and u.subject like 'F_';
select is(pg_temp.outcome(pg_temp.on_card('gift_card_' || what, 'R1', '{"reason":"x"}', '{"scope":"pos"}')), '403 FORBIDDEN', 'a till does not ' || what)
  from unnest(array['unfreeze', 'close']) what;

-- Transfer.
select pg_temp.card('T-1', 33.33, expiry => '2099-12-31'), pg_temp.card('T-2', 10, 'frozen'), pg_temp.card('T-3', 5), pg_temp.card('T-0', 0) \g /dev/null
create temp table tr as select pg_temp.on_card('gift_card_transfer', 'T-1', '{"to":"NEW-1"}', '{"scope":"pos","idempotencyKey":"lost-1"}') as a;
select is((tr.a).body, format('{"success":true,"cardNumber":"NEW-1","from":"T-1","amount":33.33,"newBalance":33.33,"transactionId":%s}', pg_temp.id_of(tr.a)), 'a transfer, exactly'),
       is((select string_agg(e::json ->> 'type' || ' ' || (e::json #>> '{data,cardNumber}') || ' ' || (e::json #>> '{data,amount}') || ' ' || (e::json #>> '{data,status}')
                             || ' ' || (e::json #>> '{data,otherCard}'), ', ' order by n) from unnest((tr.a).events) with ordinality u(e, n)),
          'gift_card.updated T-1 -33.33 closed NEW-1, gift_card.updated NEW-1 33.33 active T-1', 'both are told, and none was sold')
  from tr;
select is(string_agg(concat_ws(' ', g.card_number, g.status, g.current_balance, g.initial_balance, g.expiry_date), ', ' order by g.card_number),
          'NEW-1 active 33.33 33.33 2099-12-31, T-1 closed 0.00 33.33 2099-12-31', 'the new one has what the old one had')
  from pos.gift_cards g where g.tenant_id = :alpha and g.card_number in ('T-1', 'NEW-1');
select is(b.replayed, true, 'twice is once'), is(b.body, (tr.a).body, 'with its answer')
  from tr, pg_temp.on_card('gift_card_transfer', 'T-1', '{"to":"NEW-1"}', '{"scope":"pos","idempotencyKey":"lost-1"}') b;
select is(pg_temp.outcome(pg_temp.on_card('gift_card_transfer', v.number, v.body, v.more::jsonb)), v.wanted, 'transfer ' || v.number || ' ' || v.body || v.more)
  from (values (1, 'T-1', '{"to":"NEW-2"}', '{}', '400 CARD_CLOSED'), (2, 'T-3', '{"to":"NEW-1"}', '{}', '409 CARD_EXISTS'), (3, 'T-3', '{"to":"new1"}', '{}', '409 CARD_EXISTS'),
               (4, 'T-3', '{"to":"S-frozen"}', '{}', '409 CARD_EXISTS'), (5, 'T-3', '{"to":"<b>"}', '{}', '400 INVALID_FIELD'), (6, 'T-3', '{"to":[]}', '{}', '400 INVALID_FIELD'),
               (7, 'T-2', '{"to":"NEW-3"}', '{"scope":"pos"}', '400 CARD_FROZEN'), (8, 'T-2', '{"to":"NEW-3"}', '{}', '201'),
               (9, 'Q1', '{"to":"NEW-4"}', '{}', '409 CARD_HAS_HOLDS'), (10, 'T-0', '{"to":"NEW-5"}', '{}', '201'), (11, 'S-expired', '{}', '{}', '400 CARD_EXPIRED')) v(n, number, body, more, wanted)
 order by n;
select matches((pg_temp.on_card('gift_card_transfer', 'T-3')).body::json ->> 'cardNumber', '^GC-\d{12}$', 'a number is made');
select is((select g.status::text from pos.gift_cards g where g.tenant_id = :alpha and g.card_number = 'NEW-3'), 'active', 'the new one is not frozen');
select is(pg_temp.outcome(pg_temp.void('T-1', t.id::text)), '409 NOT_REVERSIBLE', 'a transfer is not voided')
  from pos.pos_gift_card_transactions t where t.tenant_id = :alpha and t.card_number = 'T-1' and t.type = 'transfer';

-- The ledger, page after page.
create temp table l as select (pg_temp.on_card('gift_card_transactions', 'V1')).body::json as b;
select is(b ->> 'balance', '100.00', 'the balance'),
       is((select string_agg(concat_ws(' ', e ->> 'type', e ->> 'amount', e ->> 'balance', e ->> 'reversed', case when e ->> 'reverses' = d.id then 'of it' end), ', ' order by n)
             from json_array_elements(b -> 'transactions') with ordinality u(e, n)),
          'void 15.00 100.00 0.00 of it, void 5.00 85.00 0.00 of it, void 10.00 80.00 0.00 of it, deduct -30.00 70.00 30.00, issue 100.00 100.00 0.00', 'what reversed what, the newest first'),
       is((select string_agg(k, ' ' order by n) from json_object_keys(b #> '{transactions,0}') with ordinality u(k, n)),
          'transactionId type amount balance orderId reason reverses reversed holdId otherCard device at businessDate', 'the members'),
       is(b ->> 'next', null, 'it is all')
  from l, d;
select is(string_agg(e ->> 'balance', ' ' order by n), '100.00 85.00', 'two of them'), is(min(b ->> 'next'), max(b #>> '{transactions,1,transactionId}'), 'and where to go on')
  from (select (pg_temp.on_card('gift_card_transactions', 'V1', null, '{"query":{"limit":"2"}}')).body::json as b) p,
       json_array_elements(b -> 'transactions') with ordinality u(e, n);
select is((select string_agg(e ->> 'balance', ' ' order by n) from json_array_elements((pg_temp.on_card('gift_card_transactions', 'V1', null,
             jsonb_build_object('query', jsonb_build_object('limit', '3', 'after', l.b #>> '{transactions,1,transactionId}')))).body::json -> 'transactions') with ordinality u(e, n)),
          '80.00 70.00 100.00', 'the rest') from l;
select is(pg_temp.outcome(pg_temp.on_card('gift_card_transactions', 'V1', null, jsonb_build_object('query', v.query::jsonb))), '400 INVALID_FIELD', v.query)
  from (values ('{"limit":"0"}'), ('{"limit":"201"}'), ('{"limit":"x"}'), ('{"after":"x"}'), ('{"after":"0"}'), ('{"after":"99999999999999999"}')) v(query);
select is(pg_temp.outcome(pg_temp.on_card('gift_card_transactions', 'V1', null, jsonb_build_object('query', jsonb_build_object('after', r.id)))), '400 INVALID_FIELD', 'the entry of another card') from r;

-- What became of a request.
select is(pg_temp.outcome(pg_temp.call('operation_outcome', '{"idempotencyKey":"never"}')), '404 OPERATION_NOT_FOUND', 'never seen');
select is((b.body::json -> 'body')::text, (tr.a).body, 'the answer, as it was'), is(pg_temp.said(b, variadic array['key', 'status']), '200 lost-1 201', 'with its status')
  from tr, pg_temp.call('operation_outcome', '{"idempotencyKey":"lost-1"}', null, '{"scope":"pos"}') b;
select is(pg_temp.outcome(pg_temp.call('operation_outcome', '{"idempotencyKey":"lost-1"}')), '404 OPERATION_NOT_FOUND', 'of another key');
select is(pg_temp.outcome(pg_temp.on_card('gift_card_reload', 'R1', '{"amount":0}', '{"idempotencyKey":"bad-1"}')), '400 INVALID_AMOUNT', 'a refusal');
select is(b.body::json #>> '{body,error,code}', 'INVALID_AMOUNT', 'is what became of it') from pg_temp.call('operation_outcome', '{"idempotencyKey":"bad-1"}') b;
delete from pos.idempotency where tenant_id = :alpha and key = 'lost-1';
select is(pg_temp.said(b, variadic array['status', 'transactionId']), '200 ' || t.id, 'long ago: the entry that it made')
  from pg_temp.call('operation_outcome', '{"idempotencyKey":"lost-1"}', null, '{"scope":"pos"}') b,
       pos.pos_gift_card_transactions t where t.tenant_id = :alpha and t.card_number = 'T-1' and t.type = 'transfer';

-- Each change twice with its key is once.
select pg_temp.card('K1', 100) \g /dev/null
create temp table k as select pg_temp.id_of(pg_temp.on_card('gift_card_deduct', 'K1', '{"amount":10}')) as id, pg_temp.hold('K1', '5') as held, pg_temp.hold('K1', '5') as other;
create temp table once as
    select o.name, pg_temp.on_card(o.name, 'K1', o.body, jsonb_build_object('idempotencyKey', 'k1 ' || o.name), jsonb_build_object('id', k.id, 'holdId', o.hold)) as first,
           pg_temp.on_card(o.name, 'K1', o.body, jsonb_build_object('idempotencyKey', 'k1 ' || o.name), jsonb_build_object('id', k.id, 'holdId', o.hold)) as again
      from k, lateral (values (1, 'gift_card_reload', '{"amount":1}', null), (2, 'gift_card_refund', '{"amount":1,"orderId":1,"reason":"x"}', null),
                              (3, 'gift_card_hold', '{"amount":1}', null), (4, 'gift_card_void', '{"amount":1,"reason":"x"}', null), (5, 'gift_card_capture', '{}', k.held),
                              (6, 'gift_card_release', '{}', k.other), (7, 'gift_card_freeze', '{"reason":"x"}', null)) o(n, name, body, hold)
     order by o.n;
select is(pg_temp.outcome(again), (first).status || ' replayed', name || ' again'), is((again).body, (first).body, 'is the same'), is((again).events, null, 'and tells nobody') from once;
select is(pg_temp.balance('K1'), 88.00, 'each once');

-- Amounts: every row of the vectors, to every operation that takes one.
\set vectors `cat test/samples/vectors.json`
create temp table amount as
    select n, v ->> 'json' as given, (v ->> 'effect')::numeric as effect, coalesce((v ->> 'status')::int, 200) as status, v ->> 'code' as code
      from json_array_elements((:'vectors')::json -> 'amounts') with ordinality u(v, n)
     where not coalesce(v ->> 'code' = 'INVALID_JSON', false);
create function pg_temp.takes(operation text, given text, n bigint) returns text language plpgsql as $$
declare
    number text := 'A-' || n || '-' || operation;
    path jsonb := '{}';
    a pos.answer;
begin
    perform pg_temp.card(number, 85.50);
    if operation = 'gift_card_void' then
        path := jsonb_build_object('id', pg_temp.id_of(pg_temp.on_card('gift_card_deduct', number, '{"amount":85.50}')));
    elsif operation = 'gift_card_capture' then
        path := jsonb_build_object('holdId', pg_temp.hold(number, '85.50'));
    end if;
    a := pg_temp.on_card(operation, number, format('{"amount":%s,"orderId":1,"reason":"x"}', given), '{}', path);
    return case when a.status < 300 then a.body::json ->> 'amount' else a.body::json #>> '{error,code}' end;
end $$;
select is(pg_temp.takes(o, a.given, a.n),
          case when a.code = 'INSUFFICIENT_FUNDS' then
                   case o when 'gift_card_void' then 'ALREADY_REVERSED' when 'gift_card_capture' then 'HOLD_EXCEEDED' when 'gift_card_hold' then a.code
                          when 'gift_card_reload' then to_char(a.given::numeric, 'FM99999990.00') else to_char(a.given::numeric, 'FM99999990.00') end
               when a.given = 'null' and o in ('gift_card_void', 'gift_card_capture') then '85.50' -- all of it
               else coalesce(a.code, to_char(a.effect, 'FM99999990.00')) end,
          o || ' ' || left(a.given, 30))
  from amount a, unnest(array['gift_card_reload', 'gift_card_refund', 'gift_card_hold', 'gift_card_void', 'gift_card_capture']) o;

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off;
select is_empty('select * from pos.violations', 'the ledgers are whole');
set local enable_nestloop = on;

-- The laws notice each breach.
create function pg_temp.breach(sabotage text) returns text language plpgsql set tillwire.writer = 'function' as $$
declare
    broken text;
begin
    begin
        execute sabotage;
        select string_agg(distinct l.what, ', ' order by l.what) into broken from pos.laws_broken() l;
        raise exception using errcode = 'TWUND', message = coalesce(broken, 'none');
    exception when sqlstate 'TWUND' then
        return sqlerrm;
    end;
end $$;
alter table pos.pos_gift_card_transactions disable trigger append_only;
select is(pg_temp.breach(v.sabotage), v.wanted, v.wanted)
  from (values ('update pos.gift_cards set current_balance = 1 where card_number = ''R1''', 'gift card balance is not the sum of its ledger'),
               ('update pos.gift_cards set entries = 1 where card_number = ''R1''', 'gift card counts other entries than it has'),
               ('update pos.pos_gift_card_transactions set amount = 31, new_balance = new_balance where type = ''void'' and card_number = ''V1'' and amount = 15',
                'gift card balance is not the sum of its ledger, gift card entry does not continue the one before, gift card entry is reversed by more than it is'),
               ('update pos.pos_gift_card_transactions set reverses = null where type = ''void'' and card_number = ''V1'' and amount = 15', 'gift card entry reverses none of its card'),
               ('update pos.pos_gift_card_transactions set type = ''refund'' where type = ''deduct'' and card_number = ''R1'' or type = ''deduct'' and card_number = ''V2''', 'gift card entry has the wrong sign'),
               ('update pos.gift_card_holds set amount = 51 where card_number = ''Q1''', 'gift card has less than is held of it'),
               ('update pos.gift_cards set held_until = null where card_number = ''Q1''', 'gift card does not know that some of it is held'),
               ('update pos.gift_card_holds set captured = 14 where card_number = ''H1'' and state = ''captured''', 'hold and its capture differ'),
               ('delete from pos.gift_card_holds where card_number = ''H1'' and state = ''captured''', 'hold and its capture differ'),
               ('update pos.pos_gift_card_transactions set other_card = null where card_number = ''T-1'' and type = ''transfer''', 'a card was transferred, and its other half is missing')) v(sabotage, wanted);
alter table pos.pos_gift_card_transactions enable trigger append_only;

select * from finish();
rollback;
