-- tillctl_test.sql - what tillctl asks of the database for an operator (schema/functions/operators).
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();
set local tillwire.person = 'ada@app1';

-- "409 CARD_CLOSED" for a refusal, "ok" without one, else the SQLSTATE.
create function pg_temp.outcome_of(statement text) returns text language plpgsql as $$
declare
    hint text;
begin
    execute statement;
    return 'ok';
exception when others then
    get stacked diagnostics hint = pg_exception_hint;
    return case sqlstate when 'TWREF' then hint else sqlstate end;
end $$;
-- Settings.
select is(pg_temp.outcome_of(format('select pos.tenant_add(%s)', v.given)), v.wanted, v.given)
  from (values ($$'gamma', null, 'Gamma', 'JP', 'JPY', 'Asia/Tokyo'$$, 'ok'),
               ($$'gamma', null, 'Gamma', 'JP', 'JPY', 'Asia/Tokyo'$$, '409 TENANT_EXISTS'),
               ($$'delta', 'x', 'Delta', 'JP', 'JPY', 'UTC'$$, '400 INVALID_FIELD'),
               ($$'delta', 'bbbbbbbb-0000-4000-8000-000000000002', 'Delta', 'JP', 'JPY', 'UTC'$$, '409 TENANT_EXISTS'),
               ($$'delta', null, 'Delta', 'jp', 'JPY', 'UTC'$$, '400 INVALID_FIELD'),
               ($$'delta', null, 'Delta', 'JP', 'Yen', 'UTC'$$, '400 INVALID_FIELD'),
               ($$'delta', null, ' ', 'JP', 'JPY', 'UTC'$$, '400 INVALID_FIELD'),
               ($$'delta', null, 'Delta', 'JP', 'JPY', 'Mars/Olympus'$$, '22023'),
               ($$'health', null, 'Delta', 'JP', 'JPY', 'UTC'$$, '23514')) v(given, wanted);
create function pg_temp.set_alpha(variadic given text[]) returns text language sql as $$
    select pg_temp.outcome_of(format('select pos.tenant_set(%s)', (
        select string_agg(quote_nullable(case n.name when 'slug' then 'alpha' else substring(g.g from '=(.*)') end), ', ' order by n.n)
          from unnest(array['slug', 'name', 'country', 'currency', 'timezone', 'dedupe', 'prefix', 'tablets', 'keyless', 'staff'])
               with ordinality n(name, n)
          left join unnest(given) g on split_part(g.g, '=', 1) = n.name)))
$$;
select is(pg_temp.set_alpha(v.given), v.wanted, v.given)
  from (values ('dedupe=30', 'ok'), ('dedupe=86401', '400 INVALID_FIELD'), ('dedupe=-1', '400 INVALID_FIELD'),
               ('prefix=ALPHABETAGAMMADEL', '400 INVALID_FIELD'), ('tablets=some', '400 INVALID_FIELD'), ('keyless=yes', '400 INVALID_FIELD'),
               ('staff=keep', '400 INVALID_FIELD'), ('timezone=Mars/Olympus', '22023'), ('country=UK1', '400 INVALID_FIELD'),
               ('currency=EUR', 'ok'), ('currency=GBP', 'ok')) v(given, wanted);
select is(pg_temp.set_alpha('name=The Alpha', 'tablets=all', 'keyless=on', 'staff=seal', 'timezone=Europe/Paris'), 'ok', 'several');
select is(row_to_json(s)::jsonb - 'id' - 'created_at' - 'last_seq' - 'keys', '{"slug": "alpha", "name": "The Alpha", "status": "active",
          "country": "GB", "phones": "read as in GB", "currency": "GBP", "timezone": "Europe/Paris", "dedupe_seconds": 30, "order_prefix": "ALP-",
          "tablet_orders": "all", "staff_secrets": "seal", "rate": "default", "till_refunds": "none", "keyless": true, "sandbox": false, "day_start": "05:00", "token_secret": false, "aliases": null, "mastered": null, "order_ladder": "auto"}'::jsonb,
          'all is shown') from pos.tenant_show('alpha') s;
