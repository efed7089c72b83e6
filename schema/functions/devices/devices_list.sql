-- pos.devices_list - GET /api/{tenant}/devices: the tills, screens and tablets of a restaurant, over all gateways, also those that are gone.
-- Caller: pos.call. Inputs: none.
-- Answers: 200 {at, head, reportedAt, complete, devices: [{deviceId, name, dialect, state, client, address, connectedSince,
-- lastSeenAt, lastSeq, lag, queueBytes, keyId, silentSince, reason}]}: the rows of device_rows. deviceId is null for those that do not say
-- their name; connectedSince is null for those that are not connected. The gateways report while somebody asks, so an answer
-- after a while without one has complete: false, and a second later they have.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.devices_list(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    moment timestamptz := clock_timestamp();
    seen record := pos.devices_asked(c);
begin
    return (200, '{"success":true,' || pos.inside(row_to_json(a)) || '}', null, c.tenant_id, false)::pos.answer from (select
        pos.utc(moment) as at, seen.head as head, pos.utc(seen.reported_at) as "reportedAt", seen.complete as complete,
        array_to_json(array(select row_to_json(x) from (
            select nullif(d.device, '') as "deviceId", d.name as name, coalesce(d.dialect, 'rest') as dialect, d.state as state,
                   d.client as client, d.address as address,
                   case when d.state = 'connected' then pos.utc(d.connected_at) end as "connectedSince",
                   pos.utc(d.seen_at) as "lastSeenAt", d.seq as "lastSeq", case when d.seq is not null then greatest(0, seen.head - d.seq) end as lag,
                   case when d.state = 'connected' then coalesce(d.queued, 0) end as "queueBytes", d.key_id as "keyId",
                   pos.utc(d.silent_at) as "silentSince", d.reason as reason
              from pos.device_rows(c.tenant_id, seen.complete) d order by d.place) x)) as devices) a;
end $$;
