-- auth_test.sql - keys: which tenant they belong to, what they open, how they end.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.auth(more text) returns text language sql as $$
    select concat_ws(' ', a.status, a.body::json #>> '{error,code}')
      from pos.authenticate(jsonb_build_object('keyHash', pg_temp.key_hash('alpha', 'pos'), 'scope', 'pos',
                                               'requestId', 'r') || more::jsonb) a
$$;

-- Which keys open a socket.
select is(pg_temp.auth('{"tenant":"alpha"}'), '200', 'a key opens its own tenant');
select is(pg_temp.auth('{}'), '200', 'without a tenant the key names it');
select is(pg_temp.auth('{"tenant":"alpha","tenantHeader":"alpha"}'), '200', 'the header may be the slug');
select is(pg_temp.auth('{"tenant":"alpha","tenantHeader":"aaaaaaaa-0000-4000-8000-000000000001"}'), '200',
          'the header may be the id');
select is(pg_temp.auth('{"tenant":"alpha","tenantHeader":"AAAAAAAA-0000-4000-8000-000000000001"}'), '200',
          'an id may be in capitals');
select is(pg_temp.auth('{"tenant":"beta"}'), '403 TENANT_MISMATCH', 'another tenant''s path');
select is(pg_temp.auth('{"tenant":"nobody"}'), '403 TENANT_MISMATCH',
       'a tenant that there is not gets the same answer');
select is(pg_temp.auth('{"tenant":"alpha","tenantHeader":"beta"}'), '403 TENANT_MISMATCH',
       'another tenant''s header');
select is(pg_temp.auth('{"tenant":"alpha","tenantHeader":""}'), '403 TENANT_MISMATCH', 'an empty header');
select is(pg_temp.auth('{"tenant":"Alpha"}'), '200', 'a slug in any case');
select is(pg_temp.auth('{"scope":"platform"}'), '403 FORBIDDEN', 'a till''s key is no platform key');
select is(pg_temp.auth('{"scope":"console"}'), '403 FORBIDDEN', 'nor a console''s');
select is(pg_temp.auth('{"keyHash":null}'), '401 UNAUTHORIZED', 'no key');
select is(pg_temp.auth(jsonb_build_object('keyHash', pg_temp.hash('wrong'))::text), '401 UNAUTHORIZED',
       'unknown key');
select is(pg_temp.auth('{"keyHash":"abc"}'), '401 UNAUTHORIZED', 'no hash at all');
select is(pg_temp.auth('{"keyHash":"'' or 1=1 --"}'), '401 UNAUTHORIZED', 'SQL in place of a hash');
select is(pg_temp.auth(jsonb_build_object('keyHash', upper(pg_temp.key_hash('alpha', 'pos')))::text),
          '401 UNAUTHORIZED', 'hashes are lower case');
select is(pg_temp.auth('{"keyHash":17}'), '401 UNAUTHORIZED', 'a number in place of a hash');

-- The answer to the gateway.
select is(a.tenant_id, :alpha::uuid, 'tenant id'),
       is(a.tenant_slug, 'alpha', 'slug'),
       is(a.tenant_name, 'Alpha', 'name'),
       is(a.scopes, 'pos', 'scopes'),
       is(a.expires_at_ms, null, 'no expiry'),
       is(a.body, null, 'no body'),
       isnt(a.key_id, null, 'key id')
  from pos.authenticate(jsonb_build_object('keyHash', pg_temp.key_hash('alpha', 'pos'))) a;
select is(a.body::json ->> 'requestId', 'r-9', 'the refusal names the request'),
       is(a.body::json ->> 'success', 'false', 'and says so'),
       is(json_typeof(a.body::json -> 'error'), 'object', 'error is an object'),
       is(a.body::json ->> 'message', a.body::json #>> '{error,message}', 'the message stands twice'),
       is(a.tenant_id, null, 'and no tenant')
  from pos.authenticate('{"requestId":"r-9"}') a;

-- The form of keys.
select matches(pos.key_issue('alpha', array['pos'], 'x'), '^pos_[0-9a-f]{64}$', 'a till''s key');
select matches(pos.key_issue('alpha', array['platform'], 'x'), '^plat_[0-9a-f]{64}$', 'a platform key');
select matches(pos.key_issue('alpha', array['pos', 'platform'], 'x'), '^pos_[0-9a-f]{64}$', 'a key for both');
select isnt(pos.key_issue('alpha', array['pos'], 'x'), pos.key_issue('alpha', array['pos'], 'x'),
       'no two are equal');
select is((select count(*) from pos.api_key k, test_key t where position(t.key in k::text) > 0), 0::bigint,
          'no key is kept');
select throws_ok($$select pos.key_issue('nobody', array['pos'], 'x')$$, 'P0002', null, 'unknown tenant');
select throws_ok($$select pos.key_issue('alpha', array['root'], 'x')$$, '23514', null, 'unknown scope');
select throws_ok($$select pos.key_issue('alpha', array[]::text[], 'x')$$, '23514', null, 'no scope');
select throws_ok($$select pos.key_issue('alpha', array['pos'], '')$$, '23514', null, 'no label');

-- Expiry.
create temp table short as select pos.key_issue('alpha', array['pos'], 'short', now() + interval '1 hour') as key,
    pos.key_issue('alpha', array['pos'], 'late', now() - interval '1 second') as late;
select is((pos.authenticate(jsonb_build_object('keyHash', pg_temp.hash(key)))).expires_at_ms,
          floor(extract(epoch from now() + interval '1 hour') * 1000)::bigint, 'the expiry in milliseconds')
              from short;
select is((pos.authenticate(jsonb_build_object('keyHash', pg_temp.hash(late)))).status, 401, 'expired') from short;

-- Rotation.
create temp table turn as
    select k.id, t.key as old, pos.key_rotate(k.id, interval '1 hour') as new
      from test_key t join pos.api_key k on k.key_hash = decode(pg_temp.hash(t.key), 'hex')
     where t.slug = 'beta' and t.scope = 'pos';
select is((pos.authenticate(jsonb_build_object('keyHash', pg_temp.hash(old)))).status, 200, 'the old one still works'),
       is((pos.authenticate(jsonb_build_object('keyHash', pg_temp.hash(new)))).status, 200, 'the new one works'),
       isnt((pos.authenticate(jsonb_build_object('keyHash', pg_temp.hash(old)))).expires_at_ms, null,
            'the old one ends')
  from turn;
select is(count(distinct lineage), 1::bigint, 'both have one lineage'),
       is(count(*), 2::bigint, 'and are two')
  from pos.api_key
   where key_hash in (select decode(pg_temp.hash(old), 'hex')
                        from turn
                      union select decode(pg_temp.hash(new), 'hex')
                        from turn);
select throws_ok($$select pos.key_rotate(gen_random_uuid())$$, 'P0002', null, 'no such key to rotate');
select throws_ok($$select pos.key_rotate((select id from turn), interval '-1 hour')$$, '22023', null,
       'a negative overlap');

-- Revocation.
select is(pos.key_revoke((select id from turn)), true, 'revoked');
select is(pos.key_revoke((select id from turn)), false, 'once');
select is((pos.authenticate(jsonb_build_object('keyHash', pg_temp.hash(old)))).status, 401, 'it opens nothing now')
       from turn;
select is((pos.authenticate(jsonb_build_object('keyHash', pg_temp.hash(new)))).status, 200, 'its successor does')
       from turn;
select throws_ok($$select pos.key_rotate((select id from turn))$$, 'P0002', null, 'a revoked key has no successor');
select is((select string_agg(action, ' ' order by id) from pos.audit where tenant_id = :beta),
          'key.issue key.issue key.rotate key.revoke', 'all of it is in the audit');

-- A suspended tenant.
update dinedesk_main.tenants set status = 'suspended' where slug = 'beta';
select is((pos.authenticate(jsonb_build_object('keyHash', pg_temp.hash(new)))).status, 403, 'suspended') from turn;
select is((select action || ' ' || subject from pos.audit where tenant_id = :beta order by id desc limit 1),
          'tenant.suspended beta', 'in the audit too');
select is(pg_temp.try('health', '{}', null, jsonb_build_object('keyHash', (select pg_temp.hash(new) from turn),
       'tenant', 'beta')),
          '403 TENANT_SUSPENDED', 'and for REST');

-- Tenants.
select throws_ok($$insert into dinedesk_main.tenants (slug, name, country, currency, timezone)
    values ('gamma', 'G', 'GB', 'GBP', 'Mars/Olympus')$$, '22023', null, 'an unknown time zone');
select throws_ok($$insert into dinedesk_main.tenants (slug, name, country, currency) values ('Gamma/1', 'G', 'GB',
                   'GBP')$$, '23514', null, 'a slug that breaks a path');
select throws_ok($$update dinedesk_main.tenants set id = gen_random_uuid() where slug = 'kitchen'$$, '23001', null,
       'a tenant keeps its id');

select * from finish();
rollback;
