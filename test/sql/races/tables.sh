#!/bin/bash
# The orders of a table become ready at once, by operation and by SQL: the table is ready once, after the last of
# them, with all of them. Many clients complete a table at once: one succeeds.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

tenant=$(q -c "select id from dinedesk_main.tenants where slug = 'race10'")
rounds=12
for round in $(seq "$rounds"); do
    q -c "insert into pos.orders (tenant_id, id, customer_name, total_amount, items, table_number)
        select '$tenant', 't$round-' || n, 'x', 1, '[]', '$round' from generate_series(1, 6) n"
    for n in 1 2 3; do
        q -c "select race.try('order_status', 'race10', '{}', '{\"orderId\":\"t$round-$n\",\"status\":\"ready\"}')" >"$SCRATCH/one.$n" 2>&1 &
    done
    q -c "select race.try('order_update', 'race10', '{\"id\":\"t$round-4\"}', '{\"status\":\"ready\",\"note\":1}')" >"$SCRATCH/one.4" 2>&1 &
    q -c "update pos.orders set status = 'ready' where tenant_id = '$tenant'
        and id in ('t$round-5', 't$round-6') returning 200" >"$SCRATCH/one.5" 2>&1 &
    wait
    q -c "select count(*) from pos.outbox_relay(null, 1000)" >/dev/null
    [ "$(cat "$SCRATCH"/one.* | grep -cx 200)" = 6 ] || say_failed "round $round: $(cat "$SCRATCH"/one.*)"
    told=$(q -c "select string_agg(case e.type when 'table.ready' then 'ready ' || json_array_length(e.data -> 'orderIds') else 's' end, ' ' order by e.seq)
        from pos.event e where e.tenant_id = '$tenant' and e.data ->> 'tableNumber' = '$round' and e.type in ('order.status_changed', 'table.ready')")
    [ "$told" = "s s s s s s ready 6" ] || say_failed "round $round: $told"
done

# The last order becomes ready in a transaction that is still open when another order comes to the table.
q -c "insert into pos.orders (tenant_id, id, customer_name, total_amount, items, table_number)
    values ('$tenant', 'held', 'x', 1, '[]', 'H')"
mkfifo "$SCRATCH/hold"
q <"$SCRATCH/hold" >"$SCRATCH/holder" 2>&1 &
exec 3>"$SCRATCH/hold"
echo "begin; update pos.orders set status = 'ready' where tenant_id = '$tenant' and id = 'held' returning 'held';" >&3
await_word "$SCRATCH/holder" held
q -c "insert into pos.orders (tenant_id, id, customer_name, total_amount, items, table_number)
    values ('$tenant', 'new', 'x', 1, '[]', 'H')"
echo "commit;" >&3
exec 3>&-
wait
q -c "select count(*) from pos.outbox_relay(null, 1000)" >/dev/null
told=$(q -c "select count(*) from pos.event e where e.tenant_id = '$tenant' and e.type = 'table.ready'
    and e.data ->> 'tableNumber' = 'H'")
[ "$told" = 0 ] || say_failed "a table was ready though another order had come"

# Many clients complete it while one of its orders gets another status.
in_parallel 12 "select race.try('table_complete', 'race10', '{}', '{\"tableNumber\":1}')"
[ "$(how_many 200) $(how_many '404 TABLE_NOT_FOUND')" = "1 11" ] ||
    say_failed "complete: $(sort "$SCRATCH/said" | uniq -c)"
for n in 1 2 3 4 5 6; do
    q -c "select race.try('order_status', 'race10', '{}', '{\"orderId\":\"t2-$n\",\"status\":\"picked-up\"}')" >"$SCRATCH/two.$n" 2>&1 &
done
in_parallel 1 "select race.try('table_complete', 'race10', '{}', '{\"tableNumber\":2}')"
wait
[ "$(how_many 200)" = 1 ] || say_failed "complete: $(cat "$SCRATCH/said")"
if cat "$SCRATCH"/two.* | grep -vxE '200|409 INVALID_TRANSITION'; then say_failed "moved: $(cat "$SCRATCH"/two.*)"; fi
left=$(q -c "select count(*) from pos.orders where tenant_id = '$tenant' and table_number in ('1', '2')
    and status <> 'completed'")
[ "$left" = 0 ] || say_failed "$left orders are still open"
echo "$rounds tables whose 6 orders became ready at once: ready once each, after the last; completed once"
