-- samples_test.sql - the sample orders and every row of the vectors that reaches SQL.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

-- Twelve orders come back as they were sent, digit for digit.
\set samples `cat test/samples/orders.json`
create temp table sample as select n, s ->> 'case' as name, s -> 'order' as o
    from json_array_elements((:'samples')::json -> 'orders') with ordinality x(s, n);
create temp table got as select n, pg_temp.call('order_create', '{}', o::text) as a from sample order by n;
select is((g.a).status, 201, s.name || ' created'),
       is((r -> 'id')::text, (s.o -> 'orderId')::text, 'id'),
       is((r -> 'totalAmount')::text, (s.o -> 'totalAmount')::text, 'total'),
       is(r ->> 'orderNumber', s.o ->> 'orderNumber', 'number'),
       is(r ->> 'customerName', s.o ->> 'customerName', 'name'),
       is(r ->> 'customerPhone', s.o ->> 'customerPhone', 'phone'),
       is(r ->> 'status', s.o ->> 'status', 'status'),
       is(r ->> 'orderType', s.o ->> 'orderType', 'type'),
       is(r ->> 'specialInstructions', s.o ->> 'specialInstructions', 'instructions'),
       is((r ->> 'createdAt')::timestamptz, date_trunc('milliseconds', (s.o ->> 'createdAt')::timestamptz), 'created'),
       is((r ->> 'scheduledFor')::timestamptz, (s.o ->> 'scheduledFor')::timestamptz, 'scheduled'),
       is(r ->> 'tableNumber', s.o ->> 'tableNumber', 'table'),
       ok((r -> 'items')::jsonb @> (s.o -> 'items')::jsonb, 'lines'),
       is(json_array_length(r -> 'items'), json_array_length(s.o -> 'items'), 'all of them'),
       is((select string_agg((i -> 'price')::text, ' ' order by n)
             from json_array_elements(r -> 'items') with ordinality x(i, n)),
          (select string_agg((i -> 'price')::text, ' ' order by n)
             from json_array_elements(s.o -> 'items') with ordinality x(i, n)), 'prices, digit for digit'),
       is((select string_agg((i -> 'quantity')::text, ' ' order by n)
             from json_array_elements(r -> 'items') with ordinality x(i, n)),
          (select string_agg((i -> 'quantity')::text, ' ' order by n)
             from json_array_elements(s.o -> 'items') with ordinality x(i, n)), 'quantities too'),
       is((select string_agg(k || ':' || (r -> k)::text, ' ' order by k)
             from json_object_keys(s.o) k
            where not pos.is_order_field(k)),
          (select string_agg(k || ':' || (s.o -> k)::text, ' ' order by k)
             from json_object_keys(s.o) k
            where not pos.is_order_field(k)), 'and all the rest, verbatim'),
       is(e ->> 'type', 'order.created', 'its event'),
       is((e #> '{data,orderId}')::text, (s.o -> 'orderId')::text, 'with the id'),
       is((e #> '{data,totalAmount}')::text, (s.o -> 'totalAmount')::text, 'with the total'),
       is((select string_agg(k, ' ' order by n) from json_object_keys(e -> 'data') with ordinality x(k, n)),
          'orderId orderNumber customerName customerPhone orderType orderSource status totalAmount items '
          'specialInstructions scheduledFor createdAt tableNumber updatedAt previousStatus version',
          'its fields in order')
  from sample s
    join got g using (n), lateral (select (g.a).body::json -> 'order' as r, (g.a).events[1]::json as e) x
   order by s.n;
select is((select string_agg(distinct k, ' ')
             from got g, json_array_elements((g.a).events[1]::json #> '{data,items}') i, json_object_keys(i) k),
          'id menuItemId name price quantity selectedAddons specialInstructions', 'lines of events are lean');
select is((select string_agg(distinct k, ' ')
             from got g, json_array_elements((g.a).events[1]::json #> '{data,items}') i,
                  json_array_elements(i -> 'selectedAddons') d, json_object_keys(d) k), 'id name price quantity',
          'add-ons too');

-- Vectors. Invalid JSON never reaches SQL, and control characters have been removed before.
\set vectors `cat test/samples/vectors.json`
create temp table vector as select e.key as area, v, n
    from json_each((:'vectors')::json) e,
    json_array_elements(case when json_typeof(e.value) = 'array' then e.value end) with ordinality x(v, n)
    where json_typeof(e.value) = 'array';
create function pg_temp.vector(area_wanted text) returns table (v json, n bigint) language sql as $$
    select x.v, x.n from vector x where x.area = area_wanted and x.v ->> 'code' is distinct
           from 'INVALID_JSON' and x.v ->> 'code' is distinct from 'DUPLICATE_FIELD'
       and x.v ->> 'code' is distinct from 'BODY_TOO_LARGE' and x.v ->> 'storedAs' is null order by x.n
$$;
select pg_temp.card('V' || n, 85.50) from pg_temp.vector('amounts') \g /dev/null
create temp table amount as select v, n, pg_temp.call('gift_card_deduct', format('{"cardNumber":"V%s"}', n),
    format('{"amount":%s,"orderId":"v"}', v ->> 'json')) as a from pg_temp.vector('amounts');
select is(pg_temp.outcome(a),
          coalesce(concat_ws(' ', v ->> 'status', v ->> 'code'), '200')
          || case when v ->> 'status' is null then '200' else '' end, 'amount ' || (v ->> 'json')),
       is(pg_temp.balance('V' || n), 85.50 - coalesce((v ->> 'effect')::numeric, 0), 'its effect')
  from amount order by n;
insert into pos.customers (tenant_id, id, phone, loyalty_points) select :alpha, 5000 + n,
    '+4477009' || (10000 + n), 100 from pg_temp.vector('points');
create temp table point as select v, n, pg_temp.call('loyalty_add', format('{"phone":"+4477009%s"}', 10000 + n),
    format('{"points":%s}', v ->> 'json')) as a from pg_temp.vector('points');
select is(pg_temp.outcome(p.a),
          case when v ->> 'status' is null then '200' else concat_ws(' ', v ->> 'status', v ->> 'code') end,
          'points ' || (v ->> 'json')),
       is(c.loyalty_points::int, 100 + coalesce((v ->> 'effect')::int, 0), 'their effect')
  from point p join pos.customers c on c.tenant_id = :alpha and c.id = 5000 + p.n order by p.n;
select pg_temp.card('O', 1000) \g /dev/null
create temp table ordered as select v, n, pg_temp.call('gift_card_deduct', '{"cardNumber":"O"}',
    format('{"amount":%s,"orderId":%s}', n, v ->> 'json')) as a from pg_temp.vector('orderIds');
select is(pg_temp.outcome(o.a),
          case when v ->> 'status' is null then '200' else concat_ws(' ', v ->> 'status', v ->> 'code') end,
          'order id ' || left(v ->> 'json', 50)),
       is(t.order_id::text, v ->> 'canonical', 'compared by'),
       is(coalesce((o.a).events[1]::json #> '{data,orderId}', 'null')::text, coalesce(v ->> 'returnedAs', 'null'),
          'shown as')
  from ordered o
    left join pos.pos_gift_card_transactions t on t.tenant_id = :alpha and t.card_number = 'O' and t.amount = -o.n
   order by o.n;
select pg_temp.card('T', 1000) \g /dev/null
create temp table said as select v, n, pg_temp.call('gift_card_deduct', '{"cardNumber":"T"}',
    format('{"amount":%s,%s:%s}', n, to_json(v ->> 'field'),
    coalesce(v ->> 'json', to_json(repeat(v #>> '{repeat,0}', (v #>> '{repeat,1}')::int))::text))) as a
    from pg_temp.vector('texts');
select is(pg_temp.outcome(a), concat_ws(' ', v ->> 'status', v ->> 'code'),
          'text ' || coalesce(v ->> 'json', (v -> 'repeat')::text)),
       is((a).body::json #>> '{warnings,0,code}', v ->> 'warning', 'its warning')
  from said order by n;
select pg_temp.card('B', 1000) \g /dev/null
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"B"}', v ->> 'body'),
       concat_ws(' ', v ->> 'status', v ->> 'code'), 'body ' || (v ->> 'body')) from pg_temp.vector('deductBodies');

-- The demo seed agrees with the samples.
\set restaurant `cat test/samples/restaurant.json`
create temp table r as select (:'restaurant')::json as r;
select is(t.id::text, r #>> '{restaurant,id}', 'kitchen'),
       is(t.name::text, r #>> '{restaurant,name}', 'name'),
       is(t.country::text || t.currency, 'GBGBP', 'country and currency'),
       is(t.timezone::text, r #>> '{restaurant,timezone}', 'time zone')
  from dinedesk_main.tenants t, r where t.slug = 'kitchen';
select is(g.status::text, c ->> 'status', c ->> 'cardNumber'),
       is(g.initial_balance::numeric, (c ->> 'initialBalance')::numeric, 'initial'),
       is(g.current_balance::numeric, (c ->> 'currentBalance')::numeric, 'current'),
       is(g.expiry_date, (c ->> 'expiryDate')::date, 'expiry')
  from r, json_array_elements(r -> 'giftCards') c
    left join pos.gift_cards g on g.tenant_id = '2b1c6a0e-5d0f-4f4e-9a55-0c6d3f1e7a11'
              and g.card_number = c ->> 'cardNumber';
select is(p.phone::text, c ->> 'phone', c ->> 'id'),
       is(p.name::text, c ->> 'name', 'name'),
       is(p.loyalty_points::int, (c ->> 'points')::int, 'points'),
       is(p.total_spent::numeric, (c ->> 'totalSpent')::numeric, 'spent')
  from r, json_array_elements(r -> 'customers') c
    left join pos.customers p on p.tenant_id = '2b1c6a0e-5d0f-4f4e-9a55-0c6d3f1e7a11'
              and p.id = substr(c ->> 'id', 4)::int;
select is((select country || currency || timezone from dinedesk_main.tenants where slug = 'bistro'),
       'USUSDAmerica/New_York', 'bistro');

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the ledgers are whole');
select * from finish();
rollback;
