-- pos.tablet_orders - the orders that MiniPOS tablets show, newest change first.
-- Holds: is_cleared, tablet_orders_clear.
-- Caller: minipos_list, shared_state_clear, separate_sales, order_data. Inputs: the tenant; how many at most.
-- Answers: the rows, without those that a tablet has cleared, and without online orders that nobody has accepted
-- (tenants.tablet_orders). What is cleared stays so, also when the shop changes it: it was counted before.
-- Refusals, events: none. Locks: see tablet_orders_clear.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.tablet_orders(tenant uuid, most int) returns setof pos.orders
language plpgsql stable as $$
begin
    return query
    select p.* from pos.orders p
     where p.tenant_id = tenant
       and p.updated_at > coalesce((select m.since from pos.order_history_mark m where m.tenant_id = tenant), '-infinity')
       and not exists (select 1 from pos.cleared_order x where x.tenant_id = tenant and x.order_id = p.id)
       and (p.order_source = 'pos' or p.was_accepted or pos.is_accepted(p.status)
            or (select t.tablet_orders from dinedesk_main.tenants t where t.id = tenant) = 'all')
     order by p.updated_at desc limit most;
end $$;

create or replace function pos.is_cleared(o pos.orders) returns boolean
language plpgsql stable as $$
begin
    return exists (select 1 from pos.cleared_order x where x.tenant_id = o.tenant_id and x.order_id = o.id)
        or exists (select 1 from pos.order_history_mark m where m.tenant_id = o.tenant_id and m.since >= o.updated_at);
end $$;

-- Hides the orders that tablets show. Called behind the event of the clear, under the stream's lock: an order whose event
-- waits and follows it is not hidden. The clear's own may wait too, behind others. One by one at most the newest 2000 are hidden, and by a time what has not changed for
-- a day, so that no state has to look at all that was ever cleared.
create or replace function pos.tablet_orders_clear(tenant uuid) returns void
language plpgsql set enable_seqscan = off as $$
declare
    hidden int;
    oldest timestamptz;
begin
    with shown as (select p.id, p.updated_at from pos.tablet_orders(tenant, 2000) p
                    where not exists (select 1 from pos.outbox x where x.tenant_id = tenant and x.type like 'order.%'
                                         and x.data ->> 'orderId' = p.id_json::json #>> '{}'
                                         and x.id > coalesce((select max(h.id) from pos.outbox h where h.tenant_id = tenant
                                                                 and h.type = 'history.cleared'), 0))),
         marked as (insert into pos.cleared_order (tenant_id, order_id) select tenant, s.id from shown s)
    select count(*), min(s.updated_at) into hidden, oldest from shown s;
    update pos.order_history_mark m
       set since = greatest(m.since, clock_timestamp() - interval '1 day', case when hidden = 2000 then oldest end)
     where m.tenant_id = tenant;
end $$;
