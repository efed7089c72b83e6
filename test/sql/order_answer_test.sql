-- order_answer_test.sql - what a device says about an order, and what follows: it is confirmed, cancelled, or left as it is.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.order(id text, more text default '') returns text language sql as $$
    select pg_temp.try('order_create', '{}', format('{"orderId":%s,"orderNumber":"N-%s","customerName":"Ada","totalAmount":1,"items":[]%s}',
                                                     to_json(id), id, more))
$$;
create function pg_temp.say(id text, body text, more jsonb default '{}') returns pos.answer language sql as $$
    select pg_temp.call('order_answer', ('{"id":' || to_json(id) || '}'), body, more)
$$;
-- "accepted confirmed", "received new repeated", or the refusal.
create function pg_temp.said(id text, body text, more jsonb default '{}') returns text language sql as $$
    select case when a.status = 200 then concat_ws(' ', a.body::json ->> 'state', a.body::json ->> 'status',
                     case when (a.body::json ->> 'repeated')::boolean then 'repeated' end)
                else pg_temp.outcome(a) end from pg_temp.say(id, body, more) a
$$;
select count(pg_temp.order('o' || n)) as made from generate_series(1, 12) n \gset

-- Facts, which leave the order as it is.
select pg_temp.head() as before \gset
select is(a.status, 200, 'heard'),
       is(a.body, '{"success":true,"orderId":"o1","orderNumber":"N-o1","deviceId":"till-1","state":"received","status":"new",'
          '"printStatus":"received","readyAt":null,"repeated":false}', 'exactly')
  from pg_temp.say('o1', '{"type":"order_ack","orderId":"o1","state":"received"}') a;
select is(pg_temp.types_after(:'before'), 'order.acknowledged', 'an event');
select is(pg_temp.said('o1', '{"state":"received"}'), 'received new repeated', 'again'),
       is(pg_temp.said('o1', '{"state":"printed"}'), 'printed new', 'printed'),
       is(pg_temp.said('o1', '{"state":"failed","reason":"no paper"}'), 'failed new', 'failed'),
       is(pg_temp.said('o1', '{"state":"accepted"}'), 'accepted new', 'accepted, without saying when it is ready'),
       is(pg_temp.said('o1', '{"status":"queued"}'), 'queued new', 'by the older word');
select is((select k.detail::text from pos.order_ack k where k.tenant_id = :alpha and k.order_id = 'o1' and k.state = 'received'), '{}',
          'its own fields are nothing besides');

