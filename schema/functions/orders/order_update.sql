-- pos.order_update - PATCH /api/{tenant}/orders/{id}.
-- Holds: order_merge, order_store, order_changes, order_details_merge.
-- Caller: pos.call, platform side. Inputs: path.id; status and any other field of an order; recall, reason, updatedBy
-- say how and why. Members that have no column are replaced one by one.
-- Answers: 200 {order, warnings?}. Refusals: those of pos.order_fields; 404 ORDER_NOT_FOUND; 409 ORDER_ARCHIVED, ILLEGAL_TRANSITION.
-- Locks: the order's row, then the stream. Events: order.updated when fields changed, then those of pos.order_move
-- when the status changed. No event when nothing changed.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_update(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    f record;
    old pos.orders;
    o pos.orders;
    merged record;
    moved record;
    changes text[];
    events text[] := array[]::text[];
begin
    f := pos.order_fields(body, c.timezone, pos.currency_decimals(c.currency));
    select s.* into old from pos.orders s
     where s.tenant_id = c.tenant_id and s.id = pos.path_order_id(c.path ->> 'id')
       for no key update;
    if not found then
        perform pos.refuse_no_order(c.tenant_id, pos.path_order_id(c.path ->> 'id'));
    end if;
    if f.status <> old.status and not pos.order_transition_legal(old.status, f.status, f.recall) then
        perform pos.refuse(409, 'ILLEGAL_TRANSITION',
            pos.transition_refusal(old.status, f.status, old.status, f.status),
            ('{"from":"' || old.status || '","to":"' || f.status || '"}')::json);
    end if;

    merged := pos.order_merge(old, f);
    o := merged.o;
    changes := merged.changes;

    if cardinality(changes) > 0 then
        o.updated_at := clock_timestamp();
        o := pos.order_store(o);
        events := events || pos.emit(c.tenant_id, 'order.updated', c.origin,
            pos.order_data(o, old.status, changes, f.reason, f.updated_by));
    end if;
    if f.status <> old.status then
        moved := pos.order_move(c, o, f.status, f.reason, f.updated_by);
        o := moved.o;
        events := events || moved.events;
    end if;
    return (200, '{"success":true,"order":' || pos.order_json(o) || coalesce(',' || pos.warnings(f.noted), '') || '}',
            nullif(events, '{}'), c.tenant_id, false)::pos.answer;
end $$;

-- The order with the fields that order_fields has read, except the status, and the names of those that changed.
create or replace function pos.order_merge(old pos.orders, f record, out o pos.orders, out changes text[])
language plpgsql as $$
declare
    merged record;
begin
    o := old;
    o.order_number := coalesce(f.order_number, old.order_number);
    o.customer_name := coalesce(f.customer_name, old.customer_name);
    o.order_type := coalesce(f.order_type, old.order_type);
    o.order_source := coalesce(f.order_source, old.order_source);
    o.total_amount := coalesce(f.total_amount, old.total_amount);
    o.items := coalesce(f.items, old.items);
    -- These four may be set to null.
    if 'customerPhone' = any(f.given) then o.customer_phone := f.customer_phone; end if;
    if 'specialInstructions' = any(f.given) then o.special_instructions := f.special_instructions; end if;
    if 'scheduledFor' = any(f.given) then o.scheduled_for := f.scheduled_for; end if;
    if 'tableNumber' = any(f.given) then o.table_number := f.table_number; end if;
    merged := pos.order_details_merge(old.details, f.detail_names, f.detail_values);
    o.details := merged.details;
    if octet_length(o.details::text) > 1048576 then
        perform pos.refuse(400, 'INVALID_FIELD', 'An order keeps at most 1 MiB of further fields. Send fewer.');
    end if;
    changes := pos.order_changes(old, o) || merged.changed;
end $$;

-- Writes the order, and returns it as the table has it: the trigger sets its version.
create or replace function pos.order_store(o pos.orders) returns pos.orders
language plpgsql as $$
declare
    stored pos.orders;
begin
    update pos.orders s
       set order_number = o.order_number, customer_name = o.customer_name, customer_phone = o.customer_phone,
           order_type = o.order_type, order_source = o.order_source, status = o.status,
           total_amount = o.total_amount, items = o.items, special_instructions = o.special_instructions,
           scheduled_for = o.scheduled_for, table_number = o.table_number, details = o.details,
           updated_at = o.updated_at, words = o.words
     where s.tenant_id = o.tenant_id and s.id = o.id
    returning s.* into stored;
    return stored;
end $$;

-- The names, as clients know them, of the documented fields in which two rows differ; without status.
create or replace function pos.order_changes(old pos.orders, o pos.orders) returns text[]
language plpgsql immutable as $$
begin
    return array_remove(array[
        case when o.order_number <> old.order_number then 'orderNumber' end,
        case when o.customer_name <> old.customer_name then 'customerName' end,
        case when o.customer_phone is distinct from old.customer_phone then 'customerPhone' end,
        case when o.order_type <> old.order_type then 'orderType' end,
        case when o.order_source <> old.order_source then 'orderSource' end,
        case when o.total_amount <> old.total_amount then 'totalAmount' end,
        case when o.items::text <> old.items::text then 'items' end,
        case when o.special_instructions is distinct from old.special_instructions then 'specialInstructions' end,
        case when o.scheduled_for is distinct from old.scheduled_for then 'scheduledFor' end,
        case when o.table_number is distinct from old.table_number then 'tableNumber' end], null);
end $$;

-- The kept members, with the given ones in their place, and the names of those that changed.
create or replace function pos.order_details_merge(kept json, names text[], vals text[],
    out details json, out changed text[])
language plpgsql immutable as $$
begin
    if cardinality(names) = 0 then
        details := kept;
        changed := '{}';
        return;
    end if;
    select pos.object_of(array_agg(m.name order by m.n), array_agg(m.value order by m.n)),
           coalesce(array_agg(m.name order by m.n) filter (where m.is_new), '{}')
      into details, changed
      from (select coalesce(k.name, g.name) as name, coalesce(g.value, k.value) as value,
                   g.name is not null and g.value is distinct from k.value as is_new,
                   coalesce(k.n, 1000000 + g.n) as n
              from (select e.key as name, e.value::text as value, e.n
                      from json_each(kept) with ordinality e(key, value, n)) k
              full join unnest(names, vals) with ordinality g(name, value, n) on g.name = k.name) m;
end $$;
