-- order_ladder_test.sql - an order that no device has acknowledged: offered again, told of, told of louder, cancelled.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.order(id text, more text default '') returns text language sql as $$
    select pg_temp.try('order_create', '{}', format('{"orderId":%s,"orderNumber":"N-%s","customerName":"Ada","totalAmount":1,"items":[]%s}',
                                                     to_json(id), id, more))
$$;
create function pg_temp.mode(tenant text default 'alpha') returns text language sql as $$
    select t.order_ladder from dinedesk_main.tenants t where t.slug = tenant
$$;
-- In how many seconds, and which rung: "20 0".
create function pg_temp.next(id text) returns text language sql as $$
    select round(extract(epoch from t.due - clock_timestamp())) || ' ' || t.step from pos.timer t where t.object = id
$$;
-- So much time goes by, then what is due happens: "order.offered 0", or with its severity "kitchen.alert 3".
create function pg_temp.pass(seconds numeric) returns text language sql as $$
    update pos.timer set due = due - seconds * interval '1 second';
    select coalesce(string_agg(concat_ws(' ', r.event::json ->> 'type', r.event::json #>> '{data,severity}'), ' ' order by (r.event::json ->> 'seq')::bigint), '')
      from pos.timers_run(100) r where r.event is not null
$$;

-- What the console says of it: "offered next, warned later, urgent later".
create function pg_temp.ladder(id text) returns text language sql as $$
    select string_agg(concat_ws(' ', l ->> 'what', l ->> 'state'), ', ' order by n)
      from pos.orders o, json_array_elements(pos.console_ladder(o, (select min(e.at) from pos.event e
             where e.tenant_id = o.tenant_id and e.type = 'order.offered' and e.data ->> 'orderId' = o.id))) with ordinality x(l, n)
     where o.id = ladder.id
$$;

-- Off until a device speaks.
select is(pg_temp.mode(), 'auto', 'as it is made');
select is(pg_temp.order('a1'), '201', 'an order'), is(pg_temp.next('a1'), null, 'that nobody waits for'), is(pg_temp.ladder('a1'), null, 'is on no ladder');
select is(pg_temp.try('order_ack', '{}', '{"order_id":"a1","status":"printed"}'), '200', 'an older till, which asks now and then'),
       is(pg_temp.mode(), 'auto', 'does not turn it on');
select is(pg_temp.try('order_answer', '{"id":"nope"}', '{"state":"received"}'), '404 ORDER_NOT_FOUND', 'nor what is refused'), is(pg_temp.mode(), 'auto', 'it is not');
select is(pg_temp.try('order_answer', '{"id":"a1"}', '{"state":"received"}'), '200', 'an order_ack'), is(pg_temp.mode(), 'on', 'does');
select is(pg_temp.mode('beta'), 'auto', 'for this restaurant alone'),
       is((select a.subject from pos.audit a where a.tenant_id = :alpha and a.action = 'order_ladder.on')::text, 'the first order_ack', 'and it is in the audit');

-- The rungs, each once, each at its time from the first one on.
select is(pg_temp.order('l1'), '201', 'an order'), is(pg_temp.next('l1'), '20 0', 'offered again in 20 seconds'),
       is(pg_temp.ladder('l1'), 'offered next, warned later, urgent later', 'what a console says of it');
select is(pg_temp.pass(19), '', 'not before');
select is(pg_temp.pass(1.2), 'order.offered', 'offered'), is(pg_temp.next('l1'), '40 1', 'at 60 seconds');
select is(pg_temp.newest() ->> 'orderId', 'l1', 'the same order'), is(pg_temp.newest() ->> 'customerName', 'Ada', 'as a whole');
select is(pg_temp.pass(39), '', 'not twice');
select is(pg_temp.pass(1), 'kitchen.alert 3', 'told'), is(pg_temp.next('l1'), '120 2', 'at 180 seconds'),
       is(pg_temp.ladder('l1'), 'offered done, warned done, urgent next', 'and where it is then');
select is(pg_temp.newest()::text, '{"type":"warning","message":"Order N-l1 waits for a minute, and no device has acknowledged it. Look at the till.",'
          '"severity":3,"orderId":"l1","tableNumber":null,"station":null}', 'as every alert');
select is(pg_temp.pass(120), 'kitchen.alert 5', 'told again'), is(pg_temp.next('l1'), null, 'that was all');
select is(pg_temp.newest() ->> 'message', 'Order N-l1 waits for 3 minutes, and no device has acknowledged it. Call the restaurant.', 'and what to do');
select is((select o.status from pos.orders o where o.tenant_id = :alpha and o.id = 'l1')::text, 'new', 'nobody cancels it'),
       is(pg_temp.ladder('l1'), 'offered done, warned done, urgent done', 'nobody is left to tell');

-- The event names who has acknowledged before, whatever became of the connection, and nobody else.
create function pg_temp.offered_to() returns text language sql as $$
    select coalesce((select e.origin ->> 'devices' from pos.event e where e.tenant_id = (select t.id from dinedesk_main.tenants t where t.slug = 'alpha')
                        and e.type = 'order.offered' order by e.seq desc limit 1), '-')
$$;
select is(pg_temp.offered_to(), '["till-1"]', 'one has, whose request said so');
select is(pg_temp.order('n' || n), '201', 'an order') from generate_series(1, 4) n;
select is(pg_temp.try('order_answer', '{"id":"n1"}', '{"state":"received","deviceId":"till-\"1\""}'), '200', 'one that says its name'),
       is(pg_temp.try('order_ack', '{}', '{"order_id":"n2","status":"printed","device_id":"old"}'), '200', 'an older till'),
       is(pg_temp.try('order_answer', '{"id":"nope"}', '{"state":"received","deviceId":"mistaken"}'), '404 ORDER_NOT_FOUND', 'one that was refused'),
       is(pg_temp.try('order_answer', '{"id":"n1"}', '{"state":"printed","deviceId":"till-\"1\""}'), '200', 'and the first one again');
select is(pg_temp.pass(20), 'order.offered order.offered', 'two are left'), is(pg_temp.offered_to(), '["till-\"1\"","till-1"]', 'it, and who spoke for it');
update pos.acking_device set at = now() - interval '30 days 1 minute';
select is(pg_temp.order('n5'), '201', 'an order'), is(pg_temp.pass(20), 'order.offered', 'much later'), is(pg_temp.offered_to(), '[]', 'it is forgotten');
select is(pg_temp.try('order_answer', '{"id":"n5"}', '{"state":"received","deviceId":"till-\"1\""}'), '200', 'until it speaks again');
select is((select count(*) from pos.acking_device a where a.at > now() - interval '1 minute'), 2::bigint, 'noted');
delete from pos.timer;
select is(pg_temp.try('order_answer', '{"id":"n3"}', '{"state":"received","deviceId":"' || x || '"}'), '200', x)
  from (select 'till ' || n as x from generate_series(1, 210) n) n;
select is(pg_temp.order('n6'), '201', 'an order'), is(pg_temp.pass(20), 'order.offered', 'offered'),
       is(json_array_length(pg_temp.offered_to()::json), 200, 'to so many at most');
delete from pos.acking_device;
delete from pos.orders where tenant_id = :alpha and id like 'n%';
delete from pos.timer;

-- Where the restaurant wants it, it is cancelled in the end.
update dinedesk_main.tenants set order_ladder_rejects = true where slug = 'alpha';
select is(pg_temp.order('r1'), '201', 'an order'), is(pg_temp.pass(20), 'order.offered', '20'), is(pg_temp.pass(40), 'kitchen.alert 3', '60'),
       is(pg_temp.pass(120), 'kitchen.alert 5', '180'), is(pg_temp.next('r1'), '300 3', 'at 480 seconds'),
       is(pg_temp.pass(300), 'order.status_changed order.deleted', 'cancelled'), is(pg_temp.next('r1'), null, 'that was all');
select is(h.status::text, 'cancelled', 'cancelled'), is(h.reason, 'Nobody in the restaurant has acknowledged it.', 'why'), is(h.key_id, null, 'by nobody')
  from pos.order_status_history h where h.tenant_id = :alpha and h.order_id = 'r1' order by h.id desc limit 1;

-- An acknowledgement ends it, by whichever way it came.
select is(pg_temp.order('e' || n), '201', 'an order') from generate_series(1, 4) n;
select is(pg_temp.try('order_answer', '{"id":"e1"}', '{"state":"received"}'), '200', 'an order_ack'), is(pg_temp.next('e1'), null, 'ends it'), is(pg_temp.ladder('e1'), null, 'for the console, too'),
       is(pg_temp.try('order_ack', '{}', '{"order_id":"e2","status":"queued"}'), '200', 'the older address'), is(pg_temp.next('e2'), null, 'ends it'),
       is(pg_temp.try('order_received', '{"id":"e3"}', '{}'), '200', 'a confirmation'), is(pg_temp.next('e3'), null, 'ends it'),
       is(pg_temp.try('order_ack_batch', '{}', '{"acknowledgments":[{"order_id":"e4","status":"printed"}]}'), '200', 'a batch'), is(pg_temp.next('e4'), null, 'ends it');
-- In its middle, too; and so does whoever moves it on, cancels it or deletes it.
select is(pg_temp.order('m' || n), '201', 'an order') from generate_series(1, 4) n;
select is(pg_temp.pass(20), 'order.offered order.offered order.offered order.offered', 'all four');
select is(pg_temp.try('order_answer', '{"id":"m1"}', '{"state":"accepted","readyAt":"2026-01-05T18:00:00Z"}'), '200', 'accepted'),
       is(pg_temp.try('order_update', '{"id":"m2"}', '{"status":"preparing"}'), '200', 'begun'),
       is(pg_temp.try('order_update', '{"id":"m3"}', '{"status":"cancelled"}'), '200', 'cancelled');
delete from pos.orders where tenant_id = :alpha and id = 'm4';
select is(pg_temp.pass(40), '', 'nobody is told');
select is((select count(*) from pos.timer), 0::bigint, 'and nothing is left');

-- Which orders.
select is(pg_temp.order('w1', ',"orderSource":"pos"'), '201', 'of the till'), is(pg_temp.next('w1'), null, 'the till has it'),
       is(pg_temp.order('w2', ',"status":"confirmed"'), '201', 'that is confirmed'), is(pg_temp.next('w2'), null, 'somebody has it'),
       is(pg_temp.order('w3', ',"status":"pending"'), '201', 'that is pending'), is(pg_temp.next('w3'), '20 0', 'waits');
insert into pos.orders (tenant_id, id, customer_name, total_amount, items) values (:alpha, 'w4', 'Ada', 1, '[]'), (:beta, 'w5', 'Ada', 1, '[]');
select pg_temp.commit() \g /dev/null
select is(pg_temp.next('w4'), '20 0', 'by plain SQL'), is(pg_temp.next('w5'), null, 'of a restaurant with the ladder');
update pos.orders set customer_name = 'Eve' where tenant_id = :alpha and id = 'w4';
select is(pg_temp.try('order_create', '{}', '{"orderId":"w4","customerName":"Ada","totalAmount":1,"items":[]}'), '409 ORDER_EXISTS', 'once');
select is((select count(*) from pos.timer), 2::bigint, 'one for an order');
update dinedesk_main.tenants set order_ladder = 'off' where slug = 'alpha';
select is(pg_temp.pass(20), '', 'turned off, it ends'), is(pg_temp.order('w6'), '201', 'an order'), is(pg_temp.next('w6'), null, 'that nobody waits for'),
       is(pg_temp.try('order_answer', '{"id":"w6"}', '{"state":"received"}'), '200', 'an order_ack'), is(pg_temp.mode(), 'off', 'turns on nothing that was turned off');
update dinedesk_main.tenants set order_ladder = 'on' where slug = 'alpha';

-- After a while without a bridge, or a restore: what says most, once; and nobody's order is cancelled for that.
select is(pg_temp.order('t1'), '201', 'an order'), is(pg_temp.pass(70), '', 'late: the first is left out'), is(pg_temp.next('t1'), '-10 1', 'since the second is due'),
       is(pg_temp.pass(0), 'kitchen.alert 3', 'which comes'), is(pg_temp.next('t1'), '110 2', 'and the third in its time');
select is(pg_temp.pass(36000), '', 'hours later'), is(pg_temp.pass(0), 'kitchen.alert 5', 'told');
select is((select o.status from pos.orders o where o.tenant_id = :alpha and o.id = 't1')::text, 'new', 'and not cancelled'), is(pg_temp.next('t1'), null, 'that was all');
select matches(pg_temp.newest() ->> 'message', '^Order N-t1 waits for 60[0-9] minutes, ', 'for how long');
select is(pg_temp.order('t2'), '201', 'an order'), is(pg_temp.pass(20), 'order.offered', '20'), is(pg_temp.pass(40), 'kitchen.alert 3', '60'),
       is(pg_temp.pass(120), 'kitchen.alert 5', '180'), is(pg_temp.pass(359), 'order.status_changed order.deleted', 'within a minute it is cancelled');

-- What tillctl sets.
select is((select s.order_ladder from pos.tenant_show('alpha') s), 'on, cancels', 'shown');
select pos.tenant_order_ladder_set('alpha', 'auto', 'off') \g /dev/null
select is((select s.order_ladder from pos.tenant_show('alpha') s), 'auto', 'set'),
       is((select a.detail from pos.audit a where a.tenant_id = :alpha and a.action = 'tenant.set' order by a.at desc limit 1)::text,
          'order_ladder: on -> auto; order_ladder_rejects: true -> false', 'and noted');
select pos.tenant_order_ladder_set('alpha', null, null) \g /dev/null
select is(pg_temp.mode(), 'auto', 'what is not given stays');
select throws_ok($$select pos.tenant_order_ladder_set('alpha', 'loud', null)$$, 'TWREF', null, 'a word that it does not know'),
       throws_ok($$select pos.tenant_order_ladder_set('alpha', null, 'maybe')$$, 'TWREF', null, 'nor this one'),
       throws_ok($$select pos.tenant_order_ladder_set('nobody', 'on', null)$$, 'TWREF', null, 'nobody');

select is((select string_agg(v.what, ', ') from pos.violations v), null, 'all is in order');
select * from finish();
rollback;
