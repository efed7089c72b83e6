#!/bin/bash
# Devices change the same rows at once: some make a row, some repeat a change, some are too late; batches in any
# order run together with everything else that locks orders. Nothing is lost, and there is no deadlock.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

tenant=$(q -c "select id from dinedesk_main.tenants where slug = 'race11'")

# Twenty devices make one row, and all their values are kept. The same with an order.
in_parallel 20 "select a.status || ' ' || (a.body::json #>> '{changes,0,version}')
    from race.call('shared_state_change', 'race11', '{}', ('{\"changes\":[{\"kind\":\"tables\",\"action\":\"created\",\"id\":\"t\",\"data\":{\"seats\":' || pg_backend_pid() % 1000 || ',\"by' || pg_backend_pid() || '\":1}}]}')) a"
[ "$(sort -u "$SCRATCH/said" | wc -l)" = 20 ] || say_failed "made by 20: $(cat "$SCRATCH/said")"
kept=$(q -c "select version || ' ' || (select count(*) from json_object_keys(details)) from pos.tables
    where tenant_id = '$tenant' and id = 't'")
[ "$kept" = "20 20" ] || say_failed "of 20 devices: $kept"
in_parallel 20 "select a.status || ' ' || (a.body::json #>> '{changes,0,result}')
    from race.call('shared_state_change', 'race11', '{}', '{\"changes\":[{\"kind\":\"orders\",\"id\":\"o\",\"data\":{\"total\":5}}]}') a"
[ "$(how_many '200 applied') $(how_many '200 unchanged')" = "1 19" ] ||
    say_failed "an order made by 20: $(sort "$SCRATCH/said" | uniq -c)"

# The same change by its id; and twelve changes of one version, of which one succeeds.
in_parallel 20 "select a.body::json #>> '{changes,0,result}'
    from race.call('shared_state_change', 'race11', '{}', ('{\"changes\":[{\"kind\":\"tables\",\"id\":\"t\",\"changeId\":\"same\",\"data\":{\"note\":' || pg_backend_pid() || '}}]}')) a"
[ "$(how_many applied) $(how_many repeated)" = "1 19" ] ||
    say_failed "the same change: $(sort "$SCRATCH/said" | uniq -c)"
in_parallel 12 "select a.status from race.call('shared_state_change', 'race11', '{}', ('{\"changes\":[{\"kind\":\"tables\",\"id\":\"t\",\"version\":21,\"data\":{\"note\":\"' || pg_backend_pid() || '\"}}]}')) a"
[ "$(how_many 200) $(how_many 409)" = "1 11" ] || say_failed "with a version: $(sort "$SCRATCH/said" | uniq -c)"

# Batches in both orders, and everything else that locks these rows.
q -c "insert into pos.orders (tenant_id, id, customer_name, total_amount, items, table_number, created_at)
    select '$tenant', 'h' || n, 'x', 1, '[]', 'H', now() - make_interval(secs => n) from generate_series(1, 4) n"
batch() { # the ids of orders and tables, in this order
    local n list=
    for n in "$@"; do
        list+="{\"kind\":\"orders\",\"id\":\"h$n\",\"changeId\":\"' || :r % 1000 || '-$n\",\"data\":{\"note\":' || :r || '}},{\"kind\":\"tables\",\"id\":\"h$n\",\"data\":{\"seats\":' || :r % 10 || '}},{\"kind\":\"inventory\",\"id\":\"new' || :r % 50 || '-$n\",\"data\":{\"stock\":' || :r % 7 || '}},"
    done
    printf '%s\n' '\set r random(1, 1000000)' "select 1 / (case when race.try('shared_state_change', 'race11', '{}', '{\"changes\":[${list%,}]}') = '200' then 1 else 0 end);"
}
batch 1 2 3 4 >"$SCRATCH/up.sql"
batch 4 3 2 1 >"$SCRATCH/down.sql"
cat >"$SCRATCH/one.sql" <<'END'
\set n random(1, 4)
\set r random(1, 1000000)
select 1 / (case when race.try('order_update', 'race11', '{"id":"h' || :n || '"}', '{"other":' || :r || '}') = '200' then 1 else 0 end);
END
cat >"$SCRATCH/table.sql" <<'END'
select 1 / (case when race.try('table_complete', 'race11', '{}', '{"tableNumber":"H"}') in ('200', '404 TABLE_NOT_FOUND') then 1 else 0 end);
END
cat >"$SCRATCH/sql.sql" <<'END'
\set n random(1, 4)
\set r random(1, 1000000)
update pos.tables set details = ('{"sql":' || :r || '}')::json where id = 'h' || :n;
END
cat >"$SCRATCH/state.sql" <<'END'
\set n random(0, 1)
select 1 / (case when race.try(case when :n = 0 then 'minipos_state' else 'cloudsync_data' end, 'race11', '{}', null) = '200' then 1 else 0 end);
END
deadlocks=$(q -c "select deadlocks from pg_stat_database where datname = current_database()")
pgbench -n -c 8 -j 2 -t 40 -f "$SCRATCH/up.sql@3" -f "$SCRATCH/down.sql@3" -f "$SCRATCH/one.sql@2" -f "$SCRATCH/table.sql@2" -f "$SCRATCH/sql.sql@2" -f "$SCRATCH/state.sql@2" >"$SCRATCH/bench" 2>&1 || say_failed "$(cat "$SCRATCH/bench")"
grep -q 'number of transactions actually processed: 320/320' "$SCRATCH/bench" || say_failed "$(cat "$SCRATCH/bench")"
q -c "select pg_stat_force_next_flush()" >/dev/null
now=$(q -c "select deadlocks from pg_stat_database where datname = current_database()")
[ "$now" = "$deadlocks" ] || say_failed "$((now - deadlocks)) deadlocks"
# The snapshots agree with the tables.
# What SQL writers have committed has its place first: the call below would give it one, and its statement not see that.
q -c "select pos.outbox_number('$tenant', 100000)" >/dev/null
shown=$(q -c "select (a.body::json ->> 'seq')::bigint = s.head and (
    select string_agg(t ->> 'version', ' ' order by t ->> 'id') from json_array_elements(a.body::json -> 'tables') t)
    = (select string_agg(version::text, ' ' order by id) from pos.tables where tenant_id = '$tenant') from race.call('minipos_state', 'race11', '{}', null) a, pos.stream s where s.tenant_id = '$tenant'")
[ "$shown" = t ] || say_failed "a state that is not the newest"
echo "one row made by 20, one change repeated by 20, 12 too late but one; 320 transactions of 8 clients in both orders, no deadlock"
