-- sandbox_test.sql - orders and faults that are made up, and only where nobody eats.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

\set samples `cat test/samples/orders.json`
select is(c.body::jsonb, (s -> 'order')::jsonb, c.name || ' is the sample'), is(c.title, s ->> 'title', 'its title')
  from pos.sandbox_cases() c full join json_array_elements((:'samples')::json -> 'orders') s on s ->> 'case' = c.name;

select is(pg_temp.try('sandbox_order', '{}', '{"case":"o05"}'), '403 NOT_A_SANDBOX', 'not where people eat');
select is(pg_temp.try('sandbox_fault', '{}', '{"deviceId":"till-1","drop":1}'), '403 NOT_A_SANDBOX', 'neither a fault');
select is(pg_temp.try('sandbox_orders', '{}', null), '403 NOT_A_SANDBOX', 'and there is nothing to choose from');
select is(pg_temp.head(), 0::bigint, 'nothing has happened');
select pos.tenant_day_set('alpha', null, 'on');
select is(sandbox, true, 'shown') from pos.tenant_show('alpha');

select is(json_array_length(b -> 'cases'), 12, 'twelve cases'), is(b #>> '{cases,4}', '{"case":"o05","title":"Text that breaks printers and parsers"}', 'by name')
  from (select (pg_temp.call('sandbox_orders', '{}', null)).body::json) l(b);

create temp table made as
    select c.name, pg_temp.call('sandbox_order', '{}', format('{"case":"%s"}', c.name)) as a from pos.sandbox_cases() c;
select is(pg_temp.outcome(a), '201', name || ' comes in'), is((a).body::json ->> 'case', name, 'named'),
       matches((a).body::json #>> '{order,orderNumber}', '^ALP-[0-9]+$', 'with a number of its own'),
       is((a).body::json #>> '{order,totalAmount}', c.body ->> 'totalAmount', 'the amount'),
       cmp_ok(((a).body::json #>> '{order,createdAt}')::timestamptz, '>', now() - interval '1 minute', 'made now'),
       is(((a).body::json #>> '{order,scheduledFor}') is null, (c.body ->> 'scheduledFor') is null, 'scheduled, if it was'),
       cmp_ok(coalesce(((a).body::json #>> '{order,scheduledFor}')::timestamptz, 'infinity'), '>', now(), 'and due later')
  from made join pos.sandbox_cases() c using (name);
select is(count(distinct (a).body::json #>> '{order,id}'), 12::bigint, 'twelve orders') from made;
select is(pg_temp.types_after(0), array_to_string(array_fill('order.created'::text, array[12]), ' '), 'each is heard');
select is(length(e.data::text) - length(replace(e.data::text, E'\n', '')), 0, 'an event is one line') from pos.event e where e.tenant_id = :alpha;
select is(pg_temp.try('sandbox_order', '{}', '{"case":"o05"}'), '201', 'again: another order');
select is(pg_temp.try('sandbox_order', '{}', '{"case":"o05"}', '{"idempotencyKey":"k"}'), '201', 'with a key');
select is(pg_temp.try('sandbox_order', '{}', '{"case":"o05"}', '{"idempotencyKey":"k"}'), '201 replayed', 'once');
select is(pg_temp.try('sandbox_order', '{}', v.body), '400 INVALID_FIELD', v.body)
  from (values ('{}'), ('{"case":"o13"}'), ('{"case":5}'), ('{"case":null}'), ('{"case":["o01"]}'), ('{"case":"' || repeat('o', 17) || '"}')) v(body);
select is(pg_temp.try('sandbox_order', '{}', '{"case":"o01"}', jsonb_build_object('tenant', 'beta', 'keyHash', pg_temp.key_hash('beta', 'pos'))),
          '403 NOT_A_SANDBOX', 'another restaurant is none');

-- Faults. What the gateways do with them is tested with a socket.
select is(pg_temp.try('sandbox_fault', '{}', v.body), v.wanted, v.body)
  from (values ('{"deviceId":"till-1","drop":1}', '202'), ('{"deviceId":"till-1","drop":0}', '202'),
               ('{"deviceId":"till-1","duplicate":1000,"delayMs":30000,"silentMs":60000,"closeCode":null}', '202'),
               ('{"deviceId":"till-1","closeCode":1013}', '202'), ('{"deviceId":"till-1","closeCode":4999}', '202'),
               ('{"deviceId":"till-1"}', '400 INVALID_FIELD'), ('{"drop":1}', '400 INVALID_FIELD'),
               ('{"deviceId":"","drop":1}', '400 INVALID_FIELD'), ('{"deviceId":7,"drop":1}', '400 INVALID_FIELD'),
               ('{"deviceId":"till-1","drop":-1}', '400 INVALID_FIELD'), ('{"deviceId":"till-1","drop":1.5}', '400 INVALID_FIELD'),
               ('{"deviceId":"till-1","drop":"1"}', '400 INVALID_FIELD'), ('{"deviceId":"till-1","drop":1e131071}', '400 INVALID_FIELD'),
               ('{"deviceId":"till-1","drop":1001}', '400 INVALID_FIELD'), ('{"deviceId":"till-1","delayMs":30001}', '400 INVALID_FIELD'),
               ('{"deviceId":"till-1","silentMs":60001}', '400 INVALID_FIELD'), ('{"deviceId":"till-1","closeCode":1006}', '400 INVALID_FIELD'),
               ('{"deviceId":"till-1","closeCode":999}', '400 INVALID_FIELD'), ('{"deviceId":"till-1","closeCode":5000}', '400 INVALID_FIELD'),
               ('{"deviceId":"' || repeat('d', 128) || '","drop":1}', '400 INVALID_FIELD')) v(body, wanted);
select is((pg_temp.call('sandbox_fault', '{}', '{"deviceId":"till \"1\"","drop":2}')).body::jsonb - 'until',
          '{"success":true,"deviceId":"till \"1\"","drop":2,"duplicate":null,"delayMs":null,"closeCode":null,"silentMs":null,"sockets":0}',
          'what was asked for');
-- Its gateway was killed, so nobody has logged the end of its first socket.
insert into pos.device_seen (tenant, device, dialect, is_connected, at) values (:alpha, 'till-9', 'orderweb', true, now()), (:alpha, 'till-8', 'orderweb', false, now());
insert into pos.pos_sync_logs (tenant_id, kind, at, device) values (:alpha, 'connect', now() - interval '1 hour', 'till-9'), (:alpha, 'connect', now(), 'till-9');
select is((pg_temp.call('sandbox_fault', '{}', format('{"deviceId":"%s","drop":0}', v.device))).body::jsonb ->> 'sockets', v.sockets, v.device)
  from (values ('till-9', '1'), ('till-8', '0')) v(device, sockets);
select is(count(*), 8::bigint, 'each is in the audit') from pos.audit where tenant_id = :alpha and action = 'sandbox.fault';
select * from finish();
rollback;
