-- pos.cloudsync_pull - GET /api/restaurants/{id}/data: the data of cloudsync_data in an envelope.
-- Caller: pos.call. Inputs: path.id, the restaurant by UUID, slug or alias.
-- Answers: 200 {restaurant_id, data, timestamp, truncated?, seq}; the id is given back as it came.
-- Refusals: those of cloudsync_restaurant. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.cloudsync_pull(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    a pos.answer;
    seq text;
begin
    perform pos.cloudsync_restaurant(c, c.path ->> 'id');
    c.tenant_slug := c.path ->> 'id'; -- what each order has as its restaurant_id
    a := pos.cloudsync_data(c, body);
    -- The last members, which go outside of the data.
    seq := substring(right(a.body, 64) from '(?:,"truncated":true)?,"seq":[0-9]+}$');
    a.body := '{"restaurant_id":' || to_json(c.path ->> 'id') || ',"data":'
        || coalesce(left(a.body, -length(seq)) || '}', a.body)
        || ',"timestamp":"' || pos.utc(clock_timestamp()) || '"' || coalesce(seq, '}');
    return a;
end $$;