select is((select detail from pos.audit where action = 'tenant.set' order by id desc limit 1),
          'keyless: false -> true; name: Alpha -> The Alpha; staff_secrets: drop -> seal; tablet_orders: accepted -> all; timezone: Europe/London -> Europe/Paris',
          'and what it was before stays in the audit');
select is(pg_temp.set_alpha('keyless=off', 'staff=drop', 'timezone=Europe/London', 'dedupe=0'), 'ok', 'back');
select count(*) as changes from pos.audit where action = 'tenant.set' \gset
select is(pg_temp.set_alpha('keyless=off'), 'ok', 'what is so already');
select is((select count(*) from pos.audit where action = 'tenant.set'), :changes::bigint, 'is not written down');
select is(pg_temp.outcome_of(format('select pos.tenant_names_set(%L, %s)', 'alpha', v.given)), v.wanted, v.given)
  from (values ($$'r_1', null, null, null, null, false$$, 'ok'),
               ($$'beta', null, null, null, null, false$$, '23505'),
               ($$null, 'r_2', null, null, null, false$$, '404 ALIAS_NOT_FOUND'),
               ($$null, null, 'tables', null, null, false$$, 'ok'),
               ($$null, null, 'dishes', null, null, false$$, '400 INVALID_FIELD'),
               ($$null, null, null, null, 'short', false$$, '23514'),
               ($$null, null, null, null, '0123456789012345678901234567890123456789', false$$, 'ok')) v(given, wanted);
select is((select concat_ws(' ', s.aliases, s.mastered, s.token_secret) from pos.tenant_show('alpha') s), 'r_1 tables t', 'names, lists and secrets');
select is(pg_temp.outcome_of($$select pos.tenant_names_set('alpha', null, 'r_1', null, 'tables', null, true)$$), 'ok', 'and away with them');
select is((select concat_ws(' ', s.aliases, s.mastered, s.token_secret) from pos.tenant_show('alpha') s), 'f', 'all three');
select pg_temp.card('JPY-1', 5) \g /dev/null
select is(pg_temp.set_alpha('currency=EUR'), 'ok', 'another currency with as many decimals');
select is(pg_temp.set_alpha('currency=JPY'), '409 CURRENCY_IN_USE', 'but none that would make amounts of cards no amounts');
select is(pg_temp.set_alpha('currency=GBP'), 'ok', 'and back');
select is(pg_temp.outcome_of($$select pos.tenant_set('nobody', null, null, null, null, null, null, null, null, null)$$), '404 TENANT_NOT_FOUND', 'nobody');

select is(pg_temp.outcome_of(format('select pos.tenant_rate_read(%L, %L)', 'alpha', v.given)), v.wanted, v.given)
  from (values ('50/100', 'ok'), ('50', '400 INVALID_FIELD'), ('0/1', '400 INVALID_FIELD'), ('100001/1', '400 INVALID_FIELD'),
               ('1/1000001', '400 INVALID_FIELD')) v(given, wanted);
select is((select s.rate from pos.tenant_show('alpha') s), '50/100', 'a rate of its own');
select is(pg_temp.outcome_of($$select pos.tenant_rate_read('alpha', 'default')$$), 'ok', 'and none');
select is((select s.rate from pos.tenant_show('alpha') s), 'default', 'as the settings say');

-- Keys.
create temp table made as select * from pos.key_add('alpha', 'pos, platform', 'counter', '90 days', 'orderweb-net');
select is(concat_ws(' ', s.scopes, s.label, s.profile, s.state, s.expires_at::date - now()::date), 'pos,platform counter orderweb-net good 90', 'a key')
  from made m, pos.key_shown('alpha', false, m.id::text) s;
