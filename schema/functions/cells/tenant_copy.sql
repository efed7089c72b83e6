-- cells/tenant_copy - how all rows of a restaurant are copied to another cell.
-- Holds: tenant_tables, tenant_copy, tenant_number, tenant_land.
-- Caller: tillctl tenant move, as the tables' owner, with tillwire.writer = 'move': rows are taken as they are, and have
-- had their events. tenant_copy and tenant_number are called in the old cell, tenant_land in the new one.
-- Inputs: the tenant. Answers: tenant_copy: for each table, in the order in which foreign keys want it, the COPY that
-- reads, the COPY that writes, and a query for the number of rows and a sum over their texts, which both cells must answer alike.
-- Numbers that PostgreSQL alone gives (generated always) are given anew, in the old order; the others are taken along.
-- Refusals, events: none. Locks: none but COPY's.
-- SPDX-License-Identifier: Apache-2.0

-- Every table that has a tenant_id, so that a new one is not forgotten; and how far it is from tenants by foreign keys.
create or replace function pos.tenant_tables() returns table (name regclass, place int)
language sql stable as $$
    with recursive ours as (
        select c.oid from pg_class c
          join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
         where c.relnamespace = 'pos'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition),
    far as (
        select o.oid, 1 as place from ours o
        union
        select k.conrelid, far.place + 1
          from far join pg_constraint k on k.confrelid = far.oid and k.contype = 'f' and k.conrelid <> k.confrelid
         where k.conrelid in (select o.oid from ours o) and far.place < 10)
    select far.oid::regclass, max(far.place) from far group by far.oid order by 2, far.oid::regclass::text collate "C"
$$;

create or replace function pos.tenant_copy(tenant uuid)
returns table (name text, reads text, writes text, sums text)
language plpgsql stable as $$
declare
    one record;
    columns text;
    condition text;
    number text;
begin
    for one in select 'dinedesk_main.tenants'::regclass as kept, 0 as place
               union all select t.name, t.place from pos.tenant_tables() t order by 2, 1 loop
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
                 filter (where a.attgenerated = '' and a.attidentity <> 'a' and (one.place > 0 or a.attname not in ('status', 'moving_to'))),
               max(quote_ident(a.attname)) filter (where a.attidentity = 'a')
          into columns, number
          from pg_attribute a where a.attrelid = one.kept and a.attnum > 0 and not a.attisdropped;
        condition := format('%s where %I = %L', one.kept, case one.place when 0 then 'id' else 'tenant_id' end, tenant);
        name := one.kept::text;
        reads := format('copy (select %s%s from %s%s) to stdout', columns, case one.place when 0 then ', ''arriving''' else '' end,
                        condition, coalesce(' order by ' || number, ''));
        writes := format('copy %s (%s%s) from stdin', one.kept, columns, case one.place when 0 then ', status' else '' end);
        sums := format('select count(*), coalesce(sum((''x'' || substr(md5(row(%s)::text), 1, 15))::bit(60)::bigint), 0) from %s',
                       columns, condition);
        return next;
    end loop;
end $$;

-- The last order number that was given, and whether one was.
create or replace function pos.tenant_number(tenant uuid, out last bigint, out is_given boolean)
language plpgsql stable as $$
begin
    execute format('select last_value, is_called from pos.%I', 'order_number_' || replace(tenant::text, '-', '')) into last, is_given;
end $$;

-- What is not in a row: order numbers and customers' numbers go on behind those that were taken along.
create or replace function pos.tenant_land(tenant uuid, last bigint, is_given boolean) returns void
language plpgsql as $$
declare
    customer int := (select max(c.id) from pos.customers c where c.tenant_id = tenant and c.id < 2000000000);
    taken text := (select a.alias from pos.tenant_alias a join dinedesk_main.tenants t on t.slug = a.alias and t.id <> a.tenant_id
                    where a.tenant_id = tenant limit 1);
begin
    if taken is not null then
        raise exception 'its alias "%" is the slug of another restaurant here', taken using errcode = 'unique_violation';
    end if;
    perform setval(format('pos.%I', 'order_number_' || replace(tenant::text, '-', ''))::regclass, last, is_given);
    if customer >= (select s.last_value from pos.customer_id_seq s) then
        -- With room for numbers that others take at this moment: it never goes back.
        perform setval('pos.customer_id_seq', greatest(customer, nextval('pos.customer_id_seq')) + 1000);
    end if;
end $$;
