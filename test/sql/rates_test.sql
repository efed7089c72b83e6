-- rates_test.sql - how many apis share the rates, and tenants with a rate of their own.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

\set one '\'11111111-0000-4000-8000-000000000001\''
\set two '\'11111111-0000-4000-8000-000000000002\''
delete from pos.api_process;
select is(r.apis, 1, 'the first api'), is(r.tenants, null, 'no tenant has a rate of its own') from pos.api_rates(:one) r;
select is((pos.api_rates(:one)).apis, 1, 'it again');
select is((pos.api_rates(:two)).apis, 2, 'a second');
update pos.api_process p set seen_at = clock_timestamp() - interval '12 s' where p.id = :two;
select is((pos.api_rates(:one)).apis, 1, 'one that has not been heard of for a while');
select is((pos.api_rates(:two)).apis, 2, 'until it is');
select pos.api_leaves(:two) \g /dev/null
select is((pos.api_rates(:one)).apis, 1, 'one that said that it ends');
select pos.api_rates(:two) \g /dev/null
update pos.api_process p set seen_at = clock_timestamp() - interval '2 minutes' where p.id = :two;
select pos.api_rates(:one) \g /dev/null
select is((select count(*) from pos.api_process), 1::bigint, 'what was last heard of long ago is forgotten');

select pos.tenant_rate_set('alpha', 7, 20) \g /dev/null
select is((pos.api_rates(:one)).tenants, 'aaaaaaaa-0000-4000-8000-000000000001 7 20', 'a tenant''s own');
select pos.tenant_rate_set('beta', 100000, 1000000) \g /dev/null
select is((select count(*) from regexp_split_to_table((pos.api_rates(:one)).tenants, E'\n')), 2::bigint, 'of two, a line each');
select pos.tenant_rate_set('alpha', null, null) \g /dev/null
select is((pos.api_rates(:one)).tenants, 'bbbbbbbb-0000-4000-8000-000000000002 100000 1000000', 'as the settings say again');
select throws_ok(format('select pos.tenant_rate_set(%L, %s, %s)', v.slug, v.per_second, v.burst), v.state, null, v.slug || ' ' || v.per_second)
  from (values ('nobody', '1', '1', 'P0002'), ('alpha', '0', '1', '23514'), ('alpha', '1', '0', '23514'), ('alpha', '100001', '1', '23514'),
               ('alpha', '1', '1000001', '23514'), ('alpha', 'null', '1', '23514'), ('alpha', '1', 'null', '23514')) v(slug, per_second, burst, state);
select is((select string_agg(a.subject || ': ' || a.detail, ', ' order by a.id) from pos.audit a where a.action = 'rate.set'),
          'alpha: 7 a second, 20 at once, beta: 100000 a second, 1000000 at once, alpha: as the settings say', 'in the audit');

select * from finish();
rollback;
