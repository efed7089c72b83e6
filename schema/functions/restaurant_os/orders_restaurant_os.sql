-- pos.orders_restaurant_os - orders as Restaurant OS shows them, and which ones to show.
-- Holds: orders_v1, v1_amount, orders_newest.
-- Caller: orders_sync; the operations v1_order… of REST. Inputs: the tenant, the orders' ids; for orders_newest the
-- statuses, a type or null, the greatest number of orders, how many of the newest to leave out, and between which
-- moments and at which table they are, and the order behind which the list begins.
-- Answers: for each id that exists, in the order of the ids, {id, order_number, status, type, table_number?, items:
-- [{id, name, quantity, price, modifiers?: [{id, name, price, quantity}], special_instructions?}], total, created_at,
-- restaurant_id}, and added to them customer_name, order_source and notes?, what the kitchen is told about the order.
-- Ids are texts; statuses are in the words of that document. orders_v1: the same orders with what the published client
-- shows besides. orders_newest: ids, newest first, until their lines have about 4 MiB, and whether there are more.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

-- One statement for all orders: a call for each of them would cost more than the work that it does. The lines are in
-- the shape that order_items gives them, and each is read once as a whole, not member by member.
create or replace function pos.orders_restaurant_os(tenant uuid, ids text[]) returns text[]
language plpgsql stable as $$
begin
    return array(
        select '{"id":' || to_json(o.id_json::json #>> '{}') || ',"order_number":' || to_json(o.order_number::text)
               || ',"status":"' || pos.status_word(o.status) || '","type":' || to_json(pos.type_word(o.order_type))
               || coalesce(',"table_number":' || to_json(o.table_number::text), '')
               || ',"items":[' || coalesce((
                  select string_agg('{"id":' || i.id || ',"name":' || i.name || ',"quantity":' || i.quantity
                         || ',"price":' || i.price
                         || case when i.addons::text <> '[]' then ',"modifiers":[' || (
                            select string_agg('{"id":' || a.id || ',"name":' || a.name || ',"price":' || a.price
                                              || ',"quantity":' || a.quantity || '}', ',' order by a.n)
                              from rows from (json_to_recordset(i.addons)
                                              as (id json, name json, price json, quantity json))
                                   with ordinality a(id, name, price, quantity, n)) || ']'
                            else '' end
                         || coalesce(',"special_instructions":' || i.instructions, '') || '}', ',' order by i.n)
                    from rows from (json_to_recordset(o.items)
                                    as (id json, name json, quantity json, price json, "selectedAddons" json,
                                        "specialInstructions" json))
                         with ordinality i(id, name, quantity, price, addons, instructions, n)), '')
               || '],"total":' || o.total_amount || ',"created_at":"' || pos.utc(o.created_at)
               || '","restaurant_id":"' || o.tenant_id || '","customer_name":' || to_json(o.customer_name::text)
               || ',"order_source":' || to_json(o.order_source::text)
               || coalesce(',"notes":' || to_json(nullif(pos.order_instructions(o), '')), '') || '}'
          from unnest(ids) with ordinality w(id, n)
          join pos.orders o on o.tenant_id = tenant and o.id = w.id
         order by w.n);
end $$;

-- What its own server answers in addition. All ids exist.
create or replace function pos.orders_v1(tenant uuid, ids text[]) returns text[]
language plpgsql stable as $$
begin
    return array(
        select left(w.shown, -1) || ',"total_amount":' || o.total_amount
               || ',"subtotal":' || coalesce(
                  pos.v1_amount(o, 'subtotal'),
                  greatest(o.total_amount - coalesce(pos.v1_amount(o, 'tax'), 0) - coalesce(pos.v1_amount(o, 'tip'), 0),
                           round(0::numeric, scale(o.total_amount))))
               || ',"tax":' || coalesce(pos.v1_amount(o, 'tax'), round(0::numeric, scale(o.total_amount)))
               || coalesce(',"tip":' || pos.v1_amount(o, 'tip'), '')
               || ',"updated_at":"' || pos.utc(o.updated_at) || '"'
               || coalesce(',"customer_phone":' || to_json(o.customer_phone::text), '')
               || coalesce(',' || (
                  select string_agg(to_json(m.shown) || ':' || (o.details -> m.kept), ',' order by m.shown)
                    from (values ('customer_email', 'customerEmail'), ('seat_number', 'seatNumber'),
                                 ('payment_status', 'paymentStatus'), ('metadata', 'metadata')) m(shown, kept)
                   where json_typeof(o.details -> m.kept) <> 'null'), '') || '}'
          from unnest(pos.orders_restaurant_os(tenant, ids), ids) with ordinality w(shown, id, n)
          join pos.orders o on o.tenant_id = tenant and o.id = w.id
         order by w.n);
end $$;

-- With as many decimals as the total has: those of the currency.
create or replace function pos.v1_amount(o pos.orders, name text) returns numeric
language sql immutable parallel safe as $$
    select pos.read_price(o.details -> name, scale(o.total_amount))
$$;

-- An index gives the newest orders of each status, by type or table if one is asked for, so that the thousands of
-- completed ones are not read: a statement for each index, since one with all conditions would take none. The settings keep it so
-- whatever the statistics say, or before there are any. The list
-- can begin behind an order (`after_at`, `after_id`): that costs nothing, whereas those left out by number are read.
create or replace function pos.orders_newest(tenant uuid, statuses text[], kind text, most int, skipped int,
    at_table text default null, since timestamptz default '-infinity', until timestamptz default 'infinity',
    after_at timestamptz default null, after_id text default null, out ids text[], out has_more boolean)
language plpgsql stable set enable_seqscan = off set enable_bitmapscan = off as $$
begin
    until := least(until, after_at);
    if at_table is not null then
        ids := array(
            select p.id from (select distinct u.status from unnest(statuses) u(status)) s
             cross join lateral (
                   select o.id, o.created_at from pos.orders o
                    where o.tenant_id = tenant and o.table_number = at_table and o.status = s.status
                      and (kind is null or o.order_type = kind) and o.created_at >= since and o.created_at <= until
                      and (after_at is null or (o.created_at, o.id::text) < (after_at, after_id))
                    order by o.created_at desc, o.id desc limit most + skipped + 1) p
             order by p.created_at desc, p.id desc limit most + 1 offset skipped);
    elsif kind is not null then
        ids := array(
            select p.id from (select distinct u.status from unnest(statuses) u(status)) s
             cross join lateral (
                   select o.id, o.created_at from pos.orders o
                    where o.tenant_id = tenant and o.order_type = kind and o.status = s.status
                      and o.created_at >= since and o.created_at <= until
                      and (after_at is null or (o.created_at, o.id::text) < (after_at, after_id))
                    order by o.created_at desc, o.id desc limit most + skipped + 1) p
             order by p.created_at desc, p.id desc limit most + 1 offset skipped);
    else
        ids := array(
            select p.id from (select distinct u.status from unnest(statuses) u(status)) s
             cross join lateral (
                   select o.id, o.created_at from pos.orders o
                    where o.tenant_id = tenant and o.status = s.status and o.created_at >= since and o.created_at <= until
                      and (after_at is null or (o.created_at, o.id::text) < (after_at, after_id))
                    order by o.created_at desc, o.id desc limit most + skipped + 1) p
             order by p.created_at desc, p.id desc limit most + 1 offset skipped);
    end if;
    select coalesce(array_agg(f.id order by f.n) filter (where f.n <= most and f.bytes_before < 4194304), '{}'),
           coalesce(bool_or(f.n > most or f.bytes_before >= 4194304), false)
      into ids, has_more
      from (select w.id, w.n, sum(octet_length(o.items::text)) over (order by w.n rows unbounded preceding)
                   - octet_length(o.items::text) as bytes_before
              from unnest(ids) with ordinality w(id, n)
              join pos.orders o on o.tenant_id = tenant and o.id = w.id) f;
end $$;
