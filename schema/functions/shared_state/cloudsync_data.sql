-- pos.cloudsync_data - GET /api/restaurants/{id}/data: everything that a cloud sync till keeps.
-- Holds: cloudsync_snapshot_make, cloudsync_orders, cloudsync_named.
-- Caller: pos.call. Inputs: none.
-- Answers: 200 {orders, menu_items, inventory, tables, users, printers, truncated?, seq}: rows in the words of that
-- dialect; the orders of today, in the restaurant's time zone, and those that changed in the last 24 hours, all of
-- them; and of the older ones that are still open the newest 500: `truncated` says that there are more. The newest
-- order comes first. seq is the stream's head in the same database snapshot.
-- Refusals, events: none. Locks: see snapshot_of.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.cloudsync_data(c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    return (200, pos.cloudsync_named(pos.snapshot_of('cloudsync', c.tenant_id, c.timezone), c.tenant_slug), null,
            c.tenant_id, false)::pos.answer;
end $$;

-- A snapshot is shared by all that call the restaurant by different names: in their place it has a character that
-- cannot be in JSON.
create or replace function pos.cloudsync_named(snapshot text, restaurant text) returns text
language sql stable parallel safe as $$
    select replace(snapshot, E'\x01', to_json(restaurant)::text)
$$;

create or replace function pos.cloudsync_snapshot_make(tenant uuid, zone text, out head bigint, out body text)
language plpgsql stable as $$
declare
    listed record;
    lists text[];
begin
    -- From the same database snapshot as the rows, because the function is stable.
    select s.head into head from pos.stream s where s.tenant_id = tenant;
    listed := pos.cloudsync_orders(tenant, zone);
    lists := array[
        '"orders":[' || listed.orders || ']',
        (select '"menu_items":[' || coalesce(string_agg(pos.cloudsync_row('menu_items', r.id, r.version,
                    pos.shared_state_fields(r), r.words, r.updated_at), ',' order by r.created_at, r.id), '') || ']'
           from pos.menu_items r where r.tenant_id = tenant and r.deleted_at is null),
        (select '"inventory":[' || coalesce(string_agg(pos.cloudsync_row('inventory', r.id, r.version,
                    pos.shared_state_fields(r), r.words, r.updated_at), ',' order by r.created_at, r.id), '') || ']'
           from pos.inventory r where r.tenant_id = tenant and r.deleted_at is null),
        (select '"tables":[' || coalesce(string_agg(pos.cloudsync_row('tables', r.id, r.version,
                    pos.shared_state_fields(r), r.words, r.updated_at), ',' order by length(r.number), r.number, r.id), '') || ']'
           from pos.tables r where r.tenant_id = tenant and r.deleted_at is null),
        (select '"users":[' || coalesce(string_agg(pos.cloudsync_row('users', r.id, r.version,
                    pos.shared_state_fields(r), r.words, r.updated_at), ',' order by r.created_at, r.id), '') || ']'
           from pos.staff r where r.tenant_id = tenant and r.deleted_at is null),
        (select '"printers":[' || coalesce(string_agg(pos.cloudsync_row('printers', r.id, r.version,
                    pos.shared_state_fields(r), r.words, r.updated_at), ',' order by r.created_at, r.id), '') || ']'
           from pos.printers r where r.tenant_id = tenant and r.deleted_at is null),
        case when listed.truncated then '"truncated":true' end];
    body := '{' || array_to_string(lists, ',') || ',"seq":' || head || '}';
end $$;

create or replace function pos.cloudsync_orders(tenant uuid, zone text, out orders text, out truncated boolean)
language plpgsql stable as $$
declare
    today timestamptz := pos.today(zone)::timestamp at time zone zone;
    since timestamptz := now() - interval '24 hours';
begin
    with working as (
        select o.id from pos.orders o where o.tenant_id = tenant and o.updated_at > since
        union
        -- By the index that begins with the status.
        select o.id from unnest(array['new', 'pending', 'confirmed', 'preparing', 'ready', 'picked_up', 'out_for_delivery',
                                      'served', 'completed', 'cancelled', 'rejected']) u(status)
          join pos.orders o on o.tenant_id = tenant and o.status = u.status and o.created_at >= today),
    stale as (
        select o.id, row_number() over (order by o.created_at desc, o.id) as n
          from unnest(array['new', 'pending', 'confirmed', 'preparing', 'ready', 'picked_up', 'out_for_delivery',
                            'served']) u(status)
         cross join lateral (select n.id, n.created_at from pos.orders n
                where n.tenant_id = tenant and n.status = u.status and n.created_at < today and n.updated_at <= since
                order by n.created_at desc limit 501) o)
    select coalesce(string_agg(left(pos.cloudsync_order(o), -1) || E',"restaurant_id":\x01}', ','
                               order by o.created_at desc, o.id), ''),
           coalesce((select max(s.n) > 500 from stale s), false)
      into orders, truncated
      from pos.orders o
     where o.tenant_id = tenant and o.id in (select w.id from working w union all select s.id from stale s where s.n <= 500);
end $$;
