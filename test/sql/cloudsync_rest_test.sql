-- cloudsync_rest_test.sql - the HTTP requests of cloud sync, without the shared state itself.
-- SPDX-License-Identifier: Apache-2.0
\ir support/begin.sql
select no_plan();

-- These two have tests of their own. Here they return the body that has reached them.
create or replace function pos.shared_state_change(c pos.context, body json) returns pos.answer language sql as $$
    select (200, '{"device":' || to_json(c.device) || ',"origin":' || c.origin || ',"body":' || body || '}', null,
            c.tenant_id, false)::pos.answer
$$;
create or replace function pos.cloudsync_data(c pos.context, body json) returns pos.answer language sql as $$
    select (200, '{"orders":[{"seq":1}],"printers":[],"seq":42}', null, c.tenant_id, false)::pos.answer
$$;
create function pg_temp.push(body text) returns pos.answer language sql as $$
    select pg_temp.call('cloudsync_push', '{}', body, '{"tenant":null}')
$$;
create function pg_temp.changes(list text) returns text language sql as $$
    select coalesce(a.body::json #>> '{body,changes}', pg_temp.outcome(a)
                    || ' ' || (a.body::json #>> '{error,details}'))
      from pg_temp.push('{"restaurant_id":"alpha","device_id":"pos_1","changes":' || list || '}') a
$$;

-- A change is put into the form that shared_state_change takes, and no digit of it is changed.
select is(pg_temp.changes('[{"type":"data_change","data_type":"orders","action":"updated","data":{"id":"o1",'
                          '"total_amount":25.50,"x":1e2},"change_id":"1_pos_1_o1","version":3,'
                          '"timestamp":"2026-01-05T18:00:02.117","user_id":"u1",'
                          '"restaurant_id":"aaaaaaaa-0000-4000-8000-000000000001"}]'),
          '[{"kind" : "orders", "action" : "updated", "id" : "o1", "data" : {"id":"o1","total_amount":25.50,'
          '"x":1e2}, "changeId" : "1_pos_1_o1", "version" : 3, "userId" : "u1", "elsewhere" : false}]', 'the words');
create function pg_temp.plain(kind text, id text, data text) returns text language sql as $$
    select format('{"kind" : %s, "action" : null, "id" : %s, "data" : %s, "changeId" : null, "version" : null, '
                  '"userId" : null, "elsewhere" : null}', kind, id, data)
$$;
select is(pg_temp.changes('[{"data_type":"inventory"},{"data_type":"users","data":7},{"data_type":"tables",'
                          '"data":{"id":5}},{"data_type":"categories"},{"data_type":["orders"]},{},null,"x",[]]'),
          '[' || array_to_string(array[pg_temp.plain('"inventory"', 'null', 'null'), pg_temp.plain('"users"', 'null', '7'),
              pg_temp.plain('"tables"', '5', '{"id":5}')] || array_fill(pg_temp.plain('null', 'null', 'null'), array[3])
              || '{null,"\"x\"",[]}'::text[], ',', 'null') || ']',
          'what is missing, wrong or a tablet''s is left to shared_state_change, in its place');
select is(pg_temp.changes(format('[{"restaurant_id":"%s"}]', v.named))::json -> 0 ->> 'elsewhere', v.wanted, v.named)
  from (values ('alpha', null), ('AAAAAAAA-0000-4000-8000-000000000001', 'false'), ('beta', 'true'), ('gone', 'true'))
       v(named, wanted);
select is(pg_temp.changes('[]'), '[]', 'no change is no error');
select is(a.body::json ->> 'device', 'pos_1', 'the body names the device'),
       is(a.body::json #>> '{origin,device}', 'pos_1', 'events come from it'),
       is(a.body::json #>> '{origin,kind}', 'api', 'over HTTP'),
       is(a.body::json #>> '{body,dialect}', 'cloudsync', 'in this dialect')
  from pg_temp.push('{"restaurant_id":"alpha","device_id":"pos_1","changes":[]}') a;

-- Wrong requests are refused before anything is done.
select is(pg_temp.changes(v.list), v.wanted, v.list)
  from (values ('null', '400 VALIDATION_ERROR {"field":"changes"}'),
               ('{}', '400 VALIDATION_ERROR {"field":"changes"}'),
               ('"x"', '400 VALIDATION_ERROR {"field":"changes"}')) v(list, wanted);
select is(a.body::json #>> '{body,atomic}', v.wanted, v.atomic)
  from (values ('false', 'false'), ('true', 'true'), ('null', 'false')) v(atomic, wanted),
       pg_temp.push('{"restaurant_id":"alpha","device_id":"pos_1","changes":[],"atomic":' || v.atomic || '}') a;
select is(pg_temp.outcome(pg_temp.push(v.body)), v.wanted, v.body) from (values
    ('{"device_id":"d","changes":[]}', '400 VALIDATION_ERROR'),
    ('{"restaurant_id":null,"device_id":"d","changes":[]}', '400 VALIDATION_ERROR'),
    ('{"restaurant_id":"","device_id":"d","changes":[]}', '400 VALIDATION_ERROR'),
    ('{"restaurant_id":"alpha","changes":[]}', '400 VALIDATION_ERROR'),
    ('{"restaurant_id":"alpha","device_id":"","changes":[]}', '400 VALIDATION_ERROR'),
    ('{"restaurant_id":"alpha","device_id":{},"changes":[]}', '400 INVALID_FIELD'),
    ('{"restaurant_id":"alpha","device_id":7,"changes":[]}', '200'),
    ('{"restaurant_id":"alpha","device_id":"d","changes":[],"atomic":"yes"}', '400 VALIDATION_ERROR'),
    ('{"restaurant_id":"alpha","device_id":"d","atomic":true,"changes":[' || repeat('{},', 2047) || '{}]}', '400 VALIDATION_ERROR'),
    ('{"restaurant_id":"beta","device_id":"d","changes":[]}', '403 TENANT_MISMATCH'),
    ('{"restaurant_id":"gamma","device_id":"d","changes":[]}', '404 RESTAURANT_NOT_FOUND'),
    ('{"restaurant_id":{},"device_id":"d","changes":[]}', '404 RESTAURANT_NOT_FOUND'),
    ('{"restaurant_id":"AAAAAAAA-0000-4000-8000-000000000001","device_id":"d","changes":[]}', '200')) v(body, wanted);

-- The restaurant is named by UUID or slug, which is given back as it came.
select is(pg_temp.try(o.operation, format('{"id":"%s"}', v.id), null, '{"tenant":null,"method":"GET"}'), v.wanted,
          o.operation || ' ' || v.id)
  from (values ('cloudsync_pull'), ('cloudsync_devices')) o(operation),
       (values ('alpha', '200'),
               ('beta', '403 TENANT_MISMATCH'),
               ('aaaaaaaa-0000-4000-8000-000000000001', '200'),
               ('bbbbbbbb-0000-4000-8000-000000000002', '403 TENANT_MISMATCH'),
               ('cccccccc-0000-4000-8000-000000000003', '404 RESTAURANT_NOT_FOUND'),
               ('Alpha', '200'),
               ('%', '404 RESTAURANT_NOT_FOUND')) v(id, wanted);
select is(a.body::json ->> 'message', 'Restaurant not found', 'in the document''s words')
  from pg_temp.call('cloudsync_pull', '{"id":"nope"}', null, '{"tenant":null}') a;
select matches(a.body,
               '^\{"restaurant_id":"alpha","data":\{"orders":\[\{"seq":1\}\],"printers":\[\]\},'
               '"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","seq":42\}$', 'the seq stands beside the data')
  from pg_temp.call('cloudsync_pull', '{"id":"alpha"}', null, '{"tenant":null}') a;
select is(a.body, '{"restaurant_id":"alpha"}', 'devices: the rest is not ours to know'),
       is(a.tenant_id, :alpha::uuid, 'but whose they are')
  from pg_temp.call('cloudsync_devices', '{"id":"alpha"}', null, '{"tenant":null}') a;

-- Which keys and tokens may.
select is(pg_temp.try('cloudsync_push', '{}', '{}', '{"scope":"platform","tenant":null}'), '403 FORBIDDEN',
          'a shop''s key may not');
select is(pg_temp.outcome(pos.call(v.operation,
                                   pg_temp.ctx('{"id":"alpha"}',
                                               jsonb_build_object('tenant', null, 'token', v.token::jsonb))
                                     - 'keyHash', '{"restaurant_id":"alpha","device_id":"d","changes":[]}')),
          v.wanted, v.operation || ' ' || v.token)
  from (values ('cloudsync_push', '{"restaurant":"alpha"}', '200'),
               ('cloudsync_push', '{"restaurant":"alpha","scopes":["orders:read"]}', '403 PERMISSION_DENIED'),
               ('cloudsync_push', '{"restaurant":"beta"}', '403 TENANT_MISMATCH'),
               ('cloudsync_pull', '{"restaurant":"alpha","scopes":[]}', '200'),
               ('cloudsync_devices', '{"restaurant":"alpha","role":"guest"}', '200'),
               ('cloudsync_devices', '{"restaurant":"beta"}', '403 TENANT_MISMATCH')) v(operation, token, wanted);

select * from finish();
rollback;
