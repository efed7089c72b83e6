-- pull_test.sql - pull-orders drains: positions, late commits, what has been acknowledged.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.pulled(query text) returns json language sql as $$
    select (pg_temp.call('orders_pull', '{}', null, jsonb_build_object('query', query::jsonb))).body::json
$$;
create function pg_temp.ids(b json) returns text language sql as $$
    select coalesce(string_agg(o ->> 'id', ' ' order by n), '') from json_array_elements(b -> 'orders') with ordinality x(o, n)
$$;
-- Follows nextSince until there is no more: the ids of each answer, and the last position.
create function pg_temp.drain(given text, most int, more text default '{}', out pages text, out place text)
language plpgsql as $$
declare
    b json;
begin
    place := given;
    for round in 1..50 loop
        b := pg_temp.pulled((jsonb_build_object('limit', most::text) || more::jsonb
            || case when place is null then '{}' else jsonb_build_object('since', place) end)::text);
        pages := concat_ws(' | ', pages, pg_temp.ids(b));
        place := b ->> 'nextSince';
        exit when not (b ->> 'hasMore')::boolean;
    end loop;
end $$;
create temp table mark (name text, place text);

select is(pg_temp.ids(b), '', 'nothing'), is(b ->> 'hasMore', 'false', 'and no more'),
       is(b ->> 'nextSince', 's' || pg_temp.head(), 'the end of the stream') from pg_temp.pulled('{}') b;

-- Many orders of one transaction, with one time that the shop set, long ago.
select count(pg_temp.call('order_create', '{}', format('{"orderId":"o%s","customerName":"Ada","totalAmount":1,'
       '"items":[],"status":"confirmed","createdAt":"2020-01-01T00:00:00Z"}', n))) = 7 as done
  from generate_series(1, 7) n \gset
insert into mark select 'first', d.place from pg_temp.drain(null, 3) d;
select is(d.pages, 'o1 o2 o3 | o4 o5 o6 | o7', 'each once, the oldest change first'),
       is(d.place, 's' || pg_temp.head(), 'and then the end of the stream') from pg_temp.drain(null, 3) d;
select is(d.pages, '', 'nothing twice') from mark m, pg_temp.drain(m.place, 3) d where m.name = 'first';
select is(pg_temp.ids(pg_temp.pulled('{"since":"2020-01-02T00:00:00Z"}')), 'o1 o2 o3 o4 o5 o6 o7',
          'since is our time, not that of the shop');
select is(pg_temp.ids(pg_temp.pulled(format('{"since":"%s"}', to_char(clock_timestamp() at time zone 'UTC' + interval '1 s',
          'YYYY-MM-DD"T"HH24:MI:SS"Z"')))), '', 'later than all');

-- A change comes again, at its place; what left the status does not.
select pg_temp.try('order_update', '{"id":"o2"}', '{"customerName":"Grace"}') = '200'
       and pg_temp.try('order_update', '{"id":"o3"}', '{"status":"preparing"}') = '200'
       and pg_temp.try('order_update', '{"id":"o2"}', '{"tableNumber":"9"}') = '200' as done \gset
select ok(:'done', 'three changes');
select is(d.pages, 'o2', 'the changed one, once') from mark m, pg_temp.drain(m.place, 1) d where m.name = 'first';
select is(d.pages, 'o1 | o4 | o5 | o6 | o7 | o2', 'in the list it is the last') from pg_temp.drain(null, 1) d;

-- An order that changes while the list is walked through is not lost: it comes after the walk.
select pg_temp.pulled('{"limit":"2"}') ->> 'nextSince' as walk \gset
select is(pg_temp.try('order_update', '{"id":"o1"}', '{"customerName":"Linus"}'), '200', 'changed behind the walk');
select is(d.pages, 'o5 o6 | o7 o2 | o1', 'the walk ends with it') from pg_temp.drain(:'walk', 2) d;
select is(pg_temp.try('order_create', '{}',
          '{"orderId":"o8","customerName":"x","totalAmount":1,"items":[],"status":"confirmed"}'), '201', 'and a new one');
select matches(d.pages, 'o8$', 'too') from pg_temp.drain(:'walk', 2) d;
-- What changed after the walk began is found from its end.
select is(d.pages, 'o1 o8', 'since the walk began') from pg_temp.drain('s' || (pg_temp.head() - 2)::text, 5) d;

