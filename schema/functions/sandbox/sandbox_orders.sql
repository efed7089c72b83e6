-- pos.sandbox_orders - GET /api/{tenant}/sandbox/orders: the sample orders that this restaurant can be sent, if it is a sandbox.
-- Caller: pos.call. Inputs: none. Answers: 200 {cases: [{case, title}]}. Refusals: 403 NOT_A_SANDBOX. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.sandbox_orders(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
begin
    perform pos.sandbox_check(c);
    return (200, '{"success":true,"cases":[' || (
        select string_agg('{"case":"' || s.name || '","title":' || to_json(s.title) || '}', ',' order by s.name) from pos.sandbox_cases() s)
            || ']}', null, c.tenant_id, false)::pos.answer;
end $$;