select is(pg_temp.outcome(pos.call('health', jsonb_build_object('keyHash', pg_temp.hash(m.key), 'requestId', 'r', 'path', '{}'::jsonb), null)), '200', 'it opens')
  from made m;
select is(pg_temp.outcome_of(format('select pos.key_add(%s)', v.given)), v.wanted, v.given)
  from (values ($$'nobody', null, 'x', null, null$$, '404 TENANT_NOT_FOUND'), ($$'alpha', 'root', 'x', null, null$$, '400 INVALID_SCOPE'),
               ($$'alpha', '', 'x', null, null$$, '400 INVALID_SCOPE'), ($$'alpha', null, ' ', null, null$$, '400 INVALID_FIELD'),
               ($$'alpha', null, 'x', 'yesterday', null$$, '400 INVALID_TIME'), ($$'alpha', null, 'x', 'infinity', null$$, '400 INVALID_TIME'),
               ($$'alpha', null, 'x', '2001-01-01', null$$, '400 INVALID_TIME'), ($$'alpha', null, 'x', null, 'other'$$, '400 INVALID_PROFILE')) v(given, wanted);
create temp table successor as select r.* from made m, pos.key_renew(m.id::text, '1 hour') r;
select is(string_agg(s.label || ' ' || s.state || ' ' || coalesce((s.expires_at < now() + interval '1 day')::text, ''), ', ' order by s.expires_at), 'counter good true, counter good false',
          'both are good for a while') from pos.key_shown('alpha', false) s where s.label = 'counter';
select is(pg_temp.outcome_of(format('select pos.key_end(%L)', s.id)), 'ok', 'revoked') from successor s;
select is(pg_temp.outcome_of(format('select pos.key_end(%L)', s.id)), 'ok', 'once more is no error') from successor s;
select is(pg_temp.outcome_of(format('select pos.key_renew(%L, null)', s.id)), '409 KEY_ENDED', 'it has no successor') from successor s;
select is((select count(*) from pos.key_shown('alpha', false) s where s.id = (select id from successor)), 0::bigint, 'it is not listed');
select is((select s.state from successor n, pos.key_shown('alpha', true, n.id::text) s), 'revoked', 'unless all are');
select is(pg_temp.outcome_of(format('select %s', v.call)), v.wanted, v.call)
  from (values ($$pos.key_end('x')$$, '404 KEY_NOT_FOUND'), ($$pos.key_end('bbbbbbbb-0000-4000-8000-000000000009')$$, '404 KEY_NOT_FOUND'),
               ($$pos.key_renew((select id::text from made), 'soon')$$, '400 INVALID_TIME'),
               ($$pos.key_dress((select id::text from made), 'other')$$, '400 INVALID_PROFILE'),
               ($$pos.key_dress((select id::text from made), 'default')$$, 'ok')) v(call, wanted);

-- Orders.
create temp table pushed as select pos.order_push('alpha', null, 'Ada', '9.50', 'Ramen', 'delivery') as id;
select is(concat_ws(' ', s.number, s.customer, s.total, s.type, s.source, s.items), 'ALP-0001 Ada 9.50 delivery online 1', 'an order') from pushed p, pos.order_shown('alpha', p.id) s;
select is((select e.data ->> 'orderNumber' from pos.event e where e.tenant_id = :alpha and e.type = 'order.created'), 'ALP-0001', 'tills hear of it');
select is((select e.origin ->> 'kind' || ' ' || ((e.origin ->> 'requestId') = (select detail from pos.audit where action = 'order_create')) from pos.event e
            where e.tenant_id = :alpha and e.type = 'order.created'), 'operator true', 'and whose it is');
