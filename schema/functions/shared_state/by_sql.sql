-- shared_state/by_sql - rows of the shared state that are written by plain SQL: by a back office, in psql.
-- Holds: shared_state_by_sql, shared_state_by_sql_delete, shared_state_by_sql_event.
-- Caller: triggers on the tables of the shared state, for writers other than our own functions.
-- Before the write, control characters, secrets of staff, and members of details that have a column are removed. A
-- DELETE leaves a tombstone, so that the version continues; deleting the tombstone removes it. At commit, the event
-- and its line in sync_log are written.
-- Refusals: SQL errors: those of the columns. Locks: none.
-- Events: <thing>.updated.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.shared_state_by_sql() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    this_kind text := pos.shared_state_kind(tg_table_name);
    clean json;
begin
    perform pos.tenant_is_here(new.tenant_id);
    clean := pos.clean_json(row_to_json(new));
    -- An event is one line.
    new := json_populate_record(new, pos.without_pictures(new.tenant_id, translate(clean::text, E'\n\r\t', ''))::json);
    -- Only the branch of its own table is looked at.
    if this_kind = 'menu_items' then
        new.price := round(new.price, pos.tenant_decimals(new.tenant_id));
    elsif this_kind = 'tables' then
        new.order_total := round(new.order_total, pos.tenant_decimals(new.tenant_id));
    elsif this_kind = 'users' then
        new.details := pos.without_secrets(new.details);
    end if;
    new.details := pos.object_of(coalesce(f.names, '{}'), f.vals)
      from (select array_agg(e.key order by e.n) as names, array_agg(e.value::text order by e.n) as vals
              from json_each(new.details) with ordinality e(key, value, n)
             where case this_kind when 'settings' then e.key not in ('id', 'version')
                   else not pos.shared_state_own_field(e.key) and not (this_kind = 'categories' and e.key = 'name')
                        and not exists (select 1 from pos.shared_state_words() w
                                         where w.kind = this_kind and w.name = e.key) end) f;
    perform pos.shared_state_check_size(new.tenant_id, pos.shared_state_fields(new));
    return new;
end $$;

create or replace function pos.shared_state_by_sql_delete() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
begin
    perform pos.tenant_is_here(old.tenant_id);
    if old.deleted_at is not null then
        return old;
    end if;
    execute format('update pos.%I r set deleted_at = clock_timestamp() where r.tenant_id = $1 and r.id = $2', tg_table_name)
      using old.tenant_id, old.id;
    return null;
end $$;

create or replace function pos.shared_state_by_sql_event() returns trigger
language plpgsql security definer set search_path = pos, pg_temp as $$
declare
    kind text := pos.shared_state_kind(tg_table_name);
    is_new boolean := tg_op = 'INSERT';
    changes record := pos.shared_state_changes('', pos.shared_state_fields(new));
    action text;
    data json;
begin
    if tg_op = 'UPDATE' then
        if new.version = old.version then
            return null;
        end if;
        is_new := old.deleted_at is not null and new.deleted_at is null;
        if not is_new then
            changes := pos.shared_state_changes(pos.shared_state_fields(old), pos.shared_state_fields(new));
        end if;
    end if;
    action := case when new.deleted_at is not null then 'deleted' when is_new then 'created' else 'updated' end;
    data := pos.shared_state_event(kind, action, new.id, new.version, changes.names, changes.vals,
                            pos.shared_state_json(new.id, new.version, pos.shared_state_fields(new)), new.words, new.updated_at,
                            is_new and new.deleted_at is null and pos.is_mastered(new.tenant_id, kind));
    perform pos.shared_state_log(new.tenant_id, kind, action, new.id, new.version, null, data -> 'changed');
    perform pos.outbox_add(new.tenant_id, pos.shared_state_event_type(kind), data);
    return null;
end $$;
