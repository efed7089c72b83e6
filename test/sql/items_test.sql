-- items_test.sql - what senders put into the lines of an order, and how every client is shown all of it.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();
\ir support/shared_state.sql

create function pg_temp.line(given text) returns json language sql as $$
    select (pos.order_items(('[' || given || ']')::json, 2, true)).lines -> 0
$$;
-- "2 x Egg 1.00, Nori 0.00"
create function pg_temp.addons(line json) returns text language sql as $$
    select coalesce(string_agg(concat_ws(' ', nullif(a.value ->> 'quantity', '1') || ' x', a.value ->> 'name', a.value ->> 'price'),
                               ', ' order by a.n), '')
      from json_array_elements(line -> 'selectedAddons') with ordinality a(value, n)
$$;

-- Add-ons, under every word that senders have for them.
select is(pg_temp.addons(pg_temp.line('{"name":"Ramen","price":9.5,"quantity":1,' || v.given || '}')), v.wanted, v.given)
  from (values
    ('"selectedAddons":[{"name":"Egg","price":1}]', 'Egg 1.00'),
    ('"modifiers":[{"name":"Egg","price":1},{"name":"Nori"}]', 'Egg 1.00, Nori 0.00'),
    ('"modifiers":["no onion","extra hot"]', 'no onion 0.00, extra hot 0.00'),
    ('"addons":[{"name":"Egg","price":"1.5","quantity":2}]', '2 x Egg 1.50'),
    ('"options":{"size":"large","spice":3,"gluten free":true,"boxed":false,"sauce":["soy","chilli"]}',
     'size: large 0.00, spice: 3 0.00, gluten free 0.00, soy 0.00, chilli 0.00'),
    ('"extras":"extra cheese"', 'extra cheese 0.00'),
    ('"extras":{"name":"Egg","price":1}', 'Egg 1.00'),
    ('"modifications":["well done"]', 'well done 0.00'),
    ('"selectedModifiers":["Large"],"selectedVariant":"Spicy"', 'Large 0.00, Spicy 0.00'),
    ('"selected_addons":"[{\"name\":\"Egg\",\"price\":1}]"', 'Egg 1.00'),
    ('"modifiers":[{"groupName":"Size","options":[{"label":"Large","priceDelta":2}]},{"title":"Salad","options":["no tomato"]}]',
     'Large 2.00, Salad 0.00, no tomato 0.00'),
    ('"modifiers":[{"name":"Egg","price":1}],"extras":[{"name":"Egg","price":1}],"notes":"x"', 'Egg 1.00, Egg 1.00'),
    ('"modifiers":null,"addons":[],"options":false,"extras":""', ''),
    ('"modifiers":[{"name":"less","price":-1.005}]', 'less -1.01')) v(given, wanted);
-- A client that sends back a line has both its word and ours.
select is(pg_temp.line(pg_temp.line(l.given)::text)::text, pg_temp.line(l.given)::text, 'sent back: ' || l.given)
  from (values ('{"name":"Ramen","price":9.5,"quantity":1,"modifiers":["Egg","Egg"],"extras":[{"name":"egg","price":1}],"notes":"hot","comment":"no salt"}'),
               ('{"name":"Ramen","price":9.5,"quantity":1,"modifiers":[{"name":"Side","notes":"soft","options":[{"name":"Large"}]}]}'))
       l(given);
-- Instructions, under every word; nothing twice.
select is(pg_temp.line('{"name":"Ramen","price":9.5,"quantity":1,' || v.given || '}') ->> 'specialInstructions', v.wanted, v.given)
  from (values
    ('"specialInstructions":"no egg"', 'no egg'), ('"special_instructions":"no egg"', 'no egg'), ('"notes":"no egg"', 'no egg'),
    ('"note":"no egg"', 'no egg'), ('"comment":"no egg"', 'no egg'), ('"instructions":" no egg "', 'no egg'),
    ('"note":"hot","specialInstructions":"no egg","comment":"No egg"', 'no egg; hot'),
    ('"notes":[{"note":"hot","author":"Bo"},"soft"]', 'hot; soft'), ('"notes":"","note":null,"comment":5', null),
    ('"modifiers":[{"name":"Egg","note":"soft"}],"notes":"hot"', 'hot; Egg: soft')) v(given, wanted);
-- All of it is given back as it came; what is not known is said.
create temp table made as
    select pg_temp.call('order_create', '{}', '{"orderId":"o1","customerName":"Ada","totalAmount":20.555,"items":[{"name":"Ramen",'
        '"price":9.999,"modifiers":["Egg"],"notes":"hot","station":"wok","options":[7]},{"name":"Off","price":-1,"quantity":0.1234567}],'
        '"notes":"nut allergy","comment":"ring"}') as a;
