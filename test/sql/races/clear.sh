#!/bin/bash
# A tablet clears the history while a shop's transaction with an order is open. The order's event comes behind that of
# the clear, so tablets hear of the order, and it is in their next state as well.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

tenant=$(q -c "select id from dinedesk_main.tenants where slug = 'race12'")
order() {
    echo "insert into pos.orders (tenant_id, id, customer_name, total_amount, items, order_source)
        values ('$tenant', '$1', 'x', 1, '[]', 'pos');"
}
q -c "$(order before)"
mkfifo "$SCRATCH/shop"
q <"$SCRATCH/shop" >"$SCRATCH/open" 2>&1 &
exec 3>"$SCRATCH/shop"
{
    echo "begin;"
    order meanwhile
    echo "select 'written';"
} >&3
await_word "$SCRATCH/open" written
number() { until_zero "select count(*) from pos.outbox_relay(null, 1000000)"; }
clear_it() {
    q -c "select race.try('shared_state_change', 'race12', '{}', '{\"dialect\":\"minipos\",\"changes\":[{\"kind\":\"orders\",\"action\":\"clear\"}]}')"
}
shown() {
    q -c "select string_agg(o ->> 'id', ' ' order by o ->> 'id')
        from race.call('minipos_state', 'race12', '{}', null) a, json_array_elements(a.body::json -> 'orderHistory') o"
}
said=$(clear_it)
[ "$said" = 200 ] || say_failed "the clear: $said"
[ "$(shown)" = "" ] || say_failed "after the clear: $(shown)"
echo "commit;" >&3
exec 3>&-
wait
number
[ "$(shown)" = meanwhile ] || say_failed "after the commit: $(shown)"
events=$(q -c "select string_agg(e.type, ' ' order by e.seq) from pos.event e where e.tenant_id = '$tenant'")
[ "$events" = "order.created history.cleared order.created" ] || say_failed "events: $events"

# What is cleared stays so, whatever the shop does with it.
q -c "update pos.orders set status = 'ready', table_number = '7' where tenant_id = '$tenant' and id = 'before'"
number
[ "$(shown)" = meanwhile ] || say_failed "after a change: $(shown)"

# Years of orders that nobody has cleared: one by one only the newest are hidden.
q -c "insert into pos.orders (tenant_id, customer_name, total_amount, items, order_source)
    select '$tenant', 'x', 1, '[]', 'pos' from generate_series(1, 2500)"
number
said=$(clear_it)
[ "$said $(shown)" = "200 " ] || say_failed "many: $said, $(shown)"
said=$(q -c "select count(*) <= 2003 from pos.cleared_order where tenant_id = '$tenant'")
[ "$said" = t ] || say_failed "marked: $said"
said=$(clear_it)
[ "$said" = 200 ] || say_failed "again: $said"
echo "an order whose transaction was open is shown after the clear; 2500 orders were cleared at once"
