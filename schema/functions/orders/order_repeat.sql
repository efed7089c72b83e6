-- pos.order_repeat - has the shop sent this order before? Shops send an order again when no answer came, often without
-- an idempotency key.
-- Holds: order_given_names, order_given_note.
-- Caller: order_create. Inputs: the body, and the order number that it has (null: none); it is recognised by that and
-- by its `externalId`, for a day.
-- Answers: the newest order of either name, and whether it was sent with the same content; the times at which the shop
-- says that it was made may differ. Nulls when there is none. order_given_note: nothing.
-- Refusals: none. Locks: an advisory one on each name, in their order, so that the second of two at once sees the first.
-- Events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.order_repeat(c pos.context, body json, order_number text,
    out names text[], out content_hash bytea, out first_id text, out is_equal boolean)
language plpgsql as $$
declare
    name text;
begin
    names := pos.order_given_names(body, order_number);
    if cardinality(names) = 0 then
        return;
    end if;
    content_hash := sha256(convert_to((select string_agg(to_json(e.key) || ':' || e.value, ',' order by e.key)
        from json_each(body) e where e.key not in ('requestId', 'createdAt', 'updatedAt', 'timestamp')), 'UTF8'));
    foreach name in array names loop
        perform pg_advisory_xact_lock(hashtextextended(c.tenant_id || '/' || name, 7214460006));
    end loop;
    select g.order_id, g.content_hash = order_repeat.content_hash into first_id, is_equal
      from pos.order_given g
      join pos.orders o on o.tenant_id = g.tenant_id and o.id = g.order_id
     where g.tenant_id = c.tenant_id and g.name = any(names) and g.at > clock_timestamp() - interval '1 day'
     order by g.content_hash = order_repeat.content_hash desc, g.at desc
     limit 1;
end $$;

-- In the order of their bytes, for the locks.
create or replace function pos.order_given_names(body json, order_number text) returns text[]
language sql immutable parallel safe as $$
    select array_remove(array['external ' || case when json_typeof(body -> 'externalId') in ('string', 'number')
                                                   and length(body ->> 'externalId') between 1 and 80
                                                  then body ->> 'externalId' end,
                              'number ' || order_number], null)
$$;

create or replace function pos.order_given_note(c pos.context, names text[], order_id text, content_hash bytea) returns void
language plpgsql as $$
begin
    insert into pos.order_given (tenant_id, name, order_id, content_hash)
    select c.tenant_id, n, order_given_note.order_id, order_given_note.content_hash from unnest(names) n
    on conflict do nothing;
end $$;