-- Ids of all kinds are positions.
select is(pg_temp.try('order_create', '{}',
          format('{"orderId":%s,"customerName":"x","totalAmount":1,"items":[],"status":"ready"}', i)), '201', i)
  from (values ('"qr-5/2025#8 ü"'), ('9007199254740993'), ('"69FB5687-044A-48AF-AC0E-D6B817AEC684"')) v(i);
select is(d.pages, 'qr-5/2025#8 ü | 9007199254740993 | 69FB5687-044A-48AF-AC0E-D6B817AEC684', 'walked'),
       matches(d.place, '^[A-Za-z0-9-]+$', 'a position needs no encoding')
  from pg_temp.drain(null, 1, '{"status":"ready"}') d;
select is(d.pages, 'qr-5/2025#8 ü | 9007199254740993 | 69FB5687-044A-48AF-AC0E-D6B817AEC684', 'and from the log')
  from pg_temp.drain('s' || (pg_temp.head() - 3)::text, 1, '{"status":"ready"}') d;

-- Orders by plain SQL, whose events are written at commit.
select pg_temp.head() as before \gset
insert into pos.orders (tenant_id, id, customer_name, total_amount, items, status, created_at)
    select :alpha, 's' || n, 'Sql', n, '[]', 'confirmed', '2019-01-01' from generate_series(1, 3) n;
select pg_temp.commit() \g /dev/null
set constraints all deferred;
select is(d.pages, 's1 s2 | s3', 'all of them') from pg_temp.drain('s' || :'before', 2) d;

-- A position that is not kept any more, or never was, starts again and says so.
select is(b ->> 'resyncRequired', 'true', 'beyond the head'),
       is(pg_temp.ids(b), pg_temp.ids(pg_temp.pulled('{}')), 'is the list')
  from pg_temp.pulled('{"since":"s999999999"}') b;
update pos.stream set oldest = 5 where tenant_id = :alpha;
select is((pg_temp.pulled(format('{"since":"%s"}', v.place)) ->> 'resyncRequired'), v.lost, v.place)
  from (values ('s3', 'true'), ('s4', null), ('l3-1767636000000000-6f31', 'true'), ('l4-1767636000000000-6f31', null))
       v(place, lost);
update pos.stream set oldest = 1 where tenant_id = :alpha;
select is(pg_temp.try('orders_pull', '{}', null, jsonb_build_object('query', jsonb_build_object('since', v))),
          '400 INVALID_DATE', v)
  from (values ('s'), ('s1x'), ('l1'), ('l1-2-3'), ('x5'), ('s-1'), ('s1234567890123456789'), ('l0-0-ff')) x(v);
select is(pg_temp.try('orders_pull', '{}', null, jsonb_build_object('query', jsonb_build_object('since', v))), '200', v)
  from (values ('l0-1767636000000000-'), ('l0-99999999999999999-6f')) x(v);

-- Without those that a device has.
select is(pg_temp.try('order_ack', '{}', '{"order_id":"o4","status":"printed"}'), '200', 'printed'),
       is(pg_temp.try('order_received', '{}', '{"order_id":"o5"}'), '200', 'received');
select is(pg_temp.ids(pg_temp.pulled('{"unacknowledged":"true"}')), 'o6 o7 o2 o1 o8 s1 s2 s3', 'left the list'),
       is(pg_temp.ids(pg_temp.pulled('{}')), 'o4 o5 o6 o7 o2 o1 o8 s1 s2 s3', 'for those that ask'),
       is(pg_temp.ids(pg_temp.pulled('{"unacknowledged":"true","include_all":"true"}')),
          'o4 o5 o6 o7 o2 o1 o8 s1 s2 s3', 'unless they want all'),
       is(pg_temp.ids(pg_temp.pulled('{"unacknowledged":"false"}')), 'o4 o5 o6 o7 o2 o1 o8 s1 s2 s3', 'false is no');
select is((select string_agg(distinct o ->> 'print_status', ' ' order by o ->> 'print_status')
             from json_array_elements(pg_temp.pulled('{}') -> 'orders') o), 'pending printed received', 'print_status');
select is(d.pages, 'o6 o7 | o2 o1 | o8 s1 | s2 s3', 'it drains') from pg_temp.drain(null, 2, '{"unacknowledged":"true"}') d;

-- Its own only.
select is(pg_temp.ids(b), '', 'another tenant''s are not seen')
  from (select (pg_temp.call('orders_pull', '{}', null, jsonb_build_object('tenant', 'beta', 'keyHash',
        pg_temp.key_hash('beta', 'pos'), 'query', jsonb_build_object('since', 's0')))).body::json as b) x;

select * from finish();
rollback;
