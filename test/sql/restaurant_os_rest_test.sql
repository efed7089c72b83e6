-- restaurant_os_rest_test.sql - what the published client of Restaurant OS asks over REST: orders, tables, the menu.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.create_by(body text) returns pos.answer language sql as $$
    select pg_temp.call('v1_order_create', '{}', body)
$$;
create function pg_temp.table_status(id text, body text) returns text language sql as $$
    select coalesce(case when a.status = 200 then a.body::json ->> 'status' end, pg_temp.outcome(a))
      from pg_temp.call('v1_table_status', format('{"id":"%s"}', id), body) a
$$;

-- A waiter's order, as the published client sends it: prices times tax rates, not rounded; modifiers that are only
-- names; the same thing under two names.
create temp table made as select a.status, a.body::json as body, a.events
  from pg_temp.create_by('{"table_number":"7","seat_number":2,"items":[{"id":"c1","menu_item_id":"m1","name":"Ramen",'
                         '"quantity":2,"price":11.5,"modifications":["no nori"],"modifiers":[{"id":"e","name":"Egg",'
                         '"price":1}],"notes":"hot","special_instructions":"fast"},{"name":"Tea","price":"2.40",'
                         '"quantity":1,"special_instructions":"","modifiers":[]}],"notes":"by voice",'
                         '"total_amount":27.1234567,"tax":2.4657,"customer_name":"Table 7 - Seat 2","type":"dine-in",'
                         '"metadata":{"serverName":"Ben"},"status":"completed","id":"mine","colour":"red"}') a;
