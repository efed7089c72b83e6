-- pos.minipos_row - rows in the form that MiniPOS tablets know.
-- Holds: minipos_status, minipos_order, minipos_items, line_notes.
-- Caller: minipos_snapshot_make, shared_state_order_status. Inputs: the row; for an order also the restaurant's time
-- zone.
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
        '"orderId":' || to_json(r.order_id), '"customer":' || r.customer, '"orderItems":' || r.order_items,
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

create or replace function pos.minipos_order(o pos.orders, zone text) returns text
language sql stable parallel safe as $$
    select '{' || concat_ws(',', '"id":' || to_json(o.id_json::json #>> '{}'), '"orderNumber":' || to_json(o.order_number),
        '"tableNumber":' || coalesce(pos.number_or_text(o.table_number), 'null'), '"customerName":' || to_json(o.customer_name::text),
        '"orderDate":"' || to_char(o.created_at at time zone zone, 'YYYY-MM-DD') || '"',
        '"status":"' || pos.minipos_status(o.status) || '"', '"total":' || o.total_amount, '"items":' || pos.minipos_items(o.items),
        '"createdAt":"' || pos.utc(o.created_at) || '"', '"version":' || o.version,
        case when o.details::text <> '{}' then nullif(pos.members_but(o.details, array['orderDate', 'version']), '') end) || '}'
$$;

-- A tablet shows of a line its name, quantity, price and `notes`.
create or replace function pos.minipos_items(items json) returns text
language sql immutable parallel safe as $$
    select '[' || coalesce(string_agg('{' || concat_ws(',', pos.members_but(e.line, array['notes']),
                                                       '"notes":' || to_json(pos.line_notes(e.line))) || '}', ',' order by e.n), '') || ']'
      from json_array_elements(items) with ordinality e(line, n)
$$;

-- What a cook has to read besides the name: the add-ons, then the instructions ("2 x Egg, No nori; hot"). The frames
-- that tablets get have the same (minipos_events.c).
create or replace function pos.line_notes(line json) returns text
language sql immutable parallel safe as $$
    select nullif(concat_ws('; ', (
        select string_agg(case when a.value ->> 'quantity' = '1' then '' else (a.value ->> 'quantity') || ' x ' end || (a.value ->> 'name'), ', '
                          order by a.n)
          from json_array_elements(case json_typeof(line -> 'selectedAddons') when 'array' then line -> 'selectedAddons' else '[]' end)
               with ordinality a(value, n)), line ->> 'specialInstructions'), '')
$$;
