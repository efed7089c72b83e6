-- devices_test.sql - which devices there are, who may end them, keys of their own, and when one is missed.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

insert into test_key
    select t.slug, v.name, pos.key_issue(t.slug, v.scopes, v.name)
      from dinedesk_main.tenants t,
           (values ('console', array['console']), ('console:write', array['console', 'console:write'])) v(name, scopes)
     where t.slug in ('alpha', 'beta');
create function pg_temp.act(operation text, device text, body text default '{}', more jsonb default '{}') returns text language sql as $$
    select pg_temp.try(operation, json_build_object('id', device)::text, body, '{"scope":"console:write"}'::jsonb || more)
$$;
-- A row of a gateway's log; `more` has what is special about it.
create function pg_temp.row(kind text, device text, more json default '{}', tenant uuid default 'aaaaaaaa-0000-4000-8000-000000000001') returns jsonb language sql as $$
    select jsonb_build_object('at', clock_timestamp(), 'instance', 'gw-1', 'kind', kind, 'tenant_id', tenant, 'dialect', 'orderweb',
                              'device', device, 'seq', 1, 'count', 1) || more::jsonb
$$;
create function pg_temp.log(variadic entries jsonb[]) returns void language sql as $$
    select pos.sync_log_write(array_to_json(entries))
$$;
create function pg_temp.seconds_ago(n int) returns bigint language sql as $$
    select floor(extract(epoch from clock_timestamp() - n * interval '1 second'))::bigint
$$;
-- "name state, …", as GET /devices has them.
create function pg_temp.devices(more jsonb default '{}') returns json language sql as $$
    select (pos.call('devices_list', pg_temp.ctx('{}', '{"scope":"platform"}'::jsonb || more), null)).body::json
$$;
create function pg_temp.states() returns text language sql as $$
    select coalesce(string_agg(concat_ws(' ', x ->> 'name', x ->> 'state'), ', ' order by x ->> 'name', x ->> 'state'), '')
      from json_array_elements(pg_temp.devices() -> 'devices') x
$$;
-- The bridge looks; the events that come of it.
create function pg_temp.told(most int default 200, tenant text default 'alpha') returns text language plpgsql as $$
declare
    before bigint := pg_temp.head(tenant);
begin
    perform pos.devices_look(most);
    perform pg_temp.commit();
    return coalesce((select string_agg(e.type || ' ' || (e.data ->> 'deviceId') || ' ' || (e.data ->> 'dialect'), ', ' order by e.seq)
                       from pos.event e join dinedesk_main.tenants t on t.id = e.tenant_id where t.slug = tenant and e.seq > before), '');
end $$;
create function pg_temp.pass(seconds int) returns void language sql as $$
    update pos.device_seen d set silence_due = d.silence_due - seconds * interval '1 second';
    update pos.till t set seen_at = t.seen_at - seconds * interval '1 second';
$$;

-- Who may.
select is(pg_temp.try(o.name, '{"id":"till-1"}', '{}', jsonb_build_object('keyHash', pg_temp.key_hash('alpha', s.scope))),
          case when s.scope = 'console:write' or s.scope = any(o.scopes) then
              case o.name when 'devices_list' then '200' when 'device_disconnect' then '404 DEVICE_NOT_FOUND' when 'device_key' then '201'
                          else '200' end else '403 FORBIDDEN' end, s.scope || ': ' || o.name)
  from pos.operations() o, (values ('pos'), ('platform'), ('console'), ('console:write')) s(scope)
 where o.name in ('devices_list', 'device_disconnect', 'device_key', 'device_key_revoke') order by s.scope, o.name;
delete from pos.api_key k where k.device is not null;

