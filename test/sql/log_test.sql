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
select is((select string_agg(left(tenant_id::text, 1) || ':' || head || ':' || oldest, ' ' order by tenant_id)
             from pos.heads(array[:alpha, :beta, gen_random_uuid()]::uuid[])), 'a:30:1 b:1:1', 'heads');
select is((select count(*) from pos.heads('{}')), 0::bigint, 'of none');
insert into dinedesk_main.tenants (slug, name, country, currency) values ('fresh', 'F', 'GB', 'GBP');
select is(h.head, 0::bigint, 'a new tenant'),
       is(h.oldest, 1::bigint, 'keeps from the next on')
  from pos.heads(array(select id from dinedesk_main.tenants where slug = 'fresh')) h;

-- The outbox: events of SQL writers, which wait for their seqs. Those of the seed have theirs already.
select count(*) from pos.outbox_relay(null, 1000000) \g /dev/null
create function pg_temp.orders(names text, tenant uuid) returns void language sql as $$
    insert into pos.orders (tenant_id, customer_name, total_amount, items)
    select tenant, n, 1, '[]' from unnest(string_to_array(names, ' ')) n
$$;
create function pg_temp.commit_only() returns void language plpgsql as $$
begin
    set constraints all immediate;
    set constraints all deferred;
end $$;
create function pg_temp.relayed(after uuid, most int) returns text language sql as $$
    select string_agg(left(r.tenant_id::text, 1) || (r.event::json ->> 'seq') || ' ' || (r.event::json #>> '{data,customerName}'), ', ')
      from pos.outbox_relay(after, most) r
$$;
select pg_temp.orders('x y', :alpha), pg_temp.orders('z', :beta), pg_temp.orders('w', :alpha) \g /dev/null
select pg_temp.commit_only() \g /dev/null
select is((select string_agg(left(w.tenant_id::text, 1), ' ') from pos.outbox_tenants() w where w.tenant_id in (:alpha, :beta)), 'a b',
          'who has some waiting'),
       is((select string_agg(left(w.tenant_id::text, 1), ' ') from pos.outbox_tenants(:alpha) w), 'b', 'after one'),
       is((select string_agg(left(w.tenant_id::text, 1), ' ') from pos.outbox_tenants(null, array[:alpha]::uuid[]) w), 'a', 'of these');
select is(pg_temp.relayed(null, 2), 'a31 x, a32 y', 'two at most, in their order'),
       is(pg_temp.relayed(null, 100), 'a33 w, b2 z', 'the rest'), is(pg_temp.relayed(null, 100), null, 'none is left');
select is((select count(*) from pos.outbox), 0::bigint, 'they wait no more');
-- An operation's event comes behind them, for one of them may be its cause.
create function pg_temp.emitted() returns text language sql as $$
    select string_agg((t::json ->> 'seq') || ' ' || (t::json ->> 'type'), ', ' order by n)
      from string_to_table(pos.emit('aaaaaaaa-0000-4000-8000-000000000001', 'mine', '{"kind":"api"}', '{}'), E'\n') with ordinality x(t, n)
$$;
select pg_temp.orders('k', :alpha) \g /dev/null
select pg_temp.commit_only() \g /dev/null
select is(pg_temp.emitted(), '34 order.created, 35 mine', 'behind'), is(pg_temp.emitted(), '36 mine', 'alone');
-- Behind so many that it would have to wait, it waits itself, in its place.
select pg_temp.orders(string_agg('m' || n, ' ' order by n), :alpha) from generate_series(1, 201) n \g /dev/null
select pg_temp.commit_only() \g /dev/null
-- Another transaction.
select set_config('tillwire.outbox_taken', '', true) \g /dev/null
create temp table said as select pos.emit(:alpha, 'mine', '{"kind":"api"}', '{"n":1}') as text;
select is((select count(*) || ' ' || max(nullif(t, '')::json ->> 'type') from said, string_to_table(text, E'\n') t), '201 order.created',
          'of 201 it takes 200'), is(pos.event_seq(text), null, 'and has no seq itself') from said;
select is(pos.emit(:alpha, 'next', '{"kind":"api"}', '{"n":2}'), '', 'nor have those that follow: it takes once');
select is((select string_agg(o.type || (o.origin ->> 'kind'), ' ' order by o.id) from pos.outbox o), 'order.createdsql mineapi nextapi', 'they are the next');
select is((select string_agg(r.event::json ->> 'type', ' ') from pos.outbox_relay(null, 10) r), 'order.created mine next', 'in order');
-- Large ones come in pieces of about 4 MiB.
insert into pos.outbox (tenant_id, type, data) select :alpha, 'large', to_json(repeat('x', 3000000)) from generate_series(1, 3);
select is((select count(*) from pos.outbox_relay(null, 10)), 2::bigint, 'two of three'), is((select count(*) from pos.outbox_relay(null, 10)), 1::bigint, 'the third');
-- Nobody needs a bridge: whoever compares heads numbers what has waited for a while.
select pg_temp.orders('old', :alpha), pg_temp.orders('other', :beta) \g /dev/null
select pg_temp.commit_only() \g /dev/null
create temp table h as select h.head from pos.heads(array[:alpha]::uuid[]) h;
update pos.outbox set at = at - interval '1 second';
select is((select n.head from pos.heads(array[:alpha]::uuid[]) n), h.head + 1, 'one more') from h;
select is((select string_agg(left(o.tenant_id::text, 1), ' ') from pos.outbox o), 'b', 'not those of tenants that nobody asks for');
update pos.outbox set at = at + interval '1 hour';
select is((select n.head from pos.heads(array[:beta]::uuid[]) n), 3::bigint, 'nor does a clock that jumps back stop it');
select is((select string_agg(e.seq || ' ' || e.type, ', ') from pos.event e where e.tenant_id = :alpha and e.seq > 36 and not exists (
              select 1 from pos.event b where b.tenant_id = e.tenant_id and b.seq = e.seq - 1 and b.at <= e.at)), null, 'at rises with seq');

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
insert into pos.event (tenant_id, seq, type, at, origin, data) values (:beta, 4, 'z',
    now() + interval '3 days', '{}', '{}');
update pos.stream set head = 4 where tenant_id = :beta;
select is((select count(*) from pos.event_default), 1::bigint, 'the default takes it');
select is(pos.maintain('create_days'), 1, 'made again');
select is((select count(*) from pos.event_default), 0::bigint, 'and filled');
select is((select count(*) from pos.events_after(:beta, 3, 10)), 1::bigint, 'still read');
-- Old days are dropped, and each stream says which seq is the oldest that is kept.
update pos.event set at = now() - interval '30 days' where tenant_id = :alpha and seq <= 10;
select is((select count(*) from pos.event_default), 10::bigint, 'old ones without a day');
create table pos.event_20200101 partition of pos.event for values
    from ('2020-01-01 00:00+00') to ('2020-01-02 00:00+00');
insert into pos.event (tenant_id, seq, type, at, origin, data) values (:alpha, 0, 'ancient',
    '2020-01-01 12:00+00', '{}', '{}');
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
select is((select string_agg(concat_ws(':', n, coalesce(seq::text, '-'), oldest), ' ' order by n, seq nulls last)
             from pos.events_pieces(array[:alpha, gen_random_uuid(), :beta, :beta]::uuid[], '{10,0,0,1000}', '{3,3,1,1}')),
          '1:11 1:12 1:16 1:-:16 2:- 3:1 3:-:1 4:-:1', 'pieces of several, with their places');
select is((select string_agg(distinct n::text, ',' order by n::text) from pos.events_pieces(
              array_fill(:beta::uuid, array[64]), array_fill(0::bigint, array[64]), array_fill(1000, array[64]))),
          (select string_agg(n::text, ',' order by n::text) from generate_series(1, 64) n), 'all of them when they are short');
select is((select max(n) from pos.events_pieces(array[:beta, :alpha, :beta]::uuid[], '{0,0,0}', '{9,1000,9}')), 2,
          'none after about four megabytes');
update pos.setting set event_retention = '1 hour';
update pos.event set at = at - interval '3 days' where tenant_id = :alpha;
select is(pos.maintain('drop_strays') > 0, true, 'all of a tenant''s go');
select throws_ok($$select pos.maintain('tea')$$, '20000', null, 'an unknown task');
select is((select oldest - head from pos.heads(array[:alpha]::uuid[])), 1::bigint, 'none kept: one after the head');
select pg_temp.head() + 1 as next \gset
select is(pos.emit(:alpha, 'again', '{}', '{}')::json ->> 'seq', :'next', 'and it goes on');
select is((select oldest from pos.heads(array[:alpha]::uuid[])), :next::bigint, 'from there');
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty(format('select * from pos.violations where tenant_id in (%L, %L)', :alpha, :beta),
       'the log is whole');
select throws_ok($$update pos.setting set event_retention = '1 minute'$$, '23514', null, 'an hour at least');
select throws_ok($$insert into pos.setting (only_row) values (false)$$, '23514', null, 'one row');

select ok(pos.schema_version() >= 7, 'the schema says its version');
select is(pos.schema_version(), (select max(number) from pos.migration), 'the newest');
select * from finish();
rollback;
