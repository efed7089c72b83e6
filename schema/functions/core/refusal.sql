-- pos.refusal - the error body of every refused request.
-- Caller: pos.call, pos.authenticate. Inputs: code, message, details or null, request id or null.
-- Answers: {"success":false,"error":{"code","message","details"?,"help"},"message","requestId"?}, and at the top level
-- currentBalance, because tills look for it there. "help" is where docs/errors.md explains the code, as tw_refusal_help
-- writes it.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.refusal(code text, message text, details json, request_id text)
returns text
language plpgsql immutable parallel safe as $$
begin
    return '{"success":false,"error":{"code":' || to_json(code) || ',"message":' || to_json(message)
        || coalesce(',"details":' || details, '') || ',"help":"/docs/errors#' || code || '"},"message":' || to_json(message)
        || coalesce(',"currentBalance":' || (details -> 'currentBalance'), '')
        || coalesce(',"requestId":' || to_json(request_id), '') || '}';
end $$;