select is(pg_temp.outcome_of(format('select pos.order_push(%s)', v.given)), v.wanted, v.given)
  from (values ($$'alpha', null, null, 'x', null, null$$, '400 INVALID_AMOUNT'), ($$'alpha', '[1]', null, null, null, null$$, '400 INVALID_JSON'),
               ($$'alpha', '{}', null, null, null, null$$, '400 INVALID_FIELD'), ($$'nobody', null, null, null, null, null$$, '404 TENANT_NOT_FOUND'),
               ($$'alpha', '{"customerName":"B","totalAmount":1,"items":[],"orderId":"o-1"}', null, null, null, null$$, 'ok')) v(given, wanted);
select is(s.id, 'o-1', 'by its number too') from pos.order_shown('alpha', 'ALP-0002') s;
select is((select count(*) from pos.orders_shown('alpha', 10)), 2::bigint, 'both');
select pg_temp.call('order_ack', '{}', '{"order_id":"o-1","status":"printed","device_id":"till-1"}') \g /dev/null
select matches((select s.said from pos.order_shown('alpha', 'o-1') s), '^till-1 printed at 2', 'who has it');

-- Cards.
select pg_temp.card('GC-1', 30.50), pg_temp.card('GC-2', 0), pg_temp.card('GC-3', 5, 'pending') \g /dev/null
select pg_temp.head() as before \gset
select is(pg_temp.outcome_of(format('select pos.card_state_set(%s)', v.given)), v.wanted, v.given)
  from (values ($$'alpha', 'GC-1', 'unfreeze', 'why'$$, '409 CARD_NOT_FROZEN'), ($$'alpha', 'GC-1', 'freeze', ' '$$, '400 INVALID_FIELD'),
               ($$'alpha', 'gc 1', 'freeze', 'lost'$$, 'ok'), ($$'alpha', 'GC-1', 'freeze', 'lost'$$, '409 CARD_FROZEN'),
               ($$'alpha', 'GC-3', 'freeze', 'x'$$, '409 CARD_NOT_ACTIVE'), ($$'alpha', 'GC-9', 'freeze', 'x'$$, '404 CARD_NOT_FOUND'),
               ($$'beta', 'GC-1', 'void', 'x'$$, '404 CARD_NOT_FOUND')) v(given, wanted);
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"GC-1"}', '{"amount":1}'), '400 CARD_FROZEN', 'nobody pays with it');
select is(pg_temp.outcome_of($$select pos.card_state_set('alpha', 'GC-1', 'unfreeze', 'found')$$), 'ok', 'it was found');
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"GC-1"}', '{"amount":0.50}'), '200', 'and is good');
select is(pg_temp.outcome_of($$select pos.card_state_set('alpha', 'GC-1', 'void', 'stolen')$$), 'ok', 'stolen');
select is(pg_temp.outcome_of($$select pos.card_state_set('alpha', 'GC-1', 'unfreeze', 'x')$$), '409 CARD_CLOSED', 'for good');
select is(pg_temp.outcome_of($$select pos.card_state_set('alpha', 'GC-2', 'void', 'empty')$$), 'ok', 'one without money');
select is(string_agg(concat_ws(' ', e.entry, e.type, e.amount, e.balance, e.notes), ', ' order by e.entry),
          '1 issue 30.50 30.50, 2 status 0.00 30.50 lost, 3 status 0.00 30.50 found, 4 deduct -0.50 30.00, 5 adjust -30.00 0.00 stolen',
          'the ledger says it all') from pos.card_entries('alpha', 'GC-1') e;
select is(concat_ws(' ', s.status, s.balance, s.initial_balance, s.entries), 'closed 0.00 30.50 5', 'the card') from pos.card_shown('alpha', 'GC-1') s;
select is(pg_temp.types_after(:before), 'gift_card.updated gift_card.updated gift_card.updated gift_card.updated gift_card.updated', 'each has its event');
select is(pg_temp.newest() ->> 'status', 'closed', 'with the state');

