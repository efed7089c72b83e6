#!/bin/bash
# Old orders are archived while writers change some of them: each is in one place, and what a writer was told is kept.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

tenant=$(q -c "select id from dinedesk_main.tenants where slug = 'race16'")
q -c "insert into pos.orders (tenant_id, id, customer_name, total_amount, items, status)
    select '$tenant', 'old-' || n, 'x', 1, '[]', 'completed' from generate_series(1, 3000) n"
q -c "set session_replication_role = replica;
    update pos.orders set updated_at = now() - interval '500 days' where tenant_id = '$tenant'"
writer() { # number
    local n
    for n in $(seq "$1" 4 400); do
        # One open transaction at a time, so that the housekeeping meets rows that are locked.
        echo "begin; update pos.orders set special_instructions = 'kept' where tenant_id = '$tenant' and id = 'old-$((n * 7))';"
        echo "select case when count(*) = 1 then 'held ' || min(id) end from pos.orders
            where tenant_id = '$tenant' and id = 'old-$((n * 7))' and special_instructions = 'kept'; commit;"
    done | q
}
pids=()
for n in 1 2 3 4; do
    writer "$n" >"$SCRATCH/writer.$n" 2>&1 &
    pids+=($!)
done
until_zero "select pos.maintain('old_orders')"
steps=$REPLY
wait "${pids[@]}"
until_zero "select pos.maintain('old_orders')"
steps=$((steps + REPLY))
! grep -h ERROR "$SCRATCH"/writer.* || say_failed "a writer failed"
held=$(cat "$SCRATCH"/writer.* | grep -c held)
live=$(q -c "select count(*) from pos.orders where tenant_id = '$tenant' and special_instructions = 'kept'")
other=$(q -c "select count(*) from pos.orders where tenant_id = '$tenant' and special_instructions is null")
archived=$(q -c "select count(*) from pos.order_archive where tenant_id = '$tenant' and special_instructions is null")
twice=$(q -c "select count(*) from pos.orders o join pos.order_archive a on a.tenant_id = o.tenant_id and a.id = o.id")
[ "$live $other $((live + archived)) $twice" = "$held 0 3000 0" ] ||
    say_failed "held $held, live $live, others $other, archived $archived, twice $twice"
echo "3000 orders in $steps steps, $held of them changed meanwhile and kept, none in both places"
