-- shared_state/cloudsync_words - the words in which cloud sync devices write and read a row: what one of them wrote
-- comes back to all of them as it was written, in frames and in /data alike.
-- Holds: cloudsync_said, cloudsync_said_order, cloudsync_said_of, cloudsync_said_field, words_after, words_forget, cloudsync_words,
-- cloudsync_shown. Those that read shared_state_words keep one plan: to plan them takes longer than to run them.
-- Caller: the functions of this folder, order_data.
-- Inputs: fields under stored names; the column `words` of their row (migration 0013).
-- Answers: cloudsync_said, cloudsync_said_order: for each field that a device sent, the words to keep, or null for
-- none. words_after: the row's words after a change by a device of this family. words_forget: the words after these
-- fields got other values. cloudsync_words: for each field whose words are not its stored name and value, the names
-- for its stored value as a list, or the members to show in its place as an object; docs/events.md. cloudsync_shown:
-- the members to show, without braces.
-- Refusals, locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

-- `names` and `vals` are what is stored of what was sent, after everything that follows from the action.
create or replace function pos.cloudsync_said(of_kind text, data json, names text[], vals text[]) returns json
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return (select coalesce(pos.object_of(array_agg(g.name), array_agg(coalesce(g.said, 'null'))), '{}')
              from (select f.name, pos.cloudsync_said_field(f.shown, array_agg(f.key order by f.n),
                               array_agg(f.value::text order by f.n), f.stored, f.shows_number) as said
                      from (select e.key, e.value, e.n, coalesce(w.name, e.key) as name,
                                   coalesce(w.shown, array[e.key]) as shown,
                                   coalesce(vals[array_position(names, coalesce(w.name, e.key))], 'null') as stored,
                                   of_kind = 'tables' and coalesce(w.name, e.key) = 'number' as shows_number
                              from json_each(data) with ordinality e(key, value, n)
                              left join pos.shared_state_words() w
                                on w.kind = of_kind and (w.name = e.key or e.key = any(w.also))
                             where coalesce(w.name, e.key) = any(names)) f
                     group by f.name, f.shown, f.stored, f.shows_number
                    union all
                    select 'updatedAt', pos.cloudsync_said_field('{updated_at}', array_agg(e.key), array_agg(e.value::text),
                                                                 'null', false)
                      from json_each(data) e
                     where e.key in ('updated_at', 'updatedAt') and json_typeof(e.value) = 'string'
                    having count(*) > 0) g);
end $$;

-- The words of one field: what was sent of it, under one name or several, and what is stored of it. Long values are
-- not kept twice, and null is the same as nothing.
create or replace function pos.cloudsync_said_field(shown text[], keys text[], sent text[], stored text,
    shows_number boolean) returns text
language plpgsql immutable as $$
declare
    differs boolean := false;
