-- pos.events_list - GET /api/{tenant}/events: the stream for clients without a socket.
-- Caller: pos.call. Inputs: query.after, the last seq that the client has (0: from the start); query.limit, 1 to
-- 1000, by default 100; query.wait, which is the api's business.
-- Answers: 200 {events, count, seq, oldestSeq}: the canonical events after `after`, in order; seq is the stream's
-- head. resyncRequired is true when `after` is older than what is kept or greater than the head: the client must then
-- read the lists again and continue after their asOfSeq. 204 with the same body when there is nothing yet: the api
-- waits, or sends the body with 200.
-- Refusals: 400 INVALID_FIELD. Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.events_list(c pos.context, body json) returns pos.answer
language plpgsql stable as $$
declare
    given text := c.query ->> 'after';
    wanted text := coalesce(c.query ->> 'limit', '100');
    seen bigint;
    s pos.stream;
    list text[];
begin
    if given is null or given !~ '^[0-9]{1,18}$' then
        perform pos.refuse_field('after', 'Say ?after=<seq>: the last seq that you have, 0 for all that is kept.');
    end if;
    if wanted !~ '^[0-9]{1,4}$' or wanted::int not between 1 and 1000 then
        perform pos.refuse_field('limit', 'The limit is a whole number from 1 to 1000.');
    end if;
    if coalesce(c.query ->> 'wait', '0') !~ '^([0-9]|[12][0-9]|30)$' then
        perform pos.refuse_field('wait', 'Wait is a whole number of seconds from 0 to 30.');
    end if;
    seen := given::bigint;
    select t.* into s from pos.stream t where t.tenant_id = c.tenant_id;
    if seen > s.head or seen < s.oldest - 1 then
        return (200, '{"success":true,"events":[],"count":0,"seq":' || s.head || ',"oldestSeq":' || s.oldest
            || ',"resyncRequired":true}', null, c.tenant_id, false)::pos.answer;
    end if;
    list := array(select e.event from pos.events_after(c.tenant_id, seen, wanted::int) e order by e.seq);
    return (case when cardinality(list) = 0 then 204 else 200 end,
        '{"success":true,"events":[' || array_to_string(list, ',') || '],"count":' || cardinality(list)
            || ',"seq":' || s.head || ',"oldestSeq":' || s.oldest || '}',
        null, c.tenant_id, false)::pos.answer;
end $$;
