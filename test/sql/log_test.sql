-- log_test.sql - the event log: reading it, relaying it, keeping it.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

-- Emit.
create temp table e as select pos.emit(:alpha, 'order.created', '{"kind":"api"}', '{"a":1.50}') as text;
select is(e.text, format('{"seq":1,"type":"order.created","at":"%s","origin":{"kind":"api"},"data":{"a":1.50}}',
       pos.utc(r.at)), 'the canonical text')
  from e, pos.event r where r.tenant_id = :alpha;
select is(pg_temp.head(), 1::bigint, 'the first');
select is((select pos.emit(:alpha, 'x.' || n, '{"kind":"api"}', format('{"n":%s}', n)::json)::json ->> 'seq'),
       n::text, 'seq ' || n) from generate_series(2, 30) n;
select is(pg_temp.head(), 30::bigint, 'the head');
select is(pg_temp.head('beta'), 0::bigint, 'nobody else''s');
select throws_ok($$select pos.emit(gen_random_uuid(), 'x', '{}', '{}')$$, 'P0002', null, 'no such tenant');

-- Reading.
select is((select string_agg(seq::text, ' ') from pos.events_after(:alpha, v.after, v.most)), v.wanted,
       format('after %s, at most %s', v.after, v.most))
  from (values (0, 3, '1 2 3'), (27, 10, '28 29 30'), (30, 10, null), (999, 10, null), (-5, 2, '1 2'),
      (5, 0, null), (5, -3, null), (28, 2000000000, '29 30')) v(after, most, wanted);
select is((select count(*) from pos.events_after(:beta, 0, 100)), 0::bigint, 'another tenant has none');
select is((select count(*) from pos.events_after(null, 0, 100)), 0::bigint, 'no tenant has none');
select is((select bool_and(e.event = pos.event_text(r.seq, r.type, r.at, r.origin, r.data)
       and e.event::json ->> 'seq' = r.seq::text) from pos.events_after(:alpha, 0,
       100) e join pos.event r on r.tenant_id = :alpha and r.seq = e.seq), true, 'each is its row');
select pos.emit(:beta, 'y', '{"kind":"api"}', '{}') \g /dev/null
select is((select string_agg(left(tenant_id::text, 1) || seq, ' ')
       from pos.events_at(array[:beta, :alpha, :alpha, :alpha, :beta, :alpha]::uuid[], array[1, 30, 2, 2, 99, 3])),
       'a2 a3 a30 b1', 'what was notified: in order, once, what there is');
select is((select count(*) from pos.events_at('{}', '{}')), 0::bigint, 'nothing asked');
select is((select count(*) from pos.events_at(null, null)), 0::bigint, 'nor null');
select is((select string_agg(left(tenant_id::text, 1) || ':' || head || ':' || oldest, ' ' order by tenant_id)
             from pos.heads(array[:alpha, :beta, gen_random_uuid()]::uuid[])), 'a:30:1 b:1:1', 'heads');
select is((select count(*) from pos.heads('{}')), 0::bigint, 'of none');
insert into dinedesk_main.tenants (slug, name, country, currency) values ('fresh', 'F', 'GB', 'GBP');
select is(h.head, 0::bigint, 'a new tenant'),
       is(h.oldest, 1::bigint, 'keeps from the next on')
  from pos.heads(array(select id from dinedesk_main.tenants where slug = 'fresh')) h;

-- Relay: only external events, from ten seconds before the watermark.
update pos.relay set watermark = '-infinity';
select is((select count(*) from pos.relay_pending(1000) where tenant_id in (:alpha, :beta)), 0::bigint,
       'operations publish their own');
insert into pos.orders (tenant_id, customer_name, total_amount, items) values (:alpha, 'x', 1, '[]'),
    (:alpha, 'y', 1, '[]'), (:beta, 'z', 1, '[]');
set constraints all immediate;
select is((select string_agg(left(tenant_id::text, 1) || seq, ' ') from pos.relay_pending(1000)
       where tenant_id in (:alpha, :beta)), 'a31 a32 b2', 'SQL''s wait, in order');
select is((select string_agg(left(tenant_id::text, 1) || seq, ' ')
             from pos.relay_pending(2, 'a0000000-0000-4000-8000-000000000000', 0)), 'a31 a32', 'two at most');
select is((select string_agg(left(tenant_id::text, 1) || seq, ' ') from pos.relay_pending(2, :alpha, 31)), 'a32 b2',
          'reading on');
select ok(pos.relay_done(clock_timestamp()) > now() - interval '1 minute', 'done until now');
select is((select count(*) from pos.relay_pending(1000) where tenant_id in (:alpha, :beta)), 3::bigint,
       'within ten seconds again');
create temp table w as select watermark from pos.relay;
select is(pos.relay_done(now() - interval '1 hour'), w.watermark, 'never back'),
       ok(pos.relay_done('infinity') <= clock_timestamp(), 'never ahead of the clock'),
       ok(pos.relay_done(null) >= w.watermark, 'null is nothing')
  from w;
update pos.event set at = at - interval '20 seconds' where tenant_id = :beta and external;
select is((select string_agg(left(tenant_id::text, 1) || seq, ' ') from pos.relay_pending(1000)
       where tenant_id in (:alpha, :beta)), 'a31 a32', 'older ones are done');

