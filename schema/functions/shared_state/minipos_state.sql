-- pos.minipos_state - SYNC_REQUEST and GET /api/sync: everything that a tablet shows.
-- Holds: minipos_snapshot_make, minipos_list.
-- Caller: pos.call. Inputs: {"list"}: one of tables, menuItems, categories, orderHistory, when only that is wanted.
-- Answers: 200 {tables, menuItems, categories, settings, orderHistory, seq, mastered}: rows in MiniPOS' names; settings
-- is null when there are none; of the orders that tablets show the 200 that changed last, newest first; seq is the stream's head in
-- the same database snapshot; mastered names the lists that were handed over (mastered.sql). Of one list: {<list>, seq,
-- mastered}.
-- Refusals, events: none. Locks: see snapshot_of.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.minipos_state(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    shown text;
begin
    if body ->> 'list' is not null then
        shown := pos.with_pictures(c.tenant_id, (pos.minipos_snapshot_make(c.tenant_id, array[body ->> 'list'])).body);
    else
        shown := pos.snapshot_of('minipos', c.tenant_id, c.timezone);
    end if;
    return (200, shown, null, c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.minipos_snapshot_make(tenant uuid, lists text[], out head bigint, out body text)
language plpgsql stable as $$
begin
    -- From the same database snapshot as the rows, because the function is stable.
    select s.head into head from pos.stream s where s.tenant_id = tenant;
    body := '{' || (select string_agg('"' || l.name || '":' || pos.minipos_list(tenant, l.name), ',' order by l.n)
                      from unnest(lists) with ordinality l(name, n))
            || ',"seq":' || head || ',"mastered":['
            || coalesce((select string_agg('"' || case m.kind when 'menu_items' then 'menuItems' else m.kind end || '"', ','
                                           order by m.kind)
                           from pos.mastered_list m where m.tenant_id = tenant), '') || ']}';
end $$;

create or replace function pos.minipos_list(tenant uuid, list text) returns text
language plpgsql stable as $$
begin
    return case list
    when 'tables' then '[' || coalesce((
        select string_agg(pos.minipos_row(r), ',' order by length(r.number), r.number, r.id)
          from pos.tables r where r.tenant_id = tenant and r.deleted_at is null), '') || ']'
    when 'menuItems' then '[' || coalesce((
        select string_agg(pos.minipos_row(r), ',' order by r.created_at, r.id)
          from pos.menu_items r where r.tenant_id = tenant and r.deleted_at is null), '') || ']'
    when 'categories' then '[' || coalesce((
        select string_agg(to_json(r.id)::text, ',' order by r.sort_order, r.created_at, r.id)
          from pos.categories r where r.tenant_id = tenant and r.deleted_at is null), '') || ']'
    when 'settings' then coalesce((
        select r.details::text from pos.restaurant_settings r where r.tenant_id = tenant and r.deleted_at is null), 'null')
    when 'orderHistory' then '[' || coalesce((
        select string_agg(pos.minipos_order(o), ',' order by o.created_at desc, o.id)
          from pos.tablet_orders(tenant, 200) o), '') || ']'
    end;
end $$;
