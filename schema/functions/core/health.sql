-- pos.health - GET /api/{tenant}/health: can the database be reached, and is my key valid?
-- Caller: pos.call. Inputs: none. Answers: 200 {"status":"ok","tenant","timestamp","version"}.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.health(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
begin
    return (200, '{"status":"ok","tenant":' || to_json(c.tenant_slug) || ',"timestamp":"' || pos.utc(clock_timestamp())
            || '","version":' || coalesce(to_json(c.version)::text, 'null') || '}', null, c.tenant_id, false)::pos.answer;
end $$;
