-- pos.console_audit - GET /api/{tenant}/console/audit: who did what to the restaurant, its keys and its cards.
-- Caller: pos.call. Inputs: query.limit, after.
-- Answers: 200 {entries: [{id, at, by, action, subject, detail}], next}, the newest first.
-- Refusals: 400 INVALID_FIELD. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.console_audit(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    most int := pos.console_limit(c);
    after bigint[] := pos.console_after(c, 1);
    last_at timestamptz;
    list json;
begin
    perform pos.console_look(c, 'audit');
    if after is not null then
        last_at := (select a.at from pos.audit a where a.id = after[1] and a.tenant_id = c.tenant_id);
    end if;
    list := array_to_json(array(select row_to_json(e) from (
        select a.id, pos.utc(a.at) as at, a.actor as by, a.action, a.subject, a.detail
          from pos.audit a
         where a.tenant_id = c.tenant_id and (after is null or (a.at, a.id) < (last_at, after[1]))
         order by a.at desc, a.id desc limit most) e));
    return pos.console_answer(c, row_to_json(a)) from (select list as entries,
        case when json_array_length(list) = most then list -> most - 1 ->> 'id' end as next) a;
end $$;
