#!/bin/bash
# A simulation: writers by plain SQL and operations in transactions that overlap at random, some of which end in a
# rollback or a broken connection, while a bridge, comparisons of heads and reads number what waits. No writer ever waits;
# each committed change is heard once, a transaction's in its order, and what had been committed before a change comes
# before it. SEED=<number> repeats a run.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
q -c "set client_min_messages = warning" -c "create extension if not exists dblink schema public" >/dev/null
sed "s/@SEED@/$seed/; s|@WHERE@|host=$PGHOST port=$PGPORT user=$PGUSER dbname=$PGDATABASE|" >"$SCRATCH/simulation.sql" <<'EOF'
set search_path = pos, public;
create temp table session (name text primary key, kind text, tenant uuid, step int); -- kind: null, sql or op: a transaction is open
create temp table change (nth serial, session text, tenant uuid, label text, written int, committed int); -- committed: null: not yet, 0: never
create function pg_temp.said(session text, statement text) returns text language plpgsql as $$
begin
    return (select d.t from dblink(session, statement) d(t text));
end $$;
create function pg_temp.order_by_sql(tenant uuid, label text, n int) returns text language sql as $$
    select format('with made as (insert into pos.orders (tenant_id, customer_name, total_amount, items) select %L, %L || n, 1, ''[]'' '
                  'from generate_series(1, %s) n returning 1) select count(*)::text from made', tenant, label || '/', n)
$$;
do $$
declare
    steps constant int := 700;
    step int;
    dice float8;
    s record;
    at_tenant record;
    label text;
    n int;
    answer text;
begin
    perform setseed((@SEED@ % 1000000) / 1000000.0);
    for n in 1..6 loop
        insert into session values ('s' || n);
        perform dblink_connect('s' || n, '@WHERE@');
        perform dblink_exec('s' || n, 'set lock_timeout = ''100ms''');
    end loop;
    for step in 1..steps loop
        select o.* into s from session o order by random() limit 1;
        select t.id as tenant, t.slug into at_tenant from dinedesk_main.tenants t where t.slug in ('race13', 'race14') order by random() limit 1;
        dice := random();
        label := s.name || '-' || step;
        if s.kind is null and dice < 0.35 then
            perform dblink_exec(s.name, case when random() < 0.7 then 'begin' else 'begin isolation level repeatable read' end);
            update session o set kind = 'sql' where o.name = s.name;
        elsif s.kind is null and dice < 0.45 then
            -- An operation in a transaction that stays open: it holds the stream.
            continue when exists (select 1 from session o where o.kind = 'op' and o.tenant = at_tenant.tenant);
            perform dblink_exec(s.name, 'begin');
            answer := pg_temp.said(s.name, format('select race.try(''order_create'', %L, ''{}'', %L)', at_tenant.slug,
                                                  format('{"customerName":"%s/1","totalAmount":1,"items":[]}', label)));
            if answer <> '201' then raise exception 'an operation: %', answer; end if;
            update session o set kind = 'op', tenant = at_tenant.tenant where o.name = s.name;
            insert into change (session, tenant, label, written) values (s.name, at_tenant.tenant, label || '/1', step);
        elsif s.kind is null and dice < 0.6 then
            continue when exists (select 1 from session o where o.kind = 'op' and o.tenant = at_tenant.tenant);
            answer := pg_temp.said(s.name, format('select race.try(''order_create'', %L, ''{}'', %L)', at_tenant.slug,
                                                  format('{"customerName":"%s/1","totalAmount":1,"items":[]}', label)));
            if answer <> '201' then raise exception 'an operation: %', answer; end if;
            insert into change (session, tenant, label, written, committed) values (s.name, at_tenant.tenant, label || '/1', step, step);
        elsif s.kind = 'sql' and dice < 0.5 then
            n := case when random() < 0.04 then 230 else 1 + (random() * 2)::int end;
            perform pg_temp.said(s.name, pg_temp.order_by_sql(at_tenant.tenant, label, n));
            insert into change (session, tenant, label, written) select s.name, at_tenant.tenant, label || '/' || g, step from generate_series(1, n) g;
        elsif s.kind is not null and dice < 0.8 then
            perform dblink_exec(s.name, 'commit');
            update change c set committed = step where c.session = s.name and c.committed is null;
            update session o set kind = null where o.name = s.name;
        elsif s.kind is not null and dice < 0.88 then
            if random() < 0.5 then
                perform dblink_exec(s.name, 'rollback');
            else
                perform dblink_disconnect(s.name);
                perform dblink_connect(s.name, '@WHERE@');
                perform dblink_exec(s.name, 'set lock_timeout = ''100ms''');
            end if;
            update change c set committed = 0 where c.session = s.name and c.committed is null;
            update session o set kind = null where o.name = s.name;
        elsif s.kind is null and dice < 0.8 then
            perform pg_temp.said(s.name, format('select count(*)::text from pos.outbox_relay(null, %s)', 1 + (random() * 40)::int));
        elsif s.kind is null and dice < 0.9 then
            perform pg_temp.said(s.name, format('select race.try(''orders_pending'', %L, ''{}'', null)', at_tenant.slug));
        elsif s.kind is null then
            perform pg_temp.said(s.name, format('select count(*)::text from pos.heads(array[%L]::uuid[])', at_tenant.tenant));
        end if;
    end loop;
    for s in select o.* from session o loop
        if s.kind is not null then
            perform dblink_exec(s.name, 'commit');
            update change c set committed = steps + 1 where c.session = s.name and c.committed is null;
        end if;
    end loop;
    while pg_temp.said('s1', 'select count(*)::text from pos.outbox_relay(null, 1000000)') <> '0' loop
    end loop;
    perform dblink_disconnect(o.name) from session o;
