-- pos.menu_availability_set - POST /api/{tenant}/menu-items/{id}/availability: an item of the menu is not to be had, or only so often.
-- Holds: menu_number, menu_state_json, menu_item_turn, menu_item_tell, menu_counts_note.
-- Caller: pos.call. Inputs: path.id; available; until: when this ends, and the item is to be had again; reason; quantity: how
-- often it is to be had, and orders that name it take from that (menu_count). With available false, the quantity counts from
-- `until` on. {"available":true} alone ends all of it.
-- Answers: 200 {menuItemId, name, available, until, reason, quantity, version}.
-- Refusals: 404 MENU_ITEM_NOT_FOUND; 400 INVALID_FIELD.
-- Locks: the item, then what was said about it (pos.menu_state), its timer, the tenant when it begins or ends to count, the stream.
-- Events: menu.updated, when the item becomes available or not; what else is said is nothing that a device shows. An audit row,
-- when it was done in a console.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.menu_availability_set(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    said pos.menu_state;
    item pos.menu_items;
    old pos.menu_state;
    done record;
    told text[];
begin
    c := pos.console_caller(c);
    if coalesce(json_typeof(body -> 'available'), '') <> 'boolean' then
        perform pos.refuse_field('available', '"available" must be true or false.');
    end if;
    said.tenant_id := c.tenant_id;
    said.is_available := (body ->> 'available')::boolean;
    said.reason := nullif(pos.read_text('reason', body -> 'reason', 200), '');
    said.quantity := pos.menu_number('quantity', body -> 'quantity');
    said.until := pos.read_instant(pos.read_text('until', body -> 'until', 40), c.timezone);
    said.said_at := clock_timestamp();
    if pos.given(body -> 'until') is not null
       and coalesce(said.until not between said.said_at and said.said_at + interval '366 days', true) then
        perform pos.refuse_field('until', '"until" must be a time to come, within a year, like 2030-12-31T17:00:00Z.');
    elsif said.is_available and said.quantity is null and said.until is not null then
        perform pos.refuse_field('until', '"until" says when the item comes back, or its quantity ends: send "available": false, or a '
                                 '"quantity".');
    elsif not said.is_available and said.quantity is not null and said.until is null then
        perform pos.refuse_field('quantity', 'With "available": false, the quantity is what there is from "until" on. Send that too.');
    end if;

    select i.* into item from pos.menu_items i
     where i.tenant_id = c.tenant_id and i.id = c.path ->> 'id' and i.deleted_at is null
       for no key update;
    if not found then
        perform pos.refuse(404, 'MENU_ITEM_NOT_FOUND', 'There is no such item in the menu. Use an id of GET /api/v1/menu/items.');
    end if;
    said.item_id := item.id;
    done := pos.menu_item_turn(item, said.is_available, c.device);
    item := done.item;
    said.version := item.version;
    delete from pos.menu_state s where s.tenant_id = c.tenant_id and s.item_id = said.item_id returning s.* into old;
    if not said.is_available or said.quantity is not null then
        insert into pos.menu_state select said.*;
    end if;
    if said.until is not null then
        perform pos.timer_set(c.tenant_id, 'menu_until', said.item_id, said.until);
    elsif old.until is not null then
        perform pos.timer_clear(c.tenant_id, 'menu_until', said.item_id);
    end if;
    if coalesce(old.quantity > 0, false) <> coalesce(said.quantity > 0, false) then
        perform pos.menu_counts_note(c.tenant_id);
    end if;
    perform pos.console_did(c, case when said.is_available then 'dish.on' else 'dish.off' end, item.id,
                            concat_ws(' ', item.name, 'quantity ' || trim_scale(said.quantity), 'until ' || pos.utc(said.until), said.reason));
    if done.turned then
        told := pos.menu_item_tell(c, item, said);
    end if;
    return (200, pos.success(('{"menuItemId":' || to_json(item.id::text) || ',"name":' || to_json(coalesce(item.name, ''))
                              || ',"available":' || item.available || ',' || pos.menu_state_json(said) || ',"version":' || item.version || '}')::json),
            told, c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.menu_number(field text, value json) returns numeric
language plpgsql immutable as $$
declare
    given numeric := pos.read_decimal(value);
begin
    if pos.given(value) is null then
        return null;
    elsif json_typeof(value) <> 'number' or given is null or given <> trunc(given) or given not between 1 and 1000000 then
        perform pos.refuse_field(field, format('"%s" must be a whole number from 1 to 1000000. For none, send "available": false.', field));
    end if;
    return trunc(given);
end $$;

create or replace function pos.menu_state_json(said pos.menu_state) returns text
language sql stable as $$
    select '"until":' || coalesce('"' || pos.utc(said.until) || '"', 'null') || ',"reason":' || coalesce(to_json(said.reason)::text, 'null')
           || ',"quantity":' || coalesce(trim_scale(said.quantity)::text, 'null')
$$;

-- Whether that changed the item, and how it is then.
create or replace function pos.menu_item_turn(in out item pos.menu_items, wanted boolean, device text, out turned boolean)
language plpgsql as $$
begin
    turned := item.available <> wanted;
    if turned then
        perform pos.shared_state_update('menu_items', item.tenant_id, item.id, array['available'], array[wanted::text], device, false, null);
        select i.* into item from pos.menu_items i where i.tenant_id = item.tenant_id and i.id = item.id;
    end if;
end $$;

-- The event of an item that was turned, in cloud sync's word for it.
create or replace function pos.menu_item_tell(c pos.context, item pos.menu_items, said pos.menu_state) returns text[]
language plpgsql as $$
declare
    data json := pos.shared_state_event('menu_items', 'availability_changed', item.id, item.version, array['available'], array[item.available::text],
                                        pos.shared_state_json(item.id, item.version, pos.shared_state_fields(item)), item.words,
                                        item.updated_at, false);
begin
    perform pos.shared_state_log(c.tenant_id, 'menu_items', 'availability_changed', item.id, item.version, c.device, data -> 'changed');
    return array[pos.emit(c.tenant_id, 'menu.updated', c.origin,
                          ('{' || pos.inside(data) || ',"availability":{' || pos.menu_state_json(said) || '}}')::json)];
end $$;

-- Whether anything is counted. The tenant is locked first, so that of two at once the second sees what the first has done.
create or replace function pos.menu_counts_note(tenant uuid) returns void
language plpgsql as $$
begin
    perform 1 from dinedesk_main.tenants t where t.id = tenant for no key update;
    update dinedesk_main.tenants t set counts_items = not t.counts_items
     where t.id = tenant
       and t.counts_items <> exists (select from pos.menu_state s where s.tenant_id = tenant and s.quantity > 0);
end $$;
