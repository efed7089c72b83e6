-- pos.v1_orders - GET /api/v1/orders.
-- Holds: v1_instant.
-- Caller: pos.call. Inputs: query.status, one or a comma list of Restaurant OS's words, or served; query.type;
-- query.table_number; query.startDate and query.endDate, between which the orders were made; query.limit, 1 to 500, 50
-- without; query.offset; query.after, the id of an order behind which the list begins: for pages, which then neither shift nor cost more the further back they are.
-- Answers: 200 with a bare list, newest first, which ends early after about 4 MiB: clients of that API
-- expect no envelope.
-- Refusals: 400 VALIDATION_ERROR, INVALID_FIELD, INVALID_DATE. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.v1_orders(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    wanted text[] := coalesce(
        pos.read_status_words(null, 'status', string_to_array(nullif(c.query ->> 'status', ''), ',')),
        array['new', 'pending', 'confirmed', 'preparing', 'ready', 'picked_up', 'out_for_delivery', 'served',
              'completed', 'cancelled', 'rejected']);
    most text := coalesce(nullif(c.query ->> 'limit', ''), '50');
    skipped text := coalesce(nullif(c.query ->> 'offset', ''), '0');
    newest record;
    behind pos.orders;
begin
    if most !~ '^[0-9]{1,3}$' or most::int not between 1 and 500 then
        perform pos.refuse_field('limit', 'The limit is a whole number from 1 to 500.');
    end if;
    if skipped !~ '^[0-9]{1,6}$' then
        perform pos.refuse_field('offset', 'The offset is a whole number from 0 to 999999.');
    end if;
    if nullif(c.query ->> 'after', '') is not null then
        select o.* into behind from pos.orders o
         where o.tenant_id = c.tenant_id and o.id = pos.path_order_id(c.query ->> 'after');
        if not found then
            perform pos.refuse_field('after', 'There is no such order. "after" is the id of the last order of the page before.');
        end if;
    end if;
    newest := pos.orders_newest(c.tenant_id, wanted, pos.read_word(c.query ->> 'type'), most::int, skipped::int,
        nullif(c.query ->> 'table_number', ''),
        coalesce(pos.v1_instant(c, 'startDate'), timestamptz '-infinity'),
        coalesce(pos.v1_instant(c, 'endDate'), timestamptz 'infinity'), behind.created_at, behind.id);
    return (200, '[' || array_to_string(pos.orders_v1(c.tenant_id, newest.ids), ',') || ']',
            null, c.tenant_id, false)::pos.answer;
end $$;

-- A query's moment; null when it is absent.
create or replace function pos.v1_instant(c pos.context, name text) returns timestamptz
language plpgsql stable as $$
declare
    given text := nullif(c.query ->> name, '');
    moment timestamptz := pos.read_instant(given, c.timezone);
begin
    if given is not null and moment is null then
        perform pos.refuse_field(name, format('"%s" is a time like 2026-01-05T18:00:00Z.', name), 'INVALID_DATE');
    end if;
    return moment;
end $$;
