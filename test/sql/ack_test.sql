-- ack_test.sql - what devices say about orders: facts, once, and what they come to.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.ack(body text, more jsonb default '{}') returns pos.answer language sql as $$
    select pg_temp.call('order_ack', '{}', body, more)
$$;
-- "printed", "failed repeated", or the refusal.
create function pg_temp.acked(body text, more jsonb default '{}') returns text language sql as $$
    select case when a.status = 200 then concat_ws(' ', a.body::json #>> '{order,print_status}',
                     case when (a.body::json ->> 'repeated')::boolean then 'repeated' end)
                else pg_temp.outcome(a) end from pg_temp.ack(body, more) a
$$;
select count(pg_temp.call('order_create', '{}', format('{"orderId":%s,"orderNumber":"N-%s","customerName":"Ada",'
       '"totalAmount":1,"items":[],"status":"confirmed"}', to_json('o' || n), n))) as made from generate_series(1, 9) n \gset
select is(pg_temp.try('order_create', '{}', '{"orderId":77,"customerName":"x","totalAmount":1,"items":[]}'), '201', 'a number');

-- As the till sends it.
select pg_temp.head() as before \gset
select is(a.status, 200, 'noted'),
       is(a.body, '{"success":true,"message":"Order N-1 marked as printed","order":{"order_id":"o1","order_number":"N-1",'
          '"print_status":"printed","updated_at":"2026-01-05T18:00:00.000Z","device_id":"POS_A"},"repeated":false}', 'exactly'),
       is(cardinality(a.events), 1, 'an event'),
       is(a.events[1]::json ->> 'data', '{"orderId":"o1","orderNumber":"N-1","orderSource":"online","status":"confirmed",'
          '"deviceId":"POS_A","state":"printed","at":"2026-01-05T18:00:00.000Z","reason":null,"printStatus":"printed"}', 'exactly')
  from pg_temp.ack('{"tenant":"alpha","order_id":"o1","status":"printed","printed_at":"2026-01-05T18:00:00Z","device_id":"POS_A",'
                   '"print_duration_ms":812,"printer_info":{"name":"Kitchen"}}') a;
select is(pg_temp.types_after(:'before'), 'order.acknowledged', 'in the log');
select is(o.version, 1::bigint, 'the order is the same'), ok(o.updated_at < o.acknowledged_at, 'nor did it change')
  from pos.orders o where o.tenant_id = :alpha and o.id = 'o1';

-- Again, by others, and in contradiction.
select pg_temp.head() as before \gset
select is(pg_temp.acked('{"order_id":"o1","status":"printed","device_id":"POS_A"}'), 'printed repeated', 'a repeat'),
       is(pg_temp.types_after(:'before'), '', 'makes no event'),
       is(pg_temp.acked('{"order_id":"o1","status":"failed","device_id":"POS_B","reason":"no paper"}'), 'printed',
          'there is a ticket: it stays printed'),
       is((pg_temp.ack('{"order_id":"o1","status":"queued","device_id":"POS_C"}')).body::json ->> 'message',
          'Order N-1 noted as queued by this device; it stays printed', 'and that is said');
select is(pg_temp.acked('{"order_id":"o2","status":"received","device_id":"A"}'), 'received', 'received'),
       is(pg_temp.acked('{"order_id":"o2","status":"queued_for_print","device_id":"A"}'), 'queued', 'queued'),
       is(pg_temp.acked('{"order_id":"o2","status":"failed","device_id":"A"}'), 'failed', 'failed'),
       is(pg_temp.acked('{"order_id":"o2","status":"received","device_id":"B"}'), 'failed', 'that another has it is no paper'),
       is(pg_temp.acked('{"order_id":"o2","status":"queued","device_id":"B"}'), 'queued', 'another try'),
       is(pg_temp.acked('{"order_id":"o2","status":"PRINTED ","device_id":"B"}'), 'printed', 'in any case'),
       is(pg_temp.acked('{"order_id":"o3","status":"accepted","device_id":"A"}'), 'pending', 'accepted is no paper'),
       is(pg_temp.acked('{"order_id":"o3","status":"rejected","device_id":"B"}'), 'pending', 'rejected neither');
