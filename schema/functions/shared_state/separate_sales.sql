-- pos.separate_sales - MiniPOS tablets draw the ids of their orders themselves (POS-<date>-<n>), so two may draw the
-- same one; and after the history was cleared, a tablet begins again at 1.
-- Holds: is_another_sale, sales_differ, sale_id, tablet_id.
-- Caller: shared_state_change, for tablets, before rows are locked. Inputs: the context; the steps.
-- Answers: the steps. One that is another sale than the order of its id gets an id of its own, "<id>-2", and keeps the
-- drawn one as `drawnId`; sent again, it is found by it.
-- Refusals, events: none. Locks: an advisory one for each id.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.separate_sales(c pos.context, steps pos.house_step[]) returns pos.house_step[]
language plpgsql as $$
declare
    nth int := 0;
    s pos.house_step;
    own_id text;
begin
    while nth < cardinality(steps) loop
        nth := nth + 1;
        s := steps[nth];
        continue when s.kind <> 'orders' or s.deletes;
        -- The second of two tablets waits here, and then sees the order of the first.
        perform pg_advisory_xact_lock(hashtextextended('sale ' || c.tenant_id || ' ' || s.id, 7214460007));
        if pos.is_another_sale(c, s) then
            own_id := pos.sale_id(c, s);
            s.body := ('{' || concat_ws(',', '"drawnId":' || to_json(s.id), nullif(pos.inside(s.body), '')) || '}')::json;
            s.id := own_id;
            s.shown := to_json(own_id)::text;
            steps[nth] := s;
        end if;
    end loop;
    return steps;
end $$;

-- Another tablet has made the order, at another time, with other content; or the same one has completed it, at another
-- table; or any has, before the history was cleared.
-- A tablet that changes an order which it was shown gives back its time; who names no time changes the order.
create or replace function pos.is_another_sale(c pos.context, s pos.house_step) returns boolean
language plpgsql as $$
declare
    o pos.orders;
begin
    select t.* into o from pos.orders t where t.tenant_id = c.tenant_id and t.id = s.id;
    return found and o.made_by is not null and s.body ->> 'createdAt' is not null and pos.sales_differ(c, s, o);
end $$;

create or replace function pos.sales_differ(c pos.context, s pos.house_step, o pos.orders) returns boolean
language plpgsql as $$
declare
    decimals int := pos.currency_decimals(c.currency);
    f record;
begin
    f := pos.order_fields(s.body, c.timezone, decimals);
    if date_trunc('milliseconds', f.created_at) = date_trunc('milliseconds', o.created_at) then
        return false;
    end if;
    if pos.is_cleared(o) then
        return true; -- its tablet does not know the other one any more, whatever is in it
    end if;
    if o.made_by is not distinct from c.device then
        -- Two tables may have been given one number by two tablets, and one tablet completes both.
        return o.status = 'completed' and f.table_number is distinct from o.table_number;
    end if;
    return f.total_amount is distinct from o.total_amount or f.table_number is distinct from o.table_number
        or f.customer_name is distinct from o.customer_name::text
        or (pos.order_items(coalesce(s.lines, '[]'), decimals, false)).lines::text is distinct from o.items::text;
end $$;

-- The first id that is free, or that this sale has been given before: two tablets may complete one sale.
create or replace function pos.sale_id(c pos.context, s pos.house_step) returns text
language plpgsql as $$
declare
    o pos.orders;
    candidate text;
    nth int := 1;
begin
    loop
        nth := nth + 1;
        candidate := left(s.id, 60) || '-' || nth;
        select t.* into o from pos.orders t where t.tenant_id = c.tenant_id and t.id = candidate;
        exit when not found or not pos.sales_differ(c, s, o);
    end loop;
    return candidate;
end $$;

-- The id that tablets know an order by: the one that its tablet has drawn, unless they are shown another order by that.
-- Null: its own.
create or replace function pos.tablet_id(o pos.orders) returns text
language plpgsql stable as $$
declare
    drawn text := o.details ->> 'drawnId';
    nth int := substring(o.id from '-([0-9]{1,4})$')::int;
begin
    if drawn is null or nth is null or o.id <> left(drawn, 60) || '-' || nth or exists (
        select 1 from pos.orders b
         where b.tenant_id = o.tenant_id
           and b.id = any(drawn || array(select left(drawn, 60) || '-' || g from generate_series(2, nth - 1) g))
           and not pos.is_cleared(b)) then
        return null;
    end if;
    return drawn;
end $$;
