-- pos.cloudsync_row - rows in the form that cloud sync tills know.
-- Holds: cloudsync_status, cloudsync_type, cloudsync_order.
-- Caller: cloudsync_snapshot_make, shared_state_order_status. Inputs: the row.
-- Answers: JSON text in snake case; members that have no column are given back as they came.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.cloudsync_status(status text) returns text
language sql immutable parallel safe as $$
    select case when status = 'new' then 'pending' when status in ('picked_up', 'out_for_delivery') then 'served'
                when status = 'rejected' then 'cancelled' else status end
$$;

-- Their types are names of Dart: dineIn.
create or replace function pos.cloudsync_type(type text) returns text
language sql immutable parallel safe as $$
    select lower(left(type, 1)) || substr(replace(initcap(replace(type, '_', ' ')), ' ', ''), 2)
$$;

create or replace function pos.cloudsync_row(r pos.tables) returns text
language sql stable parallel safe as $$
    select '{' || concat_ws(',', '"id":' || to_json(r.id::text), '"number":' || coalesce(pos.number_or_text(r.number), '0'),
        '"capacity":' || coalesce(r.seats, 0), '"seats":' || coalesce(r.seats, 0), '"status":"' || r.status || '"',
        '"order_id":' || to_json(r.order_id), '"customer_name":' || r.customer, '"order_items":' || r.order_items,
        '"order_total":' || r.order_total, '"reservation_time":' || to_json(r.reservation_time), '"version":' || r.version,
        '"updated_at":"' || pos.utc(r.updated_at) || '"', nullif(pos.inside(r.details), '')) || '}'
$$;

create or replace function pos.cloudsync_row(r pos.menu_items) returns text
language sql stable parallel safe as $$
    select '{' || concat_ws(',', '"id":' || to_json(r.id::text), '"name":' || to_json(coalesce(r.name, '')),
        '"description":' || to_json(coalesce(r.description, '')), '"price":' || coalesce(r.price, 0.00),
        '"category":' || to_json(coalesce(r.category, '')), '"category_id":' || to_json(coalesce(r.category, '')),
        '"image_url":' || to_json(r.image), '"is_available":' || r.available, '"version":' || r.version,
        '"updated_at":"' || pos.utc(r.updated_at) || '"', nullif(pos.inside(r.details), '')) || '}'
$$;

create or replace function pos.cloudsync_row(r pos.inventory) returns text
language sql stable parallel safe as $$
    select '{' || concat_ws(',', '"id":' || to_json(r.id::text), '"name":' || to_json(coalesce(r.name, '')),
        '"category":' || to_json(r.category), '"unit":' || to_json(r.unit), '"current_stock":' || trim_scale(coalesce(r.stock, 0)),
        '"low_stock_threshold":' || trim_scale(coalesce(r.low_stock_threshold, 0)), '"low_stock_alert":' || r.low_stock_alert,
        '"version":' || r.version, '"updated_at":"' || pos.utc(r.updated_at) || '"', nullif(pos.inside(r.details), '')) || '}'
$$;

create or replace function pos.cloudsync_row(r pos.staff) returns text
language sql stable parallel safe as $$
    select '{' || concat_ws(',', '"id":' || to_json(r.id::text), '"name":' || to_json(coalesce(r.name, '')),
        '"role":' || to_json(r.role), '"is_active":' || r.active, '"version":' || r.version,
        '"updated_at":"' || pos.utc(r.updated_at) || '"', nullif(pos.inside(r.details), '')) || '}'
$$;

create or replace function pos.cloudsync_row(r pos.printers) returns text
language sql stable parallel safe as $$
    select '{' || concat_ws(',', '"id":' || to_json(r.id::text), '"name":' || to_json(coalesce(r.name, '')),
        '"type":' || to_json(r.type), '"status":' || to_json(r.status), '"configuration":' || r.configuration,
        '"assignment":' || r.assignment, '"version":' || r.version, '"updated_at":"' || pos.utc(r.updated_at) || '"',
        nullif(pos.inside(r.details), '')) || '}'
$$;

create or replace function pos.cloudsync_order(o pos.orders) returns text
language sql stable parallel safe as $$
    select '{' || concat_ws(',', '"id":' || to_json(o.id_json::json #>> '{}'), '"order_number":' || to_json(o.order_number),
        '"status":"' || pos.cloudsync_status(o.status) || '"', '"type":' || to_json(pos.cloudsync_type(o.order_type)),
        '"total_amount":' || o.total_amount, '"items":' || o.items, '"customer_name":' || to_json(o.customer_name::text),
        '"customer_phone":' || to_json(coalesce(o.customer_phone, '')), '"table_number":' || pos.number_or_text(o.table_number),
        '"created_at":"' || pos.utc(o.created_at) || '"', '"updated_at":"' || pos.utc(o.updated_at) || '"',
        '"special_instructions":' || to_json(pos.order_instructions(o)), '"restaurant_id":"' || o.tenant_id || '"', '"version":' || o.version,
        case when o.details::text <> '{}' then nullif(pos.members_but(o.details, array['version', 'restaurant_id']), '') end) || '}'
$$;
