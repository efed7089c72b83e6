-- pos.shared_state_words - the kinds of rows that a restaurant's devices share, the fields of each, and the names
-- that the dialects have for them.
-- Holds: shared_state_own_field, shared_state_column, shared_state_table, shared_state_kind, shared_state_event_type,
-- shared_state_action, shared_state_deletes, shared_state_creates, shared_state_event_action.
-- Caller: the functions of this folder.
-- Answers: shared_state_words: for each field its kind, the name under which it is stored, how its value is read
-- (shared_state_value), its other names, and those of cloud sync; shared_state_table: the table of a kind, null for an unknown one;
-- shared_state_event_type: the type of its events; shared_state_action: an action in the words of events.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

-- The name of the column is the stored name in snake case. Every name may be written. Devices of cloud sync are shown
-- a field under the names that they wrote, and one that none of them wrote under `shown`; `empty` is what they are
-- shown when it has no value. How the fields of an order are read is in order_fields.
create or replace function pos.shared_state_words()
returns table (kind text, name text, reads text, also text[], shown text[], empty text)
language sql immutable parallel safe as $$
    values
    ('tables', 'number', 'label 32', '{table_number,tableNumber}'::text[], '{number}'::text[], '0'),
    ('tables', 'seats', 'whole 1000', '{capacity}', '{capacity,seats}', '0'),
    ('tables', 'status', 'word available occupied reserved cleaning', '{}', '{status}', null),
    ('tables', 'orderId', 'label 64', '{order_id,currentOrderId,current_order_id}', '{order_id}', null),
    ('tables', 'customer', 'json', '{customer_name,customerName}', '{customer_name}', null),
    ('tables', 'orderItems', 'list', '{order_items}', '{order_items}', null),
    ('tables', 'orderTotal', 'cents', '{order_total}', '{order_total}', null),
    ('tables', 'reservationTime', 'label 64', '{reservation_time,reservedAt,reserved_at}', '{reservation_time}', null),
    ('categories', 'sortOrder', 'whole 1000000', '{sort_order}', '{sort_order}', null),
    ('menu_items', 'name', 'text 200', '{}', '{name}', '""'),
    ('menu_items', 'description', 'text 4000', '{}', '{description}', '""'),
    ('menu_items', 'price', 'cents', '{}', '{price}', '0.00'),
    ('menu_items', 'category', 'label 200', '{category_id,categoryId,category_name,categoryName}',
     '{category,category_id}', '""'),
    ('menu_items', 'image', 'text 4194304', '{image_url,imageUrl}', '{image_url}', null),
    ('menu_items', 'available', 'bool true', '{is_available,isAvailable}', '{is_available}', null),
    ('inventory', 'name', 'text 200', '{}', '{name}', '""'),
    ('inventory', 'category', 'short 200', '{}', '{category}', null),
    ('inventory', 'unit', 'short 32', '{}', '{unit}', null),
    ('inventory', 'stock', 'stock', '{current_stock,currentStock,stock_quantity,stockQuantity}', '{current_stock}', '0'),
    ('inventory', 'lowStockThreshold', 'stock', '{low_stock_threshold,min_stock,minStock,minimum_stock,minimumStock}',
     '{low_stock_threshold}', '0'),
    ('inventory', 'lowStockAlert', 'bool false', '{low_stock_alert}', '{low_stock_alert}', null),
    ('users', 'name', 'text 200', '{}', '{name}', '""'),
    ('users', 'role', 'short 32', '{}', '{role}', null),
    ('users', 'active', 'bool true', '{is_active,isActive}', '{is_active}', null),
    ('printers', 'name', 'text 200', '{}', '{name}', '""'),
    ('printers', 'type', 'short 64', '{printer_type,printerType}', '{type}', null),
    ('printers', 'status', 'short 32', '{}', '{status}', null),
    ('printers', 'configuration', 'json', '{config}', '{configuration}', null),
    ('printers', 'assignment', 'json', '{assignments,assigned_to,assignedTo}', '{assignment}', null),
    ('orders', 'orderNumber', null, '{order_number}', '{order_number}', null),
    ('orders', 'status', null, '{}', '{status}', null),
    ('orders', 'orderType', null, '{type,order_type}', '{type}', null),
    ('orders', 'totalAmount', null, '{total,total_amount}', '{total_amount}', null),
    ('orders', 'items', null, '{}', '{items}', null),
    ('orders', 'customerName', null, '{customer_name,customer}', '{customer_name}', null),
    ('orders', 'customerPhone', null, '{customer_phone}', '{customer_phone}', '""'),
    ('orders', 'tableNumber', null, '{table_number,table}', '{table_number}', null),
    ('orders', 'createdAt', null, '{created_at}', '{created_at}', null),
    ('orders', 'orderDate', null, '{order_date}', '{}', null),
    ('orders', 'specialInstructions', null, '{special_instructions}', '{special_instructions}', null),
    ('orders', 'scheduledFor', null, '{scheduled_for}', '{scheduled_for}', null)
$$;

-- Fields that every row has by itself: what a device sends for them is not stored.
create or replace function pos.shared_state_own_field(field text) returns boolean
language sql immutable parallel safe as $$
    select field in ('id', 'version', 'tenant_id', 'tenantId', 'restaurant_id', 'restaurantId', 'device_id',
                     'deviceId', 'updated_at', 'updatedAt')
$$;

create or replace function pos.shared_state_column(name text) returns text
language sql immutable parallel safe as $$
    select lower(regexp_replace(name, '([A-Z])', '_\1', 'g'))
$$;

create or replace function pos.shared_state_table(kind text) returns text
language sql immutable parallel safe as $$
    select case kind when 'users' then 'staff' when 'settings' then 'restaurant_settings'
                     when 'tables' then 'tables' when 'menu_items' then 'menu_items'
                     when 'categories' then 'categories' when 'inventory' then 'inventory'
                     when 'printers' then 'printers' end
$$;

create or replace function pos.shared_state_kind(table_name text) returns text
language sql immutable parallel safe as $$
    select case table_name when 'staff' then 'users' when 'restaurant_settings' then 'settings' else table_name end
$$;

create or replace function pos.shared_state_event_type(kind text) returns text
language sql immutable parallel safe as $$
    select case kind when 'tables' then 'table' when 'menu_items' then 'menu' when 'categories' then 'category'
                     when 'inventory' then 'inventory' when 'users' then 'staff' when 'printers' then 'printer'
                     when 'settings' then 'settings' end || '.updated'
$$;

create or replace function pos.shared_state_action(given text) returns text
language sql immutable parallel safe as $$
    select case
        when given in ('add', 'add_item', 'add_category') then 'created'
        when given in ('update', 'update_item') then 'updated'
        when given in ('delete', 'delete_item', 'delete_category') then 'deleted'
        else coalesce(given, 'upsert')
    end
$$;

create or replace function pos.shared_state_deletes(action text) returns boolean
language sql immutable parallel safe as $$
    select action in ('deleted', 'item_removed', 'removed')
$$;

create or replace function pos.shared_state_creates(action text) returns boolean
language sql immutable parallel safe as $$
    select action in ('created', 'item_added', 'added')
$$;

-- An event passes on the action as the device said it, because other devices act on that word: a tablet that frees a
-- table which we have never heard of has not added one. But a row that existed was not created.
create or replace function pos.shared_state_event_action(action text, is_new boolean) returns text
language sql immutable parallel safe as $$
    select case when action = 'upsert' then case when is_new then 'created' else 'updated' end
                when not is_new and pos.shared_state_creates(action) then 'updated'
                else action end
$$;
