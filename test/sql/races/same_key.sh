#!/bin/bash
# One idempotency key sent by many at once, and again: one effect, one answer.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

q -c "select race.card('race2', 'KEY', 100)"
busy=0
for round in 1 2 3 4 5; do
    in_parallel 20 "select race.try('gift_card_deduct', 'race2', '{\"cardNumber\":\"KEY\"}', '{\"amount\":1,\"orderId\":$round}', '{\"idempotencyKey\":\"same-$round\"}')"
    first=$(how_many 200)
    again=$(how_many '200 replayed')
    running=$(how_many '409 IDEMPOTENCY_IN_PROGRESS')
    [ "$first $((first + again + running))" = "1 20" ] ||
        say_failed "round $round: $first first, $again replayed, $running in progress: $(sort -u "$SCRATCH/said")"
    busy=$((busy + running))
done
entries=$(q -c "select count(*) || ' ' || count(distinct idempotency_key) from pos.pos_gift_card_transactions
    where card_number = 'KEY' and type = 'deduct'")
[ "$entries" = "5 5" ] || say_failed "entries: $entries"

# While the first request is being worked on, a repeat does not wait for it.
mkfifo "$SCRATCH/hold"
q <"$SCRATCH/hold" >"$SCRATCH/holder" 2>&1 &
exec 3>"$SCRATCH/hold"
echo "begin; select race.try('gift_card_deduct', 'race2', '{\"cardNumber\":\"KEY\"}', '{\"amount\":2}', '{\"idempotencyKey\":\"held\"}');" >&3
await_word "$SCRATCH/holder" 200
said=$(q -c "select race.try('gift_card_deduct', 'race2', '{\"cardNumber\":\"KEY\"}', '{\"amount\":2}', '{\"idempotencyKey\":\"held\"}')")
[ "$said" = "409 IDEMPOTENCY_IN_PROGRESS" ] || say_failed "while held: $said"
echo "commit;" >&3
exec 3>&-
wait
said=$(q -c "select race.try('gift_card_deduct', 'race2', '{\"cardNumber\":\"KEY\"}', '{\"amount\":2}', '{\"idempotencyKey\":\"held\"}')")
[ "$said" = "200 replayed" ] || say_failed "afterwards: $said"

# Many clients make the same order without a key: it is made once.
in_parallel 20 "select race.try('order_create', 'race2', '{}', '{\"orderId\":\"one\",\"customerName\":\"x\",\"totalAmount\":1,\"items\":[]}')"
[ "$(how_many 201) $(how_many '409 ORDER_EXISTS')" = "1 19" ] || say_failed "orders: $(sort "$SCRATCH/said" | uniq -c)"
in_parallel 20 "select race.try('customer_create', 'race2', '{}', '{\"phone\":\"07700900222\",\"name\":\"x\"}')"
[ "$(how_many 201) $(how_many '409 CUSTOMER_EXISTS')" = "1 19" ] ||
    say_failed "customers: $(sort "$SCRATCH/said" | uniq -c)"
in_parallel 20 "select race.try('report_daily', 'race2', '{}', '{\"reportDate\":\"2025-10-10\",\"totalSales\":' || pg_backend_pid() || '}')"
[ "$(how_many 200) $(q -c "select max(revision) from pos.daily_report_revision where tenant_id = (select id from dinedesk_main.tenants where slug = 'race2')")" = "20 20" ] ||
    say_failed "reports: $(sort "$SCRATCH/said" | uniq -c)"
echo "5 rounds of 20: one effect each, $busy told that it is in progress, the rest replayed"
