-- pos.till_config - GET /api/pos/config: what a till may know of its restaurant.
-- Holds: pos_config, pos_status.
-- Caller: pos.call. Inputs: none.
-- Answers: till_config (GET /api/pos/config): 200 with texts only, because the tills read a table of texts and write it
-- into their settings: tenant_slug, restaurant_name, currency, timezone, server_time. pos_config (GET
-- /api/{tenant}/pos-config): 200 {endpointUrl, apiKey, timeout, enabled}, always the answer of OrderWeb's server for a
-- restaurant whose till is not called by the cloud: tills come to us. pos_status (GET /api/{tenant}/pos-status): 200
-- {tenant, websocket: {connected, active, url}, tills, events24h, recentEvents, timestamp}: connected are the tills
-- that were heard of in the last 90 s.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.till_config(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
begin
    return (200, row_to_json(t)::text, null, c.tenant_id, false)::pos.answer
      from (select c.tenant_slug as tenant_slug, c.tenant_name as restaurant_name, c.currency as currency,
                   c.timezone as timezone, pos.utc(clock_timestamp()) as server_time) t;
end $$;

create or replace function pos.pos_config(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
begin
    return (200, '{"endpointUrl":"","apiKey":"","timeout":30,"enabled":false}', null, c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.pos_status(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    tills text;
    alive int;
    day text;
    recent text;
begin
    select coalesce(string_agg(row_to_json(t)::text, ','), ''), count(*) filter (where t.online) into tills, alive
      from (select i.device as device_id, i.status, i.seen_at > now() - interval '90 seconds' as online,
                   i.pending_acks, i.pending_orders, pos.utc(i.last_print_at) as last_print_at, pos.utc(i.seen_at) as seen_at
              from pos.till i where i.tenant_id = c.tenant_id order by i.seen_at desc limit 100) t;
    select coalesce(string_agg(row_to_json(e)::text, ','), '') into day
      from (select l.kind as event_type, sum(l.count) as count, pos.utc(max(l.at)) as last_event
              from pos.pos_sync_logs l
             where l.tenant_id = c.tenant_id and l.at > now() - interval '24 hours' group by l.kind order by l.kind) e;
    select coalesce(string_agg(row_to_json(e)::text, ','), '') into recent
      from (select l.kind as event_type, case l.kind when 'auth_failed' then 'failed' else 'success' end as status,
                   pos.utc(l.at) as created_at
              from pos.pos_sync_logs l where l.tenant_id = c.tenant_id order by l.at desc limit 10) e;
    return (200, '{"success":true,"tenant":' || to_json(c.tenant_slug) || ',"websocket":{"connected":' || alive
            || ',"active":' || alive || ',"url":"/ws/pos/' || c.tenant_slug || '"},"tills":[' || tills
            || '],"events24h":[' || day || '],"recentEvents":[' || recent || '],"timestamp":"'
            || pos.utc(clock_timestamp()) || '"}', null, c.tenant_id, false)::pos.answer;
end $$;
