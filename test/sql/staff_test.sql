-- staff_test.sql - the sealed list of a restaurant's staff: when it counts, and what changes it.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();
\ir support/shared_state.sql
create function pg_temp.staff(action text, users text) returns text language sql as $$
    select case when a.status = 200 then a.body::json ->> 'kept' else pg_temp.outcome(a) end
      from pg_temp.call('staff_change', '{}', format('{"action":"%s","users":%s}', action, users)) a
$$;
-- "1 sealed text, 2 another".
create function pg_temp.list() returns text language sql as $$
    select coalesce(string_agg((u ->> 'id') || ' ' || (u ->> 'sealed'), ', ' order by n), '')
      from json_array_elements((pg_temp.call('staff_list', '{}')).body::json -> 'users') with ordinality x(u, n)
$$;

-- A restaurant that has not asked for it.
select is(pg_temp.staff('replace', '[{"id":"1","sealed":"a"}]'), 'false', 'by default no staff is kept'),
       is(pg_temp.list(), '', 'nor sent');

select lives_ok($$select pos.staff_secrets_set('alpha', 'seal')$$, 'an operator asks for it');
select is(pg_temp.staff('add', '[{"id":"1","sealed":"a"}]'), 'false', 'before a list was handed over there is nothing to add to');
select is(pg_temp.staff('replace', '[{"id":"1","sealed":"a"},{"id":"2","sealed":"b"}]'), 'true', 'a whole list is kept'),
       is(pg_temp.list(), '1 a, 2 b', 'in its order');
select is(pg_temp.staff('add', '[{"id":"3","sealed":"c"}]'), 'true', 'a person is added'),
       is(pg_temp.list(), '1 a, 2 b, 3 c', 'at the end');
select pg_temp.staff('add', '[{"id":"1","sealed":"of a new tablet"}]');
select is(pg_temp.list(), '1 a, 2 b, 3 c', 'one that is there is not added');
select pg_temp.staff('update', '[{"id":"2","sealed":"B"},{"id":"9","sealed":"nobody"}]');
select is(pg_temp.list(), '1 a, 2 B, 3 c', 'and one that is not there is not changed');
select pg_temp.staff('delete', '[{"id":"1"}]');
select is(pg_temp.list(), '2 B, 3 c', 'a person is deleted');
select pg_temp.staff('add', '[{"id":"1","sealed":"again"}]');
select is(pg_temp.list(), '2 B, 3 c', 'and does not come back by a tablet that still has it');
select pg_temp.staff('replace', '[{"id":"3","sealed":"c"},{"id":"1","sealed":"a"}]');
select is(pg_temp.list(), '2 B, 3 c', 'nor by the list of one that was away');
select pg_temp.staff('replace', '[{"id":"4","sealed":"d"},{"id":"3","sealed":"old"}]');
select is(pg_temp.list(), '2 B, 3 c, 4 d', 'which adds whom nobody knew, and changes nobody');
select lives_ok($$select pos.staff_secrets_set('alpha', 'drop')$$), lives_ok($$select pos.staff_secrets_set('alpha', 'seal')$$, 'handed over anew');
select pg_temp.staff('replace', '[{"id":"3","sealed":"x"},{"id":"3","sealed":"y"}]');
select is(pg_temp.list(), '3 y', 'of two with the same id the last one counts');

-- Bad input.
select is(pg_temp.staff('promote', '[]'), '400 VALIDATION_ERROR', 'an action that there is not');
select is(pg_temp.staff('add', '{}'), '400 VALIDATION_ERROR', 'no list');
select is(pg_temp.staff('add', '[{"sealed":"a"}]'), '400 VALIDATION_ERROR', 'no id');
select is(pg_temp.staff('add', '[{"id":""}]'), '400 VALIDATION_ERROR', 'an empty id');
select is(pg_temp.staff('add', format('[{"id":"%s"}]', repeat('i', 129))), '400 VALIDATION_ERROR', 'a long one');
select is(pg_temp.staff('add', format('[{"id":"5","sealed":"%s"}]', repeat('s', 65537))), '400 VALIDATION_ERROR', 'too much of one person');
select is(pg_temp.staff('replace', '[' || repeat('{"id":"1"},', 500) || '{"id":"2"}]'), '400 VALIDATION_ERROR', 'too many people');
select is(pg_temp.list(), '3 y', 'nothing of it was kept');

select lives_ok($$select pos.staff_secrets_set('alpha', 'drop')$$, 'an operator stops it');
select is(pg_temp.list(), '', 'nothing is sent any more'),
       is((select count(*) from pos.tablet_staff), 0::bigint, 'nor kept');
select throws_ok($$select pos.staff_secrets_set('nobody', 'seal')$$, 'P0002', null, 'of a tenant that there is not');
select throws_ok($$select pos.staff_secrets_set('alpha', 'clear')$$, '23514', null, 'a word that there is not');
select * from finish();
rollback;
