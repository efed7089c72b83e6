-- pos.menu_restaurant_os - the menu as Restaurant OS shows it.
-- Holds: menu_items_restaurant_os, menu_categories_restaurant_os.
-- Caller: v1_menu, v1_menu_items, v1_menu_categories. Inputs: the tenant.
-- Answers: menu_restaurant_os: {categories, items}; the others: JSON texts of lists. An item has {id, menu_item_id,
-- restaurant_id, category_id?, name, description?, price, active, available, is_available, dietary_flags, modifiers,
-- aliases, prep_time_minutes, image_url?}, a category {id, name, slug, display_order, active, is_active, description?}.
-- Pictures that tablets keep inside of the menu (data: addresses) are left out: they would make megabytes.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.menu_items_restaurant_os(tenant uuid) returns text
language plpgsql stable as $$
begin
    return (select '[' || coalesce(string_agg(
                '{"id":' || to_json(r.id::text) || ',"menu_item_id":' || to_json(r.id::text)
                || ',"restaurant_id":"' || r.tenant_id || '"' || coalesce(',"category_id":' || to_json(r.category::text), '')
                || ',"name":' || to_json(coalesce(r.name, '')::text) || coalesce(',"description":' || to_json(r.description::text), '')
                || ',"price":' || coalesce(r.price, 0.00) || ',"active":true,"available":' || r.available
                || ',"is_available":' || r.available
                || ',' || (select string_agg(to_json(m.name) || ':' || case json_typeof(r.details -> m.name) when 'array'
                                             then (r.details -> m.name)::text else '[]' end, ',')
                             from unnest(array['dietary_flags', 'modifiers', 'aliases']) m(name))
                || ',"prep_time_minutes":' || pos.floor_number(r.details, '{prep_time_minutes,preparation_time}', 10)
                || case when r.image is null or r.image ~* '^data:' then '' else ',"image_url":' || to_json(r.image) end || '}',
                ',' order by r.name, r.id), '') || ']'
              from pos.menu_items r where r.tenant_id = tenant and r.deleted_at is null);
end $$;

-- Those that have a row, and those that only items name.
create or replace function pos.menu_categories_restaurant_os(tenant uuid) returns text
language plpgsql stable as $$
begin
    return (select '[' || coalesce(string_agg(
                '{"id":' || to_json(g.id) || ',"name":' || to_json(g.id)
                || ',"slug":' || to_json(btrim(lower(regexp_replace(g.id, '[^[:alnum:]]+', '-', 'g')), '-'))
                || ',"display_order":' || g.n || ',"active":true,"is_active":true'
                || coalesce(',"description":' || to_json(g.description), '') || '}', ',' order by g.n), '') || ']'
              from (select coalesce(r.id, i.category)::text as id, r.details ->> 'description' as description,
                           row_number() over (order by r.sort_order, coalesce(r.id, i.category)) as n
                      from (select s.* from pos.categories s where s.tenant_id = tenant and s.deleted_at is null) r
                      full join (select distinct s.category from pos.menu_items s
                                  where s.tenant_id = tenant and s.deleted_at is null and s.category <> '') i
                        on i.category = r.id) g);
end $$;

create or replace function pos.menu_restaurant_os(tenant uuid) returns text
language sql stable as $$
    select '{"categories":' || pos.menu_categories_restaurant_os(tenant) || ',"items":'
           || pos.menu_items_restaurant_os(tenant) || '}'
$$;
