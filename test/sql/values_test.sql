-- values_test.sql - values of requests: numbers, dates, texts, ids, each at its limits.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

-- Decimals: the text is checked before it becomes a number.
select is(pos.read_decimal(v.given::json), v.wanted, 'decimal ' || v.given)
  from (values ('25.10', 25.10), ('"25.10"', 25.10), ('2.5e1', 25), ('1E3', 1000), ('1e+3', 1000), ('1e-3', 0.001),
               ('-1.5', -1.5), ('0', 0), ('-0', 0), ('1e15', 1e15), ('1e0015', 1e15), ('"-3"', -3),
               ('12345678901234567890123456789012', 12345678901234567890123456789012),
               ('123456789012345678901234567890123', null), ('1e16', null), ('1e131071', null), ('1e-400', null),
               ('1e99999999999999999999', null), ('"1e3"', null), ('"NaN"', null), ('"Infinity"', null),
                   ('"-Infinity"', null),
               ('" 25"', null), ('"25 "', null), ('"25,00"', null), ('"£25"', null), ('"0x19"', null),
                   ('"+25"', null),
               ('".5"', null), ('"5."', null), ('"025"', null), ('""', null), ('"abc"', null), ('"1_000"', null),
               ('"٢٥"', null), ('null', null), ('true', null), ('[25]', null), ('{"value":25}', null)) v(given,
                   wanted);
select is(pos.read_decimal(null), null, 'decimal absent');
select is(pos.read_decimal(('"' || repeat('9', 100000) || '"')::json), null, 'a hundred thousand digits');

-- Money: two decimals; binary noise is forgiven.
select is(pos.read_money(v.given::json), v.wanted, 'money ' || v.given)
  from (values ('25.00', 25.00), ('25', 25), ('25.000', 25.00), ('0.01', 0.01), ('0.30000000000000004', 0.30),
               ('33.339999999999996', 33.34), ('99999999.99', 99999999.99), ('-99999999.99', -99999999.99),
                   ('0.1', 0.10),
               ('8.399999999999999', 8.40), ('0', 0), ('99999999.989999994', 99999999.99),
               ('10.005', null), ('25.001', null), ('0.001', null), ('100000000', null), ('99999999.991', null),
               ('99999999.995', null), ('1e9', null), ('1e8', null), ('-100000000', null),
                   ('0.000001', null)) v(given, wanted);
select is(pos.read_money('0.0000000001'), 0.00, 'noise around nothing is nothing');
select is(scale(pos.read_money('7')), 2, 'money has two decimals always');
select is(pos.read_money('9999999999.99', 9999999999.99), 9999999999.99, 'a report may be larger');

-- Points.
select is(pos.read_points(v.given::json), v.wanted, 'points ' || v.given)
  from (values ('50', 50), ('50.0', 50), ('"50"', 50), ('5e1', 50), ('1', 1), ('1000000', 1000000), ('0', null),
               ('-5', null), ('0.5', null), ('50.5', null), ('1000001', null), ('1e15', null), ('1e99', null),
                   ('"fifty"', null),
               ('null', null), ('true', null), ('[]', null)) v(given, wanted);

-- Dates of the calendar.
select is(pos.read_date(v.given), v.wanted::date, 'date ' || v.given)
  from (values ('2025-10-10', '2025-10-10'), ('2024-02-29', '2024-02-29'), ('2000-02-29', '2000-02-29'),
      ('0001-01-01', '0001-01-01'),
               ('9999-12-31', '9999-12-31'), ('1900-02-29', null), ('2025-02-29', null), ('2025-04-31', null),
                   ('2025-13-01', null),
               ('2025-00-10', null), ('2025-01-00', null), ('2025-01-32', null), ('0000-00-00', null),
                   ('2025-2-3', null),
               ('20251010', null), ('2025-10-10T00:00:00Z', null), ('10/10/2025', null), ('', null),
                   ('yesterday', null),
               ('now', null), ('infinity', null), (' 2025-10-10', null), (E'2025-10-10\n', null),
                   ('٢٠٢٥-10-10', null)) v(given, wanted);
select is(pos.read_date(null), null, 'no date');