-- What the API does with a card, an operator can do, too; of refunds he has no limit.
select pg_temp.card('GC-7', 10) \g /dev/null
select is(pg_temp.outcome_of(format('select pos.operator_call(''alpha'', ''gift_card_%s'', ''{"cardNumber":"GC-7"}'', %L)', v.what, v.body)), v.wanted, v.what || ' ' || v.body)
  from (values (1, 'reload', '{"amount":"5"}', 'ok'), (2, 'refund', '{"amount":"2.50","orderId":"o1","reason":"cold"}', 'ok'), (3, 'refund', '{"amount":"1","reason":"x"}', '400 INVALID_ORDER_ID'),
               (4, 'reload', '{"amount":"0"}', '400 INVALID_AMOUNT')) v(n, what, body, wanted) order by v.n;
select is(pg_temp.outcome_of(format('select pos.operator_call(''alpha'', ''gift_card_void'', ''{"cardNumber":"GC-7","id":"%s"}'', ''{"reason":"x"}'')', e.id)), 'ok', 'reverse')
  from pos.card_entries('alpha', 'GC-7') e where e.type = 'refund';
select is(string_agg(concat_ws(' ', e.type, e.amount, e.balance, e.reverses is not null, e.reversed), ', ' order by e.entry),
          'issue 10.00 10.00 f, reload 5.00 15.00 f, refund 2.50 17.50 f 2.50, void -2.50 15.00 t', 'its ledger')
  from pos.card_entries('alpha', 'GC-7') e;
select is(pg_temp.outcome_of($$select pos.card_state_set('alpha', 'GC-7', 'freeze', 'lost')$$), 'ok', 'lost');
select is(pg_temp.outcome_of($$select pos.operator_call('alpha', 'gift_card_transfer', '{"cardNumber":"GC-7"}', '{"to":"GC-8","reason":"lost"}')$$), 'ok', 'transfer');
select is(concat_ws(' ', s.status, s.balance), 'active 15.00', 'the new card') from pos.card_shown('alpha', 'GC-8') s;

-- What tills may refund in a day.
select is(pg_temp.outcome_of(format('select pos.till_refunds_set(''alpha'', %L)', v.given)), v.wanted, 'till refunds ' || coalesce(v.given, 'as they are'))
  from (values (1, '50.00', 'ok'), (2, null, 'ok'), (3, '50', 'ok'), (4, '0', '400 INVALID_FIELD'), (5, '-1', '400 INVALID_FIELD'), (6, 'x', '400 INVALID_FIELD'),
               (7, '1.001', '400 INVALID_FIELD'), (8, 'none', 'ok'), (9, 'none', 'ok')) v(n, given, wanted) order by v.n;
select is(string_agg(detail, '; ' order by id), 'till_refunds_a_day: none -> 50.00; till_refunds_a_day: 50.00 -> none', 'changes are in the audit')
  from pos.audit where action = 'tenant.set' and detail like 'till_refunds%';

-- Points.
insert into pos.customers (tenant_id, phone, name, loyalty_points) values (:alpha, '07700 900123', 'Ada', 50) \g /dev/null
select p.id as customer from pos.customers p where p.tenant_id = :alpha \gset
select is(pg_temp.outcome_of(format('select pos.customer_adjust(%s, false)', v.given)), v.wanted, v.given)
  from (values ($$'alpha', '+447700900123', '-20', 'a mistake'$$, 'ok'), ($$'alpha', '07700900123', '-31', 'x'$$, '400 INSUFFICIENT_POINTS'),
               ($$'alpha', '07700900123', '0', 'x'$$, '400 INVALID_POINTS'), ($$'alpha', '07700900123', '1.5', 'x'$$, '400 INVALID_POINTS'),
               ($$'alpha', '07700900123', '5', ''$$, '400 INVALID_FIELD'), ($$'alpha', 'Ada', '5', 'x'$$, '400 INVALID_PHONE'),
               ($$'alpha', 'id:1', '5', 'x'$$, '404 CUSTOMER_NOT_FOUND'), ($$'beta', 'id:1', '5', 'x'$$, '404 CUSTOMER_NOT_FOUND'),
               (format('''alpha'', ''id:%s'', ''+5'', ''a gift''', :customer), 'ok')) v(given, wanted);
