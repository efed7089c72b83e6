-- pos.shared_state_read - one change of a batch, checked and under stored names.
-- Holds: read_version, shared_state_read_fields.
-- Caller: shared_state_change. Inputs: the change as it came, {kind, action, id?, data?, changeId?, version?,
-- userId?}; the dialect, in whose words the status of an order is; the tenant's time zone, and how many decimals its
-- currency has.
-- Answers: the step; `warning` says that a secret was left out or an amount was rounded.
-- Refusals: 400 VALIDATION_ERROR, UNKNOWN_TYPE, MISSING_ID and those of the functions that read values.
-- Locks, events: none.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.shared_state_read(change json, dialect text, zone text, decimals int) returns pos.house_step
language plpgsql stable as $$
declare
    s pos.house_step;
    data json := change -> 'data';
    id_given json;
begin
    if json_typeof(change) <> 'object' then
        perform pos.refuse_field('changes', 'A change is an object: {kind, action, id, data}.');
    end if;
    if change ->> 'elsewhere' = 'true' then
        perform pos.refuse(403, 'PERMISSION_DENIED', 'This change names another restaurant than the request. Send it '
            'with the key of that one.', '{"field":"restaurant_id"}');
    end if;
    s.kind := case json_typeof(change -> 'kind') when 'string' then change ->> 'kind' end;
    if s.kind is distinct from 'orders' and pos.shared_state_table(s.kind) is null then
        perform pos.refuse_field('kind', 'The type of a change is one of orders, menu_items, inventory, tables, '
            'users, printers, categories, settings.', 'UNKNOWN_TYPE');
    end if;
    s.sent := nullif(pos.read_text('action', change -> 'action', 64), '');
    s.action := pos.shared_state_action(pos.enum_word(s.sent));
    s.person := case when json_typeof(change -> 'userId') in ('string', 'number')
                     then nullif(left(change ->> 'userId', 128), '') end;
    s.deletes := pos.shared_state_deletes(s.action);
    s.renews := pos.shared_state_creates(s.action);
    s.change_id := nullif(pos.read_label('changeId', change -> 'changeId', 200), '');
    s.seen := pos.read_version(change -> 'version');
    s.warning := null;
    if coalesce(json_typeof(data), 'null') = 'null' then
        data := '{}';
    elsif json_typeof(data) <> 'object' then
        perform pos.refuse_field('data', 'The data of a change is an object.');
    elsif (select count(*) from json_object_keys(data)) > 1000 then
        perform pos.refuse_field('data', 'A change has at most 1000 fields.');
    end if;
    if s.kind = 'orders' and s.action = 'clear' then
        s.kind := 'clear';
        s.id := '';
        return s;
    end if;
    id_given := pos.either(change -> 'id', data -> 'id');
    if s.kind = 'settings' then
        s.id := 'settings';
        if s.deletes then
            perform pos.refuse_field('action', 'Settings are changed, not deleted.');
        end if;
    elsif s.kind = 'orders' then
        select r.id, r.shown into s.id, s.shown from pos.read_order_id(id_given) r;
    elsif s.kind = 'categories' then
        s.id := nullif(btrim(pos.read_text('name', pos.either(data -> 'name', id_given), 200)), '');
    else
        s.id := pos.read_label('id', id_given, 64);
    end if;
    if s.id is null then
        perform pos.refuse_field(case s.kind when 'categories' then 'name' else 'id' end,
                                 'A change says which row it is about: send its id.', 'MISSING_ID');
    end if;
    if s.kind = 'orders' then
        s := pos.shared_state_read_order(s, data, dialect, zone, decimals);
    elsif not s.deletes then
        s := pos.shared_state_read_fields(s, data);
    end if;
    if dialect = 'cloudsync' and not s.deletes then
        s.words := case s.kind when 'orders' then pos.cloudsync_said_order(s, data)
                               else pos.cloudsync_said(s.kind, data, s.names, s.vals) end;
    end if;
    return s;
end $$;

-- The version that a device has seen: a whole number, or a text that contains one.
create or replace function pos.read_version(value json) returns bigint
language plpgsql immutable parallel safe as $$
begin
    if coalesce(json_typeof(value), 'null') = 'null' then
        return null;
    end if;
    if value #>> '{}' !~ '^[0-9]{1,18}$' then
        perform pos.refuse_field('version', 'A version is a whole number.');
    end if;
    return (value #>> '{}')::bigint;
end $$;

-- The fields under their stored names. If the same field comes under several names, the stored name wins.
create or replace function pos.shared_state_read_fields(s pos.house_step, data json) returns pos.house_step
language plpgsql stable as $$
declare
    member record;
    place int;
begin
    s.names := '{}';
    s.vals := '{}';
    for member in
        select g.key, g.value, g.name, g.reads
          from (select e.key, e.value, e.n, w.name, w.reads,
                       row_number() over (partition by coalesce(w.name, e.key)
                                          order by w.name = e.key desc nulls first, array_position(w.also, e.key), e.n desc) as rank
                  from json_each(data) with ordinality e(key, value, n)
                  left join pos.shared_state_words() w on w.kind = s.kind and (w.name = e.key or e.key = any(w.also))) g
         where g.rank = 1
         order by g.n
    loop
        continue when case s.kind when 'settings' then member.key in ('id', 'version')
                                  else pos.shared_state_own_field(member.key) end;
        continue when s.kind = 'categories' and member.key = 'name';
        if s.kind = 'users' and pos.is_secret(member.key) then
            s.warning := 'SECRET_DROPPED';
            continue;
        end if;
        if length(member.key) > 200 then
            perform pos.refuse_field(left(member.key, 200), 'A field name is longer than 200 characters.');
        end if;
        place := cardinality(s.names) + 1;
        s.names[place] := coalesce(member.name, member.key);
        s.vals[place] := case when member.reads is null then member.value::text
                              else pos.shared_state_value(member.reads, member.key, member.value) end;
        if s.kind = 'users' and s.vals[place] <> pos.without_secrets(s.vals[place]::json)::text then
            s.vals[place] := pos.without_secrets(s.vals[place]::json)::text;
            s.warning := 'SECRET_DROPPED';
        end if;
    end loop;
    if s.kind = 'tables' and s.action in ('occupied', 'available', 'reserved', 'cleaning') then
        place := coalesce(array_position(s.names, 'status'), cardinality(s.names) + 1);
        s.names[place] := 'status';
        s.vals[place] := to_json(s.action);
    elsif s.kind = 'inventory' and s.action = 'low_stock_alert' and not 'lowStockAlert' = any(s.names) then
        s.names := s.names || 'lowStockAlert'::text;
        s.vals := s.vals || 'true'::text;
    end if;
    return s;
end $$;
