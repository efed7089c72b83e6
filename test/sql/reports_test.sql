-- reports_test.sql - daily reports: dates, sums, revisions, registers.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

-- The six of the samples, in their order.
\set samples `cat test/samples/daily_reports.json`
create temp table sample as select n, s
    from json_array_elements((:'samples')::json -> 'reports') with ordinality x(s, n);
create temp table got (n bigint, a pos.answer);
do $$
declare
    one record;
begin
    for one in select * from sample order by n loop
        insert into got select one.n, pg_temp.call('report_daily', '{}', (one.s -> 'report')::text);
    end loop;
end $$;
select is((g.a).status, (s #>> '{expect,status}')::int, s ->> 'title'),
       is((g.a).body::json #>> '{data,created}', s #>> '{expect,created}', 'created'),
       is((g.a).body::json #>> '{data,revision}', s #>> '{expect,revision}', 'revision'),
       is((select array_agg(w ->> 'code') from json_array_elements((g.a).body::json -> 'warnings') w),
          (select array_agg(w) from json_array_elements_text(s #> '{expect,warnings}') w), 'warnings'),
       is(((g.a).body::json #>> '{data,totalSales}')::numeric, (s #>> '{report,totalSales}')::numeric, 'total'),
       is((g.a).events, null, 'nobody has to know')
  from sample join got g using (n) order by n;
select is((got.a).body,
          '{"success":true,"message":"Daily report uploaded successfully","data":{"reportDate":"2025-10-17","totalSales":4218.35,'
          '"totalOrders":118,"created":true,"updated":false,"revision":1}}', 'exactly')
  from got where n = 1;
select is((got.a).body,
          '{"success":true,"message":"Daily report updated successfully","data":{"reportDate":"2025-10-17","totalSales":4218.35,'
          '"totalOrders":118,"created":false,"updated":true,"revision":2}}', 'exactly')
  from got where n = 2;
select is(string_agg(revision || ':' || (report ->> 'refunds'), ' ' order by revision), '1:41.50 2:66.45',
       'old revisions stay') from pos.daily_report_revision where tenant_id = :alpha and report_date = '2025-10-17';
select is(refunds::numeric, 66.45, 'the newest is current'),
       is(revision::int, 2, 'revision'),
       is(notes::text, 'Corrected: one refund was keyed after midnight', 'notes')
  from pos.pos_daily_reports where tenant_id = :alpha and report_date = '2025-10-17';
select is((report -> 'cash')::text, s #>> '{report,cash}', 'what we do not know is kept as it came')
       from pos.pos_daily_reports, sample where tenant_id = :alpha and report_date = '2024-10-26' and n = 5;

-- The same report, in any order, with or without the id of a request.
select is((pg_temp.call('report_daily', '{}', v.body)).body::json -> 'data' ->> 'created', v.created, v.what)
  from (values (1, '{"reportDate":"2025-09-01","totalSales":1.00,"cashSales":1.00,"netSales":1.00}', 'true',
      'new'), (2, '{"reportDate":"2025-09-01","totalSales":1.00,"cashSales":1.00,"netSales":1.00}', 'false',
      'equal'),
               (3, '{"netSales":1.00,"cashSales":1.00,"totalSales":1.00,"reportDate":"2025-09-01"}', 'false',
                   'equal in another order'),
                   (4,
                   '{"reportDate":"2025-09-01","totalSales":1.00,"cashSales":1.00,"netSales":1.00,"requestId":"rr"}',
                   'false', 'equal with a key')) v(n, body, created, what) order by n;
select is(revision::int, 1, 'one revision') from pos.pos_daily_reports
       where tenant_id = :alpha and report_date = '2025-09-01' and register_id = '';
select is(b ->> 'message', 'Daily report unchanged', 'unchanged'),
       is(b #>> '{data,updated}', 'false', 'not updated'),
       is(b #>> '{data,revision}', '1', 'revision')
  from (select (pg_temp.call('report_daily', '{}',
                             '{"reportDate":"2025-09-01","totalSales":1.00,"cashSales":1.00,'
                             '"netSales":1.00}')).body::json as b) x;
select is((pg_temp.call('report_daily', '{}',
                        '{"reportDate":"2025-09-01","registerId":"till-2","totalSales":2}')).body::json
          #>> '{data,created}', 'true', 'each register its own');
select is((pg_temp.call('report_daily', '{}',
                        '{"reportDate":"2025-09-01","registerId":2,"totalSales":2}')).body::json
          #>> '{data,created}', 'true', 'a number is a register too');
select is((pg_temp.call('report_daily', '{}', '{"reportDate":"2025-09-01","totalSales":3}',
                        jsonb_build_object('tenant', 'beta',
                                           'keyHash', pg_temp.key_hash('beta', 'pos')))).body::json
          #>> '{data,created}', 'true', 'each tenant its own');

-- Dates.
\set vectors `cat test/samples/vectors.json`
select is(pg_temp.try('report_daily', '{}', json_build_object('reportDate', v ->> 'reportDate')::text),
       concat_ws(' ', v ->> 'status', v ->> 'code'), 'date ' || (v ->> 'reportDate'))
       from json_array_elements((:'vectors')::json -> 'reportDates') v;
select is(pg_temp.try('report_daily', '{}', v.body), v.wanted, v.body)
       from (values ('{}', '400 INVALID_DATE'), ('{"reportDate":null}', '400 INVALID_DATE'),
       ('{"reportDate":20251010}', '400 INVALID_DATE'), ('{"reportDate":["2025-10-10"]}', '400 INVALID_DATE'),
    ('{"reportDate":"1999-12-31"}', '400 INVALID_DATE'), ('{"reportDate":"2000-01-01"}', '200')) v(body, wanted);
select is(pg_temp.try('report_daily', '{}', format('{"reportDate":"%s"}',
       to_char(pos.today('Europe/London') + v.days, 'YYYY-MM-DD'))), v.wanted, v.days || ' days ahead')
       from (values (0, '200'), (1, '200'), (2, '200'), (3, '400 INVALID_DATE')) v(days, wanted);

-- Fields.
select is(pg_temp.try('report_daily', '{}', format('{"reportDate":"2025-08-01",%s}', v.body)), v.wanted,
       left(v.body, 80)) from (values ('"totalSales":"12.50"', '200'), ('"totalSales":null', '200'),
       ('"totalSales":-5', '200'), ('"totalSales":9999999999.99', '200'),
    ('"totalSales":10000000000', '400 INVALID_AMOUNT'), ('"totalSales":1.005', '200'),
        ('"totalSales":"NaN"', '400 INVALID_AMOUNT'), ('"totalSales":1e131071', '400 INVALID_AMOUNT'),
        ('"refunds":true', '400 INVALID_AMOUNT'), ('"netSales":{}', '400 INVALID_AMOUNT'),
    ('"cashSales":[]', '400 INVALID_AMOUNT'), ('"totalOrders":1.5', '400 INVALID_FIELD'),
        ('"totalOrders":-1', '400 INVALID_FIELD'), ('"totalOrders":"12"', '200'),
        ('"totalOrders":1e10', '400 INVALID_FIELD'), ('"totalOrders":[]', '400 INVALID_FIELD'),
    ('"topItems":{}', '400 INVALID_FIELD'), ('"topItems":null', '200'), ('"topItems":[1]', '200'),
        ('"busyHours":[]', '400 INVALID_FIELD'), ('"staffShifts":"x"', '400 INVALID_FIELD'),
        ('"notes":5', '400 INVALID_FIELD'), ('"registerId":{}', '400 INVALID_FIELD'),
    ('"registerId":"' || repeat('r', 65) || '"', '400 INVALID_FIELD'),
        ('"unknown":{"deep":[1e131071]}', '200')) v(body, wanted);

-- Sums, and notes.
select is((select array_agg(w ->> 'code')
             from json_array_elements((pg_temp.call('report_daily', '{}', v.body)).body::json -> 'warnings') w),
          v.wanted, v.what)
  from (values ('{"reportDate":"2025-07-01"}', null::text[], 'nothing adds up to nothing'),
               ('{"reportDate":"2025-07-02","totalSales":10,"cashSales":4,"cardSales":5,"giftCardSales":1,'
                '"discounts":2,"refunds":1,"netSales":7,"onlineSales":99}', null, 'all add up'),
               ('{"reportDate":"2025-07-03","totalSales":10,"cashSales":10,"netSales":9.99}',
                array['TOTALS_MISMATCH'], 'the net does not'),
               ('{"reportDate":"2025-07-04","totalSales":10,"cashSales":9,"netSales":10}', array['TOTALS_MISMATCH'],
                'the tenders do not'),
               ('{"reportDate":"2025-07-05","notes":"' || repeat('n', 2001) || '"}', array['NOTES_TRUNCATED'],
                'a long note'),
               ('{"reportDate":"2025-07-06","totalSales":1,"notes":"' || repeat('n', 2001) || '"}',
                array['NOTES_TRUNCATED'], 'no tenders, no mismatch'),
               ('{"reportDate":"2025-07-07","totalSales":1,"cashSales":2.005,"notes":"' || repeat('n', 2001) || '"}',
                array['TOTALS_MISMATCH', 'AMOUNT_ROUNDED', 'NOTES_TRUNCATED'], 'all of them')) v(body, wanted, what);
select is(length(report ->> 'notes'), 2000, 'cut in the report too'),
       is(length(notes), 2000, 'and in its column')
  from pos.pos_daily_reports where tenant_id = :alpha and report_date = '2025-07-05';

-- A key.
select is(pg_temp.try('report_daily', '{}', '{"reportDate":"2025-06-01","totalSales":5}', '{"idempotencyKey":"rep"}'),
          '200', 'with a key');
select is(pg_temp.try('report_daily', '{}', '{"reportDate":"2025-06-01","totalSales":5}', '{"idempotencyKey":"rep"}'),
          '200 replayed', 'again');

select is(pg_temp.outcome(a), '200', 'other figures under the same key are a correction'),
       is(a.body::json #>> '{data,revision}', '2', 'the second')
  from pg_temp.call('report_daily', '{}', '{"reportDate":"2025-06-01","totalSales":6}', '{"idempotencyKey":"rep"}') a;
select is(pg_temp.try('report_daily', '{}', '{"reportDate":"2025-06-01","totalSales":6}', '{"idempotencyKey":"rep"}'),
          '200 replayed', 'and its repeat is none');

-- Two devices that name no register are two.
create function pg_temp.report(device text, total text) returns text language sql as $$
    select concat_ws(' ', a.body::json #>> '{data,registerId}', a.body::json #>> '{data,revision}',
                     a.body::json #>> '{data,day,totalSales}', a.body::json #>> '{data,day,registers}')
      from pg_temp.call('report_daily', '{}', format('{"reportDate":"2025-05-01","totalSales":%s}', total),
                        jsonb_build_object('device', device)) a
$$;
select is(pg_temp.report(v.device, v.total), v.wanted, v.what)
  from (values (1, 'till-a', '10', '1', 'the first'), (2, 'till-b', '5', 'till-b 1 15.00 2', 'kept beside it'),
               (3, 'till-a', '11', '2 16.00 2', 'corrected'), (4, 'till-b', '6', 'till-b 2 17.00 2', 'corrected too'),
               (5, null, '12', '3 18.00 2', 'nobody in particular')) v(n, device, total, wanted, what)
 order by v.n;
select is(total_sales, 18.00, 'the day is the sum'), is(registers, 2::bigint, 'of its registers')
  from pos.daily_sales where tenant_id = :alpha and report_date = '2025-05-01';

select throws_ok($$update pos.daily_report_revision set revision = 9$$, '23001', null, 'revisions are written once');
select throws_ok($$delete from pos.daily_report_revision$$, '23001', null, 'and stay');
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the reports are whole');
select * from finish();
rollback;
