-- order_archive_test.sql - orders that were finished long ago: what was known of them is kept, and nothing happens to them
-- any more.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.make(id text, state text default 'new') returns void language sql as $$
    select pg_temp.call('order_create', '{}',
           format('{"orderId":"%s","customerName":"Ada","totalAmount":10,"status":"%s",'
        '"items":[{"id":"1","name":"a","price":10,"quantity":1}],"tip":1.5,"keep":{"a":[1, 2]}}', id, state))
$$;
select pg_temp.make('arch-' || v.status, v.status)
  from (values ('ready'), ('completed'), ('cancelled')) v(status) \g /dev/null
select pg_temp.commit() \g /dev/null
update pos.orders set details = '{"tip":null,"note":"a\\u00e4"}', special_instructions = 'ring' where id = 'arch-completed';
select pg_temp.call('order_ack', '{}', '{"order_id":"arch-completed","status":"printed","device_id":"till-1"}') \g /dev/null
select pg_temp.commit() \g /dev/null
alter table pos.orders disable trigger user;
update pos.orders set updated_at = now() - interval '401 days' where id like 'arch-%';
alter table pos.orders enable trigger user;
select row_to_json(o.*)::text as was from pos.orders o where id = 'arch-completed' \gset
select (pg_temp.call('order_get', '{"id":"arch-completed"}')).body as shown \gset
select json_agg(h.* order by h.id)::text as history from pos.order_history h where h.order_id = 'arch-completed' \gset
select is((select order_archive from pos.setting), interval '400 days', 'after four hundred days');
update pos.setting set order_archive = null;
select is(pos.maintain('old_orders'), 0, 'or never');
update pos.setting set order_archive = '400 days';
select pg_temp.head() as h \gset
select is(pos.maintain('old_orders'), 2, 'the finished ones are archived'), is(pos.maintain('old_orders'), 0, 'once');
select is(pg_temp.head(), :h::bigint, 'nobody is told');
select is((select string_agg(id, ' ' order by id) from pos.orders where id like 'arch-%'), 'arch-ready', 'an open one stays');
select is((select row_to_json(pos.order_archived(tenant_id, id))::text from pos.order_archive where id = 'arch-completed'), :'was', 'each as it was'),
       is((select count(*)::int from pos.order_status_history where order_id = 'arch-completed'), 0, 'which has moved too');
select is((select json_agg(h.* order by h.id)::text from pos.order_history h where h.order_id = 'arch-completed'), :'history',
          'people find its history as before'),
       is((select string_agg(id || ' ' || status, ' ' order by id) from pos.order_archive),
          'arch-cancelled cancelled arch-completed completed', 'and it in the archive');
select matches((pg_temp.call('order_get', '{"id":"arch-completed"}')).body, '"deviceId":"till-1"', 'with what devices have said'),
       is((pg_temp.call('order_get', '{"id":"arch-completed"}')).body, :'shown', 'it is read as before');
select is(pg_temp.try('order_update', '{"id":"arch-completed"}', '{"status":"preparing"}'), '409 ORDER_ARCHIVED', 'and not changed'),
       is(pg_temp.try('order_ack', '{}', '{"order_id":"arch-completed","status":"printed"}'), '409 ORDER_ARCHIVED', 'nor acknowledged'),
       is(pg_temp.try('v1_order', '{"id":"arch-completed"}', '{}'), '409 ORDER_ARCHIVED', 'who reads it elsewhere is told where'),
       is(pg_temp.try('order_update', '{"id":"arch-none"}', '{"status":"preparing"}'), '404 ORDER_NOT_FOUND', 'another is not there'),
       is(pg_temp.try('order_create', '{}', '{"orderId":"arch-completed","customerName":"A","totalAmount":1,"items":[]}'),
          '409 ORDER_EXISTS', 'its id is taken'),
       matches((pg_temp.call('order_create', '{}', '{"orderId":"arch-completed","customerName":"A","totalAmount":1,"items":[]}')).body,
               'an archived order with this id, which stays as it is', 'and the advice is one that works');
select throws_ok($$insert into pos.orders (tenant_id, id, customer_name, total_amount, items) select tenant_id, id, 'A', 1, '[]'
                     from pos.order_archive where id = 'arch-completed'$$, '23505', null, 'for writers of SQL too');
update pos.setting set order_retention = '500 days';
select is(pos.maintain('old_orders'), 0, 'it stays as long as orders are kept');
update pos.setting set order_retention = '400 days';
select is(pos.maintain('old_orders'), 2, 'and no longer');
select is((select count(*)::int from pos.order_archive), 0, 'then nothing is left');

-- What is added to orders has to be kept too.
select is((select string_agg(a.attname || ' ' || a.atttypid::regtype, ', ' order by a.attnum) from pg_attribute a
            where a.attrelid = 'pos.order_archive'::regclass and a.attnum > 4 and not a.attisdropped),
          (select string_agg(a.attname || ' ' || a.atttypid::regtype, ', ' order by a.attnum) from pg_attribute a
            where a.attrelid = 'pos.orders'::regclass and a.attnum > 0 and not a.attisdropped), 'it has the columns of orders');
select * from finish();
rollback;