-- A device comes, and goes; with which key, from where, with what.
select k.id as key_id from pos.api_key k where k.tenant_id = :alpha and k.label = 'test pos' \gset
select pg_temp.log(pg_temp.row('connect', 'till-1', json_build_object('key_id', :'key_id'::text, 'detail', json_build_object('address', '192.0.2.7', 'client', 'Till/3.1')))) as ignored \gset
select is(d ->> 'complete', 'false', 'nobody has reported yet'),
       is((d #> '{devices,0}')::text, (select row_to_json(x)::text from (select 'till-1' as "deviceId", 'till-1' as name, 'orderweb' as dialect,
           'connected' as state, 'Till/3.1' as client, '192.0.2.7' as address, d #>> '{devices,0,connectedSince}' as "connectedSince",
           d #>> '{devices,0,connectedSince}' as "lastSeenAt", 1 as "lastSeq", 0 as lag, 0 as "queueBytes", :'key_id' as "keyId",
           null as "silentSince", null as reason) x), 'all that is known of it')
  from pg_temp.devices() d;
select is(pg_temp.devices('{"tenant":"beta","keyHash":null}'::jsonb || jsonb_build_object('keyHash', pg_temp.key_hash('beta', 'platform'))) #>> '{devices}', '[]',
          'another restaurant has none of it');
select is(pg_temp.act('device_disconnect', 'till-1'), '202', 'out with it'),
       is(pg_temp.act('device_disconnect', 'till-1', null, '{"scope":"platform"}'), '202', 'by a shop'),
       is(pg_temp.act('device_disconnect', 'till-1', '{}', jsonb_build_object('tenant', 'beta', 'keyHash', pg_temp.key_hash('beta', 'console:write'))),
          '404 DEVICE_NOT_FOUND', 'another restaurant''s');
select is(pg_temp.act('device_disconnect', v.name), '404 DEVICE_NOT_FOUND', 'no device: ' || left(v.name, 20))
  from (values (''), ('GC-1'), ('console:wall'), (repeat('x', 5000)), ('till-1 ')) v(name);
select is((select string_agg(a.subject, '|' order by a.id) from pos.audit a where a.tenant_id = :alpha and a.action = 'device.kick'),
          'device till-1|device till-1', 'the audit has each');

-- It goes: two heartbeats until it is missed.
select pg_temp.log(pg_temp.row('disconnect', 'till-1', json_build_object('since', pg_temp.seconds_ago(0), 'expected_ms', 50000,
                                                                         'detail', json_build_object('reason', 'the connection was lost')))) as ignored \gset
select is(pg_temp.states(), 'till-1 gone', 'gone'), is(pg_temp.told(), '', 'not missed yet');
delete from pos.console_watch;
select pg_temp.pass(43) as ignored \gset
select is(pg_temp.told(), '', 'not yet');
select is((select count(*) from pos.console_watch w where w.tenant = :alpha and w.page = 'silence'), 1::bigint, 'gateways are asked what they have');
select pg_temp.pass(8) as ignored \gset
select is(pg_temp.told(), 'device.silent till-1 orderweb', 'missed'), is(pg_temp.told(), '', 'once'), is(pg_temp.states(), 'till-1 silent', 'and shown so');
select is((select e.data ->> 'reason' || ' ' || (e.origin ->> 'kind') from pos.event e where e.tenant_id = :alpha and e.type = 'device.silent'),
          'the connection was lost timer', 'why');
select is(x ->> 'silentSince' is not null, true, 'since when') from json_array_elements(pg_temp.devices() -> 'devices') x;
select pg_temp.log(pg_temp.row('connect', 'till-1')) as ignored \gset
select is(pg_temp.told(), 'device.back till-1 orderweb', 'back'), is(pg_temp.told(), '', 'once'), is(pg_temp.states(), 'till-1 connected', 'and here');

-- Who comes back in time, over a new line, is not missed; the end of the old one may be noticed after that.
select pg_temp.log(pg_temp.row('disconnect', 'till-1', json_build_object('since', pg_temp.seconds_ago(0), 'expected_ms', 50000)),
                   pg_temp.row('connect', 'till-1')) as ignored \gset
select pg_temp.pass(100) as ignored \gset
select is(pg_temp.told(), '', 'it came back'), is(pg_temp.states(), 'till-1 connected', 'at once');
select pg_temp.log(pg_temp.row('disconnect', 'till-1', json_build_object('since', pg_temp.seconds_ago(500), 'expected_ms', 25000,
                                                                         'instance', 'gw-2', 'detail', json_build_object('reason', 'left a ping unanswered')))) as ignored \gset
