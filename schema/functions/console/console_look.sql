-- pos.console_look - what each read of the console does besides: it says that somebody looks, and tells the audit.
-- Holds: console_lease, console_note, console_did, console_actor, console_answer, console_limit, console_after, console_page, console_origin,
-- console_caller.
-- Caller: the functions of this folder. Inputs: the context; the page. console_note: what was done to what, and how.
-- console_limit: query.limit, 1 to 200. console_after: query.after, which the list before has said as `next`: numbers
-- with a hyphen between them, of which there are `parts`.
-- Answers: console_look: nothing. While a page is asked for, gateways report the restaurant's sessions for fifteen
-- seconds more; the first page of a restaurant tells them at once (console_lease). The audit hears of a key and page once an hour, and
-- of each action. console_did: the same for an operation that others may call as well, when the key is one that acts in a console.
-- console_actor: who that is in the audit; console_origin: the context of
-- an action, whose event says that it comes from the console; console_caller: the same for an operation that others call, too. console_answer: 200 {"success":true,"data":...}.
-- console_page: of the rows of a list, one more than `most` if there is one, and the place of each: the list, and its `next`.
-- Refusals: 400 INVALID_FIELD. Locks: the row of this key and page. Events: none; console.watch on the control channel.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.console_lease(owner uuid, key_id uuid, page text, audited_at timestamptz) returns void
language plpgsql as $$
declare
    moment timestamptz := clock_timestamp();
    was_watched boolean := exists (select from pos.console_watch w where w.tenant = owner and w.until > moment);
begin
    insert into pos.console_watch as w (tenant, key_id, page, until, audited_at)
    values (owner, console_lease.key_id, console_lease.page, moment + interval '15 seconds', console_lease.audited_at)
    on conflict on constraint console_watch_pkey do update set until = excluded.until, audited_at = excluded.audited_at;
    if not was_watched then
        perform pg_notify('tillwire_control', '{"type":"console.watch","tenantId":"' || owner || '"}');
    end if;
end $$;

create or replace function pos.console_look(c pos.context, page text) returns void
language plpgsql as $$
declare
    moment timestamptz := clock_timestamp();
    known record;
begin
    select w.until, w.audited_at into known from pos.console_watch w
     where w.tenant = c.tenant_id and w.key_id = c.key_id and w.page = console_look.page;
    if known.until between moment + interval '10 seconds' and moment + interval '15 seconds'
       and known.audited_at between moment - interval '1 hour' and moment then
        return;
    end if;
    if known.audited_at is null or known.audited_at not between moment - interval '1 hour' and moment then
        perform pos.console_note(c, 'console.read', page);
        known.audited_at := moment;
    end if;
    perform pos.console_lease(c.tenant_id, c.key_id, console_look.page, known.audited_at);
end $$;

create or replace function pos.console_actor(c pos.context) returns text
language plpgsql stable as $$
begin
    return (select 'key ' || k.hint || ' (' || k.label || ')' from pos.api_key k where k.id = c.key_id);
end $$;

create or replace function pos.console_note(c pos.context, action text, subject text, detail text default null) returns void
language plpgsql as $$
begin
    insert into pos.audit (tenant_id, actor, action, subject, detail)
    values (c.tenant_id, pos.console_actor(c), console_note.action, left(console_note.subject, 200), left(console_note.detail, 2000));
end $$;

create or replace function pos.console_did(c pos.context, action text, subject text, detail text default null) returns void
language plpgsql as $$
begin
    if c.key_id is not null and pos.key_is_of(c, 'console:write') then
        perform pos.console_note(c, action, subject, concat_ws(' ', c.request_id, detail));
    end if;
end $$;

create or replace function pos.console_answer(c pos.context, data json, status int default 200, events text[] default null)
returns pos.answer
language plpgsql immutable as $$
begin
    return (status, '{"success":true,"data":' || data || '}', events, c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.console_limit(c pos.context, otherwise int default 50) returns int
language plpgsql stable as $$
declare
    given text := coalesce(c.query ->> 'limit', otherwise::text);
begin
    if given !~ '^[0-9]{1,3}$' or given::int not between 1 and 200 then
        perform pos.refuse_field('limit', 'The limit is a whole number from 1 to 200.');
    end if;
    return given::int;
end $$;

create or replace function pos.console_after(c pos.context, parts int) returns bigint[]
language plpgsql stable as $$
declare
    given text := nullif(c.query ->> 'after', '');
begin
    if given !~ ('^[0-9]{1,18}(-[0-9]{1,18}){' || parts - 1 || '}$') then
        perform pos.refuse_field('after', 'Say as "after" what the list before has said as "next", or leave it out.');
    end if;
    return string_to_array(given, '-')::bigint[];
end $$;

create or replace function pos.console_page(rows json[], places text[], most int, out list json, out next text)
language plpgsql immutable as $$
begin
    list := coalesce(array_to_json(rows[1:most]), '[]');
    next := case when cardinality(rows) > most then places[most] end;
end $$;

create or replace function pos.console_origin(c pos.context) returns pos.context
language plpgsql immutable as $$
begin
    c.origin := ('{"kind":"console","requestId":' || coalesce(to_json(c.request_id)::text, 'null') || '}')::json;
    return c;
end $$;

create or replace function pos.console_caller(c pos.context) returns pos.context
language plpgsql stable as $$
begin
    return case when c.key_id is not null and pos.key_is_of(c, 'console:write') then pos.console_origin(c) else c end;
end $$;
