-- hostile_test.sql - anything that a peer can send is refused or harmless, and quickly so.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();
select pg_temp.card('H', 1000);
insert into pos.customers (tenant_id, id, phone, loyalty_points) values (:alpha, 7001, '07700900701', 100);
select pg_temp.try('order_create', '{}',
       '{"orderId":"h","customerName":"x","totalAmount":1,"items":[]}') \g /dev/null
select pg_temp.commit() \g /dev/null

-- Every field of every operation with every kind of value: never an SQL error, never a 5xx.
create temp table value (v text);
insert into value values ('null'), ('true'), ('false'), ('0'), ('-0'), ('-1'), ('1'), ('1.5'), ('25.005'),
    ('1e15'), ('1e16'), ('1e131071'), ('1e-131071'), ('-1e131071'), ('99999999.99'), ('100000000'),
    ('123456789012345678901234567890'),
    ('9223372036854775808'), ('2147483648'), ('""'), ('" "'), ('"x"'), ('"NaN"'), ('"Infinity"'), ('"1e3"'),
        ('"2025-10-10"'), ('"infinity"'), ('"now"'), ('"07700900701"'), ('"''; drop table pos.orders; --"'),
        ('"%s%n"'), ('"\u202e\n\t\""'), ('"\\u0000"'),
    ('[]'), ('[null]'), ('[[]]'), ('[1e131071]'), ('{}'), ('{"a":null}'), ('{"id":{}}'), ('[{}]'),
        ('[{"name":"a","price":1e131071}]'), ('[{"name":"a","price":1,"quantity":1e131071}]'),
        ('[{"name":"a","price":1,"selectedAddons":[[[]]]}]'),
    ('"' || repeat('x', 70000) || '"'), ('"' || repeat('é', 3000) || '"'), (repeat('[', 60) || repeat(']', 60)),
        ('[' || repeat('0,', 5000) || '0]');
create temp table field (operation text, path text, base text, name text);
insert into field
    select 'gift_card_deduct', '{"cardNumber":"H"}', '"amount":1', f
           from unnest(array['amount', 'orderId', 'order_reference', 'notes', 'reference', 'requestId',
           'other']) f union all
    select o, '{"phone":"07700900701"}', '"points":1', f
           from unnest(array['loyalty_add', 'loyalty_redeem']) o,
           unnest(array['points', 'orderId', 'order_reference', 'reason', 'notes', 'requestId']) f union all
    select 'report_daily', '{}', '"reportDate":"2025-10-10"', f
           from unnest(array['reportDate', 'registerId', 'totalSales', 'netSales', 'totalOrders', 'topItems',
           'busyHours', 'staffShifts', 'notes', 'other']) f union all
    select 'order_create', '{}', '"customerName":"x","totalAmount":1,"items":[]', f
           from unnest(array['orderId', 'id', 'orderNumber', 'customerName', 'customerPhone', 'orderType',
           'orderSource', 'status', 'totalAmount', 'items', 'specialInstructions',
        'scheduledFor', 'createdAt', 'tableNumber', 'recall', 'reason', 'updatedBy', 'subtotal', 'tax',
            'requestId', 'updatedAt', 'other']) f union all
    select 'order_update', '{"id":"h"}', '', f from unnest(array['orderId', 'orderNumber', 'customerName',
           'customerPhone', 'orderType', 'orderSource', 'totalAmount', 'items', 'specialInstructions',
           'scheduledFor', 'createdAt', 'tableNumber', 'status',
        'recall', 'reason', 'updatedBy', 'tip', 'other']) f union all
    select 'gift_card_issue', '{}', '"initialBalance":5', f
           from unnest(array['initialBalance', 'purchasedBy', 'recipientName', 'recipientEmail', 'expiryDate',
           'cardNumber', 'status', 'other']) f union all
    select 'customer_create', '{}', '"phone":"07700900702","name":"x"', f
           from unnest(array['phone', 'name', 'email', 'loyaltyPoints', 'other']) f;
create function pg_temp.survives(operation text, path text, body text) returns text language plpgsql as $$
declare
    a pos.answer;
