-- console_test.sql - what a console may see and do, and what it sees of what processes write down.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

insert into test_key
    select t.slug, v.name, pos.key_issue(t.slug, v.scopes, v.name)
      from dinedesk_main.tenants t,
           (values ('console', array['console']), ('console:write', array['console', 'console:write'])) v(name, scopes)
     where t.slug in ('alpha', 'beta');
-- A console's request; `more` may have "scope" or "tenant".
create function pg_temp.look(operation text, path text default '{}', query text default '{}', more jsonb default '{}') returns json
language sql as $$
    select pg_temp.commit();
    select (pos.call(operation, pg_temp.ctx(path, jsonb_build_object('scope', 'console', 'query', query::jsonb, 'method', 'GET') || more),
                     null)).body::json
$$;
create function pg_temp.seen(operation text, path text default '{}', query text default '{}', more jsonb default '{}') returns json
language sql as $$ select pg_temp.look(operation, path, query, more) -> 'data' $$;
create function pg_temp.looked(operation text, path text default '{}', query text default '{}', more jsonb default '{}') returns text
language sql as $$
    select coalesce(l #>> '{error,code}', case when l ->> 'success' = 'true' then 'ok' end) from pg_temp.look(operation, path, query, more) l
$$;
create function pg_temp.act(operation text, path text, body text, more jsonb default '{}') returns text language sql as $$
    select pg_temp.try(operation, path, body, '{"scope":"console:write"}'::jsonb || more)
$$;

-- Who may: each operation, each scope.
create temp table path_of as select o.name, case when o.name like '%event' then '{"seq":"1"}' when o.name like '%gift_card%' then '{"cardNumber":"C-1"}'
    when o.name like '%order' then '{"id":"x"}' when o.name like '%customer' then '{"phone":"+447700900001"}' else '{"id":"x"}' end as path, o.writes, o.scopes
  from pos.operations() o where o.name like 'console\_%';
select is(pg_temp.try(p.name, p.path, '{}', '{"scope":"pos"}'), '403 FORBIDDEN', 'a till: ' || p.name) from path_of p;
select is((pos.call(p.name, pg_temp.ctx(p.path, jsonb_build_object('keyHash', pg_temp.key_hash('alpha', 'platform'))), '{}')).status, 403, 'a shop: ' || p.name)
  from path_of p;
select is(pg_temp.try(p.name, p.path, '{}', '{"scope":"console"}'), '403 FORBIDDEN', 'who only looks: ' || p.name)
  from path_of p where p.scopes = array['console:write'];
select is(pg_temp.try(p.name, p.path, '{}', jsonb_build_object('keyHash', pg_temp.key_hash('beta', 'console:write'))), '403 TENANT_MISMATCH',
          'another restaurant''s: ' || p.name) from path_of p;
select is((pos.call(p.name, pg_temp.ctx(p.path, '{"keyHash":null,"token":{"restaurant":"alpha","scope":"*"}}') - 'keyHash', null)).status, 403, 'a token: ' || p.name)
  from path_of p;
select is((pos.call(p.name, pg_temp.ctx(p.path, '{"keyless":true}') - 'keyHash', null)).status, 401, 'no key: ' || p.name) from path_of p;
select is(pg_temp.looked('events_list', '{}', '{"after":"0"}'), 'ok', 'it reads the stream');
select is((select status from pos.authenticate(jsonb_build_object('keyHash', pg_temp.key_hash('alpha', 'console'), 'scope', v.scope))), v.wanted,
          'a socket for ' || v.scope)
  from (values ('pos', 403), ('pos,console,console:write', 200), ('console:write', 403)) v(scope, wanted);
select (pos.call('ticket_issue', pg_temp.ctx('{}', '{"scope":"console"}'), '{"device":"kitchen wall"}')).body::json ->> 'ticket' as ticket \gset
select is(t.device, 'console:kitchen wall', 'a ticket of who only looks is no device''s')
  from pos.ws_ticket t where t.ticket_hash = sha256(convert_to(:'ticket', 'UTF8'));

-- A restaurant without anything.
select is(pg_temp.looked(p.name, p.path, '{}', jsonb_build_object('tenant', 'beta', 'keyHash', pg_temp.key_hash('beta', 'console'))),
          v.wanted, 'nothing: ' || p.name)
  from path_of p join (values ('console_now', 'ok'), ('console_devices', 'ok'), ('console_event', 'EVENT_NOT_FOUND'), ('console_orders', 'ok'),
      ('console_order', 'ORDER_NOT_FOUND'), ('console_gift_cards', 'ok'), ('console_gift_card', 'CARD_NOT_FOUND'), ('console_customer', 'CUSTOMER_NOT_FOUND'),
      ('console_keys', 'ok'), ('console_requests', 'ok'), ('console_system', 'ok'), ('console_audit', 'ok')) v(name, wanted) using (name);
select is(d #>> '{events,head}', '0', 'no event'), is(json_array_length(d #> '{events,perMinute}'), 60, 'sixty minutes'),
       is(d #>> '{events,lastAt}', null, 'no last one'), is(d #>> '{delay,count}', '0', 'no delay'), is(d #>> '{delay,p50Ms}', null, 'nor a middle'),
       is(json_array_length(d #> '{delay,perMinute}'), 60, 'sixty minutes of none'), is(d #>> '{orders,today}', '0', 'no order'),
       is(d #>> '{sessions,total}', '0', 'nobody'), is(d #>> '{sessions,complete}', 'false', 'and nobody has said so'),
       is(d #>> '{tenant,slug}', 'beta', 'whose it is')
  from pg_temp.seen('console_now', '{}', '{}', jsonb_build_object('tenant', 'beta', 'keyHash', pg_temp.key_hash('beta', 'console'))) d;

-- That somebody looks: gateways hear of it, and the audit once an hour.
update pos.console_watch w set until = clock_timestamp() + interval '14 seconds' where w.tenant = :beta;
select is((select count(*) from pos.console_watch w where w.tenant = :beta), 8::bigint, 'a row a page'),
       matches(pos.console_watched(), 'bbbbbbbb-0000-4000-8000-000000000002 [0-9]{4,5}', 'until when'),
       is((select count(*) from pos.audit a where a.tenant_id = :beta and a.action = 'console.read'), 8::bigint, 'a row of the audit a page');
select pg_temp.look('console_keys') as ignored \gset
select pg_temp.look('console_keys') as ignored \gset
select is((select string_agg(a.actor, ',') from pos.audit a where a.tenant_id = :alpha and a.action = 'console.read' and a.subject = 'keys'),
          (select 'key ' || k.hint || ' (console)' from pos.api_key k where k.tenant_id = :alpha and k.label = 'console'), 'once, and who');
update pos.console_watch w set audited_at = now() - interval '61 minutes', until = now() where w.tenant = :alpha and w.page = 'keys';
select pg_temp.look('console_keys') as ignored \gset
select is((select count(*) from pos.audit a where a.tenant_id = :alpha and a.action = 'console.read' and a.subject = 'keys'), 2::bigint, 'an hour later again');

-- Devices: the log, till's words, reports.
select pos.sync_log_write(json_build_array(
    json_build_object('at', clock_timestamp() - interval '2 minutes', 'instance', 'gw-1', 'kind', 'connect', 'tenant_id', :alpha, 'dialect', 'orderweb',
                      'device', 'till-1', 'seq', 1, 'count', 1, 'detail', json_build_object('address', '192.0.2.7')),
    json_build_object('at', clock_timestamp() - interval '1 minute', 'instance', 'gw-1', 'kind', 'connect', 'tenant_id', :alpha, 'dialect', 'minipos', 'count', 1),
    json_build_object('at', clock_timestamp() - interval '1 minute', 'instance', 'gw-1', 'kind', 'disconnect', 'tenant_id', :alpha, 'dialect', 'minipos',
                      'seq', 3, 'count', 1, 'detail', json_build_object('code', 1006, 'reason', 'it went')),
    json_build_object('at', clock_timestamp(), 'instance', 'gw-1', 'kind', 'connect', 'tenant_id', :alpha, 'dialect', 'orderweb', 'device', 'console:x', 'count', 1)))
    as ignored \gset
select is(pg_temp.try('till_heartbeat', '{}', '{"device_id":"till-9","pending_orders_count":2}'), '200', 'a till by REST');
select is((select string_agg(concat_ws(' ', x ->> 'name', x ->> 'state', x ->> 'reason', x ->> 'says'), '|') from json_array_elements(d -> 'devices') x),
          'till-1 connected|(no name) gone it went|till-9 rest online, 2 orders wait', 'as the log has it'),
       is(d ->> 'complete', 'false', 'which may be old')
  from pg_temp.seen('console_devices') d;
select pos.process_seen(json_build_object('id', 'cccccccc-0000-4000-8000-000000000001', 'kind', 'gateway', 'instance', 'gw-1', 'version', '9.9.9', 'startedAt', now(),
                                          'ready', true, 'detail', json_build_object('redis', 'up'))) as ignored \gset
-- The machine may be slow: what was said just now is not to become old.
update pos.process p set at = clock_timestamp() + interval '1 minute';
select is(d ->> 'complete', 'false', 'a gateway has not reported') from pg_temp.seen('console_devices') d;
select pos.gateway_report_write('cccccccc-0000-4000-8000-000000000001', 'gw-1', json_build_array(json_build_object('tenant', :alpha, 'total', 2,
    'dialects', '{"orderweb":2}'::json, 'sessions', json_build_array(
        json_build_object('device', 'till-2', 'dialect', 'orderweb', 'since', 1767225600, 'seq', 0, 'queued', 10),
        json_build_object('dialect', 'orderweb', 'since', 1767225600, 'seq', 0, 'queued', 0))))) as ignored \gset
update pos.gateway_report r set at = clock_timestamp() + interval '1 minute';
select is((select string_agg(concat_ws(' ', x ->> 'name', x ->> 'state', x ->> 'lag', json_array_length(x -> 'sockets')), '|') from json_array_elements(d -> 'devices') x),
          '(no name) connected 0 1|till-2 connected 0 1|(no name) gone 0 0|till-1 gone 0 0|till-9 rest 0', 'as the gateways have it'),
       is(d ->> 'complete', 'true', 'all of them'),
       is(d #>> '{devices,1,sockets,0,connectedAt}', '2026-01-01T00:00:00.000Z', 'since when')
  from pg_temp.seen('console_devices') d;
select is(d #>> '{sessions,total}', '2', 'how many'), is(d #>> '{sessions,byDialect}', '{"orderweb":2}', 'of which kind'),
       is(d #>> '{sessions,complete}', 'true', 'all') from pg_temp.seen('console_now') d;
select is(pg_temp.act('console_devices_disconnect', '{}', v.body), v.wanted, v.body)
  from (values ('{}', '400 INVALID_FIELD'), ('{"device":"till-2","all":true}', '400 INVALID_FIELD'), ('{"device":5}', '400 INVALID_FIELD'),
               ('{"device":"till-2"}', '202'), ('{"device":""}', '202'), ('{"all":true}', '202')) v(body, wanted);
select is((select string_agg(a.subject, '|' order by a.id) from pos.audit a where a.tenant_id = :alpha and a.action = 'device.kick'),
          'device till-2|device |all devices', 'the audit has them');

-- Orders: those first that nobody has acknowledged.
select pg_temp.call('order_create', '{}', json_build_object('customerName', v.name, 'totalAmount', 9.5, 'orderNumber', v.number,
    'items', json_build_array(json_build_object('name', 'Ramen', 'price', 9.5, 'quantity', 1)))::text)
  from (values ('<b>Ada</b>', 'A-1'), ('שלום', 'A-2'), ('Grace', 'A-3')) v(name, number) \g /dev/null
update pos.orders o set created_at = now() - (4 - right(o.order_number, 1)::int) * interval '10 minutes' where o.tenant_id = :alpha;
select is((select string_agg(concat_ws(' ', x ->> 'orderNumber', x ->> 'unacknowledged'), '|') from json_array_elements(d -> 'orders') x),
          'A-3 false|A-2 false|A-1 false', 'nobody ever acknowledges here') from pg_temp.seen('console_orders') d;
select is(pg_temp.try('order_ack', '{}', '{"order_id":"A-2","status":"printed","device_id":"till-1"}'), '200', 'one is printed');
select is((select string_agg(concat_ws(' ', x ->> 'orderNumber', x ->> 'unacknowledged', x ->> 'customerName', x #>> '{acknowledgements,0,state}'), '|')
             from json_array_elements(d -> 'orders') x),
          'A-1 true <b>Ada</b>|A-3 true Grace|A-2 false שלום printed', 'who has waited for longest comes first'), is(d ->> 'next', null, 'all')
  from pg_temp.seen('console_orders') d;
create function pg_temp.all_orders(after text default '') returns text language sql as $$
    select concat_ws('|', d #>> '{orders,0,orderNumber}', case when d ->> 'next' is not null then pg_temp.all_orders(d ->> 'next') end)
      from pg_temp.seen('console_orders', '{}', json_build_object('limit', '1', 'after', after)::text) d
$$;
select is(pg_temp.all_orders(), 'A-1|A-3|A-2', 'one after the other');
select is(pg_temp.looked('console_orders', '{}', v.query), v.wanted, v.query)
  from (values ('{"limit":"0"}', 'INVALID_FIELD'), ('{"limit":"201"}', 'INVALID_FIELD'), ('{"limit":"x"}', 'INVALID_FIELD'), ('{"after":"x"}', 'INVALID_FIELD'),
               ('{"after":"1"}', 'INVALID_FIELD'), ('{"status":"eaten"}', 'INVALID_STATUS'), ('{"status":"NEW"}', 'ok'), ('{"limit":"200"}', 'ok')) v(query, wanted);
select is(d #>> '{orders,unacknowledged}', '2', 'two wait'), is(d #>> '{orders,today}', (select count(*)::text from pos.orders o where o.tenant_id = :alpha
              and o.created_at >= date_trunc('day', now() at time zone 'Europe/London') at time zone 'Europe/London'), 'and so many are of today'),
       is((select p ->> 'severity' from json_array_elements(d -> 'problems') p where p ->> 'code' = 'ORDERS_UNACKNOWLEDGED'), 'warning', 'which is a problem')
  from pg_temp.seen('console_now') d;

-- One event's journey, and an order's.
select e.seq as seq, pos.utc(e.at) as at, e.data ->> 'orderId' as order_id from pos.event e
 where e.tenant_id = :alpha and e.type = 'order.created' and e.data ->> 'orderNumber' = 'A-2' \gset
select is(d ->> 'writer', 'api', 'by REST'), is(d ->> 'request', null, 'whose request nobody has written down'), is(d #>> '{event,seq}', :'seq', 'its seq'),
       is(d #>> '{commit,at}', :'at', 'its moment'), is(d #>> '{deliveries}', '[]', 'no delivery'), is(d ->> 'recorded', 'true', 'for there was none'),
       is(d #>> '{acknowledgements,0,device}', 'till-1', 'who has it')
  from pg_temp.seen('console_event', format('{"seq":"%s"}', :'seq')) d;
select pos.delivery_write('gw-1', json_build_array(json_build_object('tenant', :alpha, 'seq', :seq, 'order', :'order_id', 'at', :'at', 'more', 3, 'slowest', 12,
    'devices', '[["orderweb",12,false,["till-1"]],["minipos",4,true,[""]]]'::json)), 0) as ignored \gset
select pos.request_log_write('api-1', json_build_array(
    json_build_object('tenant', :alpha, 'at', :'at', 'id', 'req-1', 'method', 'POST', 'path', '/api/alpha/orders', 'route', '/api/{tenant}/orders', 'status', 201,
                      'ms', 7, 'key', pg_temp.key_hash('alpha', 'platform'), 'body', '{"customerName":"•••"}'),
    json_build_object('slug', 'alpha', 'at', now(), 'id', 'req-2', 'method', 'GET', 'path', '/api/alpha/orders/pending', 'route', '/api/{tenant}/orders/pending',
                      'status', 401, 'code', 'UNAUTHORIZED', 'ms', 1, 'key', repeat('0', 64)),
    json_build_object('slug', 'alpha', 'at', now(), 'id', 'req-3', 'method', 'GET', 'path', '/api/alpha/events', 'route', '/api/{tenant}/events', 'status', 200,
                      'ms', 1, 'key', pg_temp.key_hash('alpha', 'console')),
    json_build_object('slug', 'alpha', 'at', now(), 'id', 'req-4', 'method', 'GET', 'path', '/api/alpha/x', 'route', '/x', 'status', 403, 'ms', 1,
                      'key', pg_temp.key_hash('beta', 'pos')),
    json_build_object('slug', 'nobody', 'at', now(), 'id', 'req-5', 'method', 'GET', 'path', '/api/nobody/x', 'route', '/x', 'status', 401, 'ms', 1)),
    json_build_array(json_build_object('tenant', :alpha, 'n', 40), json_build_object('tenant', :beta, 'n', 2))) as ignored \gset
select is((select string_agg(concat_ws(' ', x ->> 'device', x ->> 'dialect', x ->> 'delayMs', x ->> 'resumed', x ->> 'gateway'), '|') from json_array_elements(d -> 'deliveries') x),
          ' minipos 4 true gw-1|till-1 orderweb 12 false gw-1', 'to whom, the fastest first'), is(d ->> 'more', '3', 'and to how many more'),
       is(d #>> '{request,durationMs}', '7', 'its request'), is((d #>> '{deliveries,1,sentAt}')::timestamptz, :'at'::timestamptz + interval '12 ms', 'when')
  from pg_temp.seen('console_event', format('{"seq":"%s"}', :'seq')) d;
select is((select string_agg(x ->> 'type', ' ') from json_array_elements(d -> 'events') x), 'order.created order.acknowledged', 'what happened to it'),
       is(json_array_length(d -> 'deliveries'), 2, 'to whom'), is(d #>> '{order,orderNumber}', 'A-2', 'by its number'),
       is(d #>> '{acknowledgements,0,state}', 'printed', 'and what they said')
  from (select pg_temp.seen('console_order', '{"id":"A-2"}')) l(d);
select is(d #>> '{orders,2,sentTo}', '["","till-1"]', 'the board has it, too') from pg_temp.seen('console_orders') d;
select is(d #>> '{delay,count}', '1', 'one is counted'), is(d #>> '{delay,p99Ms}', '15', 'in its class') from pg_temp.seen('console_now') d;
select is(pg_temp.looked('console_event', format('{"seq":"%s"}', v.seq)), v.wanted, v.seq)
  from (values ('99999', 'EVENT_NOT_FOUND'), ('-1', 'INVALID_FIELD'), ('x', 'INVALID_FIELD'), ('999999999999999999', 'EVENT_NOT_FOUND')) v(seq, wanted);
select pg_temp.card('GC-1', 10);
select pg_temp.head() as head \gset
select matches(d ->> 'why', 'orders'' events only', 'of a card nobody knows'), is(d ->> 'recorded', 'false', 'and it says so'), is(d ->> 'writer', 'sql', 'by SQL')
  from pg_temp.seen('console_event', format('{"seq":"%s"}', :'head')) d;
select pos.delivery_write('gw-1', '[]', 5) as ignored \gset
select matches(pos.console_deliveries_kept('order.created', clock_timestamp()), 'left out', 'a gateway has left some out'),
       matches(pos.console_deliveries_kept('order.created', now() - interval '8 days'), 'seven days', 'too old'),
       matches(pos.console_deliveries_kept('order.created', now() - interval '3 days'), 'restarted', 'before anything that is kept');

-- Requests.
select is((select string_agg(concat_ws(' ', x ->> 'id', x ->> 'status', x ->> 'code', x ->> 'keyHint'), '|' order by x ->> 'id') from json_array_elements(d -> 'requests') x),
          'req-1 201 ' || (select k.hint from pos.api_key k where k.tenant_id = :alpha and k.scopes = array['platform']) || '|req-2 401 UNAUTHORIZED',
          'its own, and not what a console reads'), is(d ->> 'left_out', '40', 'and how many are missing')
  from pg_temp.seen('console_requests') d;
select is((select count(*) from json_array_elements(pg_temp.seen('console_requests', '{}', v.query) -> 'requests')), v.wanted, v.query)
  from (values ('{"status":"4xx"}', 1::bigint), ('{"status":"201"}', 1), ('{"status":"5XX"}', 0), ('{"limit":"1"}', 1)) v(query, wanted);
select is(pg_temp.looked('console_requests', '{}', '{"status":"6xx"}'), 'INVALID_FIELD', 'no status');
select is(json_array_length(pg_temp.seen('console_requests', '{}', json_build_object('limit', '1', 'after', d ->> 'next')::text) -> 'requests'), 1, 'the next page')
  from pg_temp.seen('console_requests', '{}', '{"limit":"1"}') d;

-- Cards and customers.
select is((select string_agg(x ->> 'cardNumber', ' ') from json_array_elements(d -> 'cards') x), 'GC-1', 'the cards'), is(d ->> 'next', null, 'all')
  from pg_temp.seen('console_gift_cards') d;
select is(pg_temp.act('console_gift_card_freeze', '{"cardNumber":"gc 1"}', v.body), v.wanted, v.body)
  from (values ('{}', '400 INVALID_FIELD'), ('{"reason":" "}', '400 INVALID_FIELD'), ('{"reason":"lost"}', '200'), ('{"reason":"again"}', '409 CARD_FROZEN')) v(body, wanted);
select is(pg_temp.act('console_gift_card_unfreeze', '{"cardNumber":"GC-1"}', '{"reason":"found"}'), '200', 'found again'),
       is(pg_temp.act('console_gift_card_void', '{"cardNumber":"GC-1"}', '{"reason":"refunded"}', '{"idempotencyKey":"v1"}'), '200', 'ended'),
       is(pg_temp.act('console_gift_card_void', '{"cardNumber":"GC-1"}', '{"reason":"refunded"}', '{"idempotencyKey":"v1"}'), '200 replayed', 'once'),
       is(pg_temp.balance('GC-1'), 0.00, 'nothing is left');
select is((select string_agg(concat_ws(' ', x ->> 'type', x ->> 'amount', x ->> 'balanceAfter', x ->> 'by', x ->> 'reason'), '|') from json_array_elements(d -> 'ledger') x),
          'adjust -10.00 0.00 console:write, till-1 refunded|status 0.00 10.00 console:write, till-1 found|status 0.00 10.00 console:write, till-1 lost|issue 10.00 10.00 SQL',
          'its ledger, the newest first'), is(d #>> '{card,status}', 'closed', 'for good')
  from pg_temp.seen('console_gift_card', '{"cardNumber":"GC-1"}') d;
select is((select string_agg(x ->> 'type', ' ') from json_array_elements(d -> 'ledger') x), 'status status', 'the second page'), is(d ->> 'next', '2', 'and more')
  from pg_temp.seen('console_gift_card', '{"cardNumber":"GC-1"}', '{"limit":"2","after":"4"}') d;
select is(e.origin ->> 'kind', 'console', 'its event says where it comes from') from pos.event e where e.tenant_id = :alpha and e.seq = pg_temp.head();
select is((select string_agg(a.action || ' ' || a.subject, '|' order by a.id) from pos.audit a where a.tenant_id = :alpha and a.action like 'card.%'),
          'card.freeze GC-1|card.unfreeze GC-1|card.void GC-1', 'the audit has them');

-- A card is put right by the operations that tills and shops call, too: by who acts, and never by who looks.
select pg_temp.card('GC-2', 20);
select pg_temp.call('gift_card_deduct', '{"cardNumber":"GC-2"}', '{"amount":8,"orderId":"X-1"}') is not null as ignored \gset
select l.id as deduct from pos.pos_gift_card_transactions l where l.tenant_id = :alpha and l.card_number = 'GC-2' and l.type = 'deduct' \gset
select pg_temp.try('gift_card_hold', '{"cardNumber":"GC-2"}', '{"amount":5,"orderId":"X-2"}') as ignored \gset
select h.id as hold from pos.gift_card_holds h where h.tenant_id = :alpha and h.card_number = 'GC-2' \gset
select is(pg_temp.try(v.operation, v.path, v.body, '{"scope":"console"}'), '403 FORBIDDEN', 'who only looks: ' || v.operation),
       is(pg_temp.act(v.operation, v.path, v.body), v.wanted, 'who acts: ' || v.operation)
  from (values ('gift_card_void', format('{"cardNumber":"GC-2","id":"%s"}', :'deduct'), '{"amount":3,"reason":"sent back"}', '201'),
               ('gift_card_reload', '{"cardNumber":"GC-2"}', '{"amount":1}', '201')) v(operation, path, body, wanted);
select is((select string_agg(concat_ws(' ', x ->> 'type', x ->> 'amount', 'back ' || (x ->> 'reversed'), 'left ' || (x ->> 'remaining'), x ->> 'reverses' = :'deduct'), '|')
             from json_array_elements(d -> 'ledger') x),
          'reload 1.00 back 0.00 left 1.00|void 3.00 back 0.00 t|deduct -8.00 back 3.00 left 5.00|issue 20.00 back 0.00', 'what was taken back, and what can be'),
       is((select string_agg(concat_ws(' ', x ->> 'id' = :'hold', x ->> 'amount', x ->> 'orderId', x ->> 'by'), '|') from json_array_elements(d -> 'holds') x),
          't 5.00 X-2 test platform, till-1', 'what is promised to orders'),
       is(concat_ws(' ', d #>> '{card,balance}', d #>> '{card,held}', d #>> '{card,available}'), '16.00 5.00 11.00', 'and what is left')
  from pg_temp.seen('console_gift_card', '{"cardNumber":"GC-2"}') d;
select is(pg_temp.act('gift_card_deduct', '{"cardNumber":"GC-2"}', '{"amount":1}'), '403 FORBIDDEN', 'nobody pays in a console'),
       is(pg_temp.act('gift_card_refund', '{"cardNumber":"GC-2"}', '{"amount":1,"orderId":"X","reason":"x"}'), '403 FORBIDDEN', 'nor has a limit of tills'),
       is(pg_temp.act('gift_card_release', format('{"cardNumber":"GC-2","holdId":"%s"}', :'hold'), '{}'), '200', 'a hold is released'),
       is(pg_temp.act('gift_card_freeze', '{"cardNumber":"GC-2"}', '{"reason":"lost"}'), '200', 'a lost card'),
       is(pg_temp.act('gift_card_transfer', '{"cardNumber":"GC-2"}', '{"to":"GC-3"}'), '201', 'moves, though it is frozen'),
       is(pg_temp.act('gift_card_unfreeze', '{"cardNumber":"GC-3"}', '{"reason":"x"}'), '409 CARD_NOT_FROZEN', 'its new one is not'),
       is(pg_temp.act('gift_card_close', '{"cardNumber":"GC-3"}', '{"reason":"paid back"}'), '200', 'ended');
select is((select string_agg(distinct e.origin ->> 'kind', ' ') from pos.event e where e.tenant_id = :alpha and e.seq > (
              select max(b.seq) from pos.event b where b.tenant_id = :alpha and b.type = 'gift_card.hold' and b.data ->> 'state' = 'open') ),
          'console', 'each event says where it comes from'),
       is((select e.origin ->> 'kind' from pos.event e where e.tenant_id = :alpha and e.type = 'gift_card.hold' and e.data ->> 'state' = 'open'), 'api', 'and that of a till does not');
select is(d #>> '{ledger,0,otherCard}', 'GC-3', 'where it went'), is(d ->> 'holds', '[]', 'no hold is left') from pg_temp.seen('console_gift_card', '{"cardNumber":"GC-2"}') d;
select is((select string_agg(a.action || ' ' || a.subject, '|' order by a.id) from pos.audit a where a.tenant_id = :alpha and a.action like 'card.%' and a.subject <> 'GC-1'),
          'card.reverse GC-2|card.reload GC-2|card.release GC-2|card.freeze GC-2|card.transfer GC-2|card.void GC-3', 'the audit has each, once');

-- The menu.
insert into pos.menu_items (tenant_id, id, name, category, price) values
    (:alpha, 'm-1', 'Ramen', 'Noodles', 9.50), (:alpha, 'm-2', 'Gyoza', null, 6.80), (:alpha, 'm-3', 'udon', 'Noodles', 8), (:alpha, 'm-4', null, null, null);
select is(pg_temp.try('menu_availability_set', '{"id":"m-1"}', '{"available":false}', '{"scope":"console"}'), '403 FORBIDDEN', 'who only looks turns nothing off'),
       is(pg_temp.act('menu_availability_set', '{"id":"m-1"}', '{"available":false,"reason":"no noodles","until":"' || pos.utc(now() + interval '1 hour') || '"}'), '200', 'off'),
       is(pg_temp.act('menu_availability_set', '{"id":"m-2"}', '{"available":true,"quantity":3}'), '200', 'counted');
select is((select string_agg(concat_ws(' ', x ->> 'id', x ->> 'name', x ->> 'category', x ->> 'price', x ->> 'available', x ->> 'reason', x ->> 'quantity', (x ->> 'until') is null), '|')
             from json_array_elements(d -> 'items') x),
          'm-1 Ramen Noodles 9.50 false no noodles f|m-2 Gyoza 6.80 true 3 t|m-3 udon Noodles 8.00 true t|m-4  true t', 'what is off, what is counted, and the others'),
       is(d ->> 'more', '0', 'all') from pg_temp.seen('console_menu') d;
select is((select string_agg(a.action || ' ' || a.subject, '|' order by a.id) from pos.audit a where a.tenant_id = :alpha and a.action like 'dish.%'),
          'dish.off m-1|dish.on m-2', 'the audit has it');

insert into pos.customers (tenant_id, id, phone, name, loyalty_points) values (:alpha, 900001, '+447700900456', 'Maren', 250);
select pg_temp.commit();
select is(d #>> '{customer,points}', '250', 'points'), is(d #>> '{ledger,0,pointsAfter}', '250', 'and their ledger')
  from pg_temp.seen('console_customer', '{"phone":"07700 900456"}') d;

-- Keys.
select is(pg_temp.act('console_key_create', '{}', v.body), v.wanted, v.body)
  from (values ('{}', '400 INVALID_FIELD'), ('{"label":""}', '400 INVALID_FIELD'), ('{"label":"x","scopes":["console:write"]}', '400 INVALID_SCOPE'),
               ('{"label":"x","scopes":[]}', '400 INVALID_SCOPE'), ('{"label":"x","scopes":"pos"}', '400 INVALID_SCOPE'), ('{"label":"x","profile":"toaster"}', '400 INVALID_PROFILE'),
               ('{"label":"x","expiresAt":"2020-01-01"}', '400 INVALID_TIME'), ('{"label":"x","expiresAt":"soon"}', '400 INVALID_TIME'),
               ('{"label":"x","expiresAt":"2030-02-31T00:00:00Z"}', '400 INVALID_TIME'),
               ('{"label":"New till","expiresAt":"2099-01-31T12:00:00Z","scopes":["pos","console"]}', '201')) v(body, wanted);
select k.id, k.hint, k.scopes, pos.utc(k.expires_at) as expires from pos.api_key k where k.label = 'New till' \gset
select is(:'scopes'::text, '{console,pos}', 'its scopes'), is(:'expires'::text, '2099-01-31T12:00:00.000Z', 'its end'),
       is((select a.actor from pos.audit a where a.action = 'key.issue' and a.subject = :'id'),
          (select 'key ' || k.hint || ' (console:write)' from pos.api_key k where k.tenant_id = :alpha and k.label = 'console:write'), 'who made it'),
       is((select count(*) from pos.idempotency i where position('secret' in i.body) > 0), 0::bigint, 'no secret is kept');
select is(pg_temp.act('console_key_revoke', json_build_object('id', v.id)::text, '{}'), v.wanted, v.id)
  from (values ('x', '404 KEY_NOT_FOUND'), ('00000000-0000-4000-8000-000000000000', '404 KEY_NOT_FOUND'),
               ((select k.id::text from pos.api_key k where k.tenant_id = :beta limit 1), '404 KEY_NOT_FOUND'), (:'id', '200'), (:'id', '200')) v(id, wanted);
select isnt(k.revoked_at, null, 'it is no longer good') from pos.api_key k where k.id = :'id';
select isnt(x ->> 'lastUsedAt', null, 'when a key was used')
  from json_array_elements(pg_temp.seen('console_keys') -> 'keys') x where x ->> 'scopes' = '["platform"]';

-- The audit, page by page; the system; what is wrong.
select is(json_array_length(d -> 'entries'), 2, 'two entries'), isnt(d ->> 'next', null, 'and more'),
       is((pg_temp.seen('console_audit', '{}', json_build_object('limit', '1', 'after', d #>> '{entries,0,id}')::text) #>> '{entries,0,id}'),
          d #>> '{entries,1,id}', 'behind the first is the second')
  from pg_temp.seen('console_audit', '{}', '{"limit":"2"}') d;
select is(d #>> '{processes,0,instance}', 'gw-1', 'a process'), is(d #>> '{redis,state}', 'up', 'Redis'), is(d #>> '{bridge,leader}', null, 'no bridge'),
       is(d #>> '{database,partitions,today}', 'true', 'a partition'), is(d #>> '{database,schema}', pos.schema_version()::text, 'the schema')
  from pg_temp.seen('console_system') d;
select is((select string_agg(p ->> 'code', ' ' order by p ->> 'code') from json_array_elements(pg_temp.seen('console_now') -> 'problems') p),
          'NO_BRIDGE ORDERS_UNACKNOWLEDGED', 'what is wrong');
update pos.process p set at = now() - interval '1 minute';
insert into pos.process (id, kind, instance, version, started_at, at, ready, why, detail)
values (gen_random_uuid(), 'api', 'api-1', '9', now(), clock_timestamp() + interval '1 minute', false, 'database: away', '{"redis":"redis: refused"}');
select is((select string_agg(p ->> 'code', ' ' order by p ->> 'code') from json_array_elements(pg_temp.seen('console_now') -> 'problems') p),
          'NO_BRIDGE NO_GATEWAY ORDERS_UNACKNOWLEDGED PROCESS_NOT_READY PROCESS_SILENT REDIS_AWAY', 'and what more is wrong then');
insert into pos.process (id, kind, instance, version, started_at, at, ready, why, detail)
values (gen_random_uuid(), 'api', 'api-1', '9', now() + interval '1 hour', clock_timestamp() + interval '1 minute', true, null, '{"redis":"up"}');
update pos.process p set at = clock_timestamp() - interval '8 seconds' where not p.ready;
select is((select string_agg(p ->> 'code', ' ' order by p ->> 'code') from json_array_elements(pg_temp.seen('console_now') -> 'problems') p),
          'NO_BRIDGE NO_GATEWAY ORDERS_UNACKNOWLEDGED PROCESS_SILENT', 'one that was killed and started again is well');
select pos.process_leaves(p.id) from pos.process p \g /dev/null
select is((select count(*) from pos.process), 0::bigint, 'who leaves is not missed');

-- Minutes, by searching for seqs: as many as are counted one by one.
create temp table counted as
    select date_trunc('minute', e.at) as minute, count(*) as events from pos.event e where e.tenant_id = :alpha group by 1;
select is((select sum(m.events) from pos.console_minutes(:alpha, pg_temp.head(), 1) m)::bigint, (select sum(k.events) from counted k)::bigint, 'all are in some minute');
select is(pos.console_seq_before(:alpha, e.at, 0, pg_temp.head()), e.seq - 1, 'before ' || e.seq) from pos.event e where e.tenant_id = :alpha
  and not exists (select from pos.event o where o.tenant_id = :alpha and o.at = e.at and o.seq < e.seq);
select is(pos.console_seq_before(:alpha, '-infinity', 0, pg_temp.head()), 0::bigint, 'before all'),
       is(pos.console_seq_before(:alpha, 'infinity', 0, pg_temp.head()), pg_temp.head(), 'after all');

-- What is old goes.
insert into pos.request_log (tenant, at, method, status) values (:alpha, now() - interval '25 hours', 'GET', 500);
insert into pos.delivery (tenant, seq, at) values (:alpha, 1, now() - interval '8 days');
insert into pos.console_minute (tenant, minute, upto) values (:alpha, now() - interval '3 hours', 1);
select is(pos.maintain(v.task), v.wanted, v.task || ' ' || v.n)
  from (values ('requests', 1, 1), ('requests', 0, 2), ('deliveries', 1, 1), ('deliveries', 0, 2), ('looked_at', 1, 1), ('looked_at', 0, 2)) v(task, wanted, n);

select * from finish();
rollback;
