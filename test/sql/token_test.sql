-- token_test.sql - requests with a signed token in place of a key: whose it is, what it opens.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

-- The context that C builds when it has checked a token's signature.
create function pg_temp.by(token jsonb, more jsonb default '{}') returns jsonb language sql as $$
    select jsonb_build_object('token', '{"restaurant":"aaaaaaaa-0000-4000-8000-000000000001"}'::jsonb || token,
                              'requestId', 't-1', 'kind', 'socket') || more
$$;
create function pg_temp.asks(operation text, body text, token jsonb default '{}', more jsonb default '{}')
returns text language sql as $$
    select pg_temp.outcome(pos.call(operation, pg_temp.by(token, more), body::json))
$$;
select pg_temp.call('order_create', '{}',
                    '{"orderId":"o1","customerName":"Ada","totalAmount":5,"items":[]}') \g /dev/null

-- The restaurant of a token, before its signature has been checked.
select pos.token_secret_set('alpha', repeat('s', 32)) \g /dev/null
select is(t.tenant_id, :alpha::uuid, v.name),
       is(t.tenant_slug, 'alpha', 'slug'),
       is(t.tenant_name, 'Alpha', 'name'),
       is(t.status, 'active', 'status'),
       is(t.secret, repeat('s', 32), 'secret')
  from (values ('alpha'), ('aaaaaaaa-0000-4000-8000-000000000001'), ('AAAAAAAA-0000-4000-8000-000000000001')) v(name),
       lateral pos.token_tenant(v.name) t;
select is(t.tenant_id, :beta::uuid, 'another'),
       is(t.secret, null, 'has no secret of its own')
  from pos.token_tenant('beta') t;
select is((select count(*) from pos.token_tenant(v.name)), 0::bigint, coalesce('nobody: ' || v.name, 'nobody'))
  from (values ('nobody'), (''), (null), ('Alph'), ('aaaaaaaa-0000-4000-8000-00000000000f'),
               ('{aaaaaaaa-0000-4000-8000-000000000001}'), (repeat('a', 100000))) v(name);
insert into dinedesk_main.tenants (slug, name, country, currency)
    values ('aaaaaaaa-0000-4000-8000-000000000001', 'Pretender', 'GB', 'GBP');
select is(t.tenant_id, :alpha::uuid, 'a slug that looks like a UUID takes nobody''s place')
  from pos.token_tenant('aaaaaaaa-0000-4000-8000-000000000001') t;

-- Secrets.
select pos.token_secret_set('alpha', repeat('t', 40)) \g /dev/null
select is((select t.secret from pos.token_tenant('alpha') t), repeat('t', 40), 'a new secret');
select pos.token_secret_set('alpha', null) \g /dev/null
select is((select t.secret from pos.token_tenant('alpha') t), null, 'taken away');
select throws_ok($$select pos.token_secret_set('alpha', repeat('s', 31))$$, '23514', 'the secret must have 32 to 1024 characters',
                 'too short, and not printed');
select throws_ok($$select pos.token_secret_set('nobody', repeat('s', 32))$$, 'P0002', null, 'of no tenant');
select is((select string_agg(a.action || ' ' || a.subject, ', ' order by a.id)
             from pos.audit a
            where a.tenant_id = :alpha and a.action like 'token%'),
          'token_secret.set alpha, token_secret.set alpha, token_secret.clear alpha', 'in the audit');
select is((select count(*) from pos.audit a where position(repeat('s', 8) in a::text) > 0), 0::bigint,
          'without the secret');