-- Moments.
select is(pos.utc(pos.read_instant(v.given, 'UTC')), v.wanted, 'moment ' || v.given)
  from (values ('2025-10-17T18:02:11Z', '2025-10-17T18:02:11.000Z'),
      ('2025-10-17T23:58:59-04:00', '2025-10-18T03:58:59.000Z'),
               ('2025-10-17T18:30:00.000001Z', '2025-10-17T18:30:00.000Z'),
                   ('2025-10-17T18:30:00.9999Z', '2025-10-17T18:30:00.999Z'),
               ('2024-10-27T12:30:00+00:00', '2024-10-27T12:30:00.000Z'),
                   ('2025-10-17 18:30:00 01:00', '2025-10-17T17:30:00.000Z'),
               ('2025-10-17T18:30', '2025-10-17T18:30:00.000Z'),
                   ('2025-10-17t18:30:00z', '2025-10-17T18:30:00.000Z'),
               ('2025-10-17T18:30:00+0530', '2025-10-17T13:00:00.000Z'), ('2025-10-17T24:00:00Z', null),
                   ('2025-10-17T18:60:00Z', null),
               ('2025-10-17T18:30:60Z', null), ('2025-02-30T10:00:00Z', null), ('2025-10-17T18:30:00+15:00', null),
                   ('9999-12-31T23:59:59Z', null),
               ('1969-12-31T00:00:00Z', null), ('2025-10-17', null), ('now', null), ('', null),
                   ('1760724131', null),
               ('2025-10-17T18:30:00Europe/London', null), ('2025-10-17T18:30:00.0000000001Z', null)) v(given,
                   wanted);

-- Without a zone it is the restaurant's time: the later of two when clocks are put back, the next that there is when they
-- are put forward.
select is(pos.utc(pos.read_instant(v.given, v.zone)), v.wanted, v.given || ' in ' || v.zone)
  from (values ('2026-07-05T10:00', 'Europe/London', '2026-07-05T09:00:00.000Z'),
               ('2026-01-05 10:00:00.5', 'Europe/London', '2026-01-05T10:00:00.500Z'),
               ('2026-07-05T10:00Z', 'Europe/London', '2026-07-05T10:00:00.000Z'),
               ('2026-07-05T10:00+02:00', 'Europe/London', '2026-07-05T08:00:00.000Z'),
               ('2026-10-25T01:30:00', 'Europe/London', '2026-10-25T01:30:00.000Z'),
               ('2026-03-29T01:30:00', 'Europe/London', '2026-03-29T01:00:00.000Z'),
               ('2026-03-29T01:00:00', 'Europe/London', '2026-03-29T01:00:00.000Z'),
               ('2026-11-01T01:30:00', 'America/New_York', '2026-11-01T06:30:00.000Z'),
               ('2026-03-08T02:59:59', 'America/New_York', '2026-03-08T07:00:00.000Z'),
               ('2026-10-25T02:30:00', 'Europe/Dublin', '2026-10-25T02:30:00.000Z'),
               ('2026-10-25T01:30:00', 'Europe/Dublin', '2026-10-25T01:30:00.000Z'),
               ('2026-07-05T10:00', 'Asia/Kolkata', '2026-07-05T04:30:00.000Z')) v(given, zone, wanted);

-- Prices of orders are rounded, money that moves is not.
select is(pos.read_price(v.given::json, v.decimals)::text, v.wanted, v.given || ' with ' || v.decimals || ' decimals')
  from (values ('28.815', 2, '28.82'), ('28.814999', 2, '28.81'), ('-0.005', 2, '-0.01'), ('7', 2, '7.00'),
               ('"1.5"', 2, '1.50'), ('1000.5', 0, '1001'), ('1.2345', 3, '1.235'), ('99999999.99', 2, '99999999.99'),
               ('99999999.995', 2, null), ('"abc"', 2, null), ('null', 2, null), ('1e131071', 2, null))
       v(given, decimals, wanted);
select is(pos.is_rounded('28.815', 28.82), true, 'that is rounded'),
       is(pos.is_rounded('0.30000000000000004', 0.30), false, 'and that is binary noise');
select is(pos.read_quantity(v.given::json)::text, v.wanted, 'quantity ' || v.given)
  from (values ('2.00', '2'), ('0.345', '0.345'), ('0.1234567', '0.123457'), ('"3"', '3'), ('-1', '-1'), ('"x"', null))
       v(given, wanted);
select is(pos.currency_decimals(v.currency), v.decimals, v.currency)
  from (values ('GBP', 2), ('JPY', 0), ('KWD', 3), ('CLP', 0), ('TND', 3), ('QQQ', 2)) v(currency, decimals);
select is(pos.read_word(v.given), v.wanted, 'word ' || v.given)
  from (values ('dine-in', 'dine_in'), ('Dine In', 'dine_in'), ('DINE_IN', 'dine_in'), ('dineIn', 'dine_in'),
               (' pickup ', 'pickup'), ('', null), (' ', null)) v(given, wanted);
select is(pos.read_status(to_json(v.given)), v.wanted, 'status ' || v.given)
  from (values ('New', 'new'), ('PICKED UP', 'picked_up'), ('picked-up', 'picked_up'), ('pickedUp', 'picked_up'),
               ('Out-For Delivery', 'out_for_delivery'), ('OrderStatus.outForDelivery', 'out_for_delivery'),
               ('Canceled', 'cancelled')) v(given, wanted);

