-- pos.cloudsync_push - POST /api/sync: the changes of a cloud sync device, each of which stands alone.
-- Holds: cloudsync_changes, cloudsync_push_long, cloudsync_push_next, cloudsync_push_part, cloudsync_work, cloudsync_have_ids,
-- cloudsync_change_id, cloudsync_change_row, cloudsync_change.
-- Caller: pos.call. Inputs: {restaurant_id, device_id, changes: [{type, data_type, action, data, change_id?,
-- version?, user_id?, restaurant_id?}], atomic?}; data has the row's id. A device that has moved to another restaurant
-- may still have changes of the old one in its list: these are refused.
-- Answers: those of shared_state_change, to which the changes are handed on. These devices send their whole list again
-- until the answer is 200, so only a body that is no list of changes is refused as a whole; with "atomic": true all
-- changes are made, or none.
-- Refusals: those of shared_state_change and of cloudsync_restaurant; 400 VALIDATION_ERROR; 102 UNSETTLED, which is the
-- body of the next call too: whoever calls this goes on with it, and when it cannot, answers 503 with it, so that the
-- device sends its list again.
-- Locks, events: those of shared_state_change. The origin of the events is the device that the body names.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.cloudsync_push(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    said record;
    is_atomic boolean;
    is_long boolean;
    bytes int;
begin
    -- Once: whatever reads a member reads the whole body, and it may have megabytes.
    select r.restaurant_id as restaurant, r.device_id as device, r.changes as list, r.atomic, r.unsettled into said
      from json_to_record(body) r(restaurant_id text, device_id json, changes json, atomic json, unsettled json);
    perform pos.cloudsync_restaurant(c, said.restaurant);
    c.device := pos.read_label('device_id', said.device, 128);
    if c.device is null then
        perform pos.refuse_field('device_id', 'Say which device sends this: device_id.', 'VALIDATION_ERROR');
    end if;
    c.origin := (c.origin::jsonb || jsonb_build_object('device', c.device))::json;
    if coalesce(json_typeof(said.unsettled), 'null') = 'object' then
        return pos.cloudsync_push_next(c, said.unsettled, said.restaurant);
    end if;
    if coalesce(json_typeof(said.list), 'null') <> 'array' then
        perform pos.refuse_field('changes', '"changes" must be a list of changes.', 'VALIDATION_ERROR');
    end if;
    if coalesce(json_typeof(said.atomic), 'null') not in ('boolean', 'null') then
        perform pos.refuse_field('atomic', '"atomic" must be true or false.', 'VALIDATION_ERROR');
    end if;
    is_atomic := coalesce(said.atomic #>> '{}', 'false') = 'true';
    bytes := octet_length(said.list::text);
    if is_atomic and (bytes > 262144 or pos.cloudsync_work(said.list) > 262144) then
        perform pos.refuse_field('changes', 'With "atomic": true a list has at most 500 changes and 256 KiB, in which each '
            'row and each line of an order counts 128 bytes more. Send it without, or in parts.', 'VALIDATION_ERROR');
    end if;
    is_long := bytes > 1048576 or json_array_length(said.list) > 250;
    if not is_atomic and (is_long or (pos.cloudsync_work(said.list) > 131072 and pos.cloudsync_have_ids(said.list))) then
        return pos.cloudsync_push_long(c, said.list, said.restaurant);
    end if;
    return pos.shared_state_change(c, pos.cloudsync_changes(c, said.list, said.restaurant, is_atomic));
end $$;

-- What shared_state_change is handed.
create or replace function pos.cloudsync_changes(c pos.context, list json, restaurant text, is_atomic boolean) returns json
language plpgsql stable as $$
begin
    return ('{"dialect":"cloudsync","atomic":' || is_atomic || ',"changes":['
        || coalesce((select string_agg(pos.cloudsync_change(e.value, c.tenant_id, restaurant)::text, ',' order by e.n)
                       from json_array_elements(list) with ordinality e(value, n)), '') || ']}')::json;
end $$;

-- A long list, from a device that was away for hours, takes more time than a request has: each call settles the next of
-- it. What is left waits in pos.list_left, so that megabytes are read once; of a restaurant's lists the newest four do.
create or replace function pos.cloudsync_push_long(c pos.context, list json, restaurant text) returns pos.answer
language plpgsql as $$
declare
    new_list uuid := gen_random_uuid();
    said record;
begin
    -- In one pass, with little for each change: when a list comes again, nearly all of them are settled already.
    with given as materialized (
        select e.value, e.n, case when json_typeof(r.change_id) = 'string' then r.change_id #>> '{}' end as change_id,
               coalesce(left(r.data_type, 32), '') as kind, coalesce(left(r.data ->> 'id', 200), '') as id
          from json_array_elements(list) with ordinality e(value, n)
         cross join lateral json_to_record(case json_typeof(e.value) when 'object' then e.value else '{}' end)
               r(change_id json, data_type text, data json)),
    kept as (
        insert into pos.list_left (tenant_id, list_id, n, change, work)
        select c.tenant_id, new_list, g.n, g.value, pos.cloudsync_work(g.value)
          from given g
         where not exists (select 1 from pos.change_seen s
                            where s.tenant_id = c.tenant_id and s.change_id = g.change_id and s.kind = g.kind and s.row_id = g.id))
    select count(*) as total, count(*) filter (where coalesce(g.change_id, '') = '' or length(g.change_id) > 200) as nameless
      into said
      from given g;
    if said.nameless > 0 then
        perform pos.refuse_field('changes', 'In a list of more than 250 changes or 1 MiB, each has a "change_id" of at most 200 '
            'characters.', 'VALIDATION_ERROR');
    end if;
    delete from pos.list_left l
     where l.tenant_id = c.tenant_id
       and l.list_id in (select o.list_id from pos.list_left o where o.tenant_id = c.tenant_id
                          group by o.list_id order by max(o.at) desc, o.list_id offset 4);
    return pos.cloudsync_push_part(c, new_list, said.total, restaurant);
end $$;

-- Goes on with a list: `unsettled` is what the last answer said.
create or replace function pos.cloudsync_push_next(c pos.context, unsettled json, restaurant text) returns pos.answer
language plpgsql as $$
declare
    id uuid;
begin
    if coalesce(unsettled ->> 'list', '') !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
       or coalesce(unsettled ->> 'of', '') !~ '^[0-9]{1,9}$' then
        perform pos.refuse_field('unsettled', 'Send the list of changes itself, without "unsettled".', 'VALIDATION_ERROR');
    end if;
    id := unsettled ->> 'list';
    if not exists (select 1 from pos.list_left l where l.tenant_id = c.tenant_id and l.list_id = id) then
        perform pos.refuse(503, 'UNSETTLED', 'Part of the list is settled. Send the same list again.');
    end if;
    return pos.cloudsync_push_part(c, id, (unsettled ->> 'of')::bigint, restaurant);
end $$;

-- The next of a list that waits: at most 250 changes and 128 KiB of work. What was refused counts as settled.
create or replace function pos.cloudsync_push_part(c pos.context, id uuid, total bigint, restaurant text) returns pos.answer
language plpgsql as $$
declare
    last int;
    part json;
    left_over bigint;
    a pos.answer;
begin
    last := (select max(w.n)
               from (select l.n, row_number() over (order by l.n) as nth, sum(l.work) over (order by l.n) as work
                       from (select l.n, l.work from pos.list_left l
                              where l.tenant_id = c.tenant_id and l.list_id = id order by l.n limit 250) l) w
              where w.nth = 1 or w.work <= 131072);
    with gone as (
        delete from pos.list_left l where l.tenant_id = c.tenant_id and l.list_id = id and l.n <= last
        returning l.n, l.change)
    select coalesce(json_agg(g.change order by g.n), '[]') into part from gone g;
    a := pos.shared_state_change(c, pos.cloudsync_changes(c, part, restaurant, false));
    insert into pos.change_seen (tenant_id, change_id, kind, row_id)
    select distinct c.tenant_id, pos.cloudsync_change_id(e), r.kind, r.id
      from json_array_elements(part) e, lateral pos.cloudsync_change_row(e) r
     order by 2, 3, 4
    on conflict do nothing;
    left_over := (select count(*) from pos.list_left l where l.tenant_id = c.tenant_id and l.list_id = id);
    if left_over = 0 then
        a.body := regexp_replace(a.body, '"synced_changes":([0-9]+)', '"synced_changes":'
                      || (substring(a.body from '"synced_changes":([0-9]+)')::bigint + total - json_array_length(part)));
        return a;
    end if;
    a.status := 102;
    a.body := left(pos.refusal('UNSETTLED', format('%s of %s changes are settled. Send the same list again.',
                                                   total - left_over, total), null, null), -1)
              || ',"restaurant_id":' || to_json(restaurant) || ',"device_id":' || to_json(c.device)
              || ',"unsettled":{"list":"' || id || '","of":' || total || '}}';
    return a;
end $$;

-- What it takes to settle this, as bytes of one long text: each row and line in it takes as long as 128 bytes more.
create or replace function pos.cloudsync_work(changes json) returns int
language sql immutable parallel safe as $$
    select octet_length(changes::text) + 128 * (length(changes::text) - length(replace(changes::text, '{', '')))
$$;

create or replace function pos.cloudsync_have_ids(list json) returns boolean
language plpgsql immutable parallel safe as $$
begin
    return (
        select not exists (select 1 from json_array_elements(list) e where nullif(pos.cloudsync_change_id(e), '') is null));
end $$;

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
language plpgsql stable as $$
begin
    return (
        select case json_typeof(change) when 'object' then json_build_object('kind', case
                when change ->> 'data_type' in ('orders', 'menu_items', 'inventory', 'tables', 'users', 'printers')
                then change -> 'data_type' end,
            'action', change -> 'action', 'id', change -> 'data' -> 'id', 'data', change -> 'data',
            'changeId', change -> 'change_id', 'version', change -> 'version', 'userId', change -> 'user_id',
            'elsewhere', case when change ->> 'restaurant_id' <> named
                         then pos.tenant_named(change ->> 'restaurant_id') is distinct from tenant end) else change end);
end $$;
