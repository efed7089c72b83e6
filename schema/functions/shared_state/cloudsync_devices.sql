-- pos.cloudsync_devices - GET /api/restaurants/{id}/status: which restaurant this is.
-- Caller: pos.call. Inputs: path.id, the restaurant by UUID, slug or alias.
-- Answers: 200 {restaurant_id}, to which C adds the devices that are connected; the id is given back as it came.
-- Refusals: those of cloudsync_restaurant. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.cloudsync_devices(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
begin
    perform pos.cloudsync_restaurant(c, c.path ->> 'id');
    return (200, '{"restaurant_id":' || to_json(c.path ->> 'id') || '}', null, c.tenant_id, false)::pos.answer;
end $$;
