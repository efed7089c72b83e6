-- pos.timers_run - what is due now happens, once.
-- Holds: timer_set, timer_clear, timer_claim, timer_try, timer_context.
-- Caller: the active bridge, when the next one is due and several times a second; timer_set and timer_clear: operations.
-- Inputs: how many at most. A call deals with the timers of one kind and one restaurant, so that its things are locked in
-- order and before the one stream. Of a restaurant that moves to another cell nothing happens here: its timers go along, and
-- what became due on the way happens there at once. After a restore, what became due meanwhile happens at once too: a kind
-- that makes no sense late looks at `due`.
-- Answers: a row for each event to publish, and a last one without an event: how many milliseconds until the next is due (null:
-- there is none), how many there were, how many of them failed, and by how much the latest was late. One that fails is undone,
-- and tried again: after a tenth of a second when something was locked, else after a second, then two, up to a minute.
-- Refusals: none. Locks: the things that are free, the timers, then the stream. Events: those of the kinds.
-- SPDX-License-Identifier: Apache-2.0

create or replace function pos.timer_set(tenant uuid, kind text, object text, due timestamptz, step int default 0) returns void
language plpgsql as $$
begin
    insert into pos.timer (tenant_id, kind, object, due, step)
    values (tenant, timer_set.kind, timer_set.object, timer_set.due, timer_set.step)
    on conflict on constraint timer_pkey do update
       set due = excluded.due, step = excluded.step, meant = null, failures = 0;
end $$;

create or replace function pos.timer_clear(tenant uuid, kind text, object text) returns void
language plpgsql as $$
begin
    delete from pos.timer t where t.tenant_id = tenant and t.kind = timer_clear.kind and t.object = timer_clear.object;
end $$;

create or replace function pos.timers_run(most int)
returns table (tenant_id uuid, event text, next_ms bigint, ran int, failed int, late_ms bigint)
language plpgsql security definer set search_path = pos, pg_temp set tillwire.writer = 'function' set enable_seqscan = off
set lock_timeout = '500ms' as $$
declare
    moment timestamptz := clock_timestamp();
    due_now record;
    t pos.timer;
    emitted text[];
    next_due timestamptz;
begin
    ran := 0;
    failed := 0;
    for due_now in
        select d.tenant_id, d.kind
          from (select w.tenant_id, w.kind, w.due from pos.timer w
                  join dinedesk_main.tenants n on n.id = w.tenant_id and n.status in ('active', 'suspended', 'leaving')
                 where w.due <= moment order by w.due limit 1000) d
         group by d.tenant_id, d.kind order by min(d.due)
    loop
        for t in select c.* from pos.timer_claim(due_now.tenant_id, due_now.kind, moment, most) c loop
            late_ms := greatest(late_ms, extract(epoch from clock_timestamp() - t.due) * 1000);
            emitted := pos.timer_try(t);
            ran := ran + 1;
            failed := failed + case when emitted is null then 1 else 0 end;
            return query select t.tenant_id, e.line, null::bigint, null::int, null::int, null::bigint
                           from unnest(emitted) a(lines), string_to_table(a.lines, E'\n') e(line) where e.line <> '';
        end loop;
        exit when ran > 0; -- what holds nothing yet may look for another one
    end loop;
    select w.due into next_due
      from pos.timer w
      join dinedesk_main.tenants n on n.id = w.tenant_id and n.status in ('active', 'suspended', 'leaving')
     order by w.due limit 1;
    if next_due is not null then
        next_ms := greatest(extract(epoch from next_due - clock_timestamp()) * 1000, case when ran = 0 then 100 else 0 end);
    end if;
    tenant_id := null;
    event := null;
    return next;
end $$;

-- Takes the timers out of the table, after their things were locked.
create or replace function pos.timer_claim(tenant uuid, kind text, moment timestamptz, most int) returns setof pos.timer
language plpgsql set enable_seqscan = off as $$
declare
    objects text[] := array(
        select w.object from pos.timer w
         where w.tenant_id = tenant and w.kind = timer_claim.kind and w.due <= moment
         order by w.due, w.object limit most);
begin
    objects := pos.timer_hold(kind, tenant, objects);
    return query
    with free as materialized (
        select w.object from pos.timer w
         where w.tenant_id = tenant and w.kind = timer_claim.kind and w.object = any(objects) and w.due <= moment
           for update skip locked),
    claimed as (
        delete from pos.timer w using free f
         where w.tenant_id = tenant and w.kind = timer_claim.kind and w.object = f.object
        returning w.*)
    select c.* from claimed c order by c.due, c.object;
end $$;

-- Null: it failed, and nothing of it has happened.
create or replace function pos.timer_try(t pos.timer) returns text[]
language plpgsql as $$
declare
    is_locked boolean;
begin
    t.due := coalesce(t.meant, t.due);
    return coalesce(pos.timer_act(t), '{}');
exception when others then
    is_locked := sqlstate in ('55P03', '40P01', '40001');
    raise warning 'the timer % of %, tenant %, fails: %', t.kind, t.object, t.tenant_id, sqlerrm;
    insert into pos.timer (tenant_id, kind, object, due, step, meant, failures)
    values (t.tenant_id, t.kind, t.object,
            clock_timestamp() + case when is_locked then interval '100 milliseconds'
                                     else least(interval '1 second' * 2 ^ least(t.failures, 10), interval '1 minute') end,
            t.step, t.due, t.failures + 1)
    on conflict do nothing;
    return null;
end $$;

-- Who does what a timer does, for functions that want to know it.
create or replace function pos.timer_context(tenant uuid) returns pos.context
language plpgsql stable as $$
declare
    c pos.context;
begin
    select t.id, t.slug, t.name, t.country, t.currency, t.timezone, t.order_number_prefix
      into c.tenant_id, c.tenant_slug, c.tenant_name, c.country, c.currency, c.timezone, c.order_number_prefix
      from dinedesk_main.tenants t where t.id = tenant;
    c.origin := '{"kind":"timer"}';
    c.path := '{}';
    c.query := '{}';
    return c;
end $$;
