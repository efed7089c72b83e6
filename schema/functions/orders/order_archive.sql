-- orders/order_archive - orders that were finished long ago: one can still be read, and nothing else happens to it.
-- Holds: orders_take, orders_archive, orders_drop, order_archived, refuse_no_order.
-- Caller: pos.maintain (orders_archive, orders_drop); the operations on one order, when it is not among the others.
-- Inputs: tenant and id. pos.setting says after how long an order is archived, and when it is deleted; without a time
-- it is not.
-- Answers: orders_archive, orders_drop: how many; order_archived: the order as it was, and its acknowledgements; all
-- null when it is not there.
-- Refusals: refuse_no_order: 409 ORDER_ARCHIVED, 404 ORDER_NOT_FOUND. Locks: the rows of the orders that go.
-- Events: none: what was finished changes for nobody.
-- SPDX-License-Identifier: Apache-2.0

-- Takes the oldest finished orders away, with all that is known of them, as rows of the archive. An order that somebody
-- changes at this moment has another row then, and stays.
create or replace function pos.orders_take(kept interval, most int) returns setof pos.order_archive
language plpgsql set tillwire.writer = 'function' as $$
begin
    -- All parts see the tables as they were before it.
    return query
    with old as (delete from pos.orders o
                  where o.ctid = any(array(select p.ctid from pos.orders p
                                            where p.status in ('completed', 'cancelled', 'rejected')
                                              and p.updated_at < now() - kept
                                            order by p.updated_at limit most))
                 returning o.*),
         history as (delete from pos.order_status_history h using old
                      where h.tenant_id = old.tenant_id and h.order_id = old.id
                     returning h.*),
         cleared as (delete from pos.cleared_order x using old where x.tenant_id = old.tenant_id and x.order_id = old.id
                     returning x.*)
    select now(), x.order_id is not null, h.rows, k.rows, o.*
      from old o
      left join cleared x on x.tenant_id = o.tenant_id and x.order_id = o.id
      left join (select r.tenant_id, r.order_id, json_agg(json_strip_nulls(json_build_object('id', r.id, 'at', r.at,
                            'previous', r.previous, 'status', r.status, 'reason', r.reason, 'updated_by', r.updated_by,
                            'key_id', r.key_id, 'device', r.device, 'request_id', r.request_id)) order by r.id) as rows
                   from history r group by 1, 2) h on h.tenant_id = o.tenant_id and h.order_id = o.id
      left join lateral (select json_agg(row_to_json(r.*) order by r.created_at) as rows from pos.order_ack r
                          where r.tenant_id = o.tenant_id and r.order_id = o.id) k on true;
end $$;

create or replace function pos.orders_archive() returns int
language plpgsql as $$
declare
    moved int;
begin
    insert into pos.order_archive
    select t.* from pos.setting s, pos.orders_take(s.order_archive, 500) t where s.order_archive is not null;
    get diagnostics moved = row_count;
    return moved;
end $$;

-- Deletes orders, archived or not.
create or replace function pos.orders_drop() returns int
language plpgsql as $$
declare
    dropped int;
begin
    select count(*) into dropped from pos.setting s, pos.orders_take(s.order_retention, 500) where s.order_retention is not null;
    return dropped + pos.prune('pos.order_archive', 'updated_at < now() - (select s.order_retention from pos.setting s)');
end $$;

create or replace function pos.order_archived(tenant uuid, order_id text) returns pos.orders
language plpgsql stable as $$
declare
    o pos.orders;
begin
    select p.* into o
      from pos.order_archive a, json_populate_record(null::pos.orders, row_to_json(a.*)) p
     where a.tenant_id = tenant and a.id = order_id;
    return o;
end $$;

-- For an order that is not among those that can be changed.
create or replace function pos.refuse_no_order(tenant uuid, order_id text) returns void
language plpgsql stable as $$
begin
    if exists (select from pos.order_archive a where a.tenant_id = tenant and a.id = order_id) then
        perform pos.refuse(409, 'ORDER_ARCHIVED', 'This order was finished long ago and is archived. '
            'Read it with GET /api/{tenant}/orders/{id}; nothing can be changed in it.');
    end if;
    perform pos.refuse(404, 'ORDER_NOT_FOUND', 'No such order here. Check the id.');
end $$;