-- Which tenant a token belongs to.
select is(pg_temp.asks('health', null, v.token::jsonb, v.more::jsonb), v.wanted, v.token || ' ' || v.more)
  from (values ('{}', '{}', '200'),
               ('{"restaurant":"alpha"}', '{}', '200'),
               ('{"restaurant":"AAAAAAAA-0000-4000-8000-000000000001"}', '{}', '200'),
               ('{}', '{"tenant":"alpha"}', '200'),
               ('{}', '{"tenant":"aaaaaaaa-0000-4000-8000-000000000001"}', '200'),
               ('{}', '{"tenantHeader":"alpha"}', '200'),
               ('{}', '{"tenant":"beta"}', '403 PERMISSION_DENIED'),
               ('{}', '{"tenant":"nobody"}', '403 PERMISSION_DENIED'),
               ('{}', '{"tenant":"bbbbbbbb-0000-4000-8000-000000000002"}', '403 PERMISSION_DENIED'),
               ('{}', '{"tenantHeader":"beta"}', '403 PERMISSION_DENIED'),
               ('{}', '{"tenant":""}', '403 PERMISSION_DENIED'),
               ('{"restaurant":"nobody"}', '{}', '403 INVALID_RESTAURANT'),
               ('{"restaurant":null}', '{}', '403 INVALID_RESTAURANT'),
               ('{"restaurant":17}', '{}', '403 INVALID_RESTAURANT'),
               ('{"restaurant":["alpha"]}', '{}', '403 INVALID_RESTAURANT'),
               ('{}', '{"token":"alpha"}', '401 UNAUTHORIZED'),
               ('{}', '{"token":null}', '401 UNAUTHORIZED'),
               ('{}', '{"token":["alpha"]}', '401 UNAUTHORIZED'),
               ('{}', '{"keyHash":"00"}', '401 UNAUTHORIZED')) v(token, more, wanted);
select is(a.tenant_id, null, 'a refused one has no tenant'),
       is(a.events, null, 'nor events')
  from pos.call('gift_card_issue', pg_temp.by('{}'), '{"initialBalance":5}') a;
select is(a.body::json ->> 'requestId', 't-1', 'the refusal names the request')
  from pos.call('health', pg_temp.by('{"restaurant":"nobody"}'), null) a;

-- All operations: every token may read, scopes or roles decide about writing, and the rest needs a key.
create temp table operation as select o.name from pos.operations() o;
select is((select string_agg(name, ' ' order by name collate "C") from operation where pos.token_may(name, '{}')),
          'cloudsync_data cloudsync_devices cloudsync_pull cloudsync_push event_shown events_list health house_change '
          'minipos_state order_answer order_get order_status orders_sync shared_state_change table_complete ticket_issue v1_menu '
          'v1_menu_categories v1_menu_items v1_order v1_order_create v1_order_status v1_orders v1_table '
          'v1_table_status v1_tables',
          'with no claims');
select is((select string_agg(name, ' ' order by name collate "C")
             from operation
            where pos.token_may(name, '{"scopes":["orders:read"],"role":"owner"}')),
          'cloudsync_data cloudsync_devices cloudsync_pull event_shown events_list health minipos_state order_get orders_sync '
          'ticket_issue v1_order v1_orders v1_table v1_tables', 'with a scope that reads');
select is((select string_agg(name, ' ')
             from operation
            where not pos.operation_writes(name) and pos.operation_by_token(name) in ('write', 'create', 'tables')),
          null, 'tables agree');
select is((select string_agg(name, ' ')
             from operation
            where pos.operation_writes(name) and pos.operation_by_token(name) in ('read', 'orders', 'menu')), null,
          'both ways');
select is(pos.token_may('drop_everything', '{"scopes":["*"]}'), false, 'what is no operation is not permitted');
select is(pg_temp.asks(name, '{}', '{"scopes":["*"],"role":"owner"}'), '403 PERMISSION_DENIED',
          'not by token: ' || name)
  from operation where pos.operation_by_token(name) is null;
select is(pos.token_may('order_status', v.token::jsonb), v.may, v.token)
  from (values ('{"scopes":["orders:write"]}', true),
               ('{"scopes":["a","orders:update"]}', true),
               ('{"scopes":["orders:status"]}', true),
               ('{"scopes":["*"]}', true),
               ('{"scopes":[]}', false),
               ('{"scopes":["orders:read","payments:write"]}', false),
               ('{"scopes":["ORDERS:WRITE"]}', false),
               ('{"scopes":"orders:write"}', false),
               ('{"scopes":{"orders:write":1}}', false),
               ('{"scopes":[["*"]]}', false),
               ('{"scopes":[],"role":"owner"}', false),
               ('{"scopes":null,"role":"kitchen"}', true),
               ('{"role":"Kitchen"}', true),
               ('{"role":"OWNER"}', true),
               ('{"role":"expo"}', true),
               ('{"role":"customer"}', false),
               ('{"role":""}', false),
               ('{"role":["owner"]}', false),
               ('{"role":null}', true),
               ('{}', true)) v(token, may);
