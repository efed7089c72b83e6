-- pos.v1_orders - GET /api/v1/orders.
-- Caller: pos.call. Inputs: query.status, one or a comma list of Restaurant OS's words; query.type;
-- query.limit, 1 to 500, 50 without; query.offset.
-- Answers: 200 with a bare list, newest first, which ends early after about 4 MiB: clients of that API
-- expect no envelope.
-- Refusals: 400 VALIDATION_ERROR, INVALID_FIELD. Locks, events: none.
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
begin
    if most !~ '^[0-9]{1,3}$' or most::int not between 1 and 500 then
        perform pos.refuse_field('limit', 'The limit is a whole number from 1 to 500.');
    end if;
    if skipped !~ '^[0-9]{1,6}$' then
        perform pos.refuse_field('offset', 'The offset is a whole number from 0 to 999999.');
    end if;
    newest := pos.orders_newest(c.tenant_id, wanted, pos.read_word(c.query ->> 'type'), most::int, skipped::int);
    return (200, '[' || array_to_string(pos.orders_restaurant_os(c.tenant_id, newest.ids), ',') || ']',
            null, c.tenant_id, false)::pos.answer;
end $$;
