-- pos.list_import - POST /api/{tenant}/import/{kind}: the lists that a restaurant had before it came here.
-- Holds: list_import_order, list_import_rows, list_import_changes, list_import_change.
-- Caller: pos.call, platform side. Inputs: {"rows": [...at most 500, and 5000 objects], "more"?: true, "replace"?: true}; instead of rows
-- the file that a MiniPOS page exports. A category may be a name alone, and settings are one row.
-- Rows that exist keep the fields that they have, because a device may have changed them since the list was written;
-- fields that they lack are added, and deleted rows stay deleted. With `replace` a row becomes exactly what is sent.
-- The order is that of the list, as long as it was not handed over, and with `replace`.
-- With `more` the list is not complete yet; without it, it counts as handed over (see mastered.sql).
-- Answers: 200 {status, kind, received, created, completed, kept, total, mastered, seq}.
-- Refusals: 400 UNKNOWN_TYPE, DUPLICATE_ID (details.index, first, id), EMPTY_LIST and those of shared_state_change,
-- with details.index: nothing is imported then.
-- Locks: the rows by id; then those of shared_state_change. Events: those of the rows, list.mastered.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.list_import(c pos.context, body json) returns pos.answer
language plpgsql as $$
declare
    kind text := case c.path ->> 'kind' when 'menuItems' then 'menu_items' else c.path ->> 'kind' end;
    more boolean := coalesce(body ->> 'more', 'false') = 'true';
    replaces boolean := coalesce(body ->> 'replace', 'false') = 'true';
    began timestamptz := clock_timestamp();
    list json;
    changes text[];
    a pos.answer;
    total bigint;
begin
    if kind is null or kind not in ('tables', 'menu_items', 'categories', 'settings') then
        perform pos.refuse(400, 'UNKNOWN_TYPE', 'A list is one of tables, menu_items, categories, settings. Staff is handed '
            'over by a tablet: docs/clients/minipos.md.', '{"field":"kind"}');
    end if;
    list := pos.list_import_rows(body, kind);
    changes := pos.list_import_changes(c, kind, list, replaces);
    a := pos.shared_state_change(c, ('{"dialect":"minipos","changes":[' || array_to_string(changes, ',') || ']}')::json);
    perform pos.list_import_order(c.tenant_id, pos.shared_state_table(kind),
        array(select coalesce(r.change ->> 'id', '') from json_array_elements(a.body::json -> 'changes') with ordinality r(change, n)
               order by r.n), replaces or not pos.is_mastered(c.tenant_id, kind), began);
    execute format('select count(*) from pos.%I r where r.tenant_id = $1 and r.deleted_at is null', pos.shared_state_table(kind))
       into total using c.tenant_id;
    if not more then
        if total = 0 then
            perform pos.refuse(400, 'EMPTY_LIST', 'The list is empty, so every tablet would show nothing. Send its rows.');
        end if;
        a.events := a.events || pos.mastered_begin(c, kind);
    end if;
    a.body := (select '{"status":"success","kind":"' || kind || '","received":' || json_array_length(list) || ',"created":'
                      || count(*) filter (where r.change ->> 'result' = 'applied' and r.change ->> 'version' = '1')
                      || ',"completed":' || count(*) filter (where r.change ->> 'result' = 'applied' and r.change ->> 'version' <> '1')
                      || ',"kept":' || json_array_length(list) - count(*) filter (where r.change ->> 'result' = 'applied')
                      || ',"total":' || total || ',"mastered":' || pos.is_mastered(c.tenant_id, kind)
                      || ',"seq":' || (select s.head from pos.stream s where s.tenant_id = c.tenant_id) || '}'
                 from json_array_elements(a.body::json -> 'changes') r(change));
    return a;
end $$;

-- Rows are made in the order of their ids, because they are locked in it; tablets show them in the order in which they
-- were made, and had them in the order of the list. `all_move`: rows that were there before as well, because this is
-- the list that tablets have; otherwise new rows come behind.
create or replace function pos.list_import_order(tenant uuid, table_name text, ids text[], all_move boolean,
    began timestamptz) returns void
language plpgsql as $$
begin
    execute format(
        'update pos.%1$I r set created_at = $4 + l.n * interval ''1 microsecond'''
        '  from unnest($2) with ordinality l(id, n)'
        ' where r.tenant_id = $1 and r.id = l.id and ($3 or (r.version = 1 and r.created_at >= $4))', table_name)
      using tenant, ids, all_move, began;
end $$;