begin
    a := pg_temp.call(operation, path, body);
    perform a.body::json;
    if a.status not in (200, 201, 400, 404, 409, 422) then
        return 'status ' || a.status;
    end if;
    if a.status <> 200 and a.status <> 201 and (a.body::json #>> '{error,code}') is null then
        return 'no code';
    end if;
    if a.events is not null and exists (select 1 from unnest(a.events) e
        where e like E'%\n%' or (e::json ->> 'seq') is null) then
        return 'bad event';
    end if;
    return null;
exception when others then
    return sqlstate || ' ' || sqlerrm;
end $$;
create temp table tried as
    select f.operation, f.name, left(v.v, 40) as value, pg_temp.survives(f.operation, f.path,
        '{' || concat_ws(',', nullif((select string_agg(to_json(e.key) || ':' || e.value, ',')
            from json_each(('{' || f.base || '}')::json) e where e.key <> f.name), ''),
            to_json(f.name) || ':' || v.v) || '}') as wrong
      from field f, value v;
select is_empty('select * from tried where wrong is not null', format('%s bodies', (select count(*) from tried)));

-- Every value in the path and the query.
create temp table paths as
    select x.operation, left(v.v, 40) as value, case when left(v.v, 1) = '"' then pg_temp.survives(x.operation,
           format('{"%s":%s}', x.name, v.v), x.body) end as wrong
      from (values ('gift_card_balance', 'cardNumber', null), ('gift_card_deduct', 'cardNumber', '{"amount":1}'),
          ('loyalty_points', 'phone', null), ('loyalty_add', 'phone', '{"points":1}'), ('order_get', 'id', null),
          ('order_update', 'id', '{"note":1}')) x(operation, name, body), value v;
select is_empty('select * from paths where wrong is not null', 'paths');
create function pg_temp.pull_survives(query text) returns text language plpgsql as $$
begin
    return case when (pg_temp.call('orders_pull', '{}', null,
        jsonb_build_object('query', query::jsonb))).status not in (200, 400) then 'status' end;
exception when others then
    return sqlstate || ' ' || sqlerrm;
end $$;
select is_empty(format('select * from (select pg_temp.pull_survives(json_build_object(%L, v.v::json #>> '
                       '''{}'')::text) as wrong from value v where left(v.v, 1) = ''"'' or v.v ~ ''^-?[0-9]'') x '
                       'where wrong is not null', name), 'query ' || name)
  from unnest(array['status', 'limit', 'since']) name;

-- Whole bodies: deep and wide ones, and contexts without members.
select is(pg_temp.survives('order_create', '{}', v.body), null, v.what)
  from (values ('{"customerName":"x","totalAmount":1,"items":[],"deep":' || repeat('{"a":', 62) || '1'
                || repeat('}', 62) || '}', 'deep'),
               ('{' || (select string_agg(format('"k%s":%s', n, n), ',') from generate_series(1, 60000) n)
                || ',"customerName":"x","totalAmount":1,"items":[]}', '60000 members'),
               ('{"customerName":"x","totalAmount":1,"items":[{"name":"a","price":1,'
                || (select string_agg(format('"k%s":%s', n, n), ',') from generate_series(1, 60000) n) || '}]}',
                '60000 members of a line'),
               ('{"customerName":"x","totalAmount":1,"items":['
                || (select string_agg('{"name":"a","price":1,"quantity":1,"selectedAddons":[{"name":"b","price":1}]}',
                                      ',')
                      from generate_series(1, 500)) || ']}', '500 lines'),
               ('{"customerName":"x","totalAmount":1,"items":['
                || (select string_agg('1', ',') from generate_series(1, 400000)) || ']}', '400000 lines of nothing'),
               ('{"' || repeat('k', 100000) || '":1,"customerName":"x","totalAmount":1,"items":[]}',
                'a name of 100000'),
               ('{"customerName":"x","totalAmount":1,"items":[],"bomb":['
                || (select string_agg('1e131071', ',') from generate_series(1, 100000)) || ']}',
                'a bomb that nobody lights')) v(body, what);
select is((pg_temp.call('health', '{}', null, v.more::jsonb)).status, v.wanted, 'context ' || v.more)
       from (values ('{"path":null,"query":null}', 200), ('{"path":[],"query":7}', 200),
       ('{"requestId":{"a":1}}', 200), ('{"device":[1,2]}', 200), ('{"method":null}', 200),
       ('{"keyHash":null}', 401), ('{"tenant":null}', 200)) v(more, wanted);
select is((pos.call('health', '{}', null)).status, 401, 'no context');
select is((pos.call('health', null, null)).status, 401, 'null for one');
select is((pos.call('health', '[]', null)).status, 401, 'a list');
select is((pos.call('health', '"x"', null)).status, 401, 'a text');
select is(pg_temp.try('gift_card_deduct', v.path, '{"amount":1}'), '404 CARD_NOT_FOUND', 'path ' || v.path)
       from (values ('{}'), ('{"cardNumber":null}'), ('{"cardNumber":{"a":1}}'), ('{"cardNumber":7}')) v(path);
select is(pg_temp.try('gift_card_deduct', '{"cardNumber":"H"}', '{"amount":1}',
       jsonb_build_object('device', repeat('d', 5000), 'requestId', repeat('r', 5000))), '200',
       'long headers are cut');
select is(max(length(device)), 128, 'to 128'),
       is(max(length(request_id)), 128, 'both')
  from pos.pos_gift_card_transactions where tenant_id = :alpha;

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'after all of it the ledgers are whole');
select * from finish();
rollback;