-- Partitions.
select is((select count(*) from generate_series(0, 7) d
       where to_regclass('pos.event_' || to_char(now() at time zone 'UTC' + make_interval(days => d),
       'YYYYMMDD')) is not null), 8::bigint, 'a week ahead');
select is(pos.maintain('create_days'), 0, 'nothing to do');
select is((select count(*) from pos.event_default), 0::bigint, 'nothing without a day');
-- A day without a partition does no harm: its partition is made later and takes the events over.
do $$
begin
    execute 'drop table pos.event_' || to_char(now() at time zone 'UTC' + interval '3 days', 'YYYYMMDD');
end $$;
insert into pos.event (tenant_id, seq, type, at, origin, data, external) values (:beta, 3, 'z',
    now() + interval '3 days', '{}', '{}', false);
update pos.stream set head = 3 where tenant_id = :beta;
select is((select count(*) from pos.event_default), 1::bigint, 'the default takes it');
select is(pos.maintain('create_days'), 1, 'made again');
select is((select count(*) from pos.event_default), 0::bigint, 'and filled');
select is((select count(*) from pos.events_after(:beta, 2, 10)), 1::bigint, 'still read');
-- Old days are dropped, and each stream says which seq is the oldest that is kept.
update pos.event set at = now() - interval '30 days' where tenant_id = :alpha and seq <= 10;
select is((select count(*) from pos.event_default), 10::bigint, 'old ones without a day');
create table pos.event_20200101 partition of pos.event for values
    from ('2020-01-01 00:00+00') to ('2020-01-02 00:00+00');
insert into pos.event (tenant_id, seq, type, at, origin, data, external) values (:alpha, 0, 'ancient',
    '2020-01-01 12:00+00', '{}', '{}', false);
select is(pos.maintain('keep_from'), 0, 'no seq of a stream is in it');
select is(pos.maintain('drop_days'), 1, 'a day dropped');
select is(pos.maintain('drop_days'), 0, 'one a step');
select is(pos.maintain('drop_strays'), 10, 'strays');
select is(to_regclass('pos.event_20200101'), null, 'is gone');
select is((select count(*) from pos.event_default), 0::bigint, 'strays too');
select is((select oldest from pos.heads(array[:alpha]::uuid[])), 11::bigint, 'kept from');
select is((select min(seq) from pos.events_after(:alpha, 0, 100)), 11::bigint, 'indeed');
select is((select oldest from pos.heads(array[:beta]::uuid[])), 1::bigint, 'others as before');
-- A clock that had jumped: an older row is kept longer than later ones, and the stream says what it lacks.
update pos.event set at = now() - interval '30 days' where tenant_id = :alpha and seq = 13;
update pos.event set at = now() - interval '20 years' where tenant_id = :alpha and seq = 14;
create table pos.event_20200102 partition of pos.event for values
    from ('2020-01-02 00:00+00') to ('2020-01-03 00:00+00');
update pos.event set at = '2020-01-02 12:00+00' where tenant_id = :alpha and seq = 15;
select is(pos.maintain('drop_days'), 0, 'not before it is said to be kept no longer');
select is(pos.maintain('keep_from'), 1, 'which is said');
select is(pos.maintain('keep_from'), 0, 'once');
select is(pos.maintain('drop_days'), 1, 'another day dropped');
select is(pos.maintain('drop_strays'), 2, 'and what was elsewhere');
select is((select oldest from pos.heads(array[:alpha]::uuid[])), 16::bigint, 'after the highest that is gone');
select is((select string_agg(coalesce(seq::text, '-') || coalesce(' oldest ' || oldest, ''), ', ')
             from pos.events_piece(:alpha, 10, 3)), '11, 12, 16, - oldest 16', 'a piece says what the log lacks');
select is((select string_agg(coalesce(seq::text, '-') || coalesce(' oldest ' || oldest, ''), ', ')
             from pos.events_piece(:alpha, 1000, 3)), '- oldest 16', 'also where there is nothing');
select is((select count(*) from pos.events_piece(gen_random_uuid(), 0, 3)), 0::bigint, 'no such tenant');
update pos.setting set event_retention = '1 hour';
update pos.event set at = at - interval '3 days' where tenant_id = :alpha;
select is(pos.maintain('drop_strays') > 0, true, 'all of a tenant''s go');
select throws_ok($$select pos.maintain('tea')$$, '20000', null, 'an unknown task');
select is((select oldest - head from pos.heads(array[:alpha]::uuid[])), 1::bigint, 'none kept: one after the head');
select is(pos.emit(:alpha, 'again', '{}', '{}')::json ->> 'seq', '33', 'and it goes on');
select is((select oldest from pos.heads(array[:alpha]::uuid[])), 33::bigint, 'from there');
select is_empty(format('select * from pos.violations where tenant_id in (%L, %L)', :alpha, :beta),
       'the log is whole');
select throws_ok($$update pos.setting set event_retention = '1 minute'$$, '23514', null, 'an hour at least');
select throws_ok($$insert into pos.setting (only_row) values (false)$$, '23514', null, 'one row');

select ok(pos.schema_version() >= 7, 'the schema says its version');
select is(pos.schema_version(), (select max(number) from pos.migration), 'the newest');
select * from finish();
rollback;