select is(m.status, 201, 'made'), is(m.body ->> 'status', 'pending', 'its status is ours to say'),
       isnt(m.body ->> 'id', 'mine', 'and so is its id'), is(m.body ->> 'total', '27.12', 'to the cent'),
       is(m.body ->> 'tax', '2.47', 'the tax too'), is(m.body ->> 'seat_number', '2', 'the seat'),
       is(m.body ->> 'notes', 'by voice', 'the notes'), is(m.body ->> 'order_source', 'pos', 'made in the restaurant'),
       is(m.body #>> '{metadata,serverName}', 'Ben', 'what else was said'),
       matches(m.body #>> '{items,0,special_instructions}', 'hot.*fast', 'nothing that a cook must read is dropped'),
       is(m.body #>> '{warnings,0,code}', 'AMOUNT_ROUNDED', 'what was rounded is said'),
       is(m.body #>> '{items,0,modifiers,0,name}', 'no nori', 'a modifier may be a name'),
       is(m.body #>> '{items,0,modifiers,1,price}', '1.00', 'or have a price'),
       is(m.body #>> '{items,1,special_instructions}', null, 'an empty text is none'),
       is((m.events[1])::json ->> 'type', 'order.created', 'an event')
  from made m;
select is(o.details ->> 'colour', 'red', 'unknown fields are kept'),
       is(o.items::json #>> '{0,menu_item_id}', 'm1', 'the item of the menu')
  from pos.orders o, made m where o.tenant_id = :alpha and o.id = m.body ->> 'id';
-- Without a total it is the sum: modifiers count as often as the line; then tax and tip.
select is(a.body::json ->> 'total', v.total, v.body), is(a.body::json ->> 'customer_name', v.name, 'for ' || v.name),
       is(a.body::json ->> 'order_source', v.source, 'from ' || v.source),
       is(a.body::json ->> 'subtotal', v.subtotal, 'before tax and tip')
  from (values ('{"items":[{"name":"A","price":11.5,"quantity":2,"modifiers":[{"name":"E","price":1}]}],"tip":1.5,"type":"kiosk"}',
                '26.50', 'Guest', 'kiosk', '25.00'),
               ('{"items":[{"name":"A","price":1.25,"quantity":3}],"tax":0.305,"tableNumber":4}', '4.06', 'Table 4', 'online', '3.75'),
               ('{"items":[{"name":"A","price":1,"quantity":1}],"total":9,"order_type":"takeout","customerName":"Zoë"}',
                '9.00', 'Zoë', 'online', '9.00')) v(body, total, name, source, subtotal),
       pg_temp.create_by(v.body) a;
select is(pg_temp.outcome(pg_temp.create_by(v.body)), v.wanted, v.body)
  from (values ('{}', '400 INVALID_FIELD'),
               ('{"items":[]}', '400 INVALID_FIELD'),
               ('{"items":{}}', '400 INVALID_FIELD'),
               ('{"items":[7]}', '400 INVALID_FIELD'),
               ('{"items":[{"name":"A","price":1}],"total_amount":-1}', '400 INVALID_AMOUNT'),
               ('{"items":[{"name":"A","price":1}],"total_amount":"x"}', '400 INVALID_AMOUNT'),
               ('{"items":[{"name":"A"}]}', '400 INVALID_AMOUNT'),
               ('{"items":[{"name":"A","price":1}],"type":7}', '400 INVALID_FIELD'),
               ('{"items":[{"name":"A","price":1}],"restaurant_id":"beta"}', '403 PERMISSION_DENIED'),
               ('{"items":[{"name":"A","price":1}],"restaurant_id":"alpha"}', '201')) v(body, wanted);

-- Its status. `served` is stored as it is, and has its own list.
select is(a.status, 200, 'served'), is(a.body::json ->> 'status', 'picked-up', 'in the word of that client'),
       is((a.events[1])::json ->> 'type', 'order.status_changed', 'an event')
  from made m, pg_temp.call('v1_order_status', format('{"id":"%s"}', m.body ->> 'id'), '{"status":"served","notes":"gone"}') a;
select is(o.status, 'served', 'as it was said'),
       is((select h.reason from pos.order_status_history h where h.order_id = o.id order by h.id desc limit 1), 'gone', 'why')
  from pos.orders o, made m where o.tenant_id = :alpha and o.id = m.body ->> 'id';
select is(json_array_length(a.body::json), v.found, v.query)
  from (values ('{"status":"served"}', 1), ('{"status":"Served"}', 1), ('{"status":"picked_up"}', 1),
               ('{"status":"picked-up,pending"}', 5), ('{"table_number":"7"}', 1), ('{"table_number":"8"}', 0),
               ('{"startDate":"2020-01-01T00:00:00Z"}', 5), ('{"startDate":"2999-01-01T00:00:00Z"}', 0),
               ('{"endDate":"2020-01-01T00:00:00Z"}', 0), ('{"startDate":""}', 5)) v(query, found),
       pg_temp.call('v1_orders', '{}', null, jsonb_build_object('query', v.query::jsonb, 'method', 'GET')) a;
select is(pg_temp.outcome(pg_temp.call('v1_orders', '{}', null, '{"query":{"endDate":"tomorrow"},"method":"GET"}')),
          '400 INVALID_DATE', 'a date that is none');

-- Pages behind an order: each order once and in the list's order, also when several were made at one moment, and when
-- new ones come meanwhile.
insert into pos.orders (tenant_id, id, customer_name, total_amount, items, order_type, table_number, created_at)
select :alpha, 'at-once-' || n, 'Ada', 1, '[]', case when n % 2 = 0 then 'delivery' else 'dine-in' end, (n % 2)::text,
       timestamptz '2026-01-05 18:00' + interval '1 minute' * (n / 5) from generate_series(1, 12) n order by md5(n::text);
create function pg_temp.listed(query jsonb) returns text[] language sql as $$
    select coalesce(array_agg(o.value ->> 'id' order by o.n), '{}')
      from json_array_elements((pg_temp.call('v1_orders', '{}', null, jsonb_build_object('query', query, 'method', 'GET'))).body::json)
           with ordinality o(value, n)
$$;
create function pg_temp.pages(query jsonb, size int) returns text[] language plpgsql as $$
declare
    page text[];
    all_of text[] := '{}';
begin
    loop
        page := pg_temp.listed(query || jsonb_build_object('limit', size::text, 'after', all_of[cardinality(all_of)]));
        exit when cardinality(page) = 0;
        all_of := all_of || page;
        if cardinality(all_of) = size then
            insert into pos.orders (tenant_id, customer_name, total_amount, items, created_at)
            values ('aaaaaaaa-0000-4000-8000-000000000001', 'New', 1, '[]', clock_timestamp());
        end if;
    end loop;
    return all_of;
end $$;
create temp table paged as
    select v.query, v.size, pg_temp.listed(v.query::jsonb || '{"limit":"500"}') as whole, pg_temp.pages(v.query::jsonb, v.size) as pages
      from (values ('{}', 1), ('{}', 5), ('{"type":"delivery"}', 1), ('{"type":"dine-in"}', 4), ('{"table_number":"1"}', 2),
                   ('{"status":"new"}', 3), ('{"endDate":"2026-01-05T18:01:00Z"}', 2), ('{"type":"dine-in","table_number":"1"}', 1)) v(query, size);
select is(pages, whole, query || ' in pages of ' || size), cmp_ok(cardinality(whole), '>', 4, 'several') from paged;
select is(pg_temp.outcome(pg_temp.call('v1_orders', '{}', null, '{"query":{"after":"nope"},"method":"GET"}')),
          '400 INVALID_FIELD', 'behind an order that is not there');
delete from pos.orders where tenant_id = :alpha and (id like 'at-once-%' or customer_name = 'New');
select is(pg_temp.outcome(pg_temp.call('v1_order_status', format('{"id":"%s"}', v.id), v.body)), v.wanted, v.id || ' ' || v.body)
  from made m, lateral (values ('nope', '{"status":"ready"}', '404 ORDER_NOT_FOUND'),
               (m.body ->> 'id', '{}', '400 VALIDATION_ERROR'),
               (m.body ->> 'id', '{"status":"eaten"}', '400 VALIDATION_ERROR'),
               (m.body ->> 'id', '{"status":"preparing"}', '409 INVALID_TRANSITION'),
               (upper(m.body ->> 'id'), '{"status":"completed"}', '200')) v(id, body, wanted);
-- The published client writes the names of sockets' requests in snake case.
select is(pg_temp.outcome(pg_temp.call('order_status', '{}', format(
          '{"order_id":"%s","status":"completed","restaurant_id":"alpha"}', m.body ->> 'id'))), '200', 'snake case') from made m;
select is(pg_temp.outcome(pg_temp.call('table_complete', '{}', '{"table_number":"4"}')), '200', 'of tables too');
select is(pg_temp.outcome(pg_temp.call(v.name, '{}', v.body)), '403 PERMISSION_DENIED', v.name || ': another restaurant')
  from (values ('orders_sync', '{"restaurant_id":"beta"}'),
               ('table_complete', '{"table_number":"4","restaurant_id":"beta"}')) v(name, body);

-- The floor.
insert into pos.tables (tenant_id, id, number, seats, details, deleted_at) values
    (:alpha, 't10', '10', 4, '{"x_pos":7.5,"y":9,"shape":"circle","section":"Hall"}', null),
    (:alpha, 't9', '9', 2, '{"shape":"star","x":"left"}', null),
    (:alpha, 'gone', '1', 2, '{}', now()),
    (:beta, 'tb', '1', 2, '{}', null);
select is(string_agg(concat_ws(' ', t ->> 'id', t ->> 'label', t ->> 'x', t ->> 'y', t ->> 'type', t ->> 'z_index'), ', ' order by n),
          't9 9 40 40 square 1, t10 10 7.5 9 circle 2', 'by number, with a place')
  from pg_temp.call('v1_tables', '{}') a, json_array_elements(a.body::json) with ordinality x(t, n);
select is(pg_temp.outcome(pg_temp.call('v1_table', format('{"id":"%s"}', v.id))), v.wanted, v.id)
  from (values ('t9', '200'), ('gone', '404 TABLE_NOT_FOUND'), ('tb', '404 TABLE_NOT_FOUND')) v(id, wanted);
select is(pg_temp.table_status(v.id, v.body), v.wanted, v.body)
  from (values ('t9', '{"status":"occupied","orderId":"o1"}', 'occupied'),
               ('t9', '{"status":"paid"}', 'paid'),
               ('t9', '{"status":"x"}', '400 VALIDATION_ERROR'),
               ('t9', '{}', '400 VALIDATION_ERROR'),
               ('gone', '{"status":"occupied"}', '404 TABLE_NOT_FOUND'),
               ('tb', '{"status":"occupied"}', '404 TABLE_NOT_FOUND')) v(id, body, wanted);
select is(t.status::text, 'occupied', 'the others see it as occupied'), is(t.order_id, 'o1', 'with its order')
  from pos.tables t where t.tenant_id = :alpha and t.id = 't9';
-- `paid` counts until anybody gives the table another status.
update pos.tables set status = 'cleaning' where tenant_id = :alpha and id = 't9';
update pos.tables set status = 'occupied' where tenant_id = :alpha and id = 't9';
select is((pg_temp.call('v1_table', '{"id":"t9"}')).body::json ->> 'status', 'occupied', 'new guests have not paid');
select is(pg_temp.table_status('t9', '{"status":"unavailable"}'), 'unavailable', 'unavailable'),
       is(pg_temp.table_status('t9', '{"status":"reserved"}'), 'reserved', 'reserved'),
       is(pg_temp.table_status('t9', '{"status":"Available"}'), 'available', 'available');
select is(t.order_id, null, 'and has no order any more') from pos.tables t where t.tenant_id = :alpha and t.id = 't9';

-- The menu.
insert into pos.categories (tenant_id, id, sort_order) values (:alpha, 'Small plates', 2), (:alpha, 'Noodles', 1);
insert into pos.menu_items (tenant_id, id, name, price, category, available, image, details) values
    (:alpha, 'm2', 'Udon', 10.8, 'Noodles', false, 'data:image/png;base64,AAAA', '{"dietary_flags":["vegan"]}'),
    (:alpha, 'm1', 'Edamame', 4.2, 'Green & raw', true, 'https://pictures.example/e.jpg', '{"modifiers":7}'),
    (:beta, 'mb', 'Soup', 9, 'Starters', true, null, '{}');
select is(a.body::json -> 'categories' #>> '{0,slug}', 'noodles', 'in their order'),
       is(a.body::json -> 'categories' #>> '{1,slug}', 'small-plates', 'a word for addresses'),
       is(a.body::json -> 'categories' #>> '{2,slug}', 'green-raw', 'one that only items name'),
       is(json_array_length(a.body::json -> 'items'), 2, 'its own items'),
       is(a.body::json #>> '{items,0,name}', 'Edamame', 'by name'),
       is(a.body::json #>> '{items,0,image_url}', 'https://pictures.example/e.jpg', 'the address of a picture'),
       is(a.body::json #>> '{items,0,modifiers}', '[]', 'what is no list is none'),
       is(a.body::json #>> '{items,1,is_available}', 'false', 'sold out'),
       is(a.body::json #>> '{items,1,image_url}', null, 'a picture itself is left out'),
       is(a.body::json #>> '{items,1,dietary_flags,0}', 'vegan', 'what else is known')
  from pg_temp.call('v1_menu', '{}') a;
select is((pg_temp.call('v1_menu_items', '{}')).body::json::text, (pg_temp.call('v1_menu', '{}')).body::json ->> 'items', 'alone'),
       is((pg_temp.call('v1_menu_categories', '{}')).body::json::text, (pg_temp.call('v1_menu', '{}')).body::json ->> 'categories', 'alone');

select * from finish();
rollback;
