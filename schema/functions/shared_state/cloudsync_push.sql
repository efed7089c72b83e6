-- pos.cloudsync_push - POST /api/sync: the changes of a cloud sync device, each of which stands alone.
-- Holds: cloudsync_push_part, cloudsync_work, cloudsync_have_ids, cloudsync_change_id, cloudsync_change_row,
-- cloudsync_change.
-- Caller: pos.call. Inputs: {restaurant_id, device_id, changes: [{type, data_type, action, data, change_id?,
-- version?, user_id?, restaurant_id?}], atomic?}; data has the row's id. A device that has moved to another restaurant
-- may still have changes of the old one in its list: these are refused.
-- Answers: those of shared_state_change, to which the changes are handed on. These devices send their whole list again
-- until the answer is 200, so only a body that is no list of changes is refused as a whole; with "atomic": true all
-- changes are made, or none.
-- Refusals: those of shared_state_change and of cloudsync_restaurant; 400 VALIDATION_ERROR; 503 UNSETTLED, after
-- which the list is to be sent again.
-- Locks, events: those of shared_state_change. The origin of the events is the device that the body names.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.cloudsync_push(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    device text;
    list json := body -> 'changes';
begin
    perform pos.cloudsync_restaurant(c, body ->> 'restaurant_id');
    device := pos.read_label('device_id', body -> 'device_id', 128);
    if device is null then
        perform pos.refuse_field('device_id', 'Say which device sends this: device_id.', 'VALIDATION_ERROR');
    end if;
    if coalesce(json_typeof(list), 'null') <> 'array' then
        perform pos.refuse_field('changes', '"changes" must be a list of changes.', 'VALIDATION_ERROR');
    end if;
    if coalesce(json_typeof(body -> 'atomic'), 'null') not in ('boolean', 'null') then
        perform pos.refuse_field('atomic', '"atomic" must be true or false.', 'VALIDATION_ERROR');
    end if;
    if body ->> 'atomic' = 'true' and pos.cloudsync_work(list) > 262144 then
        perform pos.refuse_field('changes', 'With "atomic": true a list has at most 500 changes and 256 KiB, in which each '
            'row and each line of an order counts 128 bytes more. Send it without, or in parts.', 'VALIDATION_ERROR');
    end if;
    c.device := device;
    c.origin := (c.origin::jsonb || jsonb_build_object('device', device))::json;
    if body ->> 'atomic' is distinct from 'true'
       and (json_array_length(list) > 250 or (pos.cloudsync_work(list) > 131072 and pos.cloudsync_have_ids(list))) then
        return pos.cloudsync_push_part(c, body);
    end if;
    return pos.shared_state_change(c, ('{"dialect":"cloudsync","atomic":' || coalesce(body ->> 'atomic', 'false')
        || ',"changes":['
        || coalesce((select string_agg(pos.cloudsync_change(e.value, c.tenant_id, body ->> 'restaurant_id')::text, ','
                                       order by e.n)
                       from json_array_elements(list) with ordinality e(value, n)), '') || ']}')::json);
end $$;

-- A long list, from a device that was away for hours, takes more time than a request has: each request settles the
-- next of it, at most 250 changes and 128 KiB of work, and all but the last one are answered 503, so that the device
-- sends the list again. What was refused counts as settled here too.
create or replace function pos.cloudsync_push_part(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    part json;
    still_open bigint;
    total bigint;
    a pos.answer;
begin
    if not pos.cloudsync_have_ids(body -> 'changes') then
        perform pos.refuse_field('changes', 'In a list of more than 250 changes, each has a "change_id" of at most 200 '
            'characters.', 'VALIDATION_ERROR');
    end if;
    select json_agg(g.value order by g.n) filter (where g.nth <= 250 and (g.nth = 1 or g.bytes <= 131072)), count(*)
      into part, still_open
      from (select e.value, e.n, row_number() over w as nth, sum(pos.cloudsync_work(e.value)) over w as bytes
              from json_array_elements(body -> 'changes') with ordinality e(value, n)
             where not exists (select 1 from pos.change_seen s
                                where s.tenant_id = c.tenant_id and s.change_id = pos.cloudsync_change_id(e.value)
                                  and (s.kind, s.row_id) = (select r.kind, r.id from pos.cloudsync_change_row(e.value) r))
            window w as (order by e.n)) g;
    total := json_array_length(body -> 'changes');
    a := pos.shared_state_change(c, ('{"dialect":"cloudsync","atomic":false,"changes":['
        || coalesce((select string_agg(pos.cloudsync_change(e.value, c.tenant_id, body ->> 'restaurant_id')::text, ','
                                       order by e.n)
                       from json_array_elements(part) with ordinality e(value, n)), '') || ']}')::json);
    insert into pos.change_seen (tenant_id, change_id, kind, row_id)
    select distinct c.tenant_id, pos.cloudsync_change_id(e), r.kind, r.id
      from json_array_elements(part) e, lateral pos.cloudsync_change_row(e) r
     order by 2, 3, 4
    on conflict do nothing;
    if still_open > json_array_length(part) then
        a.status := 503;
        a.body := pos.refusal('UNSETTLED', format('%s of %s changes are settled. Send the same list again.',
                                                  total - still_open + json_array_length(part), total), null, c.request_id);
        return a;
    end if;
    a.body := regexp_replace(a.body, '"synced_changes":([0-9]+)', '"synced_changes":'
                  || (substring(a.body from '"synced_changes":([0-9]+)')::bigint + total - still_open));
    return a;
end $$;

-- What it takes to settle this, as bytes of one long text: each row and line in it takes as long as 128 bytes more.
create or replace function pos.cloudsync_work(changes json) returns int
language sql immutable parallel safe as $$
    select octet_length(changes::text) + 128 * (length(changes::text) - length(replace(changes::text, '{', '')))
$$;

create or replace function pos.cloudsync_have_ids(list json) returns boolean
language sql immutable parallel safe as $$
    select not exists (select 1 from json_array_elements(list) e where nullif(pos.cloudsync_change_id(e), '') is null)
$$;

create or replace function pos.cloudsync_change_id(change json) returns text
language sql immutable parallel safe as $$
    select case when json_typeof(change) = 'object' and json_typeof(change -> 'change_id') = 'string'
                     and length(change ->> 'change_id') <= 200 then change ->> 'change_id' end
$$;

-- The row of a change, as it is remembered here.
create or replace function pos.cloudsync_change_row(change json, out kind text, out id text)
language sql immutable parallel safe as $$
    select coalesce(left(change ->> 'data_type', 32), ''), coalesce(left(change -> 'data' ->> 'id', 200), '')
$$;

-- A change in the form that shared_state_change takes. Tablets can change more kinds of rows than these devices.
-- Anything that is not an object stays as it is, and is refused there.
create or replace function pos.cloudsync_change(change json, tenant uuid, named text) returns json
language sql stable as $$
    select case json_typeof(change) when 'object' then json_build_object('kind', case
            when change ->> 'data_type' in ('orders', 'menu_items', 'inventory', 'tables', 'users', 'printers')
            then change -> 'data_type' end,
        'action', change -> 'action', 'id', change -> 'data' -> 'id', 'data', change -> 'data',
        'changeId', change -> 'change_id', 'version', change -> 'version', 'userId', change -> 'user_id',
        'elsewhere', case when change ->> 'restaurant_id' <> named
                     then pos.tenant_named(change ->> 'restaurant_id') is distinct from tenant end) else change end
$$;