-- accepted, with readyAt: confirmed, and the shop hears when.
select pg_temp.head() as before \gset
select is(a.status, 200, 'accepted'), is(a.body::json ->> 'status', 'confirmed', 'is confirmed'),
       is(a.body::json ->> 'readyAt', '2026-01-05T18:30:00.000Z', 'by then'),
       is(a.events[1]::json #>> '{data,readyAt}', '2026-01-05T18:30:00.000Z', 'the event tells'),
       is(a.events[2]::json #>> '{data,previousStatus}', 'new', 'and the change of status')
  from pg_temp.say('o2', '{"state":"accepted","readyAt":"2026-01-05T18:30:00Z"}') a;
select is(pg_temp.types_after(:'before'), 'order.acknowledged order.status_changed', 'two events');
select is((pg_temp.call('order_get', '{"id":"o2"}')).body::json #>> '{order,acknowledgements,0,readyAt}', '2026-01-05T18:30:00.000Z', 'shown');
select is(h.device, 'till-1', 'the history knows the device'), is(h.updated_by, 'till-1', 'by its name')
  from pos.order_status_history h where h.tenant_id = :alpha and h.order_id = 'o2' and h.status = 'confirmed';
select pg_temp.head() as before \gset
select is(pg_temp.said('o2', '{"state":"accepted","readyAt":"2026-01-05T18:30:00Z"}'), 'accepted confirmed repeated', 'again');
select is(pg_temp.types_after(:'before'), '', 'no event');
select is(pg_temp.said('o2', '{"state":"accepted","readyAt":"2026-01-05T18:45:00Z"}'), 'accepted confirmed', 'it takes longer');
select is(pg_temp.types_after(:'before'), 'order.acknowledged', 'which is news'),
       is(pg_temp.newest() ->> 'readyAt', '2026-01-05T18:45:00.000Z', 'until then');
select is(pg_temp.said('o3', '{"state":"accepted","readyAt":"2026-07-05T18:30:00"}'), 'accepted confirmed', 'the restaurant''s time'),
       is(pg_temp.newest() ->> 'status', 'confirmed', 'of the order as it is');
select is((select k.ready_at from pos.order_ack k where k.tenant_id = :alpha and k.order_id = 'o3'), '2026-07-05T17:30:00Z'::timestamptz, 'of its zone');
-- At the hours that daylight saving leaves out and repeats: the next that there is, and the later of the two.
select is(pg_temp.said('o3', '{"state":"accepted","readyAt":"2026-03-29T01:30:00"}'), 'accepted confirmed', 'an hour that is left out'),
       is(pg_temp.said('o3', '{"state":"accepted","readyAt":"2026-10-25T01:30:00"}'), 'accepted confirmed', 'one that is repeated');
select is((select k.ready_at from pos.order_ack k where k.tenant_id = :alpha and k.order_id = 'o3'), '2026-10-25T01:30:00Z'::timestamptz, 'the later one');
select is(pg_temp.said('o1', '{"state":"accepted","readyAt":"2026-01-05T18:30:00Z"}'), 'accepted confirmed', 'one that has accepted says when'),
       is(pg_temp.said('o1', '{"state":"accepted","readyAt":"2026-01-05T18:31:00Z","device_id":"b"}'), 'accepted confirmed', 'another one, too');
select is(pg_temp.try('order_update', '{"id":"o3"}', '{"status":"preparing"}'), '200', 'it is being made'),
       is(pg_temp.said('o3', '{"state":"accepted","readyAt":"2026-01-05T19:30:00Z"}'), 'accepted preparing', 'and goes on');

-- rejected: cancelled, with the reason.
select pg_temp.head() as before \gset
select is(pg_temp.said('o4', '{"state":"rejected","reason":"no noodles"}'), 'rejected cancelled', 'rejected');
select is(pg_temp.types_after(:'before'), 'order.acknowledged order.status_changed order.deleted', 'as every cancelled order');
select is(h.reason, 'no noodles', 'why') from pos.order_status_history h where h.tenant_id = :alpha and h.order_id = 'o4' and h.status = 'cancelled';
select is(pg_temp.said('o4', '{"state":"rejected","reason":"no noodles"}'), 'rejected cancelled repeated', 'again'),
       is(pg_temp.said('o4', '{"state":"rejected","device_id":"b"}'), 'rejected cancelled', 'another one, which knows no better'),
       is(pg_temp.said('o4', '{"state":"printed"}'), 'printed cancelled', 'it was printed all the same');
select is(pg_temp.said('o5', '{"state":"rejected"}'), 'rejected cancelled', 'without a reason');
select is((select h.reason from pos.order_status_history h where h.tenant_id = :alpha and h.order_id = 'o5' and h.status = 'cancelled')::text,
          'The restaurant has rejected it.', 'there is one');
select is(pg_temp.said('o2', '{"state":"rejected","reason":"fire"}'), 'rejected cancelled', 'after it was confirmed');
-- What an older till said was noted only; said anew it has its effect.
select is(pg_temp.try('order_ack', '{}', '{"order_id":"o6","status":"rejected"}'), '200', 'noted');
select is((select o.status from pos.orders o where o.tenant_id = :alpha and o.id = 'o6')::text, 'new', 'and that is all'),
       is(pg_temp.said('o6', '{"state":"rejected"}'), 'rejected cancelled repeated', 'it counts here');

-- What is over.
select is(pg_temp.said('o4', '{"state":"accepted"}'), '409 ILLEGAL_TRANSITION', 'not one that is cancelled'),
       is(a.body::json #>> '{error,message}', 'This order is cancelled: do not make it.', 'and what to do'),
       is(a.body::json #>> '{error,details}', '{"from":"cancelled","to":"confirmed"}', 'from and to')
  from pg_temp.say('o4', '{"state":"accepted","readyAt":"2026-01-05T18:30:00Z"}') a;
select is((select count(*) from pos.order_ack k where k.tenant_id = :alpha and k.order_id = 'o4' and k.state = 'accepted'), 0::bigint, 'nothing is noted');
select is(pg_temp.try('order_update', '{"id":"o7"}', '{"status":"completed"}'), '200', 'completed'),
       is(pg_temp.said('o7', '{"state":"rejected"}'), '409 ILLEGAL_TRANSITION', 'is not rejected'),
       is(pg_temp.said('o7', '{"state":"accepted"}'), '409 ILLEGAL_TRANSITION', 'nor accepted'),
       is(pg_temp.said('o7', '{"state":"printed"}'), 'printed completed', 'a ticket may be late');
select is(pg_temp.said('o3', '{"state":"accepted","readyAt":"2026-01-05T19:30:00Z"}'), 'accepted preparing repeated', 'a repeat'),
       is(pg_temp.try('order_update', '{"id":"o3"}', '{"status":"completed"}'), '200', 'whatever happened since'),
       is(pg_temp.said('o3', '{"state":"accepted","readyAt":"2026-01-05T19:30:00Z"}'), 'accepted completed repeated', 'is answered');

-- Once for a key.
select is(pg_temp.outcome(pg_temp.say('o8', '{"state":"received"}', '{"idempotencyKey":"k1"}')), '200', 'with a key'),
       is(pg_temp.outcome(pg_temp.say('o8', '{"state":"received"}', '{"idempotencyKey":"k1"}')), '200 replayed', 'the same'),
       is(pg_temp.outcome(pg_temp.say('o8', '{"state":"printed"}', '{"idempotencyKey":"k1"}')), '422 IDEMPOTENCY_KEY_REUSED', 'another');

-- Bad input.
select is(pg_temp.said(v.id, v.body), v.wanted, v.body)
  from (values ('nope', '{"state":"received"}', '404 ORDER_NOT_FOUND'),
               ('o9', '{}', '400 INVALID_STATUS'),
               ('o9', '{"state":"eaten"}', '400 INVALID_STATUS'),
               ('o9', '{"state":["received"]}', '400 INVALID_STATUS'),
               ('o9', '{"state":"accepted","readyAt":"soon"}', '400 INVALID_DATE'),
               ('o9', '{"state":"accepted","readyAt":20}', '400 INVALID_DATE'),
               ('o9', '{"state":"accepted","readyAt":"2026-02-30T10:00:00Z"}', '400 INVALID_DATE'),
               ('o9', '{"state":"rejected","reason":7}', '400 INVALID_FIELD')) v(id, body, wanted);
select is(pg_temp.try('order_answer', '{}', '{"state":"received"}'), '400 INVALID_ORDER_ID', 'which one'),
       is(pg_temp.try('order_answer', '{}', '{"orderId":"o9","state":"received"}'), '200', 'by its body, as on a socket');
-- Another restaurant's, and another kind of thing.
select pg_temp.card('GC-7', 5) \g /dev/null
select is(pg_temp.said('GC-7', '{"state":"received"}'), '404 ORDER_NOT_FOUND', 'a card is no order');
select is(pg_temp.said('o9', '{"state":"received"}', jsonb_build_object('keyHash', pg_temp.key_hash('beta', 'pos'), 'tenant', 'beta')),
          '404 ORDER_NOT_FOUND', 'another restaurant''s');
select is(pg_temp.said('o9', '{"state":"received"}', '{"scope":"platform"}'), '403 FORBIDDEN', 'the shop does not speak for the kitchen');

-- Who has it: GET /orders/{id}/delivery.
select is(pg_temp.order('d1'), '201', 'an order');
create function pg_temp.delivery(id text, more jsonb default '{}') returns json language sql as $$
    select (pg_temp.call('order_delivery', ('{"id":' || to_json(id) || '}'), null, more)).body::json
$$;
select is(d ->> 'devices', '[]', 'no device'), is(d ->> 'recorded', 'false', 'but that is not known'),
       is(d #>> '{order,printStatus}', 'pending', 'no ticket'), is(d #>> '{order,acknowledgedAt}', null, 'nobody has said so')
  from pg_temp.delivery('d1') d;
insert into pos.process (id, kind, instance, version, started_at, since, at, ready)
values (gen_random_uuid(), 'gateway', 'gw-1', '1', now(), now() - interval '1 hour', now(), true);
select is(d ->> 'recorded', 'true', 'it was written to nobody'), is(d ->> 'why', null, 'without a why') from pg_temp.delivery('d1') d;
select pos.delivery_write('gw-1', format('[{"tenant":%s,"seq":7,"order":"d1","at":"2026-01-05T18:00:00.000Z","devices":[["orderweb",12,false,["till-1","till-2"]],'
       '["socketio",15,true,["screen"]]],"more":3},{"tenant":%1$s,"seq":9,"order":"d1","at":"2026-01-05T18:00:20.000Z","devices":'
       '[["orderweb",5,false,["till-1"]]],"more":0}]', to_json(:alpha::text))::json, 0) \g /dev/null
select pg_temp.said('d1', '{"state":"printed","at":"2026-01-05T18:00:02Z"}'), pg_temp.said('d1', '{"state":"failed","device_id":"printer","reason":"no paper"}'),
       pg_temp.said('d1', '{"state":"accepted","readyAt":"2026-01-05T18:30:00Z","device_id":"screen","at":"2026-01-05T18:00:09Z"}') \g /dev/null
select is((d #> '{devices,0}')::text, '{"deviceId":"till-1","dialect":"orderweb","delivered":{"seq":7,"at":"2026-01-05T18:00:00.012Z","resumed":false},'
          '"received":null,"queued":null,"printed":"2026-01-05T18:00:02.000Z","accepted":null,"rejected":null,"failed":null,"readyAt":null,'
          '"reason":null}', 'delivered the first time, and printed'),
       is(d #>> '{devices,1,deviceId}', 'till-2', 'delivered'), is(d #>> '{devices,1,printed}', null, 'and silent'),
       is(d #>> '{devices,2,deviceId}', 'screen', 'a screen'), is(d #>> '{devices,2,readyAt}', '2026-01-05T18:30:00.000Z', 'says when'),
       is(d #>> '{devices,3,deviceId}', 'printer', 'another device'), is(d #>> '{devices,3,delivered}', null, 'which has it from elsewhere'),
       is(d #>> '{devices,3,reason}', 'no paper', 'why not'), is(d ->> 'more', '3', 'and three that have no name here'),
       is(d #>> '{order,status}', 'confirmed', 'the order')
  from pg_temp.delivery('d1') d;
select is(pg_temp.try('order_delivery', ('{"id":' || to_json(v.id) || '}'), null, v.more), v.wanted, v.id)
  from (values ('nope', '{}'::jsonb, '404 ORDER_NOT_FOUND'), ('GC-7', '{}', '404 ORDER_NOT_FOUND'), ('N-d1', '{}', '200'), ('d1', '{"scope":"platform"}', '200'),
               ('d1', jsonb_build_object('keyHash', pg_temp.key_hash('beta', 'pos'), 'tenant', 'beta'), '404 ORDER_NOT_FOUND'),
               (repeat('x', 65), '{}', '400 INVALID_ORDER_ID')) v(id, more, wanted);

-- How many hear of an order.
select is((a.body::json ->> 'tillsOnline'), '0', 'nobody') from pg_temp.call('order_create', '{}', '{"customerName":"Ada","totalAmount":1,"items":[]}') a;
select p.id as gateway from pos.process p where p.instance = 'gw-1' \gset
select pos.tills_online_write(:'gateway', format('{%s:3,%s:5}', to_json(:alpha::text), to_json(:beta::text))::json),
       pos.tills_online_write('11111111-0000-4000-8000-000000000001', format('{%s:4}', to_json(:alpha::text))::json) \g /dev/null
select is((a.body::json ->> 'tillsOnline'), '7', 'of both gateways, of this restaurant') from pg_temp.call('order_create', '{}', '{"orderId":"t1","orderNumber":"T-1","customerName":"Ada","totalAmount":1,"items":[]}') a;
select is((a.body::json ->> 'tillsOnline'), '7', 'a repeat, too') from pg_temp.call('order_create', '{}', '{"orderNumber":"T-1","orderId":"t1","customerName":"Ada","totalAmount":1,"items":[]}') a;
select pos.tills_online_write(:'gateway', format('{%s:0}', to_json(:alpha::text))::json), pos.tills_online_write(:'gateway', '{}') \g /dev/null
select is(pos.tills_online(:alpha), 4::bigint, 'they have gone'), is(pos.tills_online(:beta), 5::bigint, 'the others have not');
select pos.tills_online_forget() \g /dev/null
select is(pos.tills_online(:alpha), 0::bigint, 'a gateway that is not known any more counts for nothing'), is(pos.tills_online(:beta), 5::bigint, 'one that lives does');
select pos.process_leaves(:'gateway') \g /dev/null
select is(pos.tills_online(:beta), 0::bigint, 'until it leaves');

select is((select string_agg(v.what, ', ') from pos.violations v), null, 'all is in order');
select * from finish();
rollback;