select is((m.a).status, 201, 'made'),
       is((m.a).body::json #>> '{order,items,0}', '{"id":"i1","name":"Ramen","price":10.00,"quantity":1,"selectedAddons":[{"id":"a1",'
          '"name":"Egg","price":0.00,"quantity":1}],"specialInstructions":"hot","modifiers":["Egg"],"notes":"hot","station":"wok",'
          '"options":[7]}', 'a line'),
       is((m.a).body::json #>> '{order,items,1,price}', '-1.00', 'a discount'),
       is((m.a).body::json #>> '{order,totalAmount}', '20.56', 'a total'),
       is((m.a).body::json #>> '{order,notes}', 'nut allergy', 'and as it came'),
       is((select string_agg(w ->> 'code' || ' ' || (w ->> 'fields'), ' | ')
             from json_array_elements((m.a).body::json -> 'warnings') w),
          'AMOUNT_ROUNDED ["totalAmount","items[0].price"] | UNKNOWN_FIELD ["items[0].station","items[0].options[0]"] | '
          'QUANTITY_ASSUMED ["items[0]"] | QUANTITY_ROUNDED ["items[1].quantity"]', 'what is said'),
       is((m.a).events[1]::json #>> '{data,specialInstructions}', 'nut allergy; ring', 'told to tills'),
       is((pg_temp.call('orders_pending', '{}')).body::json #>> '{orders,0,specialInstructions}', 'nut allergy; ring', 'and listed')
  from made m;
select is(a.body::json #>> '{error,message}', v.wanted, v.given)
  from (values
    ('-1', '"items[0].quantity" is negative. To take something off, send a line with a negative price and a quantity above 0.'),
    ('0', '"items[0].quantity" must be a number above 0, up to 1000000.'),
    ('"many"', '"items[0].quantity" must be a number above 0, up to 1000000.'),
    ('0.0000001', '"items[0].quantity" must be a number above 0, up to 1000000.')) v(given, wanted),
       lateral pg_temp.call('order_create', '{}', format(
           '{"customerName":"x","totalAmount":1,"items":[{"name":"a","price":1,"quantity":%s}]}', v.given)) a;

-- As every client is shown it.
select is(o #>> '{items,0,modifiers}', '[{"id":"a1","name":"Egg","price":0.00,"quantity":1}]', 'Restaurant OS: modifiers'),
       is(o #>> '{items,0,special_instructions}', 'hot', 'instructions'),
       is(o ->> 'notes', 'nut allergy; ring', 'and notes')
  from (select (pos.orders_restaurant_os(:alpha, array['o1']))[1]::json as o) x;
select is(pos.minipos_order(o)::json #>> '{items,0,notes}', 'Egg; hot', 'MiniPOS: notes'),
       is(pos.cloudsync_order(o)::json ->> 'special_instructions', 'nut allergy; ring', 'cloud sync'),
       is(pos.cloudsync_order(o)::json #>> '{items,0,specialInstructions}', 'hot', 'and its lines')
  from pos.orders o where o.tenant_id = :alpha and o.id = 'o1';
select is(pos.line_notes(v.line::json), v.wanted, v.line)
  from (values ('{"selectedAddons":[]}', null), ('{"selectedAddons":[],"specialInstructions":"hot"}', 'hot'),
               ('{"selectedAddons":[{"name":"Egg","quantity":2},{"name":"Nori","quantity":1}]}', '2 x Egg, Nori'),
               ('{"selectedAddons":[{"name":"Egg","quantity":1}],"specialInstructions":"hot"}', 'Egg; hot')) v(line, wanted);

-- A tablet sends back what it was shown, and changes it.
create function pg_temp.tablet(items text) returns text language sql as $$
    select pg_temp.results('{"kind":"orders","action":"add","data":{"id":"o1","items":' || items || '}}', 'minipos')
$$;
select is(pg_temp.tablet(pos.minipos_order(o)::json ->> 'items'), 'unchanged 1', 'what it was shown'),
       is(pg_temp.tablet('[{"id":"i1","name":"Ramen","price":10,"quantity":1,"notes":"Egg; hot"},'
                         '{"id":"i2","name":"Off","price":-1,"quantity":0.123457}]'), 'unchanged 1', 'the least of it')
  from pos.orders o where o.tenant_id = :alpha and o.id = 'o1';
select is(pg_temp.tablet('[{"id":"i1","name":"Ramen","price":10,"quantity":1,"notes":"very hot"}]'), 'applied 2', 'another note');
select is(pg_temp.newest() #>> '{items,0,specialInstructions}', 'very hot', 'takes the place of the first'),
       is(pg_temp.addons(pg_temp.newest() #> '{items,0}'), 'Egg 0.00', 'add-ons stay');
select is(pg_temp.tablet('[{"id":"i1","modifiers":["Bacon"]}]'), 'applied 3', 'other add-ons');
select is(pg_temp.addons(pg_temp.newest() #> '{items,0}'), 'Bacon 0.00', 'take the place of the first');
-- A till's lines may lack a price and a name.
select is(pg_temp.results('{"kind":"orders","id":"t1","data":{"items":[{"menuItem":{"name":"Tea","price":2.405},"qty":2,'
                          '"selectedModifiers":["milk"]},{}]}}'), 'applied 1', 'a till');
select is(pg_temp.newest() ->> 'items', '[{"id":"i1","name":"Tea","price":2.41,"quantity":2,"selectedAddons":[{"id":"a1","name":"milk",'
          '"price":0.00,"quantity":1}]},{"id":"i2","name":"","price":0.00,"quantity":1,"selectedAddons":[]}]', 'its lines');

-- By plain SQL: the same words; nothing that cannot be read becomes 0 or 1.
insert into pos.orders (tenant_id, id, customer_name, total_amount, order_type, items) values (:alpha, 's1', 'Shop', 9.999,
    'Dine-In', '[{"name":"Ramen","price":"9.999","quantity":0.3333333,"modifiers":["Egg"],"comment":"hot"}]');
select is(o.items::json #>> '{0,specialInstructions}', 'hot', 'instructions'),
       is(pg_temp.addons(o.items::json -> 0), 'Egg 0.00', 'add-ons'),
       is(o.items::json #>> '{0,price}', '10.00', 'price'),
       is(o.items::json #>> '{0,quantity}', '0.333333', 'quantity'),
       is(o.order_type::text, 'dine_in', 'type')
  from pos.orders o where o.tenant_id = :alpha and o.id = 's1';
select throws_ok(format('insert into pos.orders (tenant_id, customer_name, total_amount, items) values (%L, ''x'', 1, %L)',
                        'aaaaaaaa-0000-4000-8000-000000000001', '[' || v.line || ']'), 'TWREF', null, v.line)
  from (values ('{"name":"a","price":"much"}'), ('5'), ('{"name":"a","price":1,"quantity":-1}'),
               ('{"name":"a","price":1,"quantity":0}'), ('{"name":"a","price":1,"selectedAddons":7}')) v(line);

-- Amounts have the decimals of the currency.
update dinedesk_main.tenants set currency = 'JPY' where slug = 'alpha';
select is(a.body::json #>> '{order,items,0,price}', '1001', 'yen'),
       is(a.body::json #>> '{order,items,0,selectedAddons,0,price}', '0', 'none of them'),
       is(a.body::json #>> '{order,tip}', '5', 'in details')
  from pg_temp.call('order_create', '{}', '{"customerName":"x","totalAmount":1000,"tip":4.5,"items":[{"name":"a","price":1000.5,'
                    '"quantity":1,"modifiers":["b"]}]}') a;

select is(pg_temp.try('gift_card_issue', '{}', v.body), v.wanted, v.body)
  from (values ('{"initialBalance":1000,"cardNumber":"YEN-1"}', '201'),
               ('{"initialBalance":1000.5}', '400 INVALID_AMOUNT')) v(body, wanted);
select is((pg_temp.call('gift_card_deduct', '{"cardNumber":"yen1"}', '{"amount":250}')).body::json ->> 'newBalance', '750', 'yen left');
update dinedesk_main.tenants set currency = 'KWD' where slug = 'alpha';
select is(a.body::json #>> '{order,totalAmount}', '1.255', 'a third decimal'),
       is((a.events[1]::json #>> '{data,totalAmount}'), '1.255', 'is told')
  from pg_temp.call('order_create', '{}', '{"customerName":"x","totalAmount":1.2545,"items":[]}') a;
select is(a.body::json #>> '{giftCard,currentBalance}', '1.255', 'on a card'), is(a.status, 201, 'made')
  from pg_temp.call('gift_card_issue', '{}', '{"initialBalance":1.255,"cardNumber":"KWD-1"}') a;
select is(a.body::json ->> 'newBalance', '1.005', 'and off it'),
       is((pg_temp.call('report_daily', '{}', '{"reportDate":"2025-03-01","totalSales":1.2345}')).body::json #>> '{data,totalSales}',
          '1.235', 'reported')
  from pg_temp.call('gift_card_deduct', '{"cardNumber":"KWD-1"}', '{"amount":0.25}') a;
insert into pos.menu_items (tenant_id, id, name, price) values (:alpha, 'm1', 'Tea', 1.2345);
insert into pos.gift_cards (tenant_id, card_number, initial_balance) values (:alpha, 'KWD-2', 2.5);
select is(m.price::text, '1.235', 'by SQL'), is(g.current_balance::text, '2.500', 'a card too')
  from pos.menu_items m, pos.gift_cards g where m.tenant_id = :alpha and m.id = 'm1' and g.tenant_id = :alpha and g.card_number = 'KWD-2';

-- Local times.
select is(a.body::json #>> '{order,scheduledFor}', '2026-07-05T09:00:00.000Z', 'the restaurant''s'),
       is(a.body::json #>> '{order,createdAt}' is not null, true, 'an empty text is no time')
  from pg_temp.call('order_create', '{}', '{"customerName":"x","totalAmount":1,"items":[],"scheduledFor":"2026-07-05T10:00",'
                    '"createdAt":""}') a;

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the log is whole');
select * from finish();
rollback;
