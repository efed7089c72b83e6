-- pos.shared_state_apply - one change of a batch, applied to its row.
-- Holds: shared_state_version_of, shared_state_apply_row, shared_state_wanted, refuse_stale, shared_state_emit,
-- shared_state_log, shared_state_clear, shared_state_apply_order.
-- Caller: shared_state_change, after all rows are locked. Inputs: the context; the step; whether this step has made
-- its row; the dialect.
-- Answers: the step with its result and the row's version, and the events.
-- Refusals: 409 STALE_VERSION: the device saw an older version, and one of the fields that it sets has since been
-- changed to another value; 409 INVALID_TRANSITION: the order is finished.
-- Locks: the stream. Events: see shared_state_change.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.shared_state_apply(c pos.context, in out s pos.house_step, made boolean,
    dialect text, out events text[])
language plpgsql as $$
declare
    done record;
begin
    events := array[]::text[];
    if s.result = 'repeated' then
        s.version := pos.shared_state_version_of(c.tenant_id, s.kind, s.id);
        return;
    end if;
    case s.kind
    when 'clear' then
        done := pos.shared_state_clear(c, s);
    when 'orders' then
        done := pos.shared_state_apply_order(c, s, made, dialect);
    else
        done := pos.shared_state_apply_row(c, s, made);
    end case;
    s := done.s;
    events := done.events;
    -- If the change has several events, the seq of the last one; none when it waits (log/outbox).
    s.seq := pos.event_seq(events[cardinality(events)]);
end $$;

create or replace function pos.shared_state_version_of(tenant uuid, kind text, row_id text) returns bigint
language plpgsql as $$
declare
    version bigint;
begin
    if kind = 'orders' then
        select o.version into version from pos.orders o where o.tenant_id = tenant and o.id = row_id;
    elsif kind <> 'clear' then
        execute format('select r.version from pos.%I r where r.tenant_id = $1 and r.id = $2', pos.shared_state_table(kind))
           into version using tenant, row_id;
    end if;
    return coalesce(version, 0);
end $$;

create or replace function pos.shared_state_apply_row(c pos.context, in out s pos.house_step, made boolean,
    out events text[])
language plpgsql as $$
declare
    table_name text := pos.shared_state_table(s.kind);
    held record := pos.shared_state_lock(table_name, c.tenant_id, s.id);
    row_held json := ('{' || held.fields || '}')::json;
    change record;
    now record;
begin
    s.version := coalesce(held.version, 0);
    s.result := 'unchanged';
    if made then
        change := pos.shared_state_changes('', held.fields);
        events := pos.shared_state_emit(c, s, true, change.names, change.vals, held.fields, held.words, held.updated_at);
        s.result := 'applied';
        return;
    end if;
    if s.deletes then
        if coalesce(not held.alive, true) then
            return;
        end if;
        if s.seen <> held.version then
            perform pos.refuse_stale(s, pos.shared_state_json(s.id, held.version, held.fields), null);
        end if;
        now := pos.shared_state_update(table_name, c.tenant_id, s.id, '{}', '{}', c.device, true, null);
        s.version := now.version;
        events := pos.shared_state_emit(c, s, false, '{}', '{}', now.fields, now.words, now.updated_at);
        s.result := 'applied';
        return;
    end if;

    change := pos.shared_state_wanted(s, held.fields, not held.alive and s.renews);
    if cardinality(change.names) = 0 and held.alive then
        return;
    end if;
    if s.seen > held.version or (s.seen < held.version and (not held.alive
            or cardinality(pos.changed_since(held.field_versions, row_held, change.names, s.seen)) > 0)) then
        perform pos.refuse_stale(s, pos.shared_state_json(s.id, held.version, concat_ws(',', nullif(held.fields, ''),
            case when not held.alive then '"deleted":true' end)),
            pos.changed_since(held.field_versions, row_held, change.names, s.seen));
    end if;
    now := pos.shared_state_update(table_name, c.tenant_id, s.id, change.names, change.vals, c.device, false, s.words);
    s.version := now.version;
    if not held.alive then
        change := pos.shared_state_changes('', now.fields);
    end if;
    events := pos.shared_state_emit(c, s, not held.alive, change.names, change.vals, now.fields, now.words, now.updated_at);
    s.result := case when s.seen < held.version then 'merged' else 'applied' end;
end $$;

