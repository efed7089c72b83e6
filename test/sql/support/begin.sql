-- support/begin.sql - the start of every pgTAP file: a transaction that is rolled back at its end, two tenants
-- with keys, and short ways to call pos.call.
-- SPDX-License-Identifier: Apache-2.0

\set ON_ERROR_STOP 1
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
-- Several assertions about one row are printed on a line each.
\pset fieldsep '\n'
begin;
set local client_min_messages = warning;

insert into dinedesk_main.tenants (id, slug, name, country, currency, timezone, order_number_prefix) values
    ('aaaaaaaa-0000-4000-8000-000000000001', 'alpha', 'Alpha', 'GB', 'GBP', 'Europe/London', 'ALP-'),
    ('bbbbbbbb-0000-4000-8000-000000000002', 'beta', 'Beta', 'US', 'USD', 'America/New_York', '');
\set alpha '\'aaaaaaaa-0000-4000-8000-000000000001\''
\set beta '\'bbbbbbbb-0000-4000-8000-000000000002\''

create temp table test_key as
    select t.slug, s.scope, pos.key_issue(t.slug, array[s.scope], 'test ' || s.scope) as key
      from dinedesk_main.tenants t, (values ('pos'), ('platform')) s(scope)
     where t.slug in ('alpha', 'beta');

create function pg_temp.hash(key text) returns text language sql as $$
    select encode(sha256(convert_to(key, 'UTF8')), 'hex')
$$;
create function pg_temp.key_hash(tenant text, key_scope text) returns text language sql as $$
    select pg_temp.hash(k.key) from test_key k where k.slug = tenant and k.scope = key_scope
$$;
-- The context that C would build; `more` adds or overrides members.
create function pg_temp.ctx(path text, more jsonb default '{}') returns jsonb language sql as $$
    select jsonb_build_object('keyHash', pg_temp.key_hash('alpha', coalesce(more ->> 'scope', 'pos')),
        'tenant', 'alpha', 'scope', 'pos', 'path', path::jsonb, 'query', '{}'::jsonb, 'requestId', 'req-1',
        'device', 'till-1', 'method', 'POST', 'route', '/test', 'version', '9.9.9') || more
$$;
-- What the commit of a SQL writer does, and what the bridge does then.
create function pg_temp.commit() returns void language plpgsql as $$
begin
    set constraints all immediate;
    set constraints all deferred;
    perform pos.outbox_number(s.tenant_id, 1000000) from pos.stream s;
end $$;
create function pg_temp.call(operation text, path text, body text default null, more jsonb default '{}')
returns pos.answer language sql as $$
    select pg_temp.commit();
    select pos.call(operation, pg_temp.ctx(path, case
        when 'platform' = any(pos.operation_scopes(operation)) then '{"scope":"platform"}'::jsonb || more
        else more end), body::json)
$$;
-- "200", or "400 INVALID_AMOUNT".
create function pg_temp.outcome(a pos.answer) returns text language sql as $$
    select concat_ws(' ', a.status, a.body::json #>> '{error,code}', case when a.replayed then 'replayed' end)
$$;
create function pg_temp.try(operation text, path text, body text default null, more jsonb default '{}')
returns text language sql as $$
    select pg_temp.outcome(pg_temp.call(operation, path, body, more))
$$;
create function pg_temp.card(number text, balance numeric, state text default 'active', expiry date default null)
returns void language sql as $$
    insert into pos.gift_cards (tenant_id, card_number, status, initial_balance, current_balance, expiry_date)
    values ('aaaaaaaa-0000-4000-8000-000000000001', number, state, balance, balance, expiry)
$$;
create function pg_temp.balance(number text) returns numeric language sql as $$
    select g.current_balance from pos.gift_cards g
     where g.tenant_id = 'aaaaaaaa-0000-4000-8000-000000000001' and g.card_number = number
$$;
create function pg_temp.head(tenant text default 'alpha') returns bigint language sql as $$
    select pg_temp.commit();
    select s.head from pos.stream s join dinedesk_main.tenants t on t.id = s.tenant_id where t.slug = tenant
$$;
-- The types of the events after a seq, in order.
create function pg_temp.types_after(after bigint, tenant text default 'alpha') returns text language sql as $$
    select pg_temp.commit();
    select coalesce(string_agg(e.type, ' ' order by e.seq), '') from pos.event e
      join dinedesk_main.tenants t on t.id = e.tenant_id where t.slug = tenant and e.seq > after
$$;
-- The data of the newest event.
create function pg_temp.newest(tenant text default 'alpha') returns json language sql as $$
    select pg_temp.commit();
    select e.data from pos.event e join dinedesk_main.tenants t on t.id = e.tenant_id
     where t.slug = tenant order by e.seq desc limit 1
$$;