select pg_temp.pass(100) as ignored \gset
select is(pg_temp.told(), '', 'the old line''s end is nobody''s'), is(pg_temp.states(), 'till-1 connected', 'it has a newer one');
select pg_temp.log(pg_temp.row('disconnect', 'till-1', json_build_object('since', 0, 'expected_ms', 50000))) as ignored \gset
select is(pg_temp.states(), 'till-1 connected', 'nor is one that was never greeted');
-- A goodbye; a gateway of the release before, which says nothing of either.
select pg_temp.log(pg_temp.row('disconnect', 'till-1', json_build_object('since', pg_temp.seconds_ago(0))),
                   pg_temp.row('connect', 'till-2'), pg_temp.row('disconnect', 'till-2')) as ignored \gset
select pg_temp.pass(1000) as ignored \gset
select is(pg_temp.told(), '', 'goodbye'), is(pg_temp.states(), 'till-1 gone, till-2 gone', 'both have gone');

-- Those that have no name of their own are not missed.
select pg_temp.log(pg_temp.row('connect', ''), pg_temp.row('disconnect', '', '{"expected_ms":1}'),
                   pg_temp.row('connect', '', '{"dialect":"restaurantos"}'), pg_temp.row('disconnect', '', '{"dialect":"restaurantos","expected_ms":1}'),
                   pg_temp.row('connect', 'screen-1', '{"dialect":"restaurantos"}'), pg_temp.row('disconnect', 'screen-1', '{"dialect":"restaurantos","expected_ms":1}')) as ignored \gset
select is((select string_agg(d.device || ' ' || d.dialect || ' ' || d.is_connected, ', ') from pos.device_seen d where d.silence_due is not null), 'screen-1 restaurantos false', 'one has a name');
delete from pos.device_seen;

-- Heard of in another way under the same name: another dialect, REST, or a session that a gateway reports.
select pos.process_seen(json_build_object('id', 'cccccccc-0000-4000-8000-000000000001', 'kind', 'gateway', 'instance', 'gw-1', 'version', '9.9.9',
                                          'startedAt', now() - interval '1 hour', 'ready', true)) as ignored \gset
select pg_temp.log(pg_temp.row('connect', d.name), pg_temp.row('disconnect', d.name, '{"expected_ms":1000}'))
  from (values ('two'), ('rest'), ('reported'), ('lost')) d(name) \g /dev/null
select pg_temp.log(pg_temp.row('connect', 'two', '{"dialect":"minipos"}')) as ignored \gset
select is(pg_temp.try('till_heartbeat', '{}', '{"device_id":"rest"}'), '200', 'by REST');
select pos.gateway_report_write('cccccccc-0000-4000-8000-000000000001', 'gw-1', json_build_array(json_build_object('tenant', :alpha, 'total', 1,
    'dialects', '{"orderweb":1}'::json, 'sessions', json_build_array(json_build_object('device', 'reported', 'dialect', 'orderweb',
    'since', pg_temp.seconds_ago(9), 'seq', 0, 'queued', 0))))) as ignored \gset
update pos.device_seen d set silence_due = now() where d.silence_due is not null;
select is(pg_temp.told(), 'device.silent lost orderweb', 'only the one that nobody hears of');
select is((select d.is_connected from pos.device_seen d where d.device = 'reported'), true, 'and the log is put right');
select is((select count(*) from pos.device_seen d where d.silence_due is not null), 0::bigint, 'each is decided');

-- A till by REST: two minutes.
delete from pos.device_seen;
delete from pos.gateway_report;
select is(pg_temp.told(), '', 'alive');
select pg_temp.pass(60) as ignored \gset
select is(pg_temp.told(), '', 'still');
select pg_temp.pass(61) as ignored \gset
select is(pg_temp.told(), 'device.silent rest rest', 'missed'), is(pg_temp.told(), '', 'once'), is(pg_temp.states(), 'rest silent', 'shown');
select is(pg_temp.try('till_heartbeat', '{}', '{"device_id":"rest"}'), '200', 'it speaks again');
select is(pg_temp.told(), 'device.back rest rest', 'back'), is(pg_temp.told(), '', 'once'), is(pg_temp.states(), 'rest rest', 'shown');
update pos.till t set seen_at = now() - interval '1 hour';
update dinedesk_main.tenants t set status = 'suspended' where t.id = :alpha;
select is(pg_temp.told(), '', 'nobody is missed at a restaurant that is suspended');
update dinedesk_main.tenants t set status = 'active' where t.id = :alpha;
delete from pos.till;

