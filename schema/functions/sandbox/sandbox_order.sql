-- pos.sandbox_order - POST /api/{tenant}/sandbox/orders: one of the sample orders comes in, as if a shop had sent it.
-- Caller: pos.call. Inputs: case: o01 to o12 (sandbox_cases). It is a new order each time, with an id and a number of its own, made
-- now; one that was scheduled is due as long after now as it was after it was made.
-- Answers: those of order_create, and `case`. Refusals: 403 NOT_A_SANDBOX; 400 INVALID_FIELD.
-- Locks, events: those of order_create.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.sandbox_order(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    wanted text := pos.read_label('case', body -> 'case', 16);
    sample json;
    due timestamptz;
    a pos.answer;
begin
    perform pos.sandbox_check(c);
    select s.body into sample from pos.sandbox_cases() s where s.name = wanted;
    if not found then
        perform pos.refuse_field('case', 'A case is one of ' || (select string_agg(s.name, ', ' order by s.name) from pos.sandbox_cases() s)
                                 || '.');
    end if;
    due := now() + (pos.read_instant(sample ->> 'scheduledFor', c.timezone) - pos.read_instant(sample ->> 'createdAt', c.timezone));
    sample := ('{' || pos.members_but(pos.clean_json(sample), array['orderId', 'orderNumber', 'externalId', 'createdAt',
                                                                     'scheduledFor'])
               || coalesce(',"scheduledFor":"' || pos.utc(due) || '"', '') || '}')::json;
    a := pos.order_create(c, sample);
    a.body := '{"success":true,"case":' || to_json(wanted) || substr(a.body, length('{"success":true') + 1);
    return a;
end $$;
