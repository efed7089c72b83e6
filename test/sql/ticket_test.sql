-- ticket_test.sql - tickets of browsers: who gets one, what it opens, and that it opens it once.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

create function pg_temp.issue(body text default '{}', more jsonb default '{}') returns text language sql as $$
    select (pg_temp.call('ticket_issue', '{}', body, '{"scope":"pos"}'::jsonb || more)).body::json ->> 'ticket'
$$;
create function pg_temp.take(ticket text, more jsonb default '{}') returns record language sql as $$
    select t from pos.ticket_take(jsonb_build_object('ticketHash', pg_temp.hash(ticket), 'scope', 'pos',
                                                     'requestId', 't-1') || more) t
$$;
create function pg_temp.taken(ticket text, more jsonb default '{}') returns text language sql as $$
    select concat_ws(' ', t.status, t.body::json #>> '{error,code}', t.body::json #>> '{error,message}')
      from pos.ticket_take(jsonb_build_object('ticketHash', pg_temp.hash(ticket), 'scope', 'pos',
                                              'requestId', 't-1') || more) t
$$;
\set unknown '\'401 INVALID_TICKET There is no such ticket, or it ended some time ago. Ask for a new one and connect again.\''
\set used '\'401 INVALID_TICKET This ticket has been used: each opens one socket. Ask for a new one and connect again.\''
\set late '\'401 INVALID_TICKET This ticket has expired: it can be used for 30 seconds. Ask for a new one and connect again.\''

-- Asking for one.
select a.status, a.body from pg_temp.call('ticket_issue', '{}', '{}', '{"scope":"pos","idempotencyKey":"k"}') a \gset
select is(:status, 201, 'a ticket'),
       matches(:'body'::json ->> 'ticket', '^tkt_[0-9a-f]{64}$', 'its form'),
       is((:'body'::json ->> 'expiresIn')::int, 30, 'for how long'),
       ok((:'body'::json ->> 'expiresAt')::timestamptz - clock_timestamp() between interval '25 s' and interval '30 s', 'until when'),
       is((select count(*) from pos.ws_ticket t
            where t.ticket_hash = sha256(convert_to(:'body'::json ->> 'ticket', 'UTF8'))), 1::bigint, 'its hash is kept'),
       is((select count(*) from pos.ws_ticket t
            where position(substr(:'body'::json ->> 'ticket', 5) in t::text) > 0), 0::bigint, 'and nothing else of it'),
       is((select count(*) from pos.idempotency i where position('tkt_' in i.body) > 0), 0::bigint, 'no answer is kept');
select isnt(pg_temp.issue('{}', '{"idempotencyKey":"k"}'), pg_temp.issue('{}', '{"idempotencyKey":"k"}'), 'a repeat gets another');
select is(pg_temp.try('ticket_issue', '{}', v.body, '{"scope":"pos"}'), v.wanted, v.body)
  from (values ('{"device":7}', '400 INVALID_FIELD'), (json_build_object('device', repeat('x', 128))::text, '400 INVALID_FIELD'),
               ('{"scopes":"pos"}', '400 INVALID_FIELD'), ('{"scopes":[]}', '400 INVALID_FIELD'),
               ('{"scopes":[1]}', '400 INVALID_FIELD'), ('{"scopes":["platform"]}', '403 FORBIDDEN'),
               ('{"scopes":["*"]}', '403 FORBIDDEN'), ('{"scopes":["pos","pos"]}', '201'), ('{"device":null}', '201')) v(body, wanted);

-- Using it: once.
select pg_temp.issue('{"device":"  kds-3 "}') as ticket \gset
select is(t.status, 200, 'taken'),
       is(t.tenant_id, :alpha::uuid, 'its tenant'),
       is(t.tenant_slug, 'alpha', 'slug'),
       is(t.key_id, (select k.id from pos.api_key k where encode(k.key_hash, 'hex') = pg_temp.key_hash('alpha', 'pos')), 'its key'),
       is(t.key_hash, pg_temp.key_hash('alpha', 'pos'), 'with which its session acts'),
       is(t.scopes, null, 'no fewer scopes'),
       is(t.claim, null, 'no token'),
       is(t.device, 'kds-3', 'its device')
  from pos.ticket_take(jsonb_build_object('ticketHash', pg_temp.hash(:'ticket'), 'tenant', 'alpha', 'scope', 'pos')) t;
select is(pg_temp.taken(:'ticket'), :used, 'a second time');
select is(pg_temp.taken(v.ticket), :unknown, coalesce(left(v.ticket, 10), 'null'))
  from (values ('tkt_' || repeat('0', 64)), (''), (pg_temp.key_hash('alpha', 'pos'))) v(ticket);
select is((pos.ticket_take('{"ticketHash":"zz"}')).status, 401, 'what is no hash');
select is((pos.ticket_take('{}')).status, 401, 'no hash');
select is((pos.authenticate(jsonb_build_object('keyHash', pg_temp.hash(pg_temp.issue()), 'scope', 'pos'))).status, 401, 'it is no key');
select is(pg_temp.outcome(pos.call('health', jsonb_build_object('keyHash', pg_temp.hash(pg_temp.issue()), 'tenant', 'alpha'), null)),
          '401 UNAUTHORIZED', 'and opens no request');

select pg_temp.issue() as ticket \gset
update pos.ws_ticket t set expires_at = clock_timestamp() - interval '1 ms' where t.used_at is null;
select is(pg_temp.taken(:'ticket'), :late, 'too late');

-- Another tenant's; it is used up then.
select pg_temp.issue() as ticket \gset
select is(pg_temp.taken(:'ticket', '{"tenant":"beta"}'),
          '403 TENANT_MISMATCH This ticket belongs to another tenant. Use the tenant that it was issued for.', 'at another tenant');
select is(pg_temp.taken(:'ticket', '{"tenant":"alpha"}'), :used, 'which has used it up');
select is(pg_temp.taken(pg_temp.issue(), '{"tenantHeader":"beta"}'),
          '403 TENANT_MISMATCH This ticket belongs to another tenant. Use the tenant that it was issued for.', 'by its header');

-- Fewer scopes than the key has.
select pos.key_issue('alpha', array['pos', 'platform'], 'both') as both \gset
create function pg_temp.of_both(more jsonb) returns jsonb language sql as $$
    select jsonb_build_object('keyHash', (select encode(k.key_hash, 'hex') from pos.api_key k where k.label = 'both')) || more
$$;
select is(t.status, 200, 'with one of two scopes'), is(t.scopes, '["pos"]', 'it says which')
  from pos.ticket_take(jsonb_build_object('scope', 'pos', 'ticketHash',
           pg_temp.hash(pg_temp.issue('{"scopes":["pos"]}', pg_temp.of_both('{}'))))) t;
select alike(pg_temp.taken(pg_temp.issue('{"scopes":["platform"]}', pg_temp.of_both('{}'))),
            '403 FORBIDDEN %"pos"%', 'without the scope that a socket needs');
select is(pg_temp.try('gift_card_issue', '{}', '{"initialBalance":5}', pg_temp.of_both(v.more::jsonb)), v.wanted, v.more)
  from (values ('{}', '201'), ('{"only":["pos"]}', '403 FORBIDDEN'), ('{"only":["platform"]}', '201'),
               ('{"only":[]}', '403 FORBIDDEN'), ('{"only":["pos"],"tenant":"ALPHA"}', '403 FORBIDDEN')) v(more, wanted);
select is(pg_temp.try('gift_card_issue', '{}', '{"initialBalance":5}', '{"scope":"pos","only":["platform"]}'),
          '403 FORBIDDEN', 'it opens nothing that the key does not');

-- A key that has ended; a tenant that is suspended.
select pg_temp.issue('{}', pg_temp.of_both('{}')) as ticket \gset
select pos.key_revoke((select k.id from pos.api_key k where k.label = 'both')) \g /dev/null
select is(pg_temp.taken(:'ticket'), '401 INVALID_TICKET The API key that asked for this ticket has expired or was revoked. '
          'Ask for a new one and connect again.', 'a revoked key');
select pg_temp.issue() as ticket \gset
update dinedesk_main.tenants t set status = 'suspended' where t.slug = 'alpha';
select alike(pg_temp.taken(:'ticket'), '403 TENANT_SUSPENDED%', 'a suspended tenant');
update dinedesk_main.tenants t set status = 'active' where t.slug = 'alpha';

-- Of a token: its claims, and its end.
create function pg_temp.of_token(ends interval, body text default '{}') returns pos.answer language sql as $$
    select pos.call('ticket_issue', jsonb_build_object('tenant', 'alpha', 'tokenExpiresMs',
        floor(extract(epoch from clock_timestamp() + ends) * 1000)::bigint, 'token',
        '{"restaurant":"alpha","subject":"u-7","role":"server","scopes":["orders:read"]}'::jsonb), body::json)
$$;
select is(t.status, 200, 'of a token'),
       is(t.key_id, null, 'without a key'),
       is(t.key_hash, null, 'or its hash'),
       is(t.claim::jsonb - 'expiresMs', '{"restaurant":"alpha","subject":"u-7","role":"server","scopes":["orders:read"]}', 'claims'),
       ok(t.expires_at_ms / 1000.0 - extract(epoch from clock_timestamp()) between 3500 and 3600, 'it ends with the token')
  from pos.ticket_take(jsonb_build_object('scope', 'pos', 'ticketHash',
           pg_temp.hash((pg_temp.of_token('1 hour')).body::json ->> 'ticket'))) t;
select is(pg_temp.outcome(pg_temp.of_token('1 hour', '{"scopes":["pos"]}')), '400 INVALID_FIELD', 'its scopes are its own');
select is(pg_temp.taken((pg_temp.of_token('-1 ms')).body::json ->> 'ticket'),
          '401 INVALID_TICKET The token that asked for this ticket has expired. Ask for a new one and connect again.', 'too late');
select is(pg_temp.outcome(pos.call('ticket_issue', '{"tenant":"alpha","keyless":true}', null)), '401 UNAUTHORIZED',
          'a device without a key gets none');

-- A thousand may wait, of each key.
insert into pos.ws_ticket (ticket_hash, tenant_id, lineage, key_id, expires_at)
    select sha256(n::text::bytea), k.tenant_id, k.lineage, k.id, clock_timestamp() + interval '30 s'
      from pos.api_key k, generate_series(1, 1000) n where encode(k.key_hash, 'hex') = pg_temp.key_hash('alpha', 'pos');
select is(pg_temp.try('ticket_issue', '{}', null, '{"scope":"pos"}'), '429 TOO_MANY_TICKETS', 'too many');
select is(pg_temp.try('ticket_issue', '{}', null, '{"scope":"platform"}'), '201', 'of one key, not of another');
update pos.ws_ticket t set used_at = clock_timestamp() where t.ticket_hash = sha256('7');
select is(pg_temp.try('ticket_issue', '{}', null, '{"scope":"pos"}'), '201', 'used ones do not count');
update pos.ws_ticket t set expires_at = clock_timestamp() where t.ticket_hash = sha256('8');
select is(pg_temp.try('ticket_issue', '{}', null, '{"scope":"pos"}'), '201', 'nor those that have expired');

-- Housekeeping.
update pos.ws_ticket t set expires_at = now() - interval '11 minutes' where t.ticket_hash = sha256('9');
update pos.ws_ticket t set expires_at = now() - interval '9 minutes' where t.ticket_hash = sha256('10');
select is(pos.maintain('tickets'), 1, 'what ended long ago goes');
select is(pos.maintain('tickets'), 0, 'once');
select is((select count(*) from pos.ws_ticket t where t.ticket_hash in (sha256('9'), sha256('10'))), 1::bigint, 'the right one');

select * from finish();
rollback;
