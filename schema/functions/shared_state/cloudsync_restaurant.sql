-- pos.cloudsync_restaurant - refuses a request for another restaurant than that of the key or token.
-- Caller: cloudsync_pull, cloudsync_devices, cloudsync_push. Inputs: the restaurant's UUID, slug or alias.
-- Answers: nothing.
-- Refusals: 400 VALIDATION_ERROR without a name, 404 RESTAURANT_NOT_FOUND, 403 TENANT_MISMATCH. With a key of one
-- restaurant it is possible to find out which others there are, because devices need to be told the difference.
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
