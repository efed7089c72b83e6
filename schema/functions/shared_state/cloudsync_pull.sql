-- pos.cloudsync_pull - GET /api/restaurants/{id}/data: the data of cloudsync_data in an envelope.
-- Caller: pos.call. Inputs: path.id, the restaurant by UUID, slug or alias.
-- Answers: 200 {restaurant_id, data, timestamp, seq}; the id is given back as it came.
-- Refusals: those of cloudsync_restaurant. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.cloudsync_pull(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    a pos.answer;
    seq text;
begin
    perform pos.cloudsync_restaurant(c, c.path ->> 'id');
    a := pos.cloudsync_data(c, body);
    seq := substring(right(a.body, 32) from ',"seq":[0-9]+}$'); -- the last member, which goes outside of the data
    a.body := '{"restaurant_id":' || to_json(c.path ->> 'id') || ',"data":'
        || coalesce(left(a.body, -length(seq)) || '}', a.body)
        || ',"timestamp":"' || pos.utc(clock_timestamp()) || '"' || coalesce(seq, '}');
    return a;
end $$;