-- Of the fields that the device sent, and of those that follow from them, the ones that differ from the row.
create or replace function pos.shared_state_wanted(s pos.house_step, fields text, afresh boolean,
    out names text[], out vals text[])
language plpgsql stable as $$
declare
    held json := ('{' || fields || '}')::json;
begin
    if afresh then
        -- The fields of the deleted row are forgotten, except those that a row must have.
        select s.names || coalesce(array_agg(e.key order by e.n), '{}'),
               s.vals || coalesce(array_agg(pos.shared_state_value(w.reads, e.key, 'null') order by e.n), '{}')
          into s.names, s.vals
          from json_each(held) with ordinality e(key, value, n)
          left join pos.shared_state_words() w on w.kind = s.kind and w.name = e.key
         where not e.key = any(s.names) and not (s.kind = 'categories' and e.key = 'name');
    end if;
    if s.kind = 'tables' and s.vals[array_position(s.names, 'status')] = '"available"'
       and held ->> 'status' <> 'available' then
        -- When the guests have left, the fields about them are emptied. A tablet cannot do that itself: it does not
        -- send fields that it sets to nothing.
        select s.names || array_agg(g), s.vals || array_agg(null::text) into s.names, s.vals
          from unnest(array['orderId', 'customer', 'orderItems', 'orderTotal', 'reservationTime']) g where not g = any(s.names);
    elsif s.kind = 'inventory' and not 'lowStockAlert' = any(s.names)
          and (s.vals[array_position(s.names, 'stock')])::numeric
              > (coalesce(s.vals[array_position(s.names, 'lowStockThreshold')], held ->> 'lowStockThreshold', '0'))::numeric then
        s.names := s.names || 'lowStockAlert'::text;
        s.vals := s.vals || 'false'::text;
    end if;
    select coalesce(array_agg(g.name order by g.n), '{}'), coalesce(array_agg(g.value order by g.n), '{}') into names, vals
      from unnest(s.names, s.vals) with ordinality g(name, value, n)
     where g.value is distinct from (held -> g.name)::text;
end $$;

create or replace function pos.refuse_stale(s pos.house_step, current_row json, fields text[]) returns void
language plpgsql as $$
begin
    perform pos.refuse(409, 'STALE_VERSION',
        format('Somebody else has changed this since version %s. Look at the current row, and send the change again '
               'with its version.', s.seen),
        ('{"kind":"' || s.kind || '","id":' || to_json(s.id)
         || coalesce(',"fields":' || array_to_json(nullif(fields, '{}')), '') || ',"current":' || current_row
         || ',"yours":' || coalesce(s.body, pos.object_of(coalesce(s.names, '{}'),
                array(select coalesce(v, 'null') from unnest(s.vals) v))) || '}')::json);
end $$;

-- The event of a change and its line in sync_log.
create or replace function pos.shared_state_emit(c pos.context, s pos.house_step, is_new boolean, names text[], vals text[],
    fields text, words json, updated_at timestamptz) returns text[]
language plpgsql as $$
declare
    action text := pos.shared_state_event_action(s.action, is_new);
    data json := pos.shared_state_event(s.kind, action, s.id, s.version, names, vals,
                                        pos.shared_state_json(s.id, s.version, fields), words, updated_at,
                                        is_new and pos.is_mastered(c.tenant_id, s.kind));
begin
    perform pos.shared_state_log(c.tenant_id, s.kind, action, s.id, s.version, c.device, data -> 'changed');
    return array[pos.emit(c.tenant_id, pos.shared_state_event_type(s.kind), c.origin, data)];
end $$;

-- This is a log and not a copy, so long values are left out.
create or replace function pos.shared_state_log(tenant uuid, kind text, action text, row_id text, version bigint,
    device text, data json, refused text default null) returns void
language plpgsql as $$
begin
    insert into pos.sync_log (tenant_id, type, action, row_id, version, client_id, refused, data)
    values (tenant, kind, action, row_id, version, left(device, 128), refused,
            case when octet_length(data::text) > 16384 then ('{"bytes":' || octet_length(data::text) || ',"fields":'
                      || (select array_to_json(array(select left(k, 200) from json_object_keys(data) k limit 50))) || '}')::json
                 else pos.without_secrets(data) end);
end $$;

