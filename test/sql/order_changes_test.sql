-- order_changes_test.sql - PATCH: fields, statuses, which events and in which order.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.make(id text, state text default 'new') returns void language sql as $$
    select pg_temp.call('order_create', '{}',
           format('{"orderId":"%s","customerName":"Ada","totalAmount":10,"status":"%s",'
        '"items":[{"id":"1","name":"a","price":10,"quantity":1}],"tip":1.5,"keep":{"a":[1, 2]}}', id, state))
$$;
create function pg_temp.patch(id text, body text, more jsonb default '{}') returns pos.answer language sql as $$
    select pg_temp.call('order_update', format('{"id":%s}', to_json(id)), body, '{"method":"PATCH"}'::jsonb || more)
$$;
create function pg_temp.types(a pos.answer) returns text language sql as $$
    select coalesce((select string_agg(e::json ->> 'type', ' ' order by n)
           from unnest(a.events) with ordinality x(e, n)), '-')
$$;

-- Every pair of statuses, with and without recall.
create temp table s as select * from (values (1, 'new'), (2, 'pending'), (3, 'confirmed'), (4, 'preparing'),
    (5, 'ready'), (6, 'picked_up'), (6, 'out_for_delivery'), (6, 'served'),
    (7, 'completed'), (9, 'cancelled'), (9, 'rejected')) x(rank, status);
select is(pos.order_transition_legal(a.status, b.status, false),
       a.rank < 7 and (b.rank > a.rank and b.rank <= 7 or b.status = 'cancelled' or b.status = 'rejected'
       and a.rank <= 3), a.status || ' to ' || b.status)
  from s a, s b where a.status <> b.status and a.rank <= 7;
select is(pos.order_transition_legal(a.status, b.status, true), false,
       a.status || ' to ' || b.status || ', recalled') from s a, s b where a.rank = 9 and a.status <> b.status;
select is(pos.order_transition_legal(a.status, b.status, true), true,
       a.status || ' to ' || b.status || ', recalled') from s a, s b where a.rank <= 7 and b.rank < a.rank;
select is(pos.order_transition_legal('completed', 'cancelled', true), false, 'completed cannot be cancelled');
select is(pos.order_transition_legal('ready', 'rejected', true), false, 'nor a ready one rejected');

-- A status.
select pg_temp.make('o1') \g /dev/null
create temp table h as select pg_temp.head() as head;
create temp table a as select pg_temp.patch('o1',
    '{"status":"preparing","updatedBy":"Chef","reason":"hungry"}') as a;
