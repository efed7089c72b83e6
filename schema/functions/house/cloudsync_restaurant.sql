-- pos.cloudsync_pull, pos.cloudsync_devices, pos.cloudsync_restaurant - what is asked for by a restaurant's
-- name: GET /api/restaurants/{id}/data and /status.
-- Caller: pos.call; the last: the other two and cloudsync_push. Inputs: the name, as UUID, slug or alias.
-- Answers: cloudsync_pull: 200 {restaurant_id, data, timestamp, seq}, the data of cloudsync_data;
-- cloudsync_devices: 200 {restaurant_id}, behind which C puts who is connected. The name is given back as it
-- came. cloudsync_restaurant: nothing.
-- Refusals: 400 VALIDATION_ERROR without a name, 404 RESTAURANT_NOT_FOUND, 403 TENANT_MISMATCH: whoever has a
-- key of one restaurant learns which others there are, since devices want to hear the difference.
-- Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.cloudsync_restaurant(c pos.context, named text) returns void
language plpgsql stable as $$
declare
    found_id uuid := pos.tenant_named(named);
begin
    if coalesce(named, '') = '' then
        perform pos.refuse_field('restaurant_id', 'Say which restaurant this is for: restaurant_id.', 'VALIDATION_ERROR');
    elsif found_id is null then
        perform pos.refuse(404, 'RESTAURANT_NOT_FOUND', 'Restaurant not found');
    elsif found_id <> c.tenant_id then
        perform pos.refuse(403, 'TENANT_MISMATCH',
            'This credential belongs to another restaurant. Use the restaurant that it was issued for.');
    end if;
end $$;

create or replace function pos.cloudsync_pull(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    a pos.answer;
    seq text;
begin
    perform pos.cloudsync_restaurant(c, c.path ->> 'id');
    a := pos.cloudsync_data(c, body);
    seq := substring(right(a.body, 32) from ',"seq":[0-9]+}$'); -- it stands last, and belongs beside the data
    a.body := '{"restaurant_id":' || to_json(c.path ->> 'id') || ',"data":'
        || coalesce(left(a.body, -length(seq)) || '}', a.body)
        || ',"timestamp":"' || pos.utc(clock_timestamp()) || '"' || coalesce(seq, '}');
    return a;
end $$;

create or replace function pos.cloudsync_devices(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
begin
    perform pos.cloudsync_restaurant(c, c.path ->> 'id');
    return (200, '{"restaurant_id":' || to_json(c.path ->> 'id') || '}', null, c.tenant_id, false)::pos.answer;
end $$;