-- One that is missed on its socket comes back by REST alone: by a heartbeat, by any request, or on a socket of another kind.
select pg_temp.log(pg_temp.row('connect', d.name), pg_temp.row('disconnect', d.name, '{"expected_ms":1000}'))
  from (values ('beats'), ('asks'), ('its key'), ('streams'), ('away'), ('refused')) d(name) \g /dev/null
select pg_temp.pass(2) as ignored \gset
select is((pos.devices_look()).silent, 6, 'missed'), is(pg_temp.states(), 'asks silent, away silent, beats silent, its key silent, refused silent, streams silent', 'all');
select pg_temp.commit() as ignored \gset
select b ->> 'secret' as secret from (select (pg_temp.call('device_key', '{"id":"its key"}', '{}', '{"scope":"console:write"}')).body::json as b) x \gset
create function pg_temp.asked(device text, more json default '{}') returns jsonb language sql as $$
    select jsonb_build_object('tenant', 'aaaaaaaa-0000-4000-8000-000000000001', 'at', clock_timestamp(), 'id', 'r', 'method', 'POST', 'path', '/x', 'route', '/x',
                              'status', 200, 'ms', 1, 'device', device) || more::jsonb
$$;
select is(pg_temp.try('till_heartbeat', '{}', '{"device_id":"beats"}'), '200', 'a heartbeat');
select pos.request_log_write('api-1', array_to_json(array[pg_temp.asked('asks'), pg_temp.asked('asks'), pg_temp.asked('unknown'),
    pg_temp.asked(null, json_build_object('key', pg_temp.hash(:'secret'))), pg_temp.asked('away', '{"at":"2001-01-01T00:00:00Z"}'),
    pg_temp.asked('refused', '{"status":401}'), pg_temp.asked('refused', '{"tenant":null,"slug":"alpha","status":404}'),
    pg_temp.asked('refused', json_build_object('key', pg_temp.key_hash('beta', 'pos')))]), '[]') \g /dev/null
select pg_temp.log(pg_temp.row('connect', 'streams', '{"dialect":"orderweb_stream"}')) as ignored \gset
select is((select string_agg(x, ', ' order by x) from unnest(string_to_array(pg_temp.told(), ', ')) x),
          'device.back asks orderweb, device.back beats orderweb, device.back its key orderweb, device.back streams orderweb', 'back'),
       is(pg_temp.told(), '', 'once');
select is(pg_temp.states(), 'asks rest, away silent, beats rest, its key rest, refused silent, streams connected, streams gone', 'as they are heard of');
select pos.request_log_write('api-1', array_to_json(array[pg_temp.asked('asks')]), '[]') \g /dev/null
select is((select d.heard_at < clock_timestamp() - interval '1 millisecond' from pos.device_seen d where d.device = 'asks'), true, 'further requests write nothing');
select pg_temp.pass(200) as ignored \gset
select is(pg_temp.told(), 'device.silent beats rest', 'who sends heartbeats is missed without them');
select pg_temp.log(pg_temp.row('connect', 'asks'), pg_temp.row('disconnect', 'asks', '{"expected_ms":1000}')) as ignored \gset
select pg_temp.pass(2) as ignored \gset
select is(pg_temp.told(), 'device.silent asks orderweb', 'and who was on a socket again, without that');
delete from pos.device_seen;
delete from pos.till;
delete from pos.api_key k where k.device is not null;

