-- pos.shared_state_change - changes of tablets and tills: orders, the floor, the menu, stock, staff, printers,
-- settings. All changes of a batch are made, or none; or, with "atomic": false, each change stands alone.
-- Holds: refuse_change, shared_state_work, shared_state_try, shared_state_refused, shared_state_code, shared_state_log_refused,
-- shared_state_answer, shared_state_mark_repeats, shared_state_targets, shared_state_lock_or_make,
-- shared_state_check_count.
-- Caller: pos.call. Inputs: {"changes":[{"kind","action","id"?,"data"?,"changeId"?,"version"?,"userId"?}, …at most
-- 500],"dialect":"minipos"|"cloudsync","atomic"?}. docs/shared_state.md describes kinds, fields and the merge rule.
-- Answers: 200 {status, synced_changes, refused_changes?, changes: [{index, result: applied|merged|repeated|unchanged|
-- refused, kind, id, version, seq?, code?, message?, details?}], timestamp, seq, warnings?}.
-- Refusals, with details.index: 400 VALIDATION_ERROR, UNKNOWN_TYPE, MISSING_ID, TOO_MANY_ROWS; 403 PERMISSION_DENIED;
-- 409 STALE_VERSION, INVALID_TRANSITION, with details.current.
-- Locks: the change ids, sorted; the rows by kind and id, including those that are missing and have to be made; the quantities of
-- the dishes that are counted (menu/menu_count); then the stream.
-- Events: <thing>.updated, those of orders, history.cleared; a row of sync_log for each change. The origin of an event
-- says how a cloud sync device called its action, and who its user was.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.shared_state_change(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    dialect text := coalesce(body ->> 'dialect', 'cloudsync');
    atomic boolean := coalesce(body ->> 'atomic', 'true') <> 'false';
    list json;
    steps pos.house_step[] := '{}';
    makers int[] := '{}';
    at int := 0; -- which change is being worked on
    counts boolean := c.counts_items;
    change json;
    target record;
    told record;
    events text[] := array[]::text[];
    refused_hint text;
    refused_detail text;
    refused_message text;
begin
    if dialect not in ('minipos', 'cloudsync') then
        perform pos.refuse(400, 'VALIDATION_ERROR', '"dialect" is one of minipos, cloudsync.', '{"field":"dialect"}');
    end if;
    -- First of all, because reading a member of four megabytes takes a while, each time.
    list := pos.without_pictures(c.tenant_id, body::text)::json -> 'changes';
    if coalesce(json_typeof(list), 'null') <> 'array' or json_array_length(list) > 500 then
        perform pos.refuse(400, 'VALIDATION_ERROR', '"changes" must be a list of at most 500 changes.', '{"field":"changes"}');
    end if;
    begin
        for change in select e.value from json_array_elements(list) with ordinality e(value, n) order by e.n loop
            at := at + 1;
            told := pos.shared_state_try(c, atomic, 'read', change, null, false, dialect);
            steps[at] := told.s;
        end loop;
        steps := pos.shared_state_mark_repeats(c, steps);
        if dialect = 'minipos' then
            steps := pos.separate_sales(c, steps);
        end if;
        -- Every row is locked or made before the first event locks the stream. What new orders take from the menu is counted when all
        -- of them are there: each by itself would lock its dishes in an order of its own.
        c.counts_items := false;
        for target in select t.makers from pos.shared_state_targets(steps) t order by t.n loop
            foreach at in array target.makers loop
                told := pos.shared_state_try(c, atomic, 'make', null, steps[at], false, dialect);
                steps[at] := told.s;
                if told.made then
                    makers := makers || at;
                end if;
                exit when steps[at].result is null;
            end loop;
        end loop;
        if counts and cardinality(makers) > 0 then
            perform pos.menu_count(c.tenant_id, (
                select json_agg(l.value) from unnest(makers) m
                  join pos.orders o on steps[m].kind = 'orders' and o.tenant_id = c.tenant_id and o.id = steps[m].id
                 cross join lateral json_array_elements(o.items) l));
        end if;
        at := 0;
        while at < cardinality(steps) loop
            at := at + 1;
            if steps[at].deletes and exists (select 1 from unnest(makers) m where m > at and steps[m].kind = steps[at].kind
                                                                            and steps[m].id = steps[at].id) then
                -- A later change makes the row: there is nothing to delete yet.
                steps[at].result := 'unchanged';
                steps[at].version := 0;
            end if;
            told := pos.shared_state_try(c, atomic, 'apply', null, steps[at], at = any(makers), dialect);
            steps[at] := told.s;
            events := events || told.events;
        end loop;
    exception when sqlstate 'TWREF' then
        get stacked diagnostics refused_hint = pg_exception_hint,
            refused_detail = pg_exception_detail, refused_message = message_text;
        perform pos.refuse_change(at - 1, refused_hint, refused_detail, refused_message);
    end;
    if exists (select 1 from unnest(steps) s where s.result = 'refused') then
        steps := pos.shared_state_log_refused(c, list, steps);
    end if;
    return (200, pos.shared_state_answer(c.tenant_id, steps), nullif(events, '{}'), c.tenant_id, false)::pos.answer;
end $$;

-- A refusal says which change of the batch has caused it, and has one code for all invalid values.
create or replace function pos.refuse_change(index int, hint text, detail text, message text) returns void
language plpgsql as $$
begin
    perform pos.refuse(left(hint, 3)::int, pos.shared_state_code(substr(hint, 5)), message,
        ('{' || concat_ws(',', '"index":' || index, nullif(pos.inside(nullif(detail, '')::json), '')) || '}')::json);
end $$;

-- One phase of the work on one change: read it, lock or make its row, apply it.
create or replace function pos.shared_state_work(c pos.context, phase text, change json, in out s pos.house_step,
    in out made boolean, dialect text, out events text[])
language plpgsql as $$
declare
    done record;
begin
    case phase
    when 'read' then
        s := pos.shared_state_read(change, dialect, c.timezone, pos.currency_decimals(c.currency));
    when 'make' then
        made := pos.shared_state_lock_or_make(c, s, dialect);
    when 'apply' then
        if dialect = 'cloudsync' then
            c.origin := (left(c.origin::text, -1) || coalesce(',"action":' || to_json(s.sent), '')
                         || coalesce(',"user":' || to_json(s.person), '') || '}')::json;
        end if;
        done := pos.shared_state_apply(c, s, made, dialect);
        s := done.s;
        events := done.events;
    end case;
end $$;

-- In a batch that is not atomic, a refusal undoes this change alone. So does a value that has slipped through all
-- checks: a device sends its whole list until it is taken, so one change must never stop the others.
create or replace function pos.shared_state_try(c pos.context, atomic boolean, phase text, change json,
    in out s pos.house_step, in out made boolean, dialect text, out events text[])
language plpgsql as $$
declare
    given pos.house_step := s;
    done record;
    refused_hint text;
    refused_detail text;
    refused_message text;
begin
    if s.result in ('refused', 'unchanged') then
        return;
    end if;
    if atomic then
        done := pos.shared_state_work(c, phase, change, s, made, dialect);
    else
        begin
            done := pos.shared_state_work(c, phase, change, s, made, dialect);
        exception
        when sqlstate 'TWREF' then
            get stacked diagnostics refused_hint = pg_exception_hint,
                refused_detail = pg_exception_detail, refused_message = message_text;
            s := pos.shared_state_refused(c, given, change, pos.shared_state_code(substr(refused_hint, 5)), refused_message,
                                          nullif(refused_detail, '')::json);
            made := false;
            return;
        when data_exception or integrity_constraint_violation or program_limit_exceeded then
            get stacked diagnostics refused_message = message_text;
            s := pos.shared_state_refused(c, given, change, 'VALIDATION_ERROR', 'This change cannot be stored: '
                                          || refused_message, null);
            made := false;
            return;
        end;
    end if;
    s := done.s;
    made := done.made;
    events := done.events;
end $$;

-- The step of a refused change. Its id does not count as seen: sent again, it is judged again.
create or replace function pos.shared_state_refused(c pos.context, s pos.house_step, change json, code text, message text,
    details json) returns pos.house_step
language plpgsql as $$
begin
    if json_typeof(change) = 'object' then
        s.kind := case json_typeof(change -> 'kind') when 'string' then left(change ->> 'kind', 32) end;
        s.action := case json_typeof(change -> 'action') when 'string' then left(change ->> 'action', 64) end;
        s.id := case when json_typeof(change -> 'id') in ('string', 'number') then left(change ->> 'id', 200) end;
    elsif s.change_id is not null then
        delete from pos.change_seen e
         where e.tenant_id = c.tenant_id and e.change_id = s.change_id and e.kind = s.kind and e.row_id = s.id;
    end if;
    s.action := coalesce(s.action, 'unknown');
    s.result := 'refused';
    s.version := null;
    s.refused := code;
    s.message := message;
    s.refusal := case when octet_length(details::text) <= 4096 then details end;
    return s;
end $$;

create or replace function pos.shared_state_code(code text) returns text
language sql immutable parallel safe as $$
    select case when code in ('INVALID_FIELD', 'INVALID_AMOUNT', 'INVALID_STATUS', 'INVALID_DATE', 'INVALID_ORDER_ID')
                then 'VALIDATION_ERROR' else code end
$$;

-- The refusals, in the log of changes. A change that was marked as the repeat of a refused one is refused too.
create or replace function pos.shared_state_log_refused(c pos.context, list json, steps pos.house_step[])
returns pos.house_step[]
language plpgsql as $$
declare
    twin record;
begin
    for twin in select r.ordinality as at, t as step
                  from unnest(steps) t
                  join unnest(steps) with ordinality r on r.kind = t.kind and r.id = t.id and r.change_id = t.change_id
                 where t.result = 'refused' and r.result = 'repeated' loop
        steps[twin.at] := twin.step;
    end loop;
    perform pos.shared_state_log(c.tenant_id, coalesce(s.kind, 'unknown'), s.action, s.id, null, c.device,
                ('{"message":' || to_json(s.message) || ',"change":' || e.value || '}')::json, s.refused)
       from json_array_elements(list) with ordinality e(value, n)
       join unnest(steps) with ordinality s on s.ordinality = e.n
      where s.result = 'refused';
    return steps;
end $$;

create or replace function pos.shared_state_answer(tenant uuid, steps pos.house_step[]) returns text
language plpgsql as $$
begin
    return (select '{"status":"success","synced_changes":' || count(*) filter (where s.result <> 'refused')
                || coalesce(',"refused_changes":' || nullif(count(*) filter (where s.result = 'refused'), 0), '')
                || ',"changes":['
                || coalesce(string_agg('{"index":' || s.ordinality - 1 || ',"result":"' || s.result || '"'
                       || coalesce(',"kind":' || to_json(case s.kind when 'clear' then 'orders' else s.kind end), '')
                       || case s.kind when 'clear' then '' else coalesce(',"id":' || to_json(s.id), '')
                                                                || coalesce(',"version":' || s.version, '') end
                       || coalesce(',"seq":' || s.seq, '')
                       || coalesce(',"code":' || to_json(s.refused) || ',"message":' || to_json(s.message), '')
                       || coalesce(',"details":' || s.refusal, '') || '}', ',' order by s.ordinality), '')
                || '],"timestamp":"' || pos.utc(clock_timestamp())
                || '","seq":' || (select t.head from pos.stream t where t.tenant_id = tenant)
                || coalesce(',"warnings":[' || string_agg('{"code":"' || s.warning || '","message":"' || case s.warning
                       when 'SECRET_DROPPED' then 'Passwords, PINs and tokens are not kept.'
                       else 'An amount was rounded to the cent.' end || '","index":' || s.ordinality - 1 || '}', ','
                       order by s.ordinality) filter (where s.warning is not null) || ']', '') || '}'
              from unnest(steps) with ordinality s);
end $$;

-- Marks the changes whose ids have been seen in the last two days or earlier in the batch. A transaction with the
-- same id at the same time waits here for the first one.
create or replace function pos.shared_state_mark_repeats(c pos.context, steps pos.house_step[]) returns pos.house_step[]
language plpgsql as $$
declare
    fresh text[];
    name text;
    nth int := 0;
begin
    with taken as (
        insert into pos.change_seen (tenant_id, change_id, kind, row_id)
        select distinct c.tenant_id, s.change_id, s.kind, s.id from unnest(steps) s
         where s.change_id is not null and s.result is null
         order by s.change_id, s.kind, s.id
        on conflict do nothing
        returning change_id, kind, row_id)
    select coalesce(array_agg(concat_ws(' ', t.kind, t.row_id, t.change_id)), '{}') into fresh from taken t;
    while nth < cardinality(steps) loop
        nth := nth + 1;
        continue when steps[nth].change_id is null or steps[nth].result is not null;
        name := concat_ws(' ', steps[nth].kind, steps[nth].id, steps[nth].change_id);
        if name = any(fresh) then
            fresh := array_remove(fresh, name);
        else
            steps[nth].result := 'repeated';
        end if;
    end loop;
    return steps;
end $$;

-- Each row once, in the order in which the rows are locked, with the changes that may make it if it does not exist:
-- the first of them that is not refused does.
create or replace function pos.shared_state_targets(steps pos.house_step[]) returns table (makers int[], n bigint)
language plpgsql as $$
begin
    return query
    select array_agg(s.ordinality::int order by coalesce(s.deletes, false), s.ordinality),
           row_number() over (order by s.kind collate "C", s.id collate "C")
      from unnest(steps) with ordinality s
     where s.result is null
     group by s.kind, s.id;
end $$;

-- Locks the row, or makes it. True when this change has made it.
create or replace function pos.shared_state_lock_or_make(c pos.context, s pos.house_step, dialect text) returns boolean
language plpgsql as $$
declare
    table_name text := pos.shared_state_table(s.kind);
    made boolean;
begin
    if s.kind = 'clear' then
        insert into pos.order_history_mark (tenant_id) values (c.tenant_id) on conflict do nothing;
        perform 1 from pos.order_history_mark m where m.tenant_id = c.tenant_id for update;
        return false;
    end if;
    if s.kind = 'orders' then
        perform 1 from pos.orders o where o.tenant_id = c.tenant_id and o.id = s.id for no key update;
        if found or s.deletes then
            return false;
        end if;
        return pos.shared_state_order_insert(c, s, dialect)
            -- Another transaction has made it in the meantime: that row is changed.
            or (select false from pos.orders o where o.tenant_id = c.tenant_id and o.id = s.id for no key update);
    end if;
    if (pos.shared_state_lock(table_name, c.tenant_id, s.id)).version is not null then
        return false;
    end if;
    if s.deletes then
        if dialect = 'minipos' and not pos.is_mastered(c.tenant_id, s.kind) then
            -- A tablet deletes a row of a list that we were never given: the other tablets have it too.
            perform pos.shared_state_check_count(table_name, c.tenant_id);
            execute format('insert into pos.%I (tenant_id, id, updated_by, deleted_at) values ($1, $2, $3, clock_timestamp()) '
                           'on conflict do nothing returning true', table_name)
               into made using c.tenant_id, s.id, left(c.device, 128);
        end if;
        return coalesce(made, false);
    end if;
    perform pos.shared_state_check_count(table_name, c.tenant_id);
    return pos.shared_state_insert(table_name, c.tenant_id, s.id, s.names, s.vals, c.device,
                                   case when s.words is null then '{}' else pos.words_after('{}', '{}', s.words, 1) end)
        or (pos.shared_state_lock(table_name, c.tenant_id, s.id)).version is null;
end $$;

-- Stops a device that makes rows without end. They are counted once in a transaction, and from then on added up: to
-- count them anew for each of 500 rows would take as long as all the rest.
create or replace function pos.shared_state_check_count(table_name text, tenant uuid) returns void
language plpgsql as $$
declare
    of_what text := table_name || ' ' || tenant;
    known text := current_setting('tillwire.rows_counted', true);
    counted int;
begin
    if starts_with(known, of_what || ' ') then
        counted := split_part(known, ' ', 3)::int;
    else
        execute format('select count(*) from (select 1 from pos.%I r where r.tenant_id = $1 limit 10000) r', table_name)
           into counted using tenant;
    end if;
    perform set_config('tillwire.rows_counted', of_what || ' ' || counted + 1, true);
    if counted >= 10000 then
        perform pos.refuse(400, 'TOO_MANY_ROWS', 'There are 10000 of these already, deleted ones counted. Use those.');
    end if;
end $$;
