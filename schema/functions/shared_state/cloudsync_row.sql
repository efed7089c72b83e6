-- pos.cloudsync_row - rows in the form that cloud sync tills know.
-- Holds: cloudsync_status, cloudsync_type, cloudsync_order, cloudsync_order_plain, cloudsync_order_said.
-- Caller: cloudsync_snapshot_make, shared_state_order_status, order_data. Inputs: the kind and what all rows have; or
-- the order, and the fields to show, null for all of them.
-- Answers: JSON text: each field under the names and in the form in which such a till wrote it last, else under those
-- of shared_state_words; members that have no column are given back as they came. An order is without its
-- restaurant_id, which each till calls by a name of its own.
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

create or replace function pos.cloudsync_row(kind text, id text, version bigint, fields text, words json,
    updated_at timestamptz) returns text
language sql stable as $$
    select '{' || concat_ws(',', '"id":' || to_json(id),
        pos.cloudsync_shown(kind, ('{' || fields || '}')::json, words, updated_at, true), '"version":' || version) || '}'
$$;

-- The same for an order that no such device has written, in one expression: a day has hundreds of them.
create or replace function pos.cloudsync_order_plain(o pos.orders) returns text
language plpgsql stable as $$
begin
    return '{"id":' || to_json(o.id_json::json #>> '{}') || ',"order_number":' || to_json(o.order_number)
        || ',"status":"' || pos.cloudsync_status(o.status) || '","type":' || to_json(pos.cloudsync_type(o.order_type))
        || ',"total_amount":' || o.total_amount || ',"items":' || o.items || ',"customer_name":' || to_json(o.customer_name::text)
        || ',"customer_phone":' || coalesce(to_json(o.customer_phone)::text, '""')
        || coalesce(',"table_number":' || pos.number_or_text(o.table_number), '') || ',"created_at":"' || pos.utc(o.created_at) || '"'
        || coalesce(',"special_instructions":' || to_json(pos.order_instructions(o)), '')
        || coalesce(',"scheduled_for":"' || pos.utc(o.scheduled_for) || '"', '')
        || case when o.details::text = '{}' then ''
                else coalesce(',' || nullif(pos.members_but(o.details, array['version', 'restaurant_id', 'orderDate']), ''), '') end
        || ',"updated_at":"' || pos.utc(o.updated_at) || '","version":' || o.version || '}';
end $$;

create or replace function pos.cloudsync_order_said(o pos.orders, wanted text[] default null) returns text
language plpgsql stable as $$
declare
    fields text := concat_ws(',', '"orderNumber":' || to_json(o.order_number),
        '"status":"' || pos.cloudsync_status(o.status) || '"', '"orderType":' || to_json(pos.cloudsync_type(o.order_type)),
        '"totalAmount":' || o.total_amount, '"items":' || o.items, '"customerName":' || to_json(o.customer_name::text),
        '"customerPhone":' || to_json(o.customer_phone), '"tableNumber":' || pos.number_or_text(o.table_number),
        '"createdAt":"' || pos.utc(o.created_at) || '"', '"specialInstructions":' || to_json(case o.words::text when '{}' then pos.order_instructions(o)
                                                      else o.special_instructions end),
        '"scheduledFor":"' || pos.utc(o.scheduled_for) || '"',
        case when o.details::text <> '{}' then nullif(pos.members_but(o.details, array['version', 'restaurant_id']), '') end);
begin
    if wanted is not null then
        fields := (select string_agg(to_json(e.key) || ':' || e.value, ',' order by e.n)
                     from json_each(('{' || fields || '}')::json) with ordinality e(key, value, n) where e.key = any(wanted));
    end if;
    return '{' || concat_ws(',', '"id":' || to_json(o.id_json::json #>> '{}'),
        pos.cloudsync_shown('orders', ('{' || fields || '}')::json, o.words, o.updated_at, wanted is null),
        '"version":' || o.version) || '}';
end $$;

create or replace function pos.cloudsync_order(o pos.orders, wanted text[] default null) returns text
language plpgsql stable as $$
begin
    return case when wanted is null and o.words::text = '{}' then pos.cloudsync_order_plain(o)
                else pos.cloudsync_order_said(o, wanted) end;
end $$;