-- A gateway dies without a word: its devices have a minute to come back to another one.
select pg_temp.log(pg_temp.row('connect', 'stays away'), pg_temp.row('connect', 'comes back')) as ignored \gset
update pos.process p set at = clock_timestamp() - interval '10 seconds';
select is(pg_temp.told(), '', 'it may just be slow');
select is((select count(*) from pos.device_seen d where d.silence_due is not null), 0::bigint, 'nothing is planned');
update pos.process p set at = clock_timestamp() - interval '20 seconds';
update pos.device_seen d set connected_at = clock_timestamp() - interval '1 minute';
select is(pg_temp.told(), '', 'it is gone');
select is((select count(*) from pos.device_seen d where d.silence_due > now() + interval '40 seconds'), 2::bigint, 'they have their time');
select pg_temp.log(pg_temp.row('connect', 'comes back', '{"instance":"gw-2"}')) as ignored \gset
select pg_temp.pass(50) as ignored \gset
select is(pg_temp.told(), 'device.silent stays away orderweb', 'one is missed');
select is((select e.data ->> 'reason' from pos.event e where e.tenant_id = :alpha and e.data ->> 'deviceId' = 'stays away'), 'its gateway is gone', 'and why'),
       is(pg_temp.states(), 'comes back connected, stays away silent', 'the other is not');
-- It did not die: the database was away. Nobody has been away either.
select pg_temp.log(pg_temp.row('connect', 'stays away')) as ignored \gset
select is(pg_temp.told(), 'device.back stays away orderweb', 'it is back');
update pos.process p set is_judged = false, at = clock_timestamp() - interval '20 seconds';
update pos.device_seen d set connected_at = clock_timestamp() - interval '1 minute' where d.gateway = 'gw-1';
select is(pg_temp.told(), '', 'a gateway was not heard of');
select pos.process_seen(json_build_object('id', 'cccccccc-0000-4000-8000-000000000001', 'kind', 'gateway', 'instance', 'gw-1', 'version', '9.9.9',
                                          'startedAt', now() - interval '1 hour', 'ready', true)) as ignored \gset
select pg_temp.pass(50) as ignored \gset
select is(pg_temp.told(), '', 'it speaks again'), is(pg_temp.states(), 'comes back connected, stays away connected', 'with its devices');
delete from pos.device_seen;

-- A thousand at once, piece by piece, each once; and with two bridges the second finds nothing to do.
select pg_temp.log(pg_temp.row('connect', 'd' || n), pg_temp.row('disconnect', 'd' || n, '{"expected_ms":1}')) from generate_series(1, 1000) n \g /dev/null
update pos.device_seen d set silence_due = now() - interval '1 second';
select is((pos.devices_look(200)).silent, 200, 'no more than a piece') from generate_series(1, 5);
select is((pos.devices_look(200)).silent, 0, 'and then none is left');
select is((select count(*) || ' ' || count(distinct o.data ->> 'deviceId') from pos.outbox o where o.tenant_id = :alpha and o.type = 'device.silent'), '1000 1000', 'each once');
select pg_temp.commit() as ignored \gset
select is((select count(*) from json_array_elements(pg_temp.devices() -> 'devices')), 1000::bigint, 'the list is bounded');
insert into pos.device_seen (tenant, device, dialect, is_connected, at) select :alpha, 'newer' || n, 'orderweb', true, now() from generate_series(1, 30) n;
select is((select sum(pos.devices_prune()) from generate_series(1, 2)), 30::bigint, 'no more than a thousand are remembered');
select is((select count(*) from pos.device_seen d where d.tenant = :alpha and d.device like 'newer%'), 30::bigint, 'the newest');
delete from pos.device_seen;

-- A key of a device's own.
select b ->> 'secret' as secret, b ->> 'keyId' as own_id, b ->> 'deviceId' as device, b ->> 'label' as label
  from (select (pg_temp.call('device_key', '{"id":"bar 1"}', '{"label":"The bar"}', '{"scope":"console:write"}')).body::json as b) x \gset
select is(:'device'::text, 'bar 1', 'whose'), is(:'label'::text, 'The bar', 'for people'),
       is((select k.scopes::text || k.device from pos.api_key k where k.id = :'own_id'), '{pos}bar 1', 'it can what a till can'),
       is((select a.device || ' ' || a.status from pos.authenticate(jsonb_build_object('keyHash', pg_temp.hash(:'secret'), 'scope', 'pos')) a), 'bar 1 200', 'and says whose it is'),
       is((select a.device from pos.authenticate(jsonb_build_object('keyHash', pg_temp.key_hash('alpha', 'pos'), 'scope', 'pos')) a), null, 'others are nobody''s');