-- Order ids.
select is(concat_ws(' | ', o.id, o.shown), v.wanted, 'order id ' || v.given)
  from (values ('12345', '12345 | 12345'), ('"12345"', '12345 | "12345"'), ('"0012345"', '0012345 | "0012345"'),
      ('12345.0', '12345 | 12345'),
               ('1e3', '1000 | 1000'), ('0', '0 | 0'), ('-0', '0 | 0'),
                   ('18446744073709551615', '18446744073709551615 | 18446744073709551615'),
               ('"69FB5687-044A-48AF-AC0E-D6B817AEC684"',
                   '69fb5687-044a-48af-ac0e-d6b817aec684 | "69FB5687-044A-48AF-AC0E-D6B817AEC684"'),
               ('"ORDER-A"', 'ORDER-A | "ORDER-A"'), ('"a\"b"', 'a"b | "a\"b"'), ('null', ''), ('""', ''), ('" "', '')) v(given, wanted),
       lateral pos.read_order_id(v.given::json) o;
select is((pos.read_order_id(to_json(repeat('a', 64)))).id, repeat('a', 64), 'order id of 64 characters');
select throws_ok(format('select pos.read_order_id(%L)', v.given), 'TWREF', null, 'order id ' || left(v.given, 30))
  from (values ('1.5'), ('-1'), ('true'), ('{}'), ('[]'), (to_json(repeat('a', 65))::text), ('1e99'),
      ('1e131071'),
               ('100000000000000000000')) v(given);

-- Texts.
select is(pos.read_text('f', v.given::json, 5), v.wanted, 'text ' || v.given)
  from (values ('"abc"', 'abc'), ('""', ''), ('"äöü日本"', 'äöü日本'), ('null', null)) v(given, wanted);
select throws_ok(format('select pos.read_text(%L, %L, 5)', 'f', v.given), 'TWREF', null, 'text ' || v.given)
  from (values ('17'), ('true'), ('[]'), ('{}'), ('"123456"')) v(given);
select is(pos.read_label('f', v.given::json, 8), v.wanted, 'label ' || v.given)
  from (values ('"T 5"', 'T 5'), ('5', '5'), ('5.0', '5'), ('""', null), ('null', null)) v(given, wanted);
select throws_ok(format('select pos.read_label(%L, %L, 8)', 'f', v.given), 'TWREF', null, 'label ' || v.given)
  from (values ('5.5'), ('true'), ('123456789'), ('1e15'), ('1e131071')) v(given);
select is(length((pos.read_note('notes', to_json(repeat('x', 2001)))).note), 2000, 'a note is cut');
select is((pos.read_note('notes', to_json(repeat('x', 2001)))).cut, true, 'and says so');
select is((pos.read_note('notes', to_json(repeat('é', 2000)))).cut, false, 'characters count, not bytes');
select is(pos.either('null', '1')::text, '1', 'null is as good as absent');
select is(pos.either(null, null)::text, null, 'neither');

-- Texts from plain SQL are cleaned here.
select is(pos.clean_text(E'a\u001bp\u0001b\u202ec\nd\te\u007f\u0085'), E'apbc\nd\te', 'control characters go');
select is(pos.clean_json(v.given::json)::text, v.wanted, 'clean ' || v.given)
  from (values ('{"a":"x\u001by"}', '{"a":"xy"}'), ('{"a":"x\\u001by"}', '{"a":"x\\u001by"}'),
      ('{"a":"x\\\u001by"}', '{"a":"x\\y"}'),
               ('{"a":"\u001b\u001b\b\f"}', '{"a":""}'), ('{"a":"x\u0000y"}', '{"a":"xy"}'),
                   ('{"a":"\u202E\u2066"}', '{"a":""}'),
               ('{"a":"l\nm\tn"}', '{"a":"l\nm\tn"}'), ('{"a":"caf\u00e9"}', '{"a":"caf\u00e9"}')) v(given, wanted);

-- Columns have checks of their own.
select throws_ok(format('select (%L)::pos.%s', v.given, v.kind), v.code, null, v.given || ' is no ' || v.kind)
  from (values ('NaN', 'amount', '23514'), ('-0.01', 'amount', '23514'), ('100000000', 'amount', '23514'),
      ('Infinity', 'amount', '23514'),
               ('NaN', 'amount_change', '23514'), ('NaN', 'amount_total', '23514'), ('-2000000001', 'points_held', '23514'),
               ('2000000001', 'points_held', '23514'), ('0', 'positive_int', '23514'),
                   ('-1', 'natural_int', '23514'), ('', 'short_text', '23514'),
               ('', 'order_id', '23514'),
               ('picked-up', 'order_status', '23514'), ('07700', 'phone_e164', '23514'),
                   ('[]', 'object_json', '23514'),
               ('{}', 'array_json', '23514'), ('\x00', 'digest', '23514')) v(given, kind, code);

select * from finish();
rollback;
