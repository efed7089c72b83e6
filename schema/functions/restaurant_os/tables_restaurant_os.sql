-- pos.tables_restaurant_os - the floor as Restaurant OS draws it.
-- Holds: table_word, table_status_of, floor_number.
-- Caller: v1_tables, v1_table, v1_table_status. Inputs: the tenant, and the ids of the tables; null for all.
-- Answers: for each table, by its number, {id, restaurant_id, label, seats, capacity, status, type, shape, x, y, x_pos,
-- y_pos, width, height, rotation, z_index, current_order_id, active, created_at, updated_at, section?}. What another
-- family's table does not say about its place is made up from its number in the list: a grid.
-- table_status_of: how a word of Restaurant OS is stored, null for an unknown one.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.table_status_of(word text) returns text
language sql immutable parallel safe as $$
    select case when word in ('available', 'occupied', 'reserved', 'cleaning') then word
                when word = 'paid' then 'occupied' when word = 'unavailable' then 'reserved' end
$$;

-- The other families know neither `paid` nor `unavailable`: such a word is kept beside the status, and counts until
-- anybody gives the table another status.
create or replace function pos.table_word(r pos.tables) returns text
language sql stable parallel safe as $$
    select case when pos.table_status_of(r.details ->> 'floorStatus') = r.status
                 and coalesce((r.field_versions ->> 'floorStatus')::bigint, 1)
                     >= coalesce((r.field_versions ->> 'status')::bigint, 1)
                then r.details ->> 'floorStatus' else r.status end
$$;

create or replace function pos.floor_number(details json, names text[], fallback numeric) returns numeric
language plpgsql immutable parallel safe as $$
begin
    return (
        select coalesce((select pos.read_decimal(details -> n.name) from unnest(names) with ordinality n(name, at)
                          where pos.read_decimal(details -> n.name) is not null order by n.at limit 1), fallback));
end $$;

create or replace function pos.tables_restaurant_os(tenant uuid, ids text[]) returns text[]
language plpgsql stable as $$
begin
    return array(
        select '{"id":' || to_json(r.id::text) || ',"restaurant_id":"' || r.tenant_id || '","label":'
               || to_json(coalesce(r.details ->> 'label', r.number, r.id)::text)
               || ',"seats":' || coalesce(r.seats, 0) || ',"capacity":' || coalesce(r.seats, 0)
               || ',"status":' || to_json(pos.table_word(r)) || ',"type":' || to_json(p.shape) || ',"shape":' || to_json(p.shape)
               || ',"x":' || p.x || ',"y":' || p.y || ',"x_pos":' || p.x || ',"y_pos":' || p.y
               || ',"width":' || pos.floor_number(r.details, '{width}', 100)
               || ',"height":' || pos.floor_number(r.details, '{height}', 100)
               || ',"rotation":' || pos.floor_number(r.details, '{rotation}', 0)
               || ',"z_index":' || pos.floor_number(r.details, '{z_index,zIndex}', t.n)
               || ',"current_order_id":' || coalesce(to_json(r.order_id::text)::text, 'null')
               || ',"active":true,"created_at":"' || pos.utc(r.created_at) || '","updated_at":"' || pos.utc(r.updated_at) || '"'
               || coalesce(',"section":' || to_json(coalesce(r.details ->> 'section', r.details ->> 'area')), '') || '}'
          from (select s.id, row_number() over (order by length(s.number), s.number, s.id) as n
                  from pos.tables s where s.tenant_id = tenant and s.deleted_at is null) t
          join pos.tables r on r.tenant_id = tenant and r.id = t.id,
               lateral (select case when r.details ->> 'shape' in ('circle', 'rectangle', 'square', 'chip_monkey')
                                    then r.details ->> 'shape' else 'square' end as shape,
                               pos.floor_number(r.details, '{x_pos,x}', 40 + (t.n - 1) % 6 * 140) as x,
                               pos.floor_number(r.details, '{y_pos,y}', 40 + (t.n - 1) / 6 * 140) as y) p
         where ids is null or r.id = any(ids)
         order by t.n);
end $$;
