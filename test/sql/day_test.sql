-- day_test.sql - business dates, at the changes of clocks too, and a day's reports beside our own figures.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

select is(pos.business_date(v.moment::timestamptz, v.zone, v.starts::time)::text, v.wanted, v.moment || ' in ' || v.zone || ', ' || v.what)
  from (values ('2026-01-10T05:00:00Z', 'Europe/London', '05:00', '2026-01-10', 'the day begins'),
               ('2026-01-10T04:59:59.999Z', 'Europe/London', '05:00', '2026-01-09', 'a moment before'),
               ('2026-01-10T00:30:00Z', 'Europe/London', '05:00', '2026-01-09', 'after midnight'),
               ('2026-01-10T00:00:00Z', 'Europe/London', '00:00', '2026-01-10', 'a day from midnight'),
               ('2026-01-10T02:30:00Z', 'America/New_York', '05:00', '2026-01-09', 'evening there'),
               ('2026-01-10T11:59:00Z', 'UTC', '12:00', '2026-01-09', 'a day from noon'),
               -- Clocks go forward on 29 March 2026 at 01:00 UTC, and back on 25 October at 01:00 UTC.
               ('2026-03-29T03:59:59Z', 'Europe/London', '05:00', '2026-03-28', 'the short night'),
               ('2026-03-29T04:00:00Z', 'Europe/London', '05:00', '2026-03-29', 'five is an hour earlier'),
               ('2026-10-25T04:59:59Z', 'Europe/London', '05:00', '2026-10-24', 'the long night'),
               ('2026-10-25T05:00:00Z', 'Europe/London', '05:00', '2026-10-25', 'five is an hour later'),
               ('2026-03-29T00:59:59Z', 'Europe/London', '01:30', '2026-03-28', 'half past one does not come'),
               ('2026-03-29T01:00:00Z', 'Europe/London', '01:30', '2026-03-29', 'but two does'),
               ('2026-10-25T00:29:59Z', 'Europe/London', '01:30', '2026-10-24', 'before the first half past one'),
               ('2026-10-25T00:45:00Z', 'Europe/London', '01:30', '2026-10-24', 'it comes twice'),
               ('2026-10-25T01:15:00Z', 'Europe/London', '01:30', '2026-10-24', 'and between the two no day begins'),
               ('2026-10-25T01:30:00Z', 'Europe/London', '01:30', '2026-10-25', 'but with the second'))
       v(moment, zone, starts, wanted, what);
select is(pos.business_date(null, 'Europe/London', '05:00'), null, 'no moment, no day');
select is(s.begins || ' ' || extract(epoch from s.ends - s.begins)::int / 3600, v.wanted, v.day)
  from (values ('2026-03-28', '2026-03-28 05:00:00+00 23'), ('2026-03-29', '2026-03-29 04:00:00+00 24'),
               ('2026-10-24', '2026-10-24 04:00:00+00 25'), ('2026-10-25', '2026-10-25 05:00:00+00 24')) v(day, wanted),
       lateral (select * from pos.business_day(v.day::date, 'Europe/London', '05:00')) s,
       lateral set_config('timezone', 'UTC', true);
-- Each moment of a year belongs to the day whose span it is in.
select is(count(*), 0::bigint, z.zone || ' ' || z.starts || ': days follow each other')
  from (values ('Europe/London', '05:00'), ('Europe/London', '01:30'), ('America/New_York', '02:15'), ('Asia/Beirut', '00:00'),
               ('Australia/Lord_Howe', '01:45'), ('UTC', '12:00')) z(zone, starts),
       lateral (select m, pos.business_date(m, z.zone, z.starts::time) as day
                  from generate_series('2026-01-01'::timestamptz, '2027-01-01', '13 minutes') m
                 where extract(month from m) in (3, 4, 10, 11)) x,
       lateral pos.business_day(x.day, z.zone, z.starts::time) s
 where not (s.begins <= x.m and x.m < s.ends)
 group by z.zone, z.starts;