end $$;
create temp table heard as
    select e.tenant_id as tenant, e.seq, e.at, e.data ->> 'customerName' as label from pos.event e
      join dinedesk_main.tenants t on t.id = e.tenant_id where t.slug in ('race13', 'race14') and e.type = 'order.created';
create temp table told as
    select h.tenant, h.seq, h.label, c.nth, c.written, c.committed, c.session from heard h join change c using (tenant, label);
select 'lost: ' || c.label from change c where c.committed > 0 and not exists (select 1 from heard h where h.label = c.label)
union all select 'undone, and heard: ' || h.label from heard h join change c using (label) where c.committed = 0
union all select 'heard twice: ' || h.label from heard h where h.label in (select c.label from change c) group by h.label having count(*) > 1
union all select 'a transaction out of order: ' || a.label || ', ' || b.label
  from (select t.*, lag(t.nth) over (partition by t.tenant, t.session, t.committed order by t.seq) as before from told t) a
  join change b on b.nth = a.before where a.before > a.nth
-- Of the changes behind this one, the earliest commit: it must not be before this one was written.
union all select 'an effect before its cause: ' || a.label
  from (select t.*, min(t.committed) over (partition by t.tenant order by t.seq rows between 1 following and unbounded following) as earliest from told t) a
 where a.earliest < a.written
union all select 'a time that goes back: ' || h.label from (select h.*, lag(h.at) over (partition by h.tenant order by h.seq) as before from heard h) h where h.at < h.before;
select format('%s changes, %s of them committed', count(*), count(*) filter (where c.committed > 0)) from change c;
EOF
said=$(q -f "$SCRATCH/simulation.sql" 2>&1) || say_failed "SEED=$seed: $said"
[ "$(wc -l <<<"$said")" = 1 ] || say_failed "SEED=$seed: $said"
[ "$(q -c "select count(*) from pos.outbox o join dinedesk_main.tenants t on t.id = o.tenant_id where t.slug in ('race13', 'race14')")" = 0 ] ||
    say_failed "SEED=$seed: some still wait"
echo "seed $seed: $said, each once and in order, and nobody waited"