-- Each word of pos.operations: which scopes, or without scopes which roles, do.
select is(pos.token_may(v.name, v.token::jsonb), v.may, v.name || ' with ' || v.token)
  from (values ('v1_order_create', '{"scopes":["orders:create"]}', true),
               ('v1_order_create', '{"scopes":["orders:write"]}', true),
               ('v1_order_create', '{"scopes":["orders:status","orders:update"]}', false),
               ('v1_order_create', '{"role":"customer"}', true),
               ('v1_order_create', '{"role":"kitchen"}', false),
               ('v1_orders', '{"scopes":["orders:read"]}', true),
               ('v1_orders', '{"scopes":["orders:status"]}', true),
               ('v1_orders', '{"scopes":["menu:read"]}', false),
               ('v1_orders', '{"scopes":[]}', false),
               ('v1_orders', '{"role":"authenticated"}', true),
               ('v1_order_status', '{"scopes":["orders:status"]}', true),
               ('v1_order_status', '{"scopes":["orders:create"]}', false),
               ('v1_table_status', '{"scopes":["tables:manage"]}', true),
               ('v1_table_status', '{"scopes":["orders:write"]}', false),
               ('v1_table_status', '{"role":"manager"}', true),
               ('v1_table_status', '{"role":"server"}', false),
               ('v1_tables', '{"scopes":[]}', true),
               ('v1_menu', '{"scopes":["menu:read"]}', true),
               ('v1_menu', '{"scopes":["orders:read"]}', false),
               ('v1_menu', '{"role":"cashier"}', true)) v(name, token, may);
select is(a.body::json ->> 'message',
          'This token does not permit that. It needs the scope orders:create or orders:write.', 'it says what is missing')
  from pos.call('v1_order_create', pg_temp.by('{"restaurant":"alpha","scopes":["menu:read"]}'), '{}') a;
select is(pg_temp.asks('order_status', '{"orderId":"o1","status":"pending"}', '{"scopes":["orders:read"]}'),
          '403 PERMISSION_DENIED', 'a reader writes nothing');
select is(pg_temp.asks('order_status', '{"orderId":"o1","status":"pending"}', '{"role":"customer"}'),
          '403 PERMISSION_DENIED', 'nor a guest');
select is(pg_temp.asks('orders_sync', null, '{"role":"customer"}'), '200', 'but read they may');

-- What a change by token records.
create temp table a as select pos.call('order_status', pg_temp.by('{"subject":"user-9","role":"kitchen"}',
    '{"device":"screen 2"}'), '{"orderId":"o1","status":"pending"}') as a;
