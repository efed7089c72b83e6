-- menu/timer_menu - what happens to an item of the menu at a time.
-- Holds: timer_menu_held, timer_menu_until, timer_menu_sold_out.
-- Caller: timer_act. Inputs: the timer, whose object is the item's id.
-- Answers: the events. Refusals: none. Locks: the item, what is said about it, the tenant, the stream.
-- Events: menu.updated. What somebody has turned on or off by other means since, a tablet for example, stays as it is.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.timer_menu_held(t pos.timer, out item pos.menu_items, out said pos.menu_state)
language plpgsql as $$
begin
    select i.* into item from pos.menu_items i where i.tenant_id = t.tenant_id and i.id = t.object for no key update;
    select s.* into said from pos.menu_state s where s.tenant_id = t.tenant_id and s.item_id = t.object for update;
end $$;

-- It comes back: without a quantity, or with the one that it was to have from then on. Of what was counted, the count ends.
create or replace function pos.timer_menu_until(t pos.timer) returns text[]
language plpgsql as $$
declare
    c pos.context := pos.timer_context(t.tenant_id);
    held record := pos.timer_menu_held(t);
    item pos.menu_items := held.item;
    said pos.menu_state := held.said;
    is_ours boolean;
begin
    if said.until is null or said.until > t.due then
        return null; -- something else was said since
    end if;
    is_ours := item.deleted_at is null and not said.is_available and not item.available
        and coalesce((item.field_versions ->> 'available')::bigint, 0) <= said.version;
    if is_ours then
        item := (pos.menu_item_turn(item, true, null)).item;
    end if;
    if is_ours and said.quantity > 0 then
        update pos.menu_state s set is_available = true, until = null, reason = null, version = item.version
         where s.tenant_id = t.tenant_id and s.item_id = t.object
        returning s.* into said;
    else
        delete from pos.menu_state s where s.tenant_id = t.tenant_id and s.item_id = t.object;
        if said.quantity is not null then
            perform pos.menu_counts_note(t.tenant_id);
        end if;
        said := null;
    end if;
    return case when is_ours then pos.menu_item_tell(c, item, said) end;
end $$;

-- An order has taken the last one.
create or replace function pos.timer_menu_sold_out(t pos.timer) returns text[]
language plpgsql as $$
declare
    c pos.context := pos.timer_context(t.tenant_id);
    held record := pos.timer_menu_held(t);
    item pos.menu_items := held.item;
    said pos.menu_state := held.said;
    is_ours boolean;
begin
    if said.is_available is not true or said.quantity > 0 then
        return null; -- there is more of it again
    end if;
    is_ours := item.deleted_at is null and item.available;
    if is_ours then
        item := (pos.menu_item_turn(item, false, null)).item;
    end if;
    update pos.menu_state s
       set is_available = false, reason = coalesce(s.reason, 'sold out'), version = case when is_ours then item.version else 0 end
     where s.tenant_id = t.tenant_id and s.item_id = t.object
    returning s.* into said;
    perform pos.menu_counts_note(t.tenant_id);
    return case when is_ours then pos.menu_item_tell(c, item, said) end;
end $$;
