-- orders/by_sql - orders that a web shop writes by plain SQL.
-- Holds: order_by_sql, order_by_sql_event.
-- Caller: triggers on pos.orders, for writers other than our own functions.
-- Before the write, values that the writer left out are filled in, lines and amounts are read as those of REST
-- (order_items), and control characters are removed. At commit, history and events are written as the operations write them.
-- Refusals: SQL errors: an order keeps its id and tenant, and has no id of an archived one; items must be a list, whose values can be read: nothing
-- becomes 0 or 1 silently. Of what is missing or rounded a NOTICE tells the writer.
-- Locks: none. Events: order.created, order.updated, order.status_changed,
-- order.deleted, table.ready.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_by_sql() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    decimals int;
    named record;
    lines record;
begin
    perform pos.tenant_is_here(case tg_op when 'DELETE' then old.tenant_id else new.tenant_id end);
    if tg_op = 'DELETE' then
        delete from pos.cleared_order x where x.tenant_id = old.tenant_id and x.order_id = old.id;
        return old;
    end if;
    decimals := pos.tenant_decimals(new.tenant_id);
    if tg_op = 'INSERT' then
        -- A writer who wants the id to be shown as a number says so in id_json, which decides.
        named := pos.read_order_id(coalesce(new.id_json::json, to_json(pos.clean_text(new.id))));
        new.id := named.id;
        new.id_json := named.shown;
        if exists (select from pos.order_archive a where a.tenant_id = new.tenant_id and a.id = new.id) then
            raise exception 'there is an archived order with the id %', new.id using errcode = 'unique_violation',
                hint = 'Use another id, or delete it from pos.order_archive.';
        end if;
        if new.order_number is null then
            new.order_number := pos.next_order_number(new.tenant_id, (
                select t.order_number_prefix from dinedesk_main.tenants t where t.id = new.tenant_id));
        end if;
    elsif new.id <> old.id or new.tenant_id <> old.tenant_id or new.id_json <> old.id_json then
        raise exception 'an order keeps its id' using errcode = 'restrict_violation';
    end if;
    if new.items is not null and (tg_op = 'INSERT' or new.items::text <> old.items::text) then
        lines := pos.order_items(pos.clean_json(new.items), decimals, false);
        new.items := lines.lines;
        if cardinality(lines.noted) > 0 then
            raise notice 'order %: %', new.id, pos.warnings(lines.noted);
        end if;
    end if;
    if tg_op = 'INSERT' or new.details::text <> old.details::text then
        new.details := pos.clean_json(new.details);
        select pos.object_of(coalesce(array_agg(e.key order by e.n), '{}'), array_agg(e.value::text order by e.n))
          into new.details
          from json_each(new.details) with ordinality e(key, value, n)
         where not pos.is_order_field(e.key);
    end if;
    new.total_amount := round(new.total_amount, decimals);
    new.order_type := coalesce(pos.read_word(new.order_type), new.order_type);
    new.order_source := coalesce(pos.read_word(new.order_source), new.order_source);
    new.order_number := pos.clean_text(new.order_number);
    new.customer_name := pos.clean_text(new.customer_name);
    new.customer_phone := pos.clean_text(new.customer_phone);
    new.special_instructions := pos.clean_text(new.special_instructions);
    new.table_number := pos.clean_text(new.table_number);
    new.updated_at := clock_timestamp();
    return new;
end $$;

create or replace function pos.order_by_sql_event() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    nobody pos.context;
    before pos.orders;
    house record;
    changes text[];
begin
    if tg_op = 'INSERT' then
        perform pos.order_history_add(nobody, new, null, null, null);
        select t.order_ladder, t.counts_items into house from dinedesk_main.tenants t where t.id = new.tenant_id;
        if house.order_ladder = 'on' then
            perform pos.order_ladder_begin(new);
        end if;
        if house.counts_items then
            perform pos.menu_count(new.tenant_id, new.items);
        end if;
        perform pos.outbox_add(new.tenant_id, 'order.created', pos.order_data(new, null));
        return null;
    end if;
    if tg_op = 'DELETE' then
        -- What was finished, and is deleted to make room, was not cancelled: nobody is told.
        if old.status not in ('completed', 'cancelled', 'rejected') then
            before := old;
            before.status := 'cancelled';
            perform pos.outbox_add(old.tenant_id, 'order.deleted', pos.order_data(before, old.status));
        end if;
        -- Here, and not before the write: what an order did in the same transaction is only now in its history.
        delete from pos.order_status_history h where h.tenant_id = old.tenant_id and h.order_id = old.id;
        return null;
    end if;

    changes := pos.order_changes(old, new);
    if new.details::text <> old.details::text then
        changes := changes || (pos.order_details_merge(old.details,
            array(select e.key from json_each(new.details) e), array(select e.value::text from json_each(new.details) e))).changed
            || array(select e.key from json_each(old.details) e except select e.key from json_each(new.details) e);
    end if;
    if cardinality(changes) > 0 then
        before := new;
        before.status := old.status;
        perform pos.outbox_add(new.tenant_id, 'order.updated', pos.order_data(before, old.status, changes));
    end if;
    if new.status <> old.status then
        perform pos.order_history_add(nobody, new, old.status, null, null);
        perform pos.outbox_add(new.tenant_id, 'order.status_changed', pos.order_data(new, old.status));
        if new.status = 'cancelled' then
            perform pos.outbox_add(new.tenant_id, 'order.deleted', pos.order_data(new, new.status));
        end if;
    end if;
    return null;
end $$;
