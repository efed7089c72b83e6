-- pos.event_shown - an event about a row of the shared state, with its pictures.
-- Caller: pos.call, for the gateway. Inputs: {"seq"}. Answers: 200 {seq, event}.
-- Refusals: 404 NOT_FOUND: it is not kept any more. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.event_shown(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    wanted bigint := pos.read_version(body -> 'seq');
    shown text := (select pos.event_text(e.seq, e.type, e.at, e.origin, e.data) from pos.event e
                    where e.tenant_id = c.tenant_id and e.seq = wanted and e.type like '%.updated');
begin
    if shown is null then
        perform pos.refuse(404, 'NOT_FOUND', 'There is no such event, or it is not kept any more.');
    end if;
    return (200, '{"seq":' || wanted || ',"event":' || pos.with_pictures(c.tenant_id, shown) || '}', null, c.tenant_id,
            false)::pos.answer;
end $$;