select is(pg_temp.outcome(a.a), '200', 'status'),
       is(pg_temp.types(a.a), 'order.status_changed', 'one event'),
       is(e ->> 'status', 'preparing', 'to'),
       is(e ->> 'previousStatus', 'new', 'from'),
       is(e ->> 'reason', 'hungry', 'why'),
       is(e ->> 'updatedBy', 'Chef', 'who'),
       is(e -> 'changes' is null, true, 'changes are for order.updated'),
       is((a.a).body::json #>> '{order,status}', 'preparing', 'in the answer'),
       is(e ->> 'updatedAt', (a.a).body::json #>> '{order,updatedAt}', 'one time')
  from a, lateral (select (a.a).events[1]::json -> 'data' as e) x;
select is(string_agg(coalesce(previous, '-') || '>' || status || ' ' || coalesce(reason,
       '-') || ' ' || coalesce(updated_by, '-'), ', ' order by id), '->new - -, new>preparing hungry Chef',
       'its history')
  from pos.order_status_history where tenant_id = :alpha and order_id = 'o1';
select is(pg_temp.types(x), '-', 'the same status again'),
       is(x.status, 200, 'is fine'),
       is(x.events, null, 'and no news')
  from pg_temp.patch('o1', '{"status":"preparing"}') x;
select is(pg_temp.outcome(x), '409 ILLEGAL_TRANSITION', 'back'),
       is(x.body::json #>> '{error,details,from}', 'preparing', 'from'),
       is(x.body::json #>> '{error,details,to}', 'new', 'to')
  from pg_temp.patch('o1', '{"status":"new"}') x;
-- What a refusal advises works, and what does not work it does not advise.
select is(pos.transition_refusal(a.status, b.status, a.status, b.status) like '%recall%',
          pos.order_transition_legal(a.status, b.status, true), a.status || ' to ' || b.status || ': advice'),
       is(pos.transition_refusal(a.status, b.status, a.status, b.status) like '%Cancel it%',
          b.status = 'rejected' and pos.order_transition_legal(a.status, 'cancelled', false)
          and not pos.order_transition_legal(a.status, b.status, true), a.status || ' to ' || b.status || ': cancelling')
  from s a, s b where a.status <> b.status and not pos.order_transition_legal(a.status, b.status, false);
select is(pg_temp.outcome(x), '409 ILLEGAL_TRANSITION', 'recall false is none')
       from pg_temp.patch('o1', '{"status":"new","recall":false}') x;
select is(pg_temp.outcome(x), '200', 'recalled'),
       is(pg_temp.types(x), 'order.status_changed', 'is news')
  from pg_temp.patch('o1', '{"status":"new","recall":true}') x;
select is(pg_temp.outcome(x), '200', 'picked-up'),
       is(x.body::json #>> '{order,status}', 'picked_up', 'is picked_up')
  from pg_temp.patch('o1', '{"status":"picked-up"}') x;

-- Cancelling.
select pg_temp.make('o2', 'confirmed') \g /dev/null
create temp table c as select pg_temp.patch('o2', '{"status":"cancelled","reason":"sold out"}') as a;
select is(pg_temp.types(c.a), 'order.status_changed order.deleted', 'two events'),
       is((c.a).events[2]::json #>> '{data,reason}', 'sold out', 'why'),
       is((c.a).events[2]::json #>> '{data,status}', 'cancelled', 'status'),
       is(((c.a).events[2]::json ->> 'seq')::bigint, ((c.a).events[1]::json ->> 'seq')::bigint + 1,
          'one after the other')
  from c;
select is(pg_temp.outcome(x), '409 ILLEGAL_TRANSITION', 'no way back from there')
       from pg_temp.patch('o2', '{"status":"confirmed","recall":true}') x;
select is(pg_temp.outcome(x), '200', 'a note may still be made'),
       is(pg_temp.types(x), 'order.updated', 'and is told')
  from pg_temp.patch('o2', '{"note":"refunded"}') x;
select pg_temp.make('o3', 'pending') \g /dev/null
select is(pg_temp.types(x), 'order.status_changed', 'rejected') from pg_temp.patch('o3', '{"status":"rejected"}') x;

-- Fields.
select pg_temp.make('o4') \g /dev/null
select is(pg_temp.types(x), v.types, v.body),
       is((x.events[1]::json #> '{data,changes}')::text, v.changes, 'changes')
  from (values (1, '{"customerName":"Ben"}', 'order.updated', '["customerName"]'),
               (2, '{"customerName":"Ben"}', '-', null),
               (3, '{"customerPhone":"07700900111"}', 'order.updated', '["customerPhone"]'),
               (4, '{"customerPhone":null}', 'order.updated', '["customerPhone"]'),
               (5, '{"orderType":"delivery","orderSource":"online","orderNumber":"N1"}', 'order.updated',
                '["orderNumber","orderType"]'),
               (6, '{"totalAmount":"10.00"}', '-', null),
               (7, '{"totalAmount":12.5}', 'order.updated', '["totalAmount"]'),
               (8, '{"items":[{"id":"1","name":"a","price":10.00,"quantity":1.0,"selectedAddons":[]}]}', '-', null),
               (9, '{"items":[]}', 'order.updated', '["items"]'),
               (10, '{"specialInstructions":"no salt"}', 'order.updated', '["specialInstructions"]'),
               (11, '{"specialInstructions":null,"tableNumber":"4"}', 'order.updated',
                '["specialInstructions","tableNumber"]'),
               (12, '{"tableNumber":4}', '-', null),
               (13, '{"scheduledFor":"2099-01-01T10:00:00Z"}', 'order.updated', '["scheduledFor"]'),
               (14, '{"scheduledFor":"2099-01-01T11:00:00+01:00"}', '-', null),
               (15, '{"tip":1.50}', '-', null),
               (16, '{"tip":2}', 'order.updated', '["tip"]'),
               (17, '{"keep":{"a":[1, 2]}}', '-', null),
               (18, '{"keep":5,"brandNew":"x"}', 'order.updated', '["keep","brandNew"]'),
               (19, '{}', '-', null),
               (20,
                '{"orderId":99,"id":"zzz","createdAt":"1999-01-01T00:00:00Z","updatedAt":"x","previousStatus":"y",'
                '"total":5}', '-', null),
               (21, '{"customerName":null,"orderType":null,"orderSource":null,"orderNumber":null,"status":null}', '-',
                null),
               (22, '{"reason":"none","updatedBy":"x"}', '-', null)) v(n, body, types, changes),
       lateral pg_temp.patch('o4', v.body) x
   order by v.n;
select is(o.id::text, 'o4', 'an order keeps its id'),
       is(o.details::text, '{"tip":2.00,"keep":5,"brandNew":"x"}', 'members in their place'),
       isnt(o.created_at, '1999-01-01', 'and its time')
  from pos.orders o where o.tenant_id = :alpha and o.id = 'o4';

-- Fields and status at once: first the event of the fields, with the old status, then that of the status.
create temp table b as select pg_temp.patch('o4', '{"specialInstructions":"hot","status":"ready"}') as a;
select is(pg_temp.types(b.a), 'order.updated order.status_changed table.ready', 'both, and its table has all'),
       is((b.a).events[1]::json #>> '{data,status}', 'new', 'still new'),
       is((b.a).events[1]::json #>> '{data,previousStatus}', 'new', 'was new'),
       is((b.a).events[1]::json #>> '{data,specialInstructions}', 'hot', 'with the change'),
       is((b.a).events[2]::json #>> '{data,status}', 'ready', 'then ready'),
       is((b.a).body::json #>> '{order,status}', 'ready', 'the answer is the end')
  from b;

-- Refusals change nothing.
create temp table before as select o::text as o, pg_temp.head() as head from pos.orders o
    where o.tenant_id = :alpha and o.id = 'o4';
select is(pg_temp.outcome(pg_temp.patch(v.id, v.body)), v.wanted, v.id || ' ' || left(v.body, 80))
  from (values ('nope', '{"status":"ready"}', '404 ORDER_NOT_FOUND'),
      ('nope', '{"status":"x"}', '400 INVALID_STATUS'), ('', '{}', '404 ORDER_NOT_FOUND'),
      ('o4', '{"status":"x"}', '400 INVALID_STATUS'), ('o4', '{"status":["ready"]}', '400 INVALID_STATUS'),
               ('o4', '{"customerName":"X","status":"new"}', '409 ILLEGAL_TRANSITION'),
                   ('o4', '{"customerName":"X","totalAmount":-1}', '400 INVALID_AMOUNT'),
                   ('o4', '{"customerName":"X","totalAmount":null}', '400 INVALID_AMOUNT'),
               ('o4', '{"customerName":"X","items":[{}]}', '400 INVALID_FIELD'),
                   ('o4', '{"customerName":"X","items":null}', '400 INVALID_FIELD'),
                   ('o4', '{"customerName":5}', '400 INVALID_FIELD'),
                   ('o4', '{"recall":"yes"}', '400 INVALID_FIELD'),
               ('o4', '{"updatedBy":5}', '400 INVALID_FIELD'), ('o4', '{"reason":[]}', '400 INVALID_FIELD'),
                   ('o4', '{"scheduledFor":"x"}', '400 INVALID_DATE'), ('o4', '[]', '400 INVALID_JSON')) v(id,
                   body, wanted);
select is(o::text, before.o, 'unmoved'),
       is(pg_temp.head(), before.head, 'untold')
  from pos.orders o, before where o.tenant_id = :alpha and o.id = 'o4';
select is(pg_temp.outcome(pg_temp.patch('o4', '{"status":"completed"}',
       jsonb_build_object('tenant', 'beta', 'keyHash', pg_temp.key_hash('beta', 'platform')))),
       '404 ORDER_NOT_FOUND', 'another tenant''s order is not there');

-- A repeat with the key.
select is(pg_temp.outcome(pg_temp.patch('o4', '{"status":"completed"}', '{"idempotencyKey":"p1"}')), '200',
          'with a key');
select is(pg_temp.outcome(pg_temp.patch('o4', '{"status":"completed"}', '{"idempotencyKey":"p1"}')), '200 replayed',
          'again');

-- A till reads frames of 4096 bytes, so an event stays lean no matter how large the order is.
select is(pg_temp.outcome(pg_temp.call('order_create', '{}',
       json_build_object('orderId', 'fat', 'customerName', 'x', 'totalAmount', 1, 'items',
       '[{"name":"a","price":1,"photo":"' || repeat('x', 100000) || '"}]', 'blob', repeat('y', 100000))::text)),
       '400 INVALID_FIELD', 'items as a text are no list');
select is(pg_temp.outcome(x), '201', 'a fat order'),
       ok(octet_length(x.events[1]) < 1000, 'a lean event'),
       ok(octet_length(x.body) > 200000, 'and all of it by REST')
  from pg_temp.call('order_create', '{}',
                    '{"orderId":"fat","customerName":"x","totalAmount":1,"items":[{"name":"a","price":1,"photo":"'
                    || repeat('x', 100000) || '"}],"blob":"' || repeat('y', 100000) || '"}') x;

-- An order cannot grow without limit.
select is(pg_temp.outcome(pg_temp.patch('o1', '{"a":"' || repeat('a', 600000) || '"}')), '200', 'large');
select is(pg_temp.outcome(pg_temp.patch('o1', '{"b":"' || repeat('b', 600000) || '"}')), '400 INVALID_FIELD',
          'too large');
select is(pg_temp.outcome(pg_temp.patch('o1', '{"a":1}')), '200', 'smaller again');

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the log is whole');
-- Orders that are deleted by SQL.
select pg_temp.make('gone-' || v.status, v.status)
  from (values ('preparing'), ('completed'), ('cancelled')) v(status) \g /dev/null
select pg_temp.commit() \g /dev/null
select pg_temp.head() as h \gset
delete from pos.orders where id like 'gone-%' and status <> 'preparing';
select pg_temp.commit() \g /dev/null
select is(pg_temp.head(), :h::bigint, 'a finished order that is deleted was not cancelled: nobody is told');
delete from pos.orders where id = 'gone-preparing';
select pg_temp.commit() \g /dev/null
select is(pg_temp.types_after(:h), 'order.deleted', 'an open one is gone for everybody');

-- Finished orders go after the time that the operator has set.
select pg_temp.make('old-' || v.status, v.status)
  from (values ('ready'), ('completed'), ('rejected')) v(status) \g /dev/null
select pg_temp.commit() \g /dev/null
alter table pos.orders disable trigger user;
update pos.orders set updated_at = now() - interval '100 days' where id like 'old-%';
alter table pos.orders enable trigger user;
select is(pos.maintain('old_orders'), 0, 'without a time none go');
update pos.setting set order_retention = '90 days';
select pg_temp.head() as h \gset
insert into pos.cleared_order (tenant_id, order_id) select o.tenant_id, o.id from pos.orders o where o.id like 'old-%';
select is(pos.maintain('old_orders'), 2, 'the finished ones go'), is(pos.maintain('old_orders'), 0, 'once');
select is((select string_agg(id, ' ') from pos.orders where id like 'old-%'), 'old-ready', 'an open one stays');
select is(pg_temp.head(), :h::bigint, 'nobody is told');
select is((select string_agg(distinct h.order_id, ' ') from pos.order_status_history h where h.order_id like 'old-%'), 'old-ready',
          'their history goes with them'),
       is((select string_agg(x.order_id, ' ') from pos.cleared_order x), 'old-ready', 'and that they were cleared');
select throws_ok($$update pos.setting set order_retention = '1 hour'$$, '23514', null, 'orders of today stay');

select * from finish();
rollback;