-- The rows, as objects.
create or replace function pos.list_import_rows(body json, kind text) returns json
language plpgsql immutable as $$
declare
    given json := coalesce(body -> 'rows', body -> kind, case kind when 'menu_items' then body -> 'menuItems' end);
    list json := case when kind = 'settings' and json_typeof(given) = 'object' then ('[' || given || ']')::json else given end;
    one record;
begin
    if coalesce(json_typeof(list), 'null') <> 'array' or json_array_length(list) > 500
       or (kind = 'settings' and json_array_length(list) > 1)
       or length(list::text) - length(replace(list::text, '{', '')) > 5000 then
        perform pos.refuse_field('rows', '"rows" must be a list of at most 500 rows, with at most 5000 objects in all; of '
            'settings there is one. Send a longer list in pieces, with "more": true in all but the last one.', 'VALIDATION_ERROR');
    end if;
    for one in select e.value, e.n from json_array_elements(list) with ordinality e(value, n) loop
        if json_typeof(one.value) <> 'object' and not (kind = 'categories' and json_typeof(one.value) = 'string') then
            perform pos.refuse(400, 'VALIDATION_ERROR', 'Each row is an object with an id; a category may be its name.',
                               ('{"index":' || one.n - 1 || '}')::json);
        end if;
    end loop;
    return (select ('[' || coalesce(string_agg(case json_typeof(e.value) when 'string' then '{"name":' || e.value || '}'
                                                    else e.value::text end, ',' order by e.n), '') || ']')::json
              from json_array_elements(list) with ordinality e(value, n));
end $$;

-- What is to be changed for each row. All rows are locked, so that nothing newer is overwritten.
create or replace function pos.list_import_changes(c pos.context, kind text, list json, replaces boolean) returns text[]
language plpgsql as $$
declare
    steps pos.house_step[] := '{}';
    one json;
    twice record;
    changes text[] := '{}';
    place bigint;
    at int := 0; -- which row is being read
    refused_hint text;
    refused_detail text;
    refused_message text;
begin
    begin
        for one in select e.value from json_array_elements(list) with ordinality e(value, n) order by e.n loop
            at := at + 1;
            steps := steps || pos.shared_state_read(('{"kind":"' || kind || '","action":"imported","data":' || one || '}')::json,
                                                    'minipos', c.timezone, pos.currency_decimals(c.currency));
        end loop;
    exception when sqlstate 'TWREF' then
        get stacked diagnostics refused_hint = pg_exception_hint,
            refused_detail = pg_exception_detail, refused_message = message_text;
        perform pos.refuse_change(at - 1, refused_hint, refused_detail, refused_message);
    end;
    select min(s.ordinality) - 1 as first, max(s.ordinality) - 1 as index, s.id into twice
      from unnest(steps) with ordinality s
     group by s.id having count(*) > 1 order by 2 limit 1;
    if found then
        perform pos.refuse(400, 'DUPLICATE_ID', format('Rows %s and %s have the same id. Give each row one of its own.',
                twice.first, twice.index),
            ('{"index":' || twice.index || ',"first":' || twice.first || ',"id":' || to_json(twice.id) || '}')::json);
    end if;
    for place in select s.ordinality
                   from unnest(steps) with ordinality s
                  order by s.id collate "C" loop
        changes[place] := pos.list_import_change(c, steps[place], replaces);
    end loop;
    return changes;
end $$;

create or replace function pos.list_import_change(c pos.context, s pos.house_step, replaces boolean) returns text
language plpgsql as $$
declare
    held record := pos.shared_state_lock(pos.shared_state_table(s.kind), c.tenant_id, s.id);
    row_held json := ('{' || held.fields || '}')::json;
    fields text;
begin
    if not replaces and not held.alive and s.kind <> 'settings' then
        -- Deleted since: it stays so, and the changes keep their places.
        return '{"kind":"' || s.kind || '","action":"deleted","id":' || to_json(s.id) || '}';
    end if;
    select string_agg(to_json(g.name) || ':' || coalesce(g.value, 'null'), ',' order by g.n) into fields
      from unnest(s.names, s.vals) with ordinality g(name, value, n)
     where replaces or row_held -> g.name is null;
    if replaces then
        fields := concat_ws(',', nullif(fields, ''), (select string_agg(to_json(e.key) || ':null', ',' order by e.n)
                     from json_each(row_held) with ordinality e(key, value, n)
                    where not e.key = any(s.names) and not (s.kind = 'categories' and e.key = 'name')));
    end if;
    return '{"kind":"' || s.kind || '","action":"imported","id":' || to_json(s.id) || ',"data":{'
           || coalesce(case when s.kind = 'categories' then concat_ws(',', '"name":' || to_json(s.id), nullif(fields, '')) else fields end, '')
           || '}}';
end $$;
