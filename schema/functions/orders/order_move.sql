-- pos.order_move - an order gets another status, with everything that follows from it.
-- Holds: table_ready.
-- Caller: order_update, order_status, table_complete; table_ready also outbox_take.
-- Inputs: the context; the order as it was read under its lock; the new status (the caller has asked
-- order_transition_legal); why and by whom.
-- Answers: the row as it is now, and its events. table_ready: the event's data, or null.
-- Refusals: none. Locks: the caller holds the order's row; then the stream.
-- Events: order.status_changed; after it order.deleted when the order was cancelled, or table.ready when it became
-- ready and was the last one that its table waited for.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_move(c pos.context, in out o pos.orders, wanted text, reason text,
    updated_by text, out events text[])
language plpgsql as $$
declare
    previous text := o.status;
    ready json;
begin
    o.status := wanted;
    o.updated_at := clock_timestamp();
    o := pos.order_store(o);
    perform pos.order_history_add(c, o, previous, reason, updated_by);
    events := array[pos.emit(c.tenant_id, 'order.status_changed', c.origin,
                             pos.order_data(o, previous, null, reason, updated_by))];
    if wanted = 'cancelled' then
        -- The event before has announced its status, so a listener can tell the two kinds of deletion apart.
        events := events || pos.emit(c.tenant_id, 'order.deleted', c.origin,
            pos.order_data(o, wanted, null, reason, updated_by));
    elsif wanted = 'ready' then
        ready := pos.table_ready(o);
        if ready is not null then
            events := events || pos.emit(c.tenant_id, 'table.ready', c.origin, ready);
        end if;
    end if;
end $$;

-- Called when the order's own event has its seq, under the stream's lock. An order whose event still waits (log/outbox)
-- has not become ready for anybody yet, this one included: when several do at once, by operations and by SQL, the last one
-- to be told finds the others.
create or replace function pos.table_ready(o pos.orders) returns json
language plpgsql as $$
declare
    at_table record;
begin
    if o.table_number is null then
        return null;
    end if;
    select bool_or(t.told in ('new', 'pending', 'confirmed', 'preparing')) as is_waiting,
           bool_or(t.id = o.id and t.status = 'ready') as is_ready,
           array_to_json(array_agg(t.id_json::json #>> '{}' order by t.created_at, t.id)
                         filter (where t.status = 'ready')) as ids
      into at_table
      from (select p.id, p.id_json, p.status, p.created_at,
                   case when p.status = 'ready' and exists (
                            select 1 from pos.outbox x
                             where x.tenant_id = p.tenant_id and x.ready = p.id_json::json #>> '{}')
                        then 'preparing' else p.status end as told
              from pos.orders p
             where p.tenant_id = o.tenant_id and p.table_number = o.table_number
               and p.status not in ('completed', 'cancelled', 'rejected')) t;
    if at_table.is_waiting or not coalesce(at_table.is_ready, false) then
        return null;
    end if;
    return ('{"tableNumber":' || to_json(o.table_number::text) || ',"orderIds":'
            || at_table.ids || ',"readyAt":"' || pos.utc(clock_timestamp()) || '"}')::json;
end $$;
