#!/bin/bash
# Two bridges that both believe they are the active one, while devices acknowledge: each timer once, and no deadlock.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

q -c "update dinedesk_main.tenants set order_ladder = 'on' where slug in ('race18', 'race19')"
for slug in race18 race19; do
    q -c "select count(race.call('order_create', '$slug', '{}', format('{\"orderId\":\"timed-%s\",\"customerName\":\"x\",\"totalAmount\":1,\"items\":[]}', n)))
        from generate_series(1, 200) n" >/dev/null
done
[ "$(q -c "select count(*) from pos.timer where object like 'timed-%'")" = 400 ] || say_failed "not each order has a timer"
q -c "update pos.timer set due = clock_timestamp() - interval '1 second' where object like 'timed-%'"
# Each of its statements is a transaction; the first rung of each order is over when none is due.
bridge() {
    local due=1
    while [ "$due" != 0 ]; do
        q -c "select count(*) from pos.timers_run(20)" >/dev/null
        due=$(q -c "select count(*) from pos.timer where object like 'timed-%' and due <= clock_timestamp()")
    done
}
acks() { # slug
    local n
    for n in $(seq 1 4 200); do
        echo "select race.try('order_answer', '$1', '{\"id\":\"timed-$n\"}', '{\"state\":\"accepted\",\"readyAt\":\"2026-01-05T18:00:00Z\"}');"
    done | q
}
pids=()
for slug in race18 race19; do
    acks "$slug" >"$SCRATCH/acks.$slug" 2>&1 &
    pids+=($!)
done
for n in 1 2 3; do
    bridge >"$SCRATCH/bridge.$n" 2>&1 &
    pids+=($!)
done
wait "${pids[@]}"
if grep -hE "ERROR|WARNING" "$SCRATCH"/bridge.* "$SCRATCH"/acks.*; then say_failed "something failed"; fi
good=$(cat "$SCRATCH"/acks.* | grep -c '^200$')
[ "$good" = 100 ] || say_failed "$good of 100 acknowledgements"
# An order was offered again once, unless it was acknowledged before; none that was has a timer.
read -r offered twice left <<<"$(q -F ' ' -c "
    select count(*), count(*) filter (where e.n > 1),
           (select count(*) from pos.timer t join pos.orders o on o.tenant_id = t.tenant_id and o.id = t.object
             where t.object like 'timed-%' and (o.acknowledged_at is not null or t.step <> 1))
      from (select data ->> 'orderId' as id, tenant_id, count(*) as n from pos.event
             where type = 'order.offered' and data ->> 'orderId' like 'timed-%' group by 1, 2) e")"
unheard=$(q -c "select count(*) from pos.orders o where o.id like 'timed-%' and o.acknowledged_at is null and not exists (
    select from pos.event e where e.tenant_id = o.tenant_id and e.type = 'order.offered' and e.data ->> 'orderId' = o.id)")
[ "$twice $left $unheard" = "0 0 0" ] || say_failed "$offered offered, $twice of them twice, $left timers too many, $unheard not offered"
echo "400 orders, 100 acknowledged meanwhile, $offered offered again once, by three bridges"
