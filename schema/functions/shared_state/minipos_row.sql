-- pos.minipos_row - rows in the form that MiniPOS tablets know.
-- Holds: minipos_status, minipos_customer, minipos_lines, minipos_order, minipos_items, line_notes.
-- A page calls methods on what it shows, so every text and list is there, and none is null.
-- Caller: minipos_snapshot_make, shared_state_order_status. Inputs: the row.
-- Answers: JSON text; members that have no column are given back as they came.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.minipos_status(status text) returns text
language sql immutable parallel safe as $$
    select case when status in ('new', 'confirmed') then 'pending'
                when status in ('picked_up', 'out_for_delivery') then 'served'
                when status = 'rejected' then 'cancelled' else status end
$$;

-- Tablets know three statuses: a table that is being cleaned is shown as occupied, because it is not free.
create or replace function pos.minipos_row(r pos.tables) returns text
language sql stable parallel safe as $$
    select '{' || concat_ws(',', '"id":' || to_json(r.id::text), '"number":' || coalesce(pos.number_or_text(r.number), '0'),
        '"seats":' || coalesce(r.seats, 0), '"status":"' || case r.status when 'cleaning' then 'occupied' else r.status end || '"',
        '"orderId":' || to_json(r.order_id), '"customer":' || pos.minipos_customer(r.customer), '"orderItems":' || pos.minipos_lines(r.order_items),
        '"orderTotal":' || r.order_total, '"reservationTime":' || to_json(r.reservation_time), '"version":' || r.version,
        nullif(pos.inside(r.details), '')) || '}'
$$;

create or replace function pos.minipos_row(r pos.menu_items) returns text
language sql stable parallel safe as $$
    select '{' || concat_ws(',', '"id":' || to_json(r.id::text), '"name":' || to_json(coalesce(r.name, '')),
        '"price":' || coalesce(r.price, 0.00), '"category":' || to_json(coalesce(r.category, '')),
        '"description":' || to_json(coalesce(r.description, '')), '"image":' || to_json(r.image),
        '"available":' || r.available, '"version":' || r.version, nullif(pos.inside(r.details), '')) || '}'
$$;

-- A customer as a text: other devices keep an object with a name.
create or replace function pos.minipos_customer(customer json) returns text
language sql immutable parallel safe as $$
    select case when json_typeof(customer) = 'string' then customer::text
                when json_typeof(customer -> 'name') = 'string' then (customer -> 'name')::text
                when customer is not null then '""' end
$$;

-- The lines of a table's order: the page's own have the dish inside, those of other devices are flat.
create or replace function pos.minipos_lines(lines json) returns text
language plpgsql immutable parallel safe as $$
begin
    return (
        select case when lines is not null then '[' || coalesce(string_agg('{' || concat_ws(',',
                   case when json_typeof(l.line) = 'object' then pos.members_but(l.line, array['menuItem']) end,
                   case when l.line -> 'id' is null then '"id":""' end,
                   case when l.line -> 'quantity' is null then '"quantity":1' end,
                   '"menuItem":{' || concat_ws(',',
                       case when json_typeof(l.line -> 'menuItem') = 'object' then nullif(pos.inside(l.line -> 'menuItem'), '')
                            else '"id":' || to_json(coalesce(l.line ->> 'menuItemId', l.line ->> 'id', '')) end,
                       (select string_agg('"' || n.name || '":' || coalesce((l.line -> n.name)::text, n.raw), ',' order by n.n)
                          from unnest(array['name', 'price', 'category', 'description'], array['""', '0', '""', '""'])
                               with ordinality n(name, raw, n)
                         where json_typeof(l.line -> 'menuItem') is distinct from 'object'
                            or l.line -> 'menuItem' -> n.name is null)) || '}') || '}', ',' order by l.n), '') || ']' end
          from json_array_elements(lines) with ordinality l(line, n));
end $$;

create or replace function pos.minipos_order(o pos.orders) returns text
language sql stable parallel safe as $$
    select '{' || concat_ws(',', '"id":' || to_json(coalesce(pos.tablet_id(o), o.id_json::json #>> '{}')), '"orderNumber":' || to_json(o.order_number),
        '"tableNumber":' || to_json(coalesce(o.table_number, '')), '"customerName":' || to_json(coalesce(o.customer_name::text, '')),
        -- In UTC, as the page writes it for its own orders.
        '"orderDate":"' || to_char(o.created_at at time zone 'UTC', 'YYYY-MM-DD') || '"',
        '"status":"' || pos.minipos_status(o.status) || '"', '"total":' || o.total_amount, '"items":' || pos.minipos_items(o.items),
        '"createdAt":"' || pos.utc(o.created_at) || '"', '"version":' || o.version,
        case when o.details::text <> '{}' then nullif(pos.members_but(o.details, array['orderDate', 'version']), '') end) || '}'
$$;

-- A tablet shows of a line its name, quantity, price and `notes`.
create or replace function pos.minipos_items(items json) returns text
language plpgsql immutable parallel safe as $$
begin
    return (
        select '[' || coalesce(string_agg('{' || concat_ws(',', pos.members_but(e.line, array['notes']),
                                                           '"notes":' || to_json(pos.line_notes(e.line))) || '}', ',' order by e.n), '') || ']'
          from json_array_elements(items) with ordinality e(line, n));
end $$;

-- What a cook has to read besides the name: the add-ons, then the instructions ("2 x Egg, No nori; hot"). The frames
-- that tablets get have the same (minipos_events.c).
create or replace function pos.line_notes(line json) returns text
language plpgsql immutable parallel safe as $$
begin
    return (
        select nullif(concat_ws('; ', (
            select string_agg(case when a.value ->> 'quantity' = '1' then '' else (a.value ->> 'quantity') || ' x ' end || (a.value ->> 'name'), ', '
                              order by a.n)
              from json_array_elements(case json_typeof(line -> 'selectedAddons') when 'array' then line -> 'selectedAddons' else '[]' end)
                   with ordinality a(value, n)), line ->> 'specialInstructions'), ''));
end $$;