select is(concat_ws(' ', s.name, s.points, s.entries), 'Ada 35 3', 'the customer') from pos.customer_shown('alpha', 'id:' || :customer) s;
select is(string_agg(concat_ws(' ', e.type, e.points, e.held, e.reason), ', ' order by e.entry), 'add 50 50, adjust -20 30 a mistake, adjust 5 35 a gift', 'the ledger')
  from pos.loyalty_entries('alpha', '07700900123') e;
select pg_temp.try('loyalty_add', '{"phone":"07700900123"}', '{"points":10,"orderId":"R-1"}') \g /dev/null
select pos.customer_adjust('alpha', '07700900123', '-45', 'spent', false) \g /dev/null
select is(pg_temp.outcome_of(format('select pos.customer_reverse(%s)', v.given)), v.wanted, v.given)
  from (values ($$'alpha', '07700900123', 'R-1', 'returned', false$$, '400 INSUFFICIENT_POINTS'), ($$'alpha', '07700900123', 'R-2', 'x', false$$, '404 NOTHING_TO_REVERSE'),
               ($$'alpha', '07700900123', '', 'x', false$$, '404 NOTHING_TO_REVERSE'), ($$'beta', '+447700900123', 'R-1', 'x', true$$, '404 CUSTOMER_NOT_FOUND'),
               ($$'alpha', '07700900123', 'R-1', 'returned', true$$, 'ok'), ($$'alpha', '07700900123', 'R-1', 'returned', true$$, '409 ALREADY_REVERSED')) v(given, wanted);
select is(pg_temp.outcome_of($$select pos.customer_adjust('alpha', '07700900123', '-1', 'x', false)$$), '400 INSUFFICIENT_POINTS', 'owing is no leave to owe more');
select is((select s.points from pos.customer_shown('alpha', 'id:' || :customer) s), -10, 'less than none');
select is((select concat_ws(' ', e.type, e.points, e.reverses is not null, e.reason) from pos.loyalty_entries('alpha', '07700900123') e order by e.entry desc limit 1),
          'reverse -10 t returned', 'the entry names what it reverses');

-- In and out.
select is(pg_temp.outcome_of(format('select pos.operator_import(%L, %s)', 'alpha', v.given)), v.wanted, v.given)
  from (values ($$'dishes', '[]', false$$, '400 UNKNOWN_TYPE'), ($$'tables', '{}', false$$, '400 INVALID_FILE'), ($$'tables', '[]', false$$, '400 INVALID_FILE'),
               ($$'cards', '[7]', false$$, '400 INVALID_FILE'), ($$'cards', '[{"cardNumber":"GC-77","currentBalance":1.005}]', false$$, '400 INVALID_AMOUNT'),
               ($$'cards', '[{"cardNumber":"GC-77","currentBalance":1,"status":"old"}]', false$$, '400 INVALID_FIELD'),
               ($$'cards', '[{"cardNumber":"GC-77","currentBalance":1,"expiryDate":"soon"}]', false$$, '400 INVALID_DATE'),
               ($$'cards', '[{"cardNumber":"GC-77","currentBalance":1}]', true$$, '400 INVALID_FILE'),
               ($$'customers', '[{"phone":"12"}]', false$$, '400 INVALID_PHONE'), ($$'customers', '[{"email":"a@b"}]', false$$, '400 INVALID_FIELD'),
               ($$'customers', '[{"name":"A","points":-1}]', false$$, '400 INVALID_POINTS')) v(given, wanted);
select throws_ok($$select pos.operator_import('alpha', 'menu_items', '[{"id":"a","name":"A","price":1},{"id":"b","name":"B","price":"x"}]', false)$$, 'TWREF',
                 'row 2: "price" must be an amount, 0 or more.', 'which row it was');
