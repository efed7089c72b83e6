-- pos.shared_state_change - changes of tablets and tills: orders, the floor, the menu, stock, staff, printers,
-- settings. All changes of a batch are made, or none.
-- Holds: shared_state_answer, shared_state_mark_repeats, shared_state_targets, shared_state_lock_or_make,
-- shared_state_check_count.
-- Caller: pos.call. Inputs: {"changes":[{"kind","action","id"?,"data"?,"changeId"?,"version"?}, …at most
-- 500],"dialect":"minipos"|"cloudsync"}. docs/shared_state.md describes kinds, fields and the merge rule.
-- Answers: 200 {status, synced_changes, changes: [{index, result: applied|merged|repeated|unchanged, kind, id,
-- version, seq?}], timestamp, seq, warnings?}.
-- Refusals, with details.index: 400 VALIDATION_ERROR, UNKNOWN_TYPE, MISSING_ID, TOO_MANY_ROWS; 409 STALE_VERSION,
-- INVALID_TRANSITION, with details.current.
-- Locks: the change ids, sorted; the rows by kind and id, including those that are missing and have to be made; then
-- the stream.
-- Events: <thing>.updated, those of orders, history.cleared; a row of sync_log for each change.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.shared_state_change(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    dialect text := coalesce(body ->> 'dialect', 'cloudsync');
    list json := body -> 'changes';
    steps pos.house_step[] := '{}';
    makers int[] := '{}';
    change json;
    at int := 0; -- which change is being worked on
    told record;
    events text[] := array[]::text[];
    refused_hint text;
    refused_detail text;
    refused_message text;
begin
    if dialect not in ('minipos', 'cloudsync') then
        perform pos.refuse(400, 'VALIDATION_ERROR', '"dialect" is one of minipos, cloudsync.', '{"field":"dialect"}');
    end if;
    if coalesce(json_typeof(list), 'null') <> 'array' or json_array_length(list) > 500 then
        perform pos.refuse(400, 'VALIDATION_ERROR', '"changes" must be a list of at most 500 changes.', '{"field":"changes"}');
    end if;
    begin
        for change in select e.value from json_array_elements(list) with ordinality e(value, n) order by e.n loop
            at := at + 1;
            steps[at] := pos.shared_state_read(change, dialect, c.timezone, pos.currency_decimals(c.currency));
        end loop;
        steps := pos.shared_state_mark_repeats(c, steps);
        -- Every row is locked or made before the first event locks the stream.
        for at in select t.at from pos.shared_state_targets(steps) t order by t.n loop
            if pos.shared_state_lock_or_make(c, steps[at], dialect) then
                makers := makers || at;
            end if;
        end loop;
        at := 0;
        while at < cardinality(steps) loop
            at := at + 1;
            told := pos.shared_state_apply(c, steps[at], at = any(makers), dialect);
            steps[at] := told.s;
            events := events || told.events;
        end loop;
    exception when sqlstate 'TWREF' then
        get stacked diagnostics refused_hint = pg_exception_hint,
            refused_detail = pg_exception_detail, refused_message = message_text;
        perform pos.refuse(left(refused_hint, 3)::int,
            case when substr(refused_hint, 5) in ('INVALID_FIELD', 'INVALID_AMOUNT', 'INVALID_STATUS', 'INVALID_DATE',
                                                  'INVALID_ORDER_ID')
                 then 'VALIDATION_ERROR' else substr(refused_hint, 5) end, refused_message,
            ('{' || concat_ws(',', '"index":' || at - 1, nullif(pos.inside(nullif(refused_detail, '')::json), '')) || '}')::json);
    end;
    return (200, pos.shared_state_answer(c.tenant_id, steps), nullif(events, '{}'), c.tenant_id, false)::pos.answer;
end $$;

create or replace function pos.shared_state_answer(tenant uuid, steps pos.house_step[]) returns text
language plpgsql as $$
begin
    return (select '{"status":"success","synced_changes":' || count(*) || ',"changes":['
                || coalesce(string_agg('{"index":' || s.n - 1 || ',"result":"' || s.result || '","kind":"'
                       || case s.kind when 'clear' then 'orders' else s.kind end || '"'
                       || case s.kind when 'clear' then '' else ',"id":' || to_json(s.id) || ',"version":' || s.version end
                       || coalesce(',"seq":' || s.seq, '') || '}', ',' order by s.n), '')
                || '],"timestamp":"' || pos.utc(clock_timestamp())
                || '","seq":' || (select t.head from pos.stream t where t.tenant_id = tenant)
                || coalesce(',"warnings":[' || string_agg('{"code":"' || s.warning || '","message":"' || case s.warning
                       when 'SECRET_DROPPED' then 'Passwords, PINs and tokens are not kept.'
                       else 'An amount was rounded to the cent.' end || '","index":' || s.n - 1 || '}', ',' order by s.n)
                       filter (where s.warning is not null) || ']', '') || '}'
              from unnest(steps) with ordinality s(kind, action, id, shown, change_id, seen, deletes, renews, names, vals,
                                                   body, lines, wanted, warning, result, version, seq, n));
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
        select distinct c.tenant_id, s.change_id, s.kind, s.id from unnest(steps) s where s.change_id is not null
         order by s.change_id, s.kind, s.id
        on conflict do nothing
        returning change_id, kind, row_id)
    select coalesce(array_agg(concat_ws(' ', t.kind, t.row_id, t.change_id)), '{}') into fresh from taken t;
    while nth < cardinality(steps) loop
        nth := nth + 1;
        continue when steps[nth].change_id is null;
        name := concat_ws(' ', steps[nth].kind, steps[nth].id, steps[nth].change_id);
        if name = any(fresh) then
            fresh := array_remove(fresh, name);
        else
            steps[nth].result := 'repeated';
        end if;
    end loop;
    return steps;
end $$;

-- Each row once, in the order in which the rows are locked, with the change that makes the row if it does not exist.
create or replace function pos.shared_state_targets(steps pos.house_step[]) returns table (at int, n bigint)
language plpgsql as $$
begin
    return query
    select (array_agg(s.n order by coalesce(s.deletes, false), s.n))[1]::int,
           row_number() over (order by s.kind collate "C", s.id collate "C")
      from unnest(steps) with ordinality s(kind, action, id, shown, change_id, seen, deletes, renews, names, vals,
                                           body, lines, wanted, warning, result, version, seq, n)
     where s.result is null
     group by s.kind, s.id;
end $$;

-- Locks the row, or makes it. True when this change has made it.
create or replace function pos.shared_state_lock_or_make(c pos.context, s pos.house_step, dialect text) returns boolean
language plpgsql as $$
declare
    table_name text := pos.shared_state_table(s.kind);
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
    if (pos.shared_state_lock(table_name, c.tenant_id, s.id)).version is not null or s.deletes then
        return false;
    end if;
    perform pos.shared_state_check_count(table_name, c.tenant_id);
    return pos.shared_state_insert(table_name, c.tenant_id, s.id, s.names, s.vals, c.device)
        or (pos.shared_state_lock(table_name, c.tenant_id, s.id)).version is null;
end $$;

-- Stops a device that makes rows without end.
create or replace function pos.shared_state_check_count(table_name text, tenant uuid) returns void
language plpgsql as $$
declare
    is_full boolean;
begin
    execute format('select count(*) >= 10000 from (select 1 from pos.%I r where r.tenant_id = $1 limit 10000) r', table_name)
       into is_full using tenant;
    if is_full then
        perform pos.refuse(400, 'TOO_MANY_ROWS', 'There are 10000 of these already, deleted ones counted. Use those.');
    end if;
end $$;
