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
    page record;
begin
    perform pos.console_look(c, 'audit');
    if after is not null then
        last_at := (select a.at from pos.audit a where a.id = after[1] and a.tenant_id = c.tenant_id);
    end if;
    select g.list, g.next into page
      from (select array_agg((select row_to_json(x) from (
                       select e.id, pos.utc(e.at) as at, e.actor as by, e.action, e.subject, e.detail) x) order by e.at desc, e.id desc) as rows,
                   array_agg(e.id::text order by e.at desc, e.id desc) as places
              from (select a.* from pos.audit a
                     where a.tenant_id = c.tenant_id and (after is null or (a.at, a.id) < (last_at, after[1]))
                     order by a.at desc, a.id desc limit most + 1) e) l,
           lateral pos.console_page(l.rows, l.places, most) g;
    return pos.console_answer(c, row_to_json(a)) from (select page.list as entries, page.next as next) a;
end $$;