select is(string_agg(a ->> 'deviceId' || ' ' || (a ->> 'state') || coalesce(' ' || (a ->> 'reason'), ''), ', ' order by n),
          'POS_A printed, POS_B failed no paper, POS_C queued', 'all are kept')
  from json_array_elements((pg_temp.call('order_get', '{"id":"o1"}')).body::json #> '{order,acknowledgements}')
       with ordinality x(a, n);
select is(b #>> '{order,print_status}', 'printed', 'print_status'),
       is((b #> '{order,acknowledgements,0,detail}')::text, '{"print_duration_ms":812,"printer_info":{"name":"Kitchen"}}', 'and what came besides')
  from (select (pg_temp.call('order_get', '{"id":"o1"}')).body::json as b) x;
select is(b ->> 'success', 'true', 'asked'), is(b #>> '{order,print_status}', 'printed', 'of the other address'),
       is(json_array_length(b #> '{order,acknowledgements}'), 3, 'three')
  from (select (pg_temp.call('order_acks_get', '{}', null, '{"query":{"order_id":"o1"}}')).body::json as b) x;
select is(pg_temp.try('order_acks_get', '{}', null, v.more::jsonb), v.wanted, v.more)
  from (values ('{"query":{"order_id":"nope"}}', '404 ORDER_NOT_FOUND'), ('{"query":{}}', '400 INVALID_FIELD')) v(more, wanted);

-- Who it is, which order it is.
select is(pg_temp.acked('{"order_id":77,"status":"printed"}'), 'printed', 'by a number'),
       is(pg_temp.acked('{"order_id":"77","status":"printed"}'), 'printed repeated', 'which a till makes a text'),
       is(pg_temp.acked('{"order_id":"N-4","status":"printed"}'), 'printed', 'by the number on the ticket');
select is((select k.device from pos.order_ack k where k.tenant_id = :alpha and k.order_id = '77'), 'till-1', 'by X-Device-Id'),
       is((select k.order_id from pos.order_ack k where k.tenant_id = :alpha and k.order_id = 'o4')::text, 'o4', 'of that order');
select is(pg_temp.outcome(pg_temp.call('order_received', '{"id":"o5"}',
          '{"receivedAt":"2026-01-05T18:00:00Z","posSystemId":"POS-in-NET","status":"received"}')), '200', 'confirm');
select is((select k.device || ' ' || k.state from pos.order_ack k where k.tenant_id = :alpha and k.order_id = 'o5'),
          'POS-in-NET received', 'says who');
select is(pg_temp.acked(v.body), v.wanted, v.body)
  from (values ('{"order_id":"nope","status":"printed"}', '404 ORDER_NOT_FOUND'),
               ('{"status":"printed"}', '400 INVALID_ORDER_ID'),
               ('{"order_id":"","status":"printed"}', '400 INVALID_ORDER_ID'),
               ('{"order_id":["o1"],"status":"printed"}', '400 INVALID_ORDER_ID'),
               ('{"order_id":"o1"}', '400 INVALID_STATUS'),
               ('{"order_id":"o1","status":"eaten"}', '400 INVALID_STATUS'),
               ('{"order_id":"o1","status":7}', '400 INVALID_STATUS'),
               ('{"order_id":"o1","status":"printed","printed_at":"yesterday"}', '400 INVALID_DATE'),
               ('{"order_id":"o6","status":"printed","printed_at":"","device_id":""}', 'printed'),
               ('{"order_id":"o7","status":"printed","printed_at":null,"device_id":null}', 'printed')) v(body, wanted);
select is(pg_temp.acked('{"order_id":"o1","status":"printed"}', jsonb_build_object('tenant', 'beta', 'keyHash',
          pg_temp.key_hash('beta', 'pos'))), '404 ORDER_NOT_FOUND', 'another tenant''s order is none'),
       is(pg_temp.acked('{"order_id":"o1","status":"printed"}', '{"tenant":"beta"}'), '403 TENANT_MISMATCH', 'nor another tenant');
select is(pg_temp.acked(format('{"order_id":"o8","status":"failed","blob":%s}', to_json(repeat('x', 9000)))), 'failed',
          'more than is kept is left out, and the fact is not lost');
select is((select k.detail::text from pos.order_ack k where k.tenant_id = :alpha and k.order_id = 'o8'), '{}', 'left out');

-- Many at once: each stands alone.
select pg_temp.head() as before \gset
select is(a.status, 200, 'a batch'),
       is(concat_ws(' ', b ->> 'acknowledged', b ->> 'failed'), '3 3', 'three and three'),
       is((select string_agg(coalesce(r ->> 'code', r #>> '{order,print_status}'), ' ' order by n)
             from json_array_elements(b -> 'results') with ordinality x(r, n)),
          'printed ORDER_NOT_FOUND printed INVALID_STATUS printed INVALID_FIELD', 'in their order'),
       is(cardinality(a.events), 2, 'events of what is new')
  from (select a, a.body::json as b from pg_temp.call('order_ack_batch', '{}', '{"tenant":"alpha","device_id":"POS_A",'
        '"acknowledgments":[{"order_id":"o9","status":"printed"},{"order_id":"nope","status":"printed"},'
        '{"order_id":"o1","status":"printed","printed_at":null,"reason":null},{"order_id":"o2","status":"eaten"},'
        '{"order_id":"o8","status":"printed"},7]}') a) x(whole, b), lateral (select (x.whole).*) a;
select is((select k.device from pos.order_ack k where k.tenant_id = :alpha and k.order_id = 'o9'), 'POS_A', 'the batch''s device');
select is(pg_temp.try('order_ack_batch', '{}', v), '400 INVALID_FIELD', v)
  from (values ('{}'), ('{"acknowledgments":{}}'), ('{"acknowledgments":null}')) x(v);

-- Facts go with their order.
delete from pos.orders where tenant_id = :alpha and id = 'o9';
select is((select count(*) from pos.order_ack k where k.order_id = 'o9'), 0::bigint, 'gone with the order');
select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the log is whole');
select * from finish();
rollback;
