-- pos.setting_set - for how long this database keeps what.
-- Holds: is_span, setting_show.
-- Caller: tillctl setting. Inputs: spans like "30 days"; for orders also "never"; null: it stays as it is.
-- Answers: setting_show: a row.
-- Refusals: 400 INVALID_TIME. Locks: the row. Events: none; an audit row of no restaurant.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.setting_set(events text, idempotency text, archive text, orders text) returns void
language plpgsql as $$
declare
    old pos.setting := (select s from pos.setting s limit 1);
    new pos.setting;
    changed text;
begin
    if not pos.is_span(events, '1 hour') or not pos.is_span(idempotency, '1 hour')
       or not pos.is_span(nullif(archive, 'never'), '1 day') or not pos.is_span(nullif(orders, 'never'), '1 day') then
        perform pos.refuse(400, 'INVALID_TIME', 'that takes a span like "30 days": an hour at least, a day for orders, which may also have "never"');
    end if;
    update pos.setting s
       set event_retention = coalesce(events::interval, s.event_retention),
           idempotency_retention = coalesce(idempotency::interval, s.idempotency_retention),
           order_archive = case archive when 'never' then null else coalesce(archive::interval, s.order_archive) end,
           order_retention = case orders when 'never' then null else coalesce(orders::interval, s.order_retention) end
    returning * into new;
    select string_agg(format('%s: %s -> %s', a.key, coalesce(b.value, 'never'), coalesce(a.value, 'never')), '; ' order by a.key) into changed
      from jsonb_each_text(to_jsonb(new)) a join jsonb_each_text(to_jsonb(old)) b using (key)
     where a.value is distinct from b.value;
    if changed is not null then
        perform pos.operator_note(null, 'setting.set', 'database', changed);
    end if;
end $$;

create or replace function pos.is_span(given text, shortest interval) returns boolean
language plpgsql immutable as $$
begin
    if given !~ '^[0-9]{1,6} *(hour|day|week|month|year)s?$' then
        return false;
    end if;
    return coalesce(given::interval >= shortest, true);
end $$;

create or replace function pos.setting_show()
returns table (cell int, events_kept interval, answers_kept interval, orders_archived_after text, orders_deleted_after text)
language plpgsql as $$
begin
    return query
    select s.cell, s.event_retention, s.idempotency_retention, coalesce(s.order_archive::text, 'never'), coalesce(s.order_retention::text, 'never')
      from pos.setting s;
end $$;