select pg_temp.log(pg_temp.row('connect', 'bar 1', json_build_object('key_id', :'own_id'::text))) as ignored \gset
select is(x ->> 'keyId', :'own_id'::text, 'its use shows'), is(x ->> 'name', 'The bar', 'under its label') from json_array_elements(pg_temp.devices() -> 'devices') x;
select is((pg_temp.call('device_key', '{"id":"bar 1"}', '{}', '{"scope":"console:write","idempotencyKey":"once"}')).body::json ->> 'label', 'bar 1', 'a second one is good as well');
select is((select count(*) from pos.api_key k where k.device = 'bar 1' and k.revoked_at is null), 2::bigint, 'two');
select is(pg_temp.act('device_key', v.device, v.body), v.wanted, left(v.device, 20) || ' ' || v.body)
  from (values ('', '{}', '400 INVALID_FIELD'), (' ', '{}', '400 INVALID_FIELD'), (repeat('x', 128), '{}', '400 INVALID_FIELD'), (repeat('x', 127), '{}', '201'),
               ('console:x', '{}', '400 INVALID_FIELD'), ('a', '{"label":7}', '400 INVALID_FIELD'), ('a', '{"profile":"?"}', '400 INVALID_PROFILE'),
               ('a', '{"expiresAt":"2001-01-01"}', '400 INVALID_TIME'), ('a', '{"expiresAt":"soon"}', '400 INVALID_TIME'), ('a', null, '201'),
               ('<b>', '{"label":" ","scopes":["platform"]}', '201')) v(device, body, wanted);
select is((select k.scopes::text from pos.api_key k where k.device = '<b>'), '{pos}', 'no other scope than that');
select is(pg_temp.act('device_key_revoke', 'bar 1', json_build_object('keyId', :'key_id'::text)::text), '404 KEY_NOT_FOUND', 'not one that all share'),
       is(pg_temp.act('device_key_revoke', 'bar 2'), '404 KEY_NOT_FOUND', 'nor of another device'),
       is(pg_temp.act('device_key_revoke', 'bar 2', json_build_object('keyId', :'own_id'::text)::text), '404 KEY_NOT_FOUND', 'nor another device''s'),
       is(pg_temp.act('device_key_revoke', 'bar 1', '{"keyId":"x"}'), '404 KEY_NOT_FOUND', 'nor any text'),
       is(pg_temp.act('device_key_revoke', 'bar 1', json_build_object('keyId', :'own_id'::text)::text, jsonb_build_object('tenant', 'beta', 'keyHash',
              pg_temp.key_hash('beta', 'console:write'))), '404 KEY_NOT_FOUND', 'nor of another restaurant');
select is(pg_temp.act('device_key_revoke', 'bar 1', json_build_object('keyId', :'own_id'::text)::text), '200', 'one of them');
select is((select count(*) from pos.api_key k where k.device = 'bar 1' and k.revoked_at is null), 1::bigint, 'the other stays'),
       is((select a.status from pos.authenticate(jsonb_build_object('keyHash', pg_temp.hash(:'secret'), 'scope', 'pos')) a), 401, 'it is good no longer');
select is(pg_temp.act('device_key_revoke', 'bar 1'), '200', 'all'), is(pg_temp.act('device_key_revoke', 'bar 1'), '200', 'twice');
select is((select count(*) from pos.api_key k where k.device = 'bar 1' and k.revoked_at is null), 0::bigint, 'none is left'),
       is((select count(*) from pos.api_key k where k.tenant_id = :alpha and k.label = 'test pos' and k.revoked_at is null), 1::bigint, 'others notice nothing');
-- A rotated key stays its device's.
select pos.key_rotate(((pg_temp.call('device_key', '{"id":"bar 3"}', '{}', '{"scope":"console:write"}')).body::json ->> 'keyId')::uuid) as successor \gset
select is((select a.device from pos.authenticate(jsonb_build_object('keyHash', pg_temp.hash(:'successor'), 'scope', 'pos')) a), 'bar 3', 'its successor''s, too');

select * from finish();
rollback;
