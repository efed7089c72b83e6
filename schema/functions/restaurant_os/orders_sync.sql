-- pos.orders_sync - orders:sync: the orders that a screen shows when it starts.
-- Caller: pos.call. Inputs: statuses: in the body a list of the document's words, in the query a list with commas; by
-- default new, pending, confirmed, preparing, ready. restaurantId, which is checked if present.
-- Answers: 200 {restaurantId, orders, count, timestamp, seq}: orders from every source, oldest first; at most the 500
-- newest and about 4 MiB of them, and if there are more, `hasMore` is true; seq is the stream's head in the same
-- database snapshot.
-- Refusals: 400 VALIDATION_ERROR, INVALID_PAYLOAD; 403 PERMISSION_DENIED. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.orders_sync(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    given json;
    words text[] := string_to_array(nullif(c.query ->> 'statuses', ''), ',');
    wanted text[];
    head bigint; -- from the same database snapshot as the rows, because the function is stable
    newest record;
    list text[];
begin
    if coalesce(json_typeof(body), 'null') not in ('object', 'null') then
        perform pos.refuse(400, 'INVALID_PAYLOAD', 'The payload must be an object.');
    end if;
    if json_typeof(body) = 'object' then
        perform pos.check_restaurant(c, 'orders:sync', pos.either(body -> 'restaurantId', body -> 'restaurant_id'));
        given := body -> 'statuses';
        if coalesce(json_typeof(given), 'null') not in ('array', 'null') then
            perform pos.refuse_value('orders:sync', 'statuses', 'must be an array');
        end if;
        if json_typeof(given) = 'array' then
            -- A value that is not a text cannot be a status.
            words := array(select case json_typeof(e.value) when 'string' then e.value #>> '{}' end
                             from json_array_elements(given) e);
        end if;
    end if;
    wanted := coalesce(pos.read_status_words('orders:sync', 'statuses', words),
                       array['new', 'pending', 'confirmed', 'preparing', 'ready']);
    select s.head into head from pos.stream s where s.tenant_id = c.tenant_id;
    newest := pos.orders_newest(c.tenant_id, wanted, null, 500, 0);
    list := pos.orders_restaurant_os(c.tenant_id,
        array(select i.id from unnest(newest.ids) with ordinality i(id, n) order by i.n desc));
    return (200, '{"restaurantId":"' || c.tenant_id || '","orders":[' || array_to_string(list, ',')
            || '],"count":' || cardinality(list) || ',"timestamp":"' || pos.utc(clock_timestamp())
            || '","seq":' || head || case when newest.has_more then ',"hasMore":true' else '' end || '}',
            null, c.tenant_id, false)::pos.answer;
end $$;
