-- stream_test.sql - the stream for clients without a socket, and the log of sessions.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.list(query jsonb) returns pos.answer language sql as $$
    select pg_temp.call('events_list', '{}', null, jsonb_build_object('query', query, 'method', 'GET'))
$$;
create function pg_temp.said(query jsonb) returns text language sql as $$
    select (a).status || ' ' || coalesce((select string_agg(e ->> 'seq', ' ')
                                            from json_array_elements((a).body::json -> 'events') e), '-')
        || coalesce(' resync ' || ((a).body::json ->> 'resyncRequired'), '')
      from pg_temp.list(query) a
$$;

-- Its parameters.
select is(pg_temp.outcome(pg_temp.list(v.query::jsonb)), '400 INVALID_FIELD', v.query)
  from (values ('{}'), ('{"after":""}'), ('{"after":"-1"}'), ('{"after":"x"}'), ('{"after":"1.5"}'),
               ('{"after":"9999999999999999999"}'), ('{"after":"0","limit":"0"}'), ('{"after":"0","limit":"1001"}'),
               ('{"after":"0","limit":"all"}'), ('{"after":"0","wait":"31"}'), ('{"after":"0","wait":"-1"}')) v(query);

-- Its answers.
select is(pg_temp.said('{"after":"0"}'), '204 -', 'nothing yet');
select pos.emit(:alpha, 'x.' || n, '{"kind":"api"}', '{}') from generate_series(1, 150) n \g /dev/null
select is(pg_temp.said('{"after":"148"}'), '200 149 150', 'the events after it');
select is(pg_temp.said('{"after":"3","limit":"2"}'), '200 4 5', 'no more than wanted');
select is((select json_array_length((a).body::json -> 'events') from pg_temp.list('{"after":"0"}') a), 100,
          'a hundred when nobody says');
select is(pg_temp.said('{"after":"150"}'), '204 -', 'nothing after the head');
select is(pg_temp.said('{"after":"151"}'), '200 - resync true', 'beyond the head');
select is((a).body::json ->> 'seq', '150', 'the head'),
       is((a).body::json ->> 'oldestSeq', '1', 'the oldest'),
       is((a).tenant_id, :alpha, 'whose it is'),
       is((a).events, null, 'it publishes nothing')
  from pg_temp.list('{"after":"150"}') a;
update pos.stream set oldest = 51 where tenant_id = :alpha;
select is(pg_temp.said('{"after":"49"}'), '200 - resync true', 'older than what is kept');
select is(pg_temp.said('{"after":"50","limit":"1"}'), '200 51', 'the oldest one kept');

-- The log of sessions.
select lives_ok($$select pos.sync_log_write('[
    {"at":"2026-01-05T18:00:00.000Z","instance":"g1","kind":"connect",
     "tenant_id":"aaaaaaaa-0000-4000-8000-000000000001","dialect":"orderweb","device":"till-1","seq":7,"count":1},
    {"at":"2026-01-05T18:00:01.000Z","instance":"g1","kind":"delivery","seq":8,"count":3},
    {"at":"2026-01-05T18:00:02.000Z","instance":"g1","kind":"auth_failed","count":1,"detail":{"code":401}},
    {"at":"2026-01-05T18:00:03.000Z","count":1}]')$$, 'rows are taken');
select is((select string_agg(kind || ' ' || coalesce(device, '-') || ' ' || coalesce(seq::text, '-') || ' ' || count,
                             ', ' order by at)
             from pos.pos_sync_logs
            where instance = 'g1'), 'connect till-1 7 1, delivery - 8 3, auth_failed - - 1',
          'one that says nothing is left out');

select * from finish();
rollback;
