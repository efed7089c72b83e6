-- pos.minipos_state - SYNC_REQUEST and GET /api/sync: everything that a tablet shows.
-- Holds: minipos_snapshot_make.
-- Caller: pos.call. Inputs: none.
-- Answers: 200 {tables, menuItems, categories, settings, orderHistory, seq}: rows in MiniPOS' names; settings is null
-- when there are none; the 200 orders that changed last, newest first, without those from before the history was
-- cleared; seq is the stream's head in the same database snapshot.
-- Refusals, events: none. Locks: see snapshot_of.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.minipos_state(c pos.context, body json) returns pos.answer
language plpgsql as $$
begin
    return (200, pos.snapshot_of('minipos', c.tenant_id, c.timezone), null, c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.minipos_snapshot_make(tenant uuid, zone text, out head bigint, out body text)
language plpgsql stable as $$
declare
    history_from timestamptz;
    tables text;
    items text;
    categories text;
    settings text;
    orders text;
begin
    -- From the same database snapshot as the rows, because the function is stable.
    select s.head into head from pos.stream s where s.tenant_id = tenant;
    history_from := coalesce((select m.since from pos.order_history_mark m where m.tenant_id = tenant), '-infinity');
    tables := (select string_agg(pos.minipos_row(r), ',' order by length(r.number), r.number, r.id)
                 from pos.tables r where r.tenant_id = tenant and r.deleted_at is null);
    items := (select string_agg(pos.minipos_row(r), ',' order by r.created_at, r.id)
                from pos.menu_items r where r.tenant_id = tenant and r.deleted_at is null);
    categories := (select string_agg(to_json(r.id)::text, ',' order by r.sort_order, r.created_at, r.id)
                     from pos.categories r where r.tenant_id = tenant and r.deleted_at is null);
    settings := (select r.details::text from pos.restaurant_settings r where r.tenant_id = tenant and r.deleted_at is null);
    orders := (select string_agg(pos.minipos_order(o, zone), ',' order by o.created_at desc, o.id)
                 from (select p.* from pos.orders p
                        where p.tenant_id = tenant and p.updated_at > history_from
                        order by p.updated_at desc limit 200) o);
    body := '{"tables":[' || coalesce(tables, '') || '],"menuItems":[' || coalesce(items, '') || '],"categories":['
            || coalesce(categories, '') || '],"settings":' || coalesce(settings, 'null') || ',"orderHistory":['
            || coalesce(orders, '') || '],"seq":' || head || '}';
end $$;
