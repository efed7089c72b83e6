-- pos.shared_state_json - a row as events carry it: its id, its version, and its fields under their stored names, as
-- shared_state_value writes them.
-- Holds: shared_state_fields, shared_state_changes, shared_state_event.
-- Caller: the functions of this folder. Inputs: the row.
-- Answers: shared_state_fields: the members of the object, without braces; null fields are left out.
-- shared_state_json: the object, beginning with id and version.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.shared_state_fields(r pos.tables) returns text
language sql stable parallel safe as $$
    select concat_ws(',', '"number":' || to_json(r.number), '"seats":' || r.seats, '"status":"' || r.status || '"',
        '"orderId":' || to_json(r.order_id), '"customer":' || r.customer, '"orderItems":' || r.order_items,
        '"orderTotal":' || r.order_total, '"reservationTime":' || to_json(r.reservation_time),
        nullif(pos.inside(r.details), ''))
$$;

create or replace function pos.shared_state_fields(r pos.categories) returns text
language sql stable parallel safe as $$
    select concat_ws(',', '"name":' || to_json(r.id), '"sortOrder":' || r.sort_order, nullif(pos.inside(r.details), ''))
$$;

create or replace function pos.shared_state_fields(r pos.menu_items) returns text
language sql stable parallel safe as $$
    select concat_ws(',', '"name":' || to_json(r.name), '"description":' || to_json(r.description),
        '"price":' || r.price, '"category":' || to_json(r.category), '"image":' || to_json(r.image),
        '"available":' || r.available, nullif(pos.inside(r.details), ''))
$$;

create or replace function pos.shared_state_fields(r pos.inventory) returns text
language sql stable parallel safe as $$
    select concat_ws(',', '"name":' || to_json(r.name), '"category":' || to_json(r.category), '"unit":' || to_json(r.unit),
        '"stock":' || trim_scale(r.stock), '"lowStockThreshold":' || trim_scale(r.low_stock_threshold),
        '"lowStockAlert":' || r.low_stock_alert, nullif(pos.inside(r.details), ''))
$$;

create or replace function pos.shared_state_fields(r pos.staff) returns text
language sql stable parallel safe as $$
    select concat_ws(',', '"name":' || to_json(r.name), '"role":' || to_json(r.role), '"active":' || r.active,
        nullif(pos.inside(r.details), ''))
$$;

create or replace function pos.shared_state_fields(r pos.printers) returns text
language sql stable parallel safe as $$
    select concat_ws(',', '"name":' || to_json(r.name), '"type":' || to_json(r.type), '"status":' || to_json(r.status),
        '"configuration":' || r.configuration, '"assignment":' || r.assignment, nullif(pos.inside(r.details), ''))
$$;

create or replace function pos.shared_state_fields(r pos.restaurant_settings) returns text
language sql stable parallel safe as $$
    select pos.inside(r.details)
$$;

create or replace function pos.shared_state_json(id text, version bigint, fields text) returns json
language sql stable parallel safe as $$
    select ('{"id":' || to_json(id) || ',"version":' || version || coalesce(',' || nullif(fields, ''), '') || '}')::json
$$;

-- The fields in which two rows differ: the names, in the order of the new row, and the new values. Fields that are
-- gone come last, with null.
create or replace function pos.shared_state_changes(old_fields text, new_fields text, out names text[], out vals text[])
language plpgsql immutable parallel safe as $$
begin
    select coalesce(array_agg(coalesce(n.key, o.key) order by n.n, o.n), '{}'),
           coalesce(array_agg(n.value order by n.n, o.n), '{}')
      into names, vals
      from (select e.key, e.value::text, e.n
              from json_each(('{' || old_fields || '}')::json) with ordinality e(key, value, n)) o
      full join (select e.key, e.value::text, e.n
                   from json_each(('{' || new_fields || '}')::json) with ordinality e(key, value, n)) n
        on n.key = o.key
     where n.value is distinct from o.value;
end $$;

-- The data of the event: what was changed, the row as it is now, and the words that cloud sync has for the row when it
-- is new, and otherwise for what was changed. `joins`: the row is new in a list that was handed over, and tablets need
-- the list for it.
create or replace function pos.shared_state_event(kind text, action text, id text, version bigint, names text[], vals text[],
    row_now json, words json, updated_at timestamptz, joins boolean) returns json
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
    changed json := pos.object_of(coalesce(names, '{}'), array(select coalesce(v, 'null') from unnest(vals) v));
    is_new boolean := pos.shared_state_creates(action) or (version = 1 and not pos.shared_state_deletes(action));
begin
    return ('{"kind":"' || kind || '","action":' || to_json(action) || ',"id":' || to_json(id) || ',"version":' || version
            || ',"changed":' || changed || ',"row":' || row_now
            || case when kind in ('categories', 'settings') then '' else ',"words":{' || (
                   select string_agg(to_json(w.name) || ':' || w.said, ',')
                     from pos.cloudsync_words(kind, case when is_new then row_now else changed end, words, updated_at,
                                              is_new) w) || '}' end
            || case when joins then ',"joinsList":true' else '' end || ',"at":"' || pos.utc(clock_timestamp()) || '"}')::json;
end $$;