begin
    for i in 1..cardinality(keys) loop
        if sent[i] = 'null' then
            continue;
        end if;
        if json_typeof(sent[i]::json) not in ('string', 'number', 'boolean') or octet_length(sent[i]) > 300 then
            return case when keys = shown then null else array_to_json(keys)::text end;
        end if;
        differs := differs or case
            when shows_number then sent[i] <> pos.number_or_text(sent[i]::json #>> '{}')
            when sent[i] = stored then false
            when json_typeof(sent[i]::json) = 'number' and json_typeof(stored::json) = 'number' then
                coalesce(pos.read_decimal(sent[i]::json) <> pos.read_decimal(stored::json), true)
            else true end;
    end loop;
    return case when differs then pos.object_of(keys, sent)::text
                when keys = shown then null
                else array_to_json(keys)::text end;
end $$;

-- The same for an order, of which the step has the fields under the names of REST, and the status as `wanted`.
create or replace function pos.cloudsync_said_order(s pos.house_step, data json) returns json
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
    wanted text := pos.shared_state_order_status(s.wanted, null, 'cloudsync');
begin
    return (select coalesce(pos.object_of(array_agg(g.name), array_agg(coalesce(g.said, 'null'))), '{}')
              from (select f.name, case f.name when 'items' then '{"items":' || pos.read_list('items', f.value) || '}'
                               else pos.cloudsync_said_field(f.shown, f.keys, f.sent,
                               case f.name
                                   when 'status' then case when f.is_wanted
                                                           then to_json(pos.cloudsync_status(wanted))::text
                                                           else f.value::text end
                                   when 'orderNumber' then to_json(nullif(f.text, ''))::text
                                   when 'orderType' then to_json(pos.cloudsync_type(pos.read_word(s.body ->> f.name)))::text
                                   when 'customerName' then to_json(nullif(btrim(f.text), ''))::text
                                   when 'createdAt' then to_json(pos.utc(pos.read_instant(s.body ->> f.name, 'UTC')))::text
                                   when 'scheduledFor' then to_json(pos.utc(pos.read_instant(f.text, 'UTC')))::text
                                   else (s.body -> f.name)::text end,
                               f.name = 'tableNumber') end as said
                      from (select distinct on (e.name) e.*, coalesce(w.shown, array[e.name]) as shown,
                                   array_agg(e.key) over same as keys, array_agg(e.value::text) over same as sent,
                                   e.value #>> '{}' as text,
                                   e.name = 'status' and wanted = pos.shared_state_order_status(
                                       case e.name when 'status' then lower(pos.enum_word(e.value #>> '{}')) end,
                                       null, 'cloudsync') as is_wanted
                              from (select d.key, d.value, d.n,
                                           pos.shared_state_order_name(d.key, json_typeof(d.value)) as name
                                      from json_each(data) with ordinality d(key, value, n)
                                     where not pos.shared_state_own_field(d.key) and json_typeof(d.value) <> 'null') e
                              left join pos.shared_state_words() w on w.kind = 'orders' and w.name = e.name
                             where e.name in ('status', 'items') or s.body -> e.name is not null or e.value::text = '""'
                            window same as (partition by e.name)
                             -- The stored name counts most, then the one that comes last: as shared_state_read_order reads.
                             order by e.name, (e.name = e.key) desc, e.n desc) f
                    union all
                    select 'updatedAt', pos.cloudsync_said_field('{updated_at}', array_agg(e.key), array_agg(e.value::text),
                                                                 'null', false)
                      from json_each(data) e
                     where e.key in ('updated_at', 'updatedAt') and json_typeof(e.value) = 'string'
                    having count(*) > 0) g);
end $$;

-- The same for an order that was there. An empty text that has changed nothing says nothing, and lines add to those that
-- devices of this family have written before: lines that came from others are shown as they are stored.
create or replace function pos.cloudsync_said_of(said json, old pos.orders, changes text[]) returns json
language plpgsql stable as $$
declare
    lines json := said -> 'items' -> 'items';
begin
    if json_typeof(old.words -> 'items') = 'object' then
        lines := pos.shared_state_lines_merge(old.words -> 'items' -> 'items', lines);
    elsif old.items::text <> '[]' then
        lines := null;
    end if;
    if octet_length(lines::text) > 1048576 then
        lines := null;
    end if;
    return (select coalesce(pos.object_of(array_agg(e.key), array_agg(
                       case e.key when 'items' then coalesce('{"items":' || lines || '}', 'null') else e.value::text end)), '{}')
              from json_each(said) e
             where e.key = any(changes) or json_typeof(e.value) <> 'object'
                or exists (select 1 from json_each(e.value) m where m.value::text <> '""'));
end $$;

-- The member without a name is the version that they belong to, so that the trigger of the row keeps them; it also
-- shows that a device of this family has written the row. `changed` are the fields that got other values.
create or replace function pos.words_after(held json, changed text[], said json, version bigint) returns json
language plpgsql immutable as $$
begin
    return pos.shared_state_details(pos.words_forget(held, changed),
                                    array(select e.key from json_each(said) e) || ''::text,
                                    array(select nullif(e.value::text, 'null') from json_each(said) e) || version::text);
end $$;

-- The names are kept, the values are not.
create or replace function pos.words_forget(held json, changed text[]) returns json
language plpgsql immutable as $$
begin
    if held::text = '{}' then
        return held;
    end if;
    return (select pos.object_of(array_agg(e.key), array_agg(
                       case when json_typeof(e.value) = 'object' and (e.key = 'updatedAt' or e.key = any(changed))
                            then (select json_agg(k.name)::text from json_object_keys(e.value) k(name))
                            else e.value::text end))
              from json_each(held) e);
end $$;

-- `fields` are all of the row, or (not `whole`) those that have changed, with null for no value.
create or replace function pos.cloudsync_words(of_kind text, fields json, words json, updated_at timestamptz,
    whole boolean) returns table (name text, said text)
language sql stable as $$
    select g.name, g.said from (
        select coalesce(w.name, k.key) as name,
               case when json_typeof(k.value) = 'object' then k.value::text
                    when coalesce(f.value::text, 'null') = 'null' and w.empty is not null then (
                        select '{' || string_agg(to_json(n.name) || ':' || w.empty, ',') || '}'
                          from unnest(case when k.value is null then w.shown
                                           else array(select json_array_elements_text(k.value)) end) n(name))
                    when of_kind = 'tables' and w.name = 'number' then (
                        select '{' || string_agg(to_json(n.name) || ':' || pos.number_or_text(f.value #>> '{}'), ',') || '}'
                          from unnest(case when k.value is null then w.shown
                                           else array(select json_array_elements_text(k.value)) end) n(name))
                    when k.value is not null then k.value::text
                    when w.shown <> array[w.name] then array_to_json(w.shown)::text end as said,
               f.key is not null or (whole and w.empty is not null)
                   or (whole and json_typeof(k.value) = 'object') as is_in
          from (select * from pos.shared_state_words() r where r.kind = of_kind) w
          full join json_each(words) k on k.key = w.name
          left join json_each(fields) f on f.key = coalesce(w.name, k.key)
         where coalesce(w.name, k.key) not in ('', 'updatedAt')) g
     where g.is_in and g.said is not null
    union all
    select 'updatedAt', case when json_typeof(words -> 'updatedAt') = 'object' then (words -> 'updatedAt')::text
                             else '{' || to_json(coalesce(words -> 'updatedAt' ->> 0, 'updated_at')) || ':"'
                                  || pos.utc(updated_at) || '"}' end
$$;

create or replace function pos.cloudsync_shown(of_kind text, fields json, words json, updated_at timestamptz,
    whole boolean) returns text
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return (
    select string_agg(case when g.said is null then to_json(g.key) || ':' || g.value
                           when left(g.said, 1) = '{' then pos.inside(g.said::json)
                           else (select string_agg(to_json(n.name) || ':' || coalesce(g.value, 'null'), ',')
                                   from json_array_elements_text(g.said::json) n(name)) end, ',' order by g.n)
      from (select f.key, f.value::text as value, f.n, w.said
              from json_each(fields) with ordinality f(key, value, n)
              full join pos.cloudsync_words(of_kind, fields, words, updated_at, whole) w on w.name = f.key
             where f.key is not null or left(w.said, 1) = '{') g);
end $$;
