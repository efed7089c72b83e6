-- pos.operation_outcome - GET /api/{tenant}/operations/{idempotencyKey}: what became of a request whose answer did not arrive.
-- Caller: pos.call. Inputs: path.idempotencyKey: a key that came with the same API key, or with one that this one has
-- replaced.
-- Answers: 200 {key, status, body, at}: the answer that was given. When it is no longer kept, status, body and at are null, and
-- transactionId is what the request has moved.
-- Refusals: 404 OPERATION_NOT_FOUND: nothing was done with this key; 409 IDEMPOTENCY_IN_PROGRESS.
-- Locks: the advisory one of the key, for as long as it takes to see that nobody has it. Events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.operation_outcome(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    asked text := c.path ->> 'idempotencyKey';
    place bigint := hashtextextended(c.tenant_id || '/' || c.lineage || '/' || asked, 7214460004); -- as in pos.call
    answered record;
    applied bigint;
begin
    if not pg_try_advisory_lock_shared(place) then
        perform pos.refuse(409, 'IDEMPOTENCY_IN_PROGRESS', 'The request with this idempotency key is still being worked on. Ask again in a moment.');
    end if;
    perform pg_advisory_unlock_shared(place);
    -- Who held the lock has committed, so this sees what he did. Keys that C makes begin with a control character, and are nobody's.
    select i.status, i.body, i.created_at into answered
      from pos.idempotency i
     where i.tenant_id = c.tenant_id and i.lineage = c.lineage and i.key = asked;
    if not found then
        applied := pos.applied_with(c.tenant_id, c.lineage, asked);
        if applied is null then
            perform pos.refuse(404, 'OPERATION_NOT_FOUND', 'Nothing was done with this idempotency key. Send the request again, with the same key.');
        end if;
    end if;
    return (200, '{"success":true,"key":' || to_json(asked) || ',"status":' || coalesce(answered.status::text, 'null')
            || ',"body":' || coalesce(answered.body, 'null')
            || ',"at":' || coalesce('"' || pos.utc(answered.created_at) || '"', 'null')
            || coalesce(',"transactionId":' || applied, '') || '}',
            null, c.tenant_id, false)::pos.answer;
end $$;