select is_empty($$select from generate_series('2026-03-20'::date, '2026-11-05', '1 day') d(day),
                         lateral pos.business_day(d.day::date, 'Europe/London', '01:30') s,
                         lateral pos.business_day(d.day::date + 1, 'Europe/London', '01:30') n
                   where s.ends <> n.begins$$, 'without a gap');

-- The setting, and where it shows.
select is(pg_temp.call('order_create', '{}', '{"orderId":"night","customerName":"Ada","totalAmount":12.5,"createdAt":"2026-01-10T04:30:00Z",'
                       '"businessDate":"1999-01-01","items":[{"name":"Ramen","price":12.5,"quantity":1}]}') is null, false, 'an order at night');
create function pg_temp.day_of(id text) returns text language sql as $$
    select (pg_temp.call('order_get', format('{"id":"%s"}', id))).body::json #>> '{order,businessDate}'
$$;
select is(pg_temp.day_of('night'), '2026-01-09', 'the day before');
select pos.tenant_day_set('alpha', '04:00', null);
select is(pg_temp.day_of('night'), '2026-01-10', 'another start of the day');
select is(detail, 'day_start: 05:00:00 -> 04:00:00', 'the audit') from pos.audit where tenant_id = :alpha and action = 'tenant.set';
select is(day_start || ' ' || sandbox, '04:00 false', 'shown') from pos.tenant_show('alpha');
select throws_ok(format('select pos.tenant_day_set(%L, %L, null)', 'alpha', v), 'TWREF', null, v || ' is no start of a day')
  from unnest(array['24:00', '5:00', '12:01', '23:00', 'noon', '05:00:00', '']) v;
select throws_ok($$select pos.tenant_day_set('alpha', null, 'yes')$$, 'TWREF', null, 'on or off');
select throws_ok($$select pos.tenant_day_set('nobody', '05:00', null)$$, 'TWREF', null, 'no such restaurant');
select pos.tenant_day_set('alpha', '05:00', null);

-- A report beside our own figures. Today's business date, and orders at its edges.
create temp table span as
    select d.day, s.begins, s.ends
      from (select pos.business_date(now(), 'Europe/London', '05:00') - 3 as day) d,
           lateral pos.business_day(d.day, 'Europe/London', '05:00') s;
create function pg_temp.order_at(at timestamptz, amount numeric, status text, source text) returns void language sql as $$
    insert into pos.orders (tenant_id, customer_name, total_amount, items, status, order_source, created_at)
    values ('aaaaaaaa-0000-4000-8000-000000000001', 'Ada', amount, '[{"name":"Ramen","price":1,"quantity":1}]', status, source, at)
$$;
select pg_temp.order_at(begins, 10.00, 'completed', 'online'), pg_temp.order_at(ends - interval '1 microsecond', 5.50, 'new', 'pos'),
       pg_temp.order_at(begins - interval '1 microsecond', 100, 'completed', 'online'), pg_temp.order_at(ends, 100, 'new', 'online'),
       pg_temp.order_at(begins, 100, 'cancelled', 'online'), pg_temp.order_at(begins, 100, 'rejected', 'online')
  from span;
insert into pos.orders (tenant_id, customer_name, total_amount, items, created_at)
select :beta, 'Bob', 77, '[{"name":"Pie","price":77,"quantity":1}]', begins from span;
select pg_temp.card('GC-1', 50);
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"GC-1"}', '{"amount":8.25}'), '200', 'a card pays today');

create function pg_temp.compared(day date) returns json language sql as $$
    select (pg_temp.call('report_compare', format('{"date":"%s"}', day))).body::json
$$;
create function pg_temp.figure(compared json, name text) returns text language sql as $$
    select concat_ws(' ', coalesce(f ->> 'uploaded', '-'), coalesce(f ->> 'ours', '-'), coalesce(f ->> 'difference', '-'))
      from json_array_elements(compared -> 'figures') f where f ->> 'figure' = name
