-- pos.cloudsync_push - POST /api/sync: the changes of a cloud sync device, in one transaction.
-- Holds: cloudsync_change.
-- Caller: pos.call. Inputs: {restaurant_id, device_id, changes: [{type, data_type, action, data, change_id?,
-- version?}]}; data has the row's id.
-- Answers: those of shared_state_change, to which the changes are handed on.
-- Refusals: those of shared_state_change and of cloudsync_restaurant; 400 VALIDATION_ERROR, UNKNOWN_TYPE.
-- Locks, events: those of shared_state_change. The origin of the events is the device that the body names.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.cloudsync_push(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    device text;
    list json := body -> 'changes';
    place bigint;
begin
    perform pos.cloudsync_restaurant(c, body ->> 'restaurant_id');
    device := pos.read_label('device_id', body -> 'device_id', 128);
    if device is null then
        perform pos.refuse_field('device_id', 'Say which device sends this: device_id.', 'VALIDATION_ERROR');
    end if;
    if coalesce(json_typeof(list), 'null') <> 'array' then
        perform pos.refuse_field('changes', '"changes" must be a list of changes.', 'VALIDATION_ERROR');
    end if;
    -- Tablets can change more kinds of rows than these devices.
    select min(e.n) - 1 into place from json_array_elements(list) with ordinality e(value, n)
     where json_typeof(e.value) = 'object' and coalesce(e.value ->> 'data_type', '')
           not in ('orders', 'menu_items', 'inventory', 'tables', 'users', 'printers');
    if place is not null then
        perform pos.refuse(400, 'UNKNOWN_TYPE', 'The data_type of a change is one of orders, menu_items, inventory, '
            'tables, users, printers.', ('{"index":' || place || ',"field":"data_type"}')::json);
    end if;
    c.device := device;
    c.origin := (c.origin::jsonb || jsonb_build_object('device', device))::json;
    return pos.shared_state_change(c, ('{"dialect":"cloudsync","changes":['
        || coalesce((select string_agg(pos.cloudsync_change(e.value)::text, ',' order by e.n)
                       from json_array_elements(list) with ordinality e(value, n)), '') || ']}')::json);
end $$;

-- A change in the form that shared_state_change takes. Anything that is not an object stays as it is, and is refused
-- there.
create or replace function pos.cloudsync_change(change json) returns json
language sql immutable parallel safe as $$
    select case json_typeof(change) when 'object' then json_build_object('kind', change -> 'data_type',
        'action', change -> 'action', 'id', change -> 'data' -> 'id', 'data', change -> 'data',
        'changeId', change -> 'change_id', 'version', change -> 'version') else change end
$$;
