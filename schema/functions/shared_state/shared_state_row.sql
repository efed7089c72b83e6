-- shared_state/shared_state_row - locks, inserts and updates a row in the table of its kind.
-- Holds: shared_state_lock, shared_state_insert, shared_state_update, shared_state_typed, shared_state_details,
-- shared_state_check_size.
-- Caller: shared_state_change. Inputs: the table's name (from shared_state_table, never from a client), tenant and
-- row; for a new row its fields, for a change the fields that change, under stored names with values as JSON (null:
-- no value); the words of a cloud sync device (cloudsync_words.sql), null for other writers.
-- Answers: shared_state_lock: one row {version, alive, field_versions, fields, words, updated_at}, or none;
-- shared_state_insert: false when another transaction has made the row in the meantime; shared_state_update:
-- {version, fields, words, updated_at} as they are now (the trigger shared_state_version sets the version).
-- Refusals: 400 VALIDATION_ERROR when the row becomes too large.
-- Locks: the row's. Events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.shared_state_lock(table_name text, tenant uuid, row_id text,
    out version bigint, out alive boolean, out field_versions json, out fields text, out words json,
    out updated_at timestamptz)
language plpgsql as $$
begin
    execute format('select r.version, r.deleted_at is null, r.field_versions, pos.shared_state_fields(r), r.words,
                           r.updated_at
                      from pos.%I r where r.tenant_id = $1 and r.id = $2 for no key update', table_name)
       into version, alive, field_versions, fields, words, updated_at using tenant, row_id;
end $$;

create or replace function pos.shared_state_insert(table_name text, tenant uuid, row_id text, names text[], vals text[],
    device text, words json) returns boolean
language plpgsql as $$
declare
    typed record := pos.shared_state_typed(table_name, names, vals);
    made boolean;
begin
    perform pos.shared_state_check_size(tenant, array_to_string(vals, ''));
    execute format('insert into pos.%1$I (tenant_id, id, details, updated_by, words%2$s)
                    select $1, $2, $3, $4, $6%3$s from json_populate_record(null::pos.%1$I, $5) r
                    on conflict (tenant_id, id) do nothing returning true',
                   table_name,
                   (select string_agg(format(', %I', t), '' order by n)
                      from unnest(typed.columns) with ordinality u(t, n)),
                   (select string_agg(format(', r.%I', t), '' order by n)
                      from unnest(typed.columns) with ordinality u(t, n)))
       into made using tenant, row_id, typed.details, left(device, 128), typed.filled, words;
    return coalesce(made, false);
end $$;

-- `dead`: the row becomes a tombstone and keeps its fields; otherwise it is alive afterwards.
create or replace function pos.shared_state_update(table_name text, tenant uuid, row_id text, names text[], vals text[],
    device text, dead boolean, said json, out version bigint, out fields text, out words json,
    out updated_at timestamptz)
language plpgsql as $$
declare
    typed record := pos.shared_state_typed(table_name, names, vals);
begin
    execute format('update pos.%1$I t
                       set details = coalesce(pos.shared_state_details(t.details, $3, $4), t.details), updated_by = $5,
                           deleted_at = case when $6 then clock_timestamp() end,
                           words = case when $8 is null then t.words else pos.words_after(t.words, $9, $8, t.version + 1) end%2$s
                      from json_populate_record(null::pos.%1$I, $7) r
                     where t.tenant_id = $1 and t.id = $2
                    returning t.version, pos.shared_state_fields(t), t.words, t.updated_at',
                   table_name,
                   (select string_agg(format(', %1$I = r.%1$I', t), '' order by n)
                      from unnest(typed.columns) with ordinality u(t, n)))
       into version, fields, words, updated_at
      using tenant, row_id, typed.loose_names, typed.loose_vals, left(device, 128), dead, typed.filled, said, names;
    perform pos.shared_state_check_size(tenant, fields);
end $$;

-- The columns of those fields that have one, their values as an object for json_populate_record, and the other
-- fields.
create or replace function pos.shared_state_typed(table_name text, names text[], vals text[],
    out columns text[], out filled json, out loose_names text[], out loose_vals text[], out details json)
language plpgsql immutable as $$
begin
    select coalesce(array_agg(pos.shared_state_column(w.name) order by g.n) filter (where w.name is not null), '{}'),
           pos.object_of(coalesce(array_agg(pos.shared_state_column(w.name) order by g.n) filter (where w.name is not null), '{}'),
                         array_agg(coalesce(g.value, 'null') order by g.n) filter (where w.name is not null)),
           coalesce(array_agg(g.name order by g.n) filter (where w.name is null), '{}'),
           coalesce(array_agg(g.value order by g.n) filter (where w.name is null), '{}')
      into columns, filled, loose_names, loose_vals
      from unnest(names, vals) with ordinality g(name, value, n)
      left join pos.shared_state_words() w on w.kind = pos.shared_state_kind(table_name) and w.name = g.name;
    details := pos.object_of(loose_names, loose_vals);
end $$;

-- The kept members with the given ones in their place; members whose given value is SQL's null are removed.
create or replace function pos.shared_state_details(kept json, names text[], vals text[]) returns json
language plpgsql immutable as $$
begin
    if cardinality(names) = 0 then
        return kept;
    end if;
    return (select pos.object_of(
               coalesce(array_agg(coalesce(g.name, k.name) order by coalesce(k.n, 1000000 + g.n)), '{}'),
               array_agg(case when g.name is null then k.value else g.value end order by coalesce(k.n, 1000000 + g.n)))
              from (select e.key as name, e.value::text as value, e.n from json_each(kept) with ordinality e(key, value, n)) k
              full join unnest(names, vals) with ordinality g(name, value, n) on g.name = k.name
             where g.name is null or g.value is not null);
end $$;

-- A device may change a row until it is too large, so this is asked of what the row becomes.
create or replace function pos.shared_state_check_size(tenant uuid, fields text) returns void
language plpgsql as $$
begin
    if pos.bytes_with_pictures(tenant, fields) > 4194304 then
        perform pos.refuse(400, 'ROW_TOO_LARGE', 'A row has at most 4 MiB (4194304 bytes), its pictures included. This one '
            'was not stored: send less, smaller pictures, or their addresses.');
    end if;
end $$;
