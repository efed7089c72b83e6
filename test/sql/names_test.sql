-- names_test.sql - a tenant's other names, names that no tenant can have, and devices without a key.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

-- Aliases.
select lives_ok($$select pos.tenant_alias_add('alpha', 'restaurant_123')$$, 'another name');
select lives_ok($$select pos.tenant_alias_add('alpha', 'restaurant_123')$$, 'again');
select lives_ok($$select pos.tenant_alias_add('alpha', 'alpha')$$, 'its own');
select lives_ok($$select pos.tenant_alias_add('alpha', 'Café')$$, 'letters');
select is(pos.tenant_named('restaurant_123'), :alpha::uuid, 'known');
select is(pos.tenant_named('Restaurant_123'), null, 'exactly');
select is(pos.tenant_named('beta'), :beta::uuid, 'slugs too');
select is(pos.tenant_named('BeTa'), :beta::uuid, 'in any case');
select throws_ok(format('select pos.tenant_alias_add(%L, %L)', v.slug, v.alias), v.state, null, v.alias)
  from (values ('beta', 'restaurant_123', '23505'),
               ('beta', 'alpha', '23505'),
               ('alpha', 'health', '23505'),
               ('nobody', 'x', 'P0002'),
               ('alpha', '', '23514'),
               ('alpha', 'a b', '23514'),
               ('alpha', E'a\u0001', '23514'),
               ('beta', 'AAAAAAAA-0000-4000-8000-000000000001', '23505'),
               ('alpha', repeat('x', 201), '22001')) v(slug, alias, state);
select lives_ok($$select pos.tenant_alias_add('alpha', '7C0FFEE2-1c84-4e0a-8d6b-2a9e5c470b22')$$, 'a UUID of its own');
select is(pos.tenant_named(v.name), :alpha::uuid, v.name)
  from (values ('7c0ffee2-1c84-4e0a-8d6b-2a9e5c470b22'), ('7C0FFEE2-1C84-4E0A-8D6B-2A9E5C470B22')) v(name);
select throws_ok('insert into dinedesk_main.tenants (id, slug, name, country, currency) values '
                 '(''7c0ffee2-1c84-4e0a-8d6b-2a9e5c470b22'', ''later'', ''x'', ''GB'', ''GBP'')', '23505', null,
                 'which no other tenant gets as its id');
