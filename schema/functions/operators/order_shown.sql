-- pos.order_shown - an order as an operator looks at it: what became of it, and which devices said that they have it.
-- Holds: orders_shown, order_push.
-- Caller: tillctl order. Inputs: the restaurant's slug; an order's id or number; for order_push the body of
-- order_create, or null and single fields of it.
-- Answers: order_push: the id of the new order; order_shown: a row for each order of that id or number; orders_shown: the newest.
-- Refusals: 404 TENANT_NOT_FOUND; those of order_create, raised. Locks: none but those of order_create. Events: order.created.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_push(slug text, body text, customer text, total text, item text, kind text) returns text
language plpgsql as $$
begin
    return pos.operator_call(slug, 'order_create', '{}', coalesce(body::json, json_strip_nulls(json_build_object(
        'customerName', coalesce(customer, 'Test order'), 'totalAmount', coalesce(total, '1.00'), 'orderType', kind,
        'items', json_build_array(json_build_object('name', coalesce(item, 'Test, not to be cooked'),
            'price', coalesce(total, '1.00'), 'quantity', 1)))))) #>> '{order,id}';
end $$;

create or replace function pos.order_shown(slug text, wanted text)
returns table (id text, number text, status text, type text, source text, customer text, total numeric, currency text, items int,
    created_at timestamptz, updated_at timestamptz, acknowledged_at timestamptz, said text)
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
begin
    return query
    select o.id::text, o.order_number::text, o.status::text, o.order_type::text, o.order_source::text, o.customer_name::text,
           o.total_amount::numeric, tenant.currency, json_array_length(o.items), date_trunc('second', o.created_at),
           date_trunc('second', o.updated_at), date_trunc('second', o.acknowledged_at),
           (select string_agg(concat_ws(' ', coalesce(nullif(a.device, ''), 'a device'), a.state, 'at', pos.utc(a.created_at),
                                        '(' || a.reason || ')'), '; ' order by a.created_at)
              from pos.order_ack a where a.tenant_id = o.tenant_id and a.order_id = o.id)
      from pos.orders o
     where o.tenant_id = tenant.id and (o.id = wanted or o.order_number = wanted)
     order by o.created_at desc;
end $$;

create or replace function pos.orders_shown(slug text, many int)
returns table (id text, number text, status text, type text, customer text, total numeric, created_at timestamptz, acknowledged_at timestamptz)
language plpgsql as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
begin
    return query
    select o.id::text, o.order_number::text, o.status::text, o.order_type::text, o.customer_name::text, o.total_amount::numeric,
           date_trunc('second', o.created_at), date_trunc('second', o.acknowledged_at)
      from pos.orders o where o.tenant_id = tenant.id order by o.created_at desc, o.id limit many;
end $$;
