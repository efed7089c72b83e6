-- pos.table_complete - table:complete: the guests of a table have paid and left.
-- Caller: pos.call. Inputs: tableNumber (a text, or a whole number); restaurantId, which is checked if present.
-- Answers: 200 {tableNumber, orderIds, completedAt}: all open orders of the table are completed.
-- Refusals: 400 VALIDATION_ERROR; 403 PERMISSION_DENIED; 404 TABLE_NOT_FOUND: it has no open order.
-- Locks: the orders' rows by id, then the stream. Events: order.status_changed for each order, oldest first, then
-- table.completed.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.table_complete(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    event constant text := 'table:complete';
    table_name text := pos.read_name(event, 'tableNumber', pos.either(body -> 'tableNumber', body -> 'table_number'));
    open_orders pos.orders[];
    o pos.orders;
    ids text[] := array[]::text[];
    events text[] := array[]::text[];
    moved record;
    data text;
begin
    if length(table_name) > 32 then
        perform pos.refuse_value(event, 'tableNumber', 'length must be less than or equal to 32 characters long');
    end if;
    perform pos.check_restaurant(c, event, pos.either(body -> 'restaurantId', body -> 'restaurant_id'));
    -- All rows are locked, in the order of their ids as everywhere, before the first event locks the stream.
    open_orders := array(
        select l.o from (
            select s as o from pos.orders s
             where s.tenant_id = c.tenant_id and s.table_number = table_name
               and s.status not in ('completed', 'cancelled', 'rejected')
             order by s.id collate "C"
               for no key update) l
         order by (l.o).created_at, (l.o).id);
    if cardinality(open_orders) = 0 then
        perform pos.refuse(404, 'TABLE_NOT_FOUND',
            format('There is no open order at table %s. Check its number.', table_name));
    end if;
    foreach o in array open_orders loop
        moved := pos.order_move(c, o, 'completed', null, c.subject);
        ids := ids || (o.id_json::json #>> '{}');
        events := events || moved.events;
    end loop;
    data := '{"tableNumber":' || to_json(table_name) || ',"orderIds":' || array_to_json(ids)
        || ',"completedAt":"' || pos.utc(clock_timestamp()) || '"}';
    events := events || pos.emit(c.tenant_id, 'table.completed', c.origin, data::json);
    return (200, '{"success":true,' || pos.inside(data::json) || '}', events, c.tenant_id, false)::pos.answer;
end $$;