-- Clears the order history that tablets show. They are told also when none is shown: one that was away may have old ones.
create or replace function pos.shared_state_clear(c pos.context, in out s pos.house_step, out events text[])
language plpgsql as $$
declare
    data json := '{"clientId":' || coalesce(to_json(c.device)::text, 'null') || '}';
begin
    update pos.order_history_mark m set updated_by = left(c.device, 128) where m.tenant_id = c.tenant_id;
    perform pos.shared_state_log(c.tenant_id, 'orders', 'clear', null, null, c.device, '{}');
    events := array[pos.emit(c.tenant_id, 'history.cleared', c.origin, data)];
    perform pos.tablet_orders_clear(c.tenant_id);
    s.version := 0;
    s.result := 'applied';
end $$;

create or replace function pos.shared_state_apply_order(c pos.context, in out s pos.house_step, made boolean,
    dialect text, out events text[])
language plpgsql as $$
declare
    old pos.orders;
    o pos.orders;
    f record;
    wanted text;
    merged record;
    moved record;
    changes text[];
    touched text[];
begin
    s.version := 0;
    s.result := 'unchanged';
    select t.* into old from pos.orders t where t.tenant_id = c.tenant_id and t.id = s.id for no key update;
    if not found then
        return;
    end if;
    s.version := old.version;
    if made then
        perform pos.shared_state_log(c.tenant_id, 'orders', 'created', s.id, old.version, c.device, s.body);
        -- The tablet that has drawn an id which was taken shows another order by it now.
        events := array[pos.emit(c.tenant_id, 'order.created', c.origin, ('{' || concat_ws(',',
            pos.inside(pos.order_data(old, null)), '"drawnId":' || (old.details -> 'drawnId')) || '}')::json)];
        s.result := 'applied';
        return;
    end if;

    f := pos.order_fields(s.body, c.timezone, pos.currency_decimals(c.currency));
    if s.lines is not null then
        f.items := (pos.order_items(pos.shared_state_lines_merge(old.items, s.lines),
                                    pos.currency_decimals(c.currency), false)).lines;
    end if;
    wanted := pos.shared_state_order_status(s.wanted, old.status, dialect);
    merged := pos.order_merge(old, f);
    o := merged.o;
    changes := merged.changes;
    s.words := case when s.words is not null then pos.cloudsync_said_of(s.words, old, changes) end;
    touched := changes || array_remove(array[case when wanted is not null then 'status' end], null);
    if cardinality(touched) = 0 then
        return;
    end if;
    if wanted is not null
       and (old.status = 'completed' or not pos.order_transition_legal(old.status, wanted, true)) then
        perform pos.refuse(409, 'INVALID_TRANSITION', format('An order that is %s cannot become %s.', old.status, wanted),
            ('{"kind":"orders","id":' || to_json(s.id) || ',"from":"' || old.status || '","to":"' || wanted
             || '","current":' || pos.order_data(old, null) || '}')::json);
    end if;
    if s.seen > old.version
       or cardinality(pos.changed_since(old.field_versions, pos.order_json(old)::json, touched, s.seen)) > 0 then
        perform pos.refuse_stale(s, pos.order_data(old, null),
            pos.changed_since(old.field_versions, pos.order_json(old)::json, touched, s.seen));
    end if;
    events := array[]::text[];
    if cardinality(changes) > 0 then
        o.updated_at := clock_timestamp();
        o.words := case when s.words is null then o.words
                        else pos.words_after(o.words, changes, case when wanted is null then s.words
                                 else pos.shared_state_details(s.words, '{status}', array[null::text]) end, o.version + 1) end;
        o := pos.order_store(o);
        events := events || pos.emit(c.tenant_id, 'order.updated', c.origin,
            pos.order_data(o, old.status, changes, f.reason, f.updated_by));
    end if;
    if wanted is not null then
        o.words := case when s.words is null then o.words
                        else pos.words_after(o.words, '{status}', s.words, o.version + 1) end;
        moved := pos.order_move(c, o, wanted, f.reason, coalesce(f.updated_by, c.subject));
        o := moved.o;
        events := events || moved.events;
    end if;
    perform pos.shared_state_log(c.tenant_id, 'orders', s.action, s.id, o.version, c.device,
        ('{' || concat_ws(',', nullif(pos.inside(s.body), ''), '"status":' || to_json(wanted)) || '}')::json);
    s.version := o.version;
    s.result := case when s.seen < old.version then 'merged' else 'applied' end;
end $$;