$$;
select is(b ->> 'businessDate', s.day::text, 'the day'), is(b ->> 'begins', pos.utc(s.begins), 'its begin'),
       is(b ->> 'ends', pos.utc(s.ends), 'its end'), is(b ->> 'agrees', null, 'nothing to agree with'),
       is(b -> 'registers' ->> 0, null, 'no till has reported'),
       is(pg_temp.figure(b, 'totalSales'), '- 15.50 -', 'our sales'), is(pg_temp.figure(b, 'totalOrders'), '- 2 -', 'our orders'),
       is(pg_temp.figure(b, 'onlineSales'), '- 10.00 -', 'online'), is(pg_temp.figure(b, 'giftCardSales'), '- 0.00 -', 'no card on that day'),
       is(pg_temp.figure(b, 'cashSales'), '- - -', 'we do not know the cash'),
       is((select string_agg(f ->> 'figure', ' ') from json_array_elements(b -> 'figures') f),
          'totalSales totalOrders onlineSales giftCardSales cashSales cardSales discounts refunds netSales', 'all of them')
  from span s, lateral pg_temp.compared(s.day) b;
select is(pg_temp.try('report_daily', '{}', format('{"reportDate":"%s","totalSales":15.5,"totalOrders":2,"onlineSales":10,"cashSales":5.5,'
                      '"netSales":15.5}', day)), '200', 'a report') from span;
select is(b ->> 'agrees', 'true', 'it agrees'), is(pg_temp.figure(b, 'totalSales'), '15.50 15.50 0.00', 'no difference'),
       is(pg_temp.figure(b, 'cashSales'), '5.50 - -', 'what it says of cash stands alone')
  from span s, lateral pg_temp.compared(s.day) b;
select is(pg_temp.try('report_daily', '{}', format('{"reportDate":"%s","registerId":"bar","totalSales":3,"totalOrders":1}', day)), '200',
          'a second register') from span;
select is(b ->> 'agrees', 'false', 'it does not'), is(pg_temp.figure(b, 'totalSales'), '18.50 15.50 3.00', 'too much'),
       is(pg_temp.figure(b, 'totalOrders'), '3 2 1', 'and one order'),
       is((select string_agg(concat_ws(' ', r ->> 'registerId', r ->> 'revision', r ->> 'totalSales'), ', ') from json_array_elements(b -> 'registers') r),
          ' 1 15.50, bar 1 3.00', 'the registers')
  from span s, lateral pg_temp.compared(s.day) b;
select is(pg_temp.figure(pg_temp.compared(pos.business_date(now(), 'Europe/London', '05:00')), 'giftCardSales'), '- 8.25 -', 'the card, today');
-- Archived orders count on.
update pos.orders set status = 'completed' where tenant_id = :alpha;
update pos.setting set order_archive = interval '1 day';
set local session_replication_role = replica;
update pos.orders set updated_at = now() - interval '2 days' where tenant_id = :alpha;
set local session_replication_role = origin;
select isnt(pos.orders_archive(), 0, 'orders are archived');
select is(pg_temp.figure(pg_temp.compared(day), 'totalOrders'), '3 4 -1', 'and still known') from span;
select is(pg_temp.try('report_compare', format('{"date":"%s"}', v.date)), '400 INVALID_DATE', v.date)
  from (values ('yesterday'), ('2026-02-30'), ('20260101'), ('2019-01-01'), ('9999-12-31'), ('')) v(date);
select is(pg_temp.try('report_compare', '{}'), '400 INVALID_DATE', 'none');
select is((pg_temp.call('report_compare', format('{"date":"%s"}', day), null,
                        jsonb_build_object('tenant', 'beta', 'keyHash', pg_temp.key_hash('beta', 'pos')))).body::json ->> 'agrees',
          null, 'another restaurant has its own') from span;
set local enable_nestloop = off;
select is_empty('select * from pos.violations', 'all is whole');
select * from finish();
rollback;
