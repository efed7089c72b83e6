-- pos.operator_export - what a restaurant has, as JSON that operator_import takes again.
-- Holds: export_kinds, export_rows, export_cards, export_customers.
-- Caller: tillctl export. Inputs: the restaurant's slug; a kind of rows, null: all of them in one object.
-- Answers: an array of objects, in the order in which devices show them; pictures are in them. Secrets of staff are in no row.
-- Refusals: 404 TENANT_NOT_FOUND; 400 UNKNOWN_TYPE. Locks, events: none: one statement sees one moment.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.export_kinds() returns text[]
language sql immutable parallel safe as $$
    select array['tables', 'categories', 'menu_items', 'settings', 'inventory', 'printers', 'users', 'cards', 'customers']
$$;

create or replace function pos.operator_export(slug text, kind text) returns text
language plpgsql stable as $$
declare
    tenant dinedesk_main.tenants := pos.operator_tenant(slug);
begin
    if not kind = any(pos.export_kinds()) then
        perform pos.refuse(400, 'UNKNOWN_TYPE', 'a kind is one of ' || array_to_string(pos.export_kinds(), ', '));
    elsif kind is not null then
        return pos.export_rows(tenant.id, kind);
    end if;
    return '{"tenant":' || (select row_to_json(t) from (select tenant.slug, tenant.name, tenant.country, tenant.currency, tenant.timezone) t)
        || ',"at":"' || pos.utc(now()) || '","seq":' || (select s.head from pos.stream s where s.tenant_id = tenant.id)
        || (select string_agg(E',\n"' || k.kind || '":' || pos.export_rows(tenant.id, k.kind), '' order by k.n)
              from unnest(pos.export_kinds()) with ordinality k(kind, n)) || '}';
end $$;

create or replace function pos.export_rows(tenant uuid, kind text) returns text
language plpgsql stable as $$
declare
    rows text;
begin
    if kind = 'cards' then
        return pos.export_cards(tenant);
    elsif kind = 'customers' then
        return pos.export_customers(tenant);
    end if;
    execute format(
        'select string_agg(''{'' || concat_ws('','', ''"id":'' || to_json(r.id::text), nullif(pos.shared_state_fields(r), '''')) || ''}'', E'',\n'''
        '                  order by r.created_at, r.id)'
        '  from pos.%I r where r.tenant_id = $1 and r.deleted_at is null', pos.shared_state_table(kind))
      into rows using tenant;
    return '[' || coalesce(pos.with_pictures(tenant, rows), '') || ']';
end $$;

create or replace function pos.export_cards(tenant uuid) returns text
language plpgsql stable as $$
begin
    return (select '[' || coalesce(string_agg(row_to_json(d)::text, E',\n' order by d."purchasedAt", d."cardNumber"), '') || ']'
      from (select g.card_number as "cardNumber", g.status, g.initial_balance as "initialBalance", g.current_balance as "currentBalance",
                   g.expiry_date as "expiryDate", g.purchased_by as "purchasedBy", g.recipient_name as "recipientName",
                   g.recipient_email as "recipientEmail", pos.utc(g.purchased_at) as "purchasedAt"
              from pos.gift_cards g where g.tenant_id = tenant) d);
end $$;

create or replace function pos.export_customers(tenant uuid) returns text
language plpgsql stable as $$
begin
    return (select '[' || coalesce(string_agg(row_to_json(d)::text, E',\n' order by d.id), '') || ']'
      from (select p.id, p.phone, p.name, p.email, p.loyalty_points as "loyaltyPoints", p.total_spent as "totalSpent",
                   pos.utc(p.created_at) as "createdAt"
              from pos.customers p where p.tenant_id = tenant and p.erased_at is null) d);
end $$;