select is(concat_ws(' ', i.received, i.created, i.kept), '3 2 1', 'cards: one is known already')
  from pos.operator_import('alpha', 'cards', '{"cards":[{"cardNumber":"gc-1","currentBalance":9},{"cardNumber":"OLD-1","initialBalance":50,"currentBalance":20.25,"status":"frozen"},
       {"cardNumber":"OLD-2","initialBalance":5}]}', false) i;
select is(concat_ws(' ', s.status, s.balance, s.initial_balance, s.last_entry is not null), 'frozen 20.25 50.00 t', 'what it holds') from pos.card_shown('alpha', 'OLD-1') s;
select is(concat_ws(' ', i.received, i.created, i.kept), '3 2 1', 'customers: one is known already')
  from pos.operator_import('alpha', 'customers', '[{"phone":"+447700900123","name":"A"},{"phone":"07700 900124","points":7},{"name":"Grace","email":"g@x.org"}]', false) i;
select is(concat_ws(' ', i.received, i.created, i.kept), '450 450 0', 'a long list')
  from pos.operator_import('alpha', 'menu_items', (select json_agg(json_build_object('id', 'i' || lpad(n::text, 4, '0'), 'name', 'N' || n, 'price', n)) from generate_series(1, 450) n)::text, false) i;
select is(string_agg(r.value ->> 'id', ' ' order by r.n), 'i0001 i0200 i0201 i0450', 'keeps its order')
  from json_array_elements(pos.operator_export('alpha', 'menu_items')::json) with ordinality r(value, n) where r.n in (1, 200, 201, 450);
select is(s.mastered, 'menu_items', 'and is handed over') from pos.tenant_show('alpha') s;
select is(concat_ws(' ', i.received, i.created, i.kept), '450 450 0', 'another restaurant takes what is exported')
  from pos.operator_import('beta', 'menu_items', pos.operator_export('alpha', null), false) i;
select is(pos.operator_export('beta', 'menu_items'), pos.operator_export('alpha', 'menu_items'), 'and has the same then');
select is((select count(*) from pos.operator_import('beta', 'cards', pos.operator_export('alpha', 'cards'), false)), 1::bigint, 'cards too');
select is(pos.operator_export('beta', 'cards'), pos.operator_export('alpha', 'cards'), 'with the same on them');
select is(array(select json_object_keys(pos.operator_export('beta', null)::json)), '{tenant,at,seq}' || pos.export_kinds(), 'all kinds');
select is(pg_temp.outcome_of($$select pos.operator_export('beta', 'dishes')$$), '400 UNKNOWN_TYPE', 'no others');

-- Tokens.
select is(t.claims::jsonb - 'iat' - 'exp', '{"restaurant_id": "aaaaaaaa-0000-4000-8000-000000000001", "sub": "tillctl", "role": "kitchen", "scopes": ["a:b", "c:d"]}'::jsonb, 'claims')
  from pos.operator_token('alpha', null, 'kitchen', 'a:b, c:d', null, null) t;
select is(pg_temp.outcome_of($$select pos.operator_token('alpha', null, null, null, null, '2 days')$$), '400 INVALID_TIME', 'not for long');

select is(t.status || ' ' || t.tenant_slug || ' ' || t.device, '200 alpha page', 'a ticket opens a socket as its key')
  from made m, pos.operator_ticket(m.id::text, 'page') o,
       pos.ticket_take(jsonb_build_object('ticketHash', pg_temp.hash(o.ticket), 'tenant', 'alpha', 'scope', 'pos', 'requestId', 'r')) t;
select is(pg_temp.outcome_of(format('select pos.operator_ticket(%L, null)', s.id)), '409 KEY_ENDED', 'none of a key that was revoked') from successor s;