select throws_ok(format('insert into dinedesk_main.tenants (slug, name, country, currency) values (%L, ''x'', '
                        '''GB'', ''GBP'')', v.slug), v.state, null, 'no slug: ' || v.slug)
  from (values ('health', '23514'),
               ('sync', '23514'),
               ('pos', '23514'),
               ('restaurants', '23514'),
               ('v1', '23514'),
               ('k', '23514'),
               ('admin', '23514'),
               ('restaurant_123', '23505')) v(slug, state);
select throws_ok('update dinedesk_main.tenants set slug = ''admin'' where slug = ''beta''', '23514', null,
                 'nor a new one');
select is(count(*), 3::bigint, 'audited') from pos.audit where tenant_id = :alpha and action = 'alias.add';
select is(pg_temp.try('health', '{}', null, jsonb_build_object('tenant', v.name)), v.wanted, 'a key at ' || v.name)
  from (values ('restaurant_123', '200'),
               ('alpha', '200'),
               (:alpha, '200'),
               ('beta', '403 TENANT_MISMATCH'),
               (:beta, '403 TENANT_MISMATCH'),
               ('nobody', '403 TENANT_MISMATCH')) v(name, wanted);

-- Without a key.
create function pg_temp.bare(more text) returns text language sql as $$
    select concat_ws(' ', a.status, a.body::json #>> '{error,code}', a.tenant_slug,
                     coalesce(a.key_id::text, 'no key'), a.scopes)
      from pos.authenticate('{"keyless":true,"scope":"pos","requestId":"r"}'::jsonb || more::jsonb) a
$$;
create function pg_temp.do(operation text, ctx text, body text default '{"changes":[{"kind":"tables","id":"k1"}]}')
returns text language sql as $$
    select pg_temp.outcome(pos.call(operation, '{"kind":"socket","path":{},"query":{},"requestId":"r"}'::jsonb
                                               || ctx::jsonb, body::json))
$$;
select is(pg_temp.bare(v.more), '401 UNAUTHORIZED no key', 'off: ' || v.more)
  from (values ('{}'), ('{"tenant":"alpha"}'), (format('{"tenant":"%s"}', :alpha))) v(more);
select is(pg_temp.do('shared_state_change', format('{"keyless":"%s"}', :alpha)), '401 UNAUTHORIZED', 'nor by its id');
select is_empty('select * from pos.keyless_tenants()', 'none');
select lives_ok($$select pos.keyless_set('alpha', true)$$, 'on');
select throws_ok($$select pos.keyless_set('nobody', true)$$, 'P0002', null, 'nobody');
select is((select string_agg(k, ' ') from pos.keyless_tenants() k), 'alpha', 'one');
select is(pg_temp.bare(v.more), v.wanted, 'on: ' || v.more)
  from (values ('{}', '200 alpha no key pos'),
               ('{"tenant":"alpha"}', '200 alpha no key pos'),
               ('{"tenant":"restaurant_123"}', '200 alpha no key pos'),
               ('{"tenant":"AAAAAAAA-0000-4000-8000-000000000001"}', '200 alpha no key pos'),
               ('{"tenant":"beta"}', '401 UNAUTHORIZED no key'),
               ('{"tenant":"nobody"}', '401 UNAUTHORIZED no key'),
               ('{"tenant":""}', '401 UNAUTHORIZED no key'),
               ('{"scope":"platform"}', '403 FORBIDDEN no key'),
               ('{"scope":"console"}', '403 FORBIDDEN no key'),
               ('{"tenant":"alpha","tenantHeader":"beta"}', '403 TENANT_MISMATCH no key'),
               ('{"keyHash":"abc"}', '401 UNAUTHORIZED no key'),
               ('{"keyless":false}', '401 UNAUTHORIZED no key'),
               ('{"keyless":null}', '401 UNAUTHORIZED no key')) v(more, wanted);
create temp table operation as select o.name from pos.operations() o;
select is(string_agg(o.name, ' ' order by o.name collate "C") filter (
              where x not in ('403 PERMISSION_DENIED', '403 FORBIDDEN')),
          'cloudsync_data cloudsync_devices cloudsync_pull cloudsync_push event_shown house_change minipos_state '
          'orders_pending orders_pull orders_sync shared_state_change', 'these and no other')
  from operation o, lateral pg_temp.do(o.name, format('{"keyless":"%s"}', :alpha)) x;
select is(pg_temp.do('shared_state_change', format('{"keyless":"%s","device":"d"}', :alpha)), '200', 'a change');
select is(pg_temp.do('minipos_state', format('{"keyless":"%s"}', :alpha)), '200', 'a state');
select is(pg_temp.do('shared_state_change', format('{"keyless":"%s"}', :beta)), '401 UNAUTHORIZED', 'not another''s');
select is(pg_temp.do('shared_state_change', format('{"keyless":"%s","tenant":"beta"}', :alpha)),
          '403 TENANT_MISMATCH', 'nor two at once');
select is(pg_temp.do('shared_state_change', format('{"keyless":"%s","keyHash":"abc"}', :alpha)), '401 UNAUTHORIZED',
          'a wrong key is a wrong key');
select is(pg_temp.outcome(x), v.wanted, v.what)
  from (values (1, '200', 'a key of its own'), (2, '200 replayed', 'again')) v(n, wanted, what),
       lateral pos.call('shared_state_change',
                        jsonb_build_object('keyless', :alpha, 'idempotencyKey', 'a', 'requestId', v.n, 'path',
                                           '{}'::jsonb), '{"changes":[]}') x
   order by v.n;
update dinedesk_main.tenants set keyless = true where slug = 'beta';
select is(pg_temp.bare('{}'), '401 UNAUTHORIZED no key', 'two: which?');
select is(pg_temp.bare('{"tenant":"beta"}'), '200 beta no key pos', 'that one');
update dinedesk_main.tenants set status = 'suspended' where slug = 'beta';
select is(pg_temp.bare('{"tenant":"beta"}'), '403 TENANT_SUSPENDED no key', 'suspended');
select is((select string_agg(k, ' ') from pos.keyless_tenants() k), 'alpha', 'not listed');
select pos.keyless_set('alpha', false) \g /dev/null
select is(pg_temp.bare('{"tenant":"alpha"}'), '401 UNAUTHORIZED no key', 'off again');
select is(pg_temp.do('shared_state_change', format('{"keyless":"%s"}', :alpha)), '401 UNAUTHORIZED', 'at once');
select is(string_agg(a.action, ' ' order by a.id), 'keyless.on keyless.off', 'audited')
  from pos.audit a where a.tenant_id = :alpha and a.action like 'keyless%';

select * from finish();
rollback;
