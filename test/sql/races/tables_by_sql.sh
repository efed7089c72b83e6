#!/bin/bash
# The four orders of a table become ready at the same time by SQL, each in a transaction of its own, while the bridge numbers:
# the ids of their events and commits interleave. Each table is ready once.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

tenant=$(q -c "select id from dinedesk_main.tenants where slug = 'race15'")
tables=300
q -c "insert into pos.orders (tenant_id, id, customer_name, total_amount, items, table_number, status)
    select '$tenant', x || n, 'a', 1, '[]', n::text, 'preparing' from generate_series(1, $tables) n, unnest(array['A','B','C','D']) x"
number() { until_zero "select count(*) from pos.outbox_relay(null, 1000000)"; }
number
for x in A B C D; do
    for n in $(seq "$tables"); do
        echo "update pos.orders set status = 'ready' where tenant_id = '$tenant' and id = '$x$n';"
    done | q -f - >"$SCRATCH/said.$x" 2>&1 &
done
echo "select count(*) from pos.outbox_relay(null, 50);" >"$SCRATCH/bridge.sql"
pgbench -n -c 1 -T 3 -f "$SCRATCH/bridge.sql" >"$SCRATCH/bench" 2>&1
wait
number
said=$(cat "$SCRATCH"/said.*)
[ -z "$said" ] || say_failed "$said"
told=$(q -c "select string_agg(distinct g.times::text, ' ') || ' of ' || count(*) from (
    select e.data ->> 'tableNumber', count(*) as times from pos.event e
     where e.tenant_id = '$tenant' and e.type = 'table.ready' group by 1) g")
[ "$told" = "1 of $tables" ] || say_failed "tables were ready so often: $told"
early=$(q -c "select count(*) from pos.event e where e.tenant_id = '$tenant' and e.type = 'table.ready' and exists (
    select 1 from pos.event s where s.tenant_id = e.tenant_id and s.type = 'order.status_changed' and s.seq > e.seq
       and s.data ->> 'tableNumber' = e.data ->> 'tableNumber')")
[ "$early" = 0 ] || say_failed "$early tables were ready before their last order was"
echo "$tables tables whose 4 orders became ready at once by SQL: ready once each, after the last"
