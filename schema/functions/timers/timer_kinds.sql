-- pos.timer_kinds - everything that can happen at a time, one row each. A new kind is a function, `pos.timer_<kind>(t
-- pos.timer) returns text[]`, which does what is due and answers what pos.emit has answered, and a row here.
-- Holds: timer_act, timer_hold. They are generated from the rows.
-- Caller: timers_run, tests. Inputs: for timer_act a timer whose time has come, and whose row is gone already: a kind that
-- goes on sets it again. For timer_hold the kind, the tenant and the objects.
-- Answers: timer_act: the events; timer_hold: of the objects those that may be dealt with now, which are locked, and those
-- that do not exist any more.
-- Refusals: an SQL error for an unknown kind. Locks: timer_hold the things, those that are free at this moment; timer_act those
-- of the kind. Events: those of the kind.
-- SPDX-License-Identifier: Apache-2.0

-- things: the table whose rows (tenant_id, id) are the objects. They are locked before the timers, and all of them before the
-- stream: the one lock order. Whoever sets or clears a timer of such a kind holds its thing. Null: there is no such table, and
-- each timer has a transaction of its own.
create or replace function pos.timer_kinds() returns table (name text, things regclass)
language sql stable as $$
    values
    ('order_ladder', 'pos.orders'::regclass),
    ('menu_until', 'pos.menu_items'::regclass),
    ('menu_sold_out', null)
$$;

do $make$
declare
    acts text;
    holds text;
begin
    select string_agg(format('when %L then return pos.%I(t);', k.name, 'timer_' || k.name), E'\n    '),
           coalesce(string_agg(format($f$when %L then
        return array(
            with held as materialized (
                select t.id::text from %s t where t.tenant_id = tenant and t.id = any(objects)
                 order by t.id for no key update skip locked)
            select o.id from unnest(objects) o(id)
             where o.id in (select h.id from held h)
                or not exists (select from %2$s t where t.tenant_id = tenant and t.id = o.id));$f$, k.name, k.things), E'\n    ')
                    filter (where k.things is not null), '')
      into acts, holds
      from pos.timer_kinds() k;
    execute format($f$
create or replace function pos.timer_act(t pos.timer) returns text[]
language plpgsql as $$
begin
    case t.kind
    %s
    end case;
end $$
    $f$, acts);
    execute format($f$
create or replace function pos.timer_hold(kind text, tenant uuid, objects text[]) returns text[]
language plpgsql as $$
begin
    case kind
    %s
    else
        return objects[1:1];
    end case;
end $$
    $f$, holds);
end $make$;