select is((a.a).status, 200, 'moved'),
       is(((a.a).events[1]::json -> 'origin')::text, '{"kind":"socket","device":"screen 2","requestId":"t-1"}',
          'by a socket'),
       is((a.a).events[1]::json #>> '{data,updatedBy}', 'user-9', 'by whom')
  from a;
select is(h.updated_by || ' ' || h.device, 'user-9 screen 2', 'in the history'),
       is(h.key_id, null, 'by no key')
  from pos.order_status_history h where h.tenant_id = :alpha and h.order_id = 'o1' order by h.id desc limit 1;
select is((x.events[1]::json -> 'origin') ->> 'kind', 'api', 'a kind that nobody knows: ' || v.kind)
  from (values (1, '"sql"', 'confirmed'),
               (2, '"bridge"', 'preparing'),
               (3, 'null', 'ready'),
               (4, '{"a":1}', 'completed')) v(n, kind, status),
       lateral pos.call('order_status', pg_temp.by('{}', ('{"kind":' || v.kind || '}')::jsonb),
                        format('{"orderId":"o1","status":"%s"}', v.status)::json) x
   order by v.n;
select is(pg_temp.outcome(x), '200', 'a key by a socket'),
       is(x.events[1]::json #>> '{origin,kind}', 'socket', 'says so'),
       is(x.events[1]::json #>> '{data,updatedBy}', null, 'a key is nobody, whatever its token says')
  from pg_temp.call('order_create', '{}', '{"orderId":"o2","customerName":"Ben","totalAmount":5,"items":[]}') y,
       lateral pg_temp.call('order_status', '{}', '{"orderId":"o2","status":"pending"}',
                            '{"kind":"socket","token":{"restaurant":"beta","subject":"eve"}}') x
   where y.status = 201;

-- Idempotency keys belong to the tenant and the subject.
select is(pg_temp.asks('order_status', '{"orderId":"o2","status":"confirmed"}', v.token::jsonb, v.more::jsonb),
          v.wanted, v.what)
  from (values (1, '{"subject":"u1"}', '{"idempotencyKey":"k"}', '200', 'with a key'),
               (2, '{"subject":"u1"}', '{"idempotencyKey":"k"}', '200 replayed', 'again'),
               (3, '{"subject":"u2"}', '{"idempotencyKey":"k"}', '200', 'another user''s key is another'),
               (4, '{"subject":"u1","restaurant":"alpha","role":"owner"}', '{"idempotencyKey":"k"}', '200 replayed',
                'a new token of the same user'),
               (5, '{}', '{"idempotencyKey":"k"}', '200', 'of nobody'),
               (6, '{}', '{"idempotencyKey":"k"}', '200 replayed', 'again'),
               (7, '{"subject":"u1"}', '{"attempt":"x"}', '200', 'an attempt'),
               (8, '{"subject":"u1"}', '{"attempt":"x"}', '200', 'again, unmarked')) v(n, token, more, wanted, what)
   order by v.n;
select is(pg_temp.asks('order_status', '{"orderId":"o2","status":"preparing"}', '{"subject":"u1"}',
                       '{"idempotencyKey":"k"}'), '422 IDEMPOTENCY_KEY_REUSED', 'another status');
select is(pg_temp.asks('table_complete', '{"orderId":"o2","status":"confirmed"}', '{"subject":"u1"}',
                       '{"idempotencyKey":"k"}'), '422 IDEMPOTENCY_KEY_REUSED', 'another operation with the same body');
select isnt(pos.token_lineage(:alpha, 'u1'), pos.token_lineage(:beta, 'u1'), 'two tenants');
select is(pos.token_lineage(:alpha, null), pos.token_lineage(:alpha, ''), 'no subject is an empty one');

-- The handshake.
select is(a.status, 200, 'a token opens a socket'),
       is(a.tenant_id, :alpha::uuid, 'tenant'),
       is(a.tenant_slug, 'alpha', 'slug'),
       is(a.key_id, null, 'no key'),
       is(a.expires_at_ms, null, 'C knows when it ends'),
       is(a.scopes, 'pos', 'as a till')
  from pos.authenticate(pg_temp.by('{"restaurant":"alpha"}')) a;
select is(concat_ws(' ', a.status, a.body::json #>> '{error,code}'), v.wanted, v.token || ' ' || v.more)
  from (values ('{}', '{"scope":"console"}', '403 PERMISSION_DENIED'),
               ('{}', '{"scope":"platform"}', '403 PERMISSION_DENIED'),
               ('{}', '{"tenant":"beta"}', '403 PERMISSION_DENIED'),
               ('{}', '{"tenant":"alpha","scope":"pos"}', '200'),
               ('{"restaurant":"nobody"}', '{}', '403 INVALID_RESTAURANT')) v(token, more, wanted),
       lateral pos.authenticate(pg_temp.by(v.token::jsonb, v.more::jsonb)) a;

update dinedesk_main.tenants set status = 'suspended' where slug = 'alpha';
select is(pg_temp.asks('health', null), '403 TENANT_SUSPENDED', 'suspended');
select is((pos.authenticate(pg_temp.by('{}'))).status, 403, 'in the handshake too');
select is((select t.status from pos.token_tenant('alpha') t), 'suspended', 'and before');

-- With a key the tenant can be left out, because /api/v1 has none in its path.
select is(pg_temp.outcome(pos.call('health', jsonb_build_object('keyHash', pg_temp.key_hash('beta', 'pos')), null)),
          '200', 'the key''s own');
select throws_ok($$insert into dinedesk_main.tenants (slug, name, country, currency) values ('v1', 'V', 'GB',
                   'GBP')$$, '23514', null, 'nobody is called v1');

select pg_temp.commit() \g /dev/null
set local enable_nestloop = off; -- there are no statistics of this transaction's rows
select is_empty('select * from pos.violations', 'the log is whole');
select * from finish();
rollback;