-- Devices.
insert into pos.pos_sync_logs (tenant_id, instance, kind, dialect, device, detail) values
    (:alpha, 'g1', 'connect', 'orderweb', 'till-1', null), (:alpha, 'g1', 'connect', 'minipos', null, null), (:beta, 'g1', 'connect', 'orderweb', 'till-1', null),
    (:alpha, 'g1', 'connect', 'orderweb', 'till-2', null), (:alpha, 'g1', 'disconnect', 'orderweb', 'till-2', '{"code":1001,"reason":"it went"}');
select is(string_agg(concat_ws(' ', d.device, d.state, d.sockets, d.reason), ', ' order by d.state, d.device), '(no name) connected 1, till-1 connected 1, till-2 gone 0 it went', 'devices')
  from pos.devices_shown('alpha') d;
select is(pos.device_kick('alpha', 'till-1'), 1::bigint, 'how many are expected');
select is((select count(*) from pos.device_ends('alpha')), 0::bigint, 'none yet');
insert into pos.pos_sync_logs (tenant_id, instance, kind, dialect, device, detail) values
    (:alpha, 'g1', 'disconnect', 'orderweb', 'till-1', '{"code":1001,"reason":"an operator closed this connection; connect again"}'),
    (:alpha, 'g1', 'disconnect', 'minipos', null, '{"code":1001,"reason":"lost"}');
select is(string_agg(e.device, ' '), 'till-1', 'the gateway says so') from pos.device_ends('alpha') e;
select is(pos.device_kick('alpha', ''), 0::bigint, 'those without a name');
select is((select count(*) from pos.device_ends('alpha')), 0::bigint, 'what was before is not shown again');

-- What the database keeps.
select is(pg_temp.outcome_of(format('select pos.setting_set(%s)', v.given)), v.wanted, v.given)
  from (values ($$'30 minutes', null, null, null$$, '400 INVALID_TIME'), ($$null, null, '5 hours', null$$, '400 INVALID_TIME'),
               ($$null, 'never', null, null$$, '400 INVALID_TIME'), ($$'30 days', null, 'never', '2 years'$$, 'ok')) v(given, wanted);
select is(concat_ws(' / ', s.events_kept, s.answers_kept, s.orders_archived_after, s.orders_deleted_after), '30 days / 7 days / never / 2 years', 'it is so')
  from pos.setting_show() s;
select is((select a.detail from pos.audit a where a.action = 'setting.set' and a.tenant_id is null),
          'event_retention: 7 days -> 30 days; order_archive: 400 days -> never; order_retention: never -> 2 years', 'and was another way');

-- While it moves.
select pos.tenant_leave('alpha', 2), pos.tenant_freeze('alpha', 2) \g /dev/null
select is(pg_temp.outcome_of(format('select %s', v.call)), '409 TENANT_MOVING', v.call)
  from (values ($$pos.card_state_set('alpha', 'OLD-2', 'void', 'x')$$), ($$pos.order_push('alpha', null, null, null, null, null)$$),
               ($$pos.customer_adjust('alpha', '07700900123', '5', 'x', false)$$), ($$pos.operator_import('alpha', 'cards', '[]', false)$$)) v(call);
select isnt_empty($$select from pos.card_shown('alpha', 'OLD-2')$$, 'looking is allowed');

select is((select string_agg(d.action, ' ' order by d.action collate "C")
             from (select distinct a.action::text from pos.audit a where a.actor = 'ada@app1 as ' || session_user) d),
          'alias.add alias.remove card.freeze card.unfreeze card.void device.kick gift_card_refund gift_card_reload '
          'gift_card_transfer gift_card_void import key.issue key.profile key.revoke key.rotate keyless.off keyless.on '
          'list.mastered list.not_mastered loyalty.adjust loyalty.reverse order_create rate.set setting.set tenant.add '
          'tenant.frozen tenant.leaving tenant.set ticket.make token.make token_secret.clear token_secret.set',
          'who did it is in the audit');
select pg_temp.commit() \g /dev/null
select is_empty('select * from pos.violations', 'and no promise was broken');
select * from finish();
rollback;
