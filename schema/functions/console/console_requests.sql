-- pos.console_requests - GET /api/{tenant}/console/requests: the last requests, as far as they were written down.
-- Caller: pos.call. Inputs: query.limit, after; query.status: 4xx, 5xx, or a status.
-- Answers: 200 {requests: [{id, at, method, path, route, status, code, durationMs, instance, keyHint, body}], left_out, next}, the
-- newest first. `id` is the request id; `left_out`: how many of the last hour were not written down, because there
-- were more than the apis write. `body` is text: the members of a write, without what is nobody's business.
-- Refusals: 400 INVALID_FIELD. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.console_requests(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    most int := pos.console_limit(c);
    after bigint[] := pos.console_after(c, 2);
    wanted text := nullif(lower(c.query ->> 'status'), '');
    low int;
    high int;
    page record;
begin
    perform pos.console_look(c, 'requests');
    if wanted !~ '^([1-5]xx|[1-5][0-9]{2})$' then
        perform pos.refuse_field('status', 'Say 4xx, 5xx, or a status like 409.');
    end if;
    low := replace(wanted, 'xx', '00')::int;
    high := replace(wanted, 'xx', '99')::int;
    select g.list, g.next into page
      from (select array_agg((select row_to_json(x) from (
                       select r.request_id as id, pos.utc(r.at) as at, r.method, r.path, r.route, r.status, r.code, r.duration_ms as "durationMs",
                              r.instance, r.key_hint as "keyHint", r.body) x) order by r.at desc, r.id desc) as rows,
                   array_agg((extract(epoch from r.at) * 1000)::bigint || '-' || r.id order by r.at desc, r.id desc) as places
              from (select q.* from pos.request_log q
                     where q.tenant = c.tenant_id and q.method is not null
                       and (wanted is null or q.status between low and high)
                       and (after is null or (q.at, q.id) < ('epoch'::timestamptz + after[1] * interval '1 millisecond', after[2]))
                     order by q.at desc, q.id desc limit most + 1) r) l,
           lateral pos.console_page(l.rows, l.places, most) g;
    return pos.console_answer(c, row_to_json(a)) from (select page.list as requests,
        (select coalesce(sum(r.left_out), 0) from pos.request_log r
          where r.tenant = c.tenant_id and r.at > clock_timestamp() - interval '1 hour' and r.left_out > 0) as left_out,
        page.next as next) a;
end $$;
