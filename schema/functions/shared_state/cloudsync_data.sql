-- pos.cloudsync_data - GET /api/restaurants/{id}/data: everything that a cloud sync till keeps.
-- Holds: cloudsync_snapshot_make.
-- Caller: pos.call. Inputs: none.
-- Answers: 200 {orders, menu_items, inventory, tables, users, printers, seq}: rows in the names of that dialect;
-- orders that are open or changed in the last 24 hours, at most 500: open ones are preferred, and then the newest;
-- seq is the stream's head in the same database snapshot.
-- Refusals, events: none. Locks: see snapshot_of.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.cloudsync_data(c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    return (200, pos.snapshot_of('cloudsync', c.tenant_id, c.timezone), null, c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.cloudsync_snapshot_make(tenant uuid, zone text, out head bigint, out body text)
language plpgsql stable as $$
declare
    lists text[];
begin
    -- From the same database snapshot as the rows, because the function is stable.
    select s.head into head from pos.stream s where s.tenant_id = tenant;
    lists := array[
        (select '"orders":[' || coalesce(string_agg(pos.cloudsync_order(o), ',' order by o.created_at, o.id), '') || ']'
           from (select p.* from pos.orders p join (
                    select p.id, max(p.is_open) as is_open, max(p.at) as at from (
                        select o.id, 1 as is_open, o.updated_at as at
                          from unnest(array['new', 'pending', 'confirmed', 'preparing', 'ready', 'picked_up',
                                            'out_for_delivery', 'served']) u(status)
                         cross join lateral (select n.id, n.updated_at from pos.orders n
                                where n.tenant_id = tenant and n.status = u.status
                                order by n.created_at desc limit 500) o
                        union all
                        (select n.id, 0, n.updated_at from pos.orders n
                          where n.tenant_id = tenant and n.updated_at > now() - interval '24 hours'
                          order by n.updated_at desc limit 500)) p
                     group by p.id order by 2 desc, 3 desc limit 500) w on w.id = p.id
                 where p.tenant_id = tenant) o),
        (select '"menu_items":[' || coalesce(string_agg(pos.cloudsync_row(r), ',' order by r.created_at, r.id), '') || ']'
           from pos.menu_items r where r.tenant_id = tenant and r.deleted_at is null),
        (select '"inventory":[' || coalesce(string_agg(pos.cloudsync_row(r), ',' order by r.created_at, r.id), '') || ']'
           from pos.inventory r where r.tenant_id = tenant and r.deleted_at is null),
        (select '"tables":['
                || coalesce(string_agg(pos.cloudsync_row(r), ',' order by length(r.number), r.number, r.id), '') || ']'
           from pos.tables r where r.tenant_id = tenant and r.deleted_at is null),
        (select '"users":[' || coalesce(string_agg(pos.cloudsync_row(r), ',' order by r.created_at, r.id), '') || ']'
           from pos.staff r where r.tenant_id = tenant and r.deleted_at is null),
        (select '"printers":[' || coalesce(string_agg(pos.cloudsync_row(r), ',' order by r.created_at, r.id), '') || ']'
           from pos.printers r where r.tenant_id = tenant and r.deleted_at is null)];
    body := '{' || array_to_string(lists, ',') || ',"seq":' || head || '}';
end $$;
