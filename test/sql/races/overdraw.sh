#!/bin/bash
# Fifty tills charge one card at once, which has money for 33: exactly 33 succeed.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

q -c "select race.card('race1', 'OVER', 100)"
in_parallel 50 "select race.try('gift_card_deduct', 'race1', '{\"cardNumber\":\"OVER\"}', '{\"amount\":3}')"
taken=$(how_many 200)
refused=$(how_many '400 INSUFFICIENT_FUNDS')
left=$(q -c "select current_balance from pos.gift_cards where card_number = 'OVER'")
[ "$taken $refused $left" = "33 17 1.00" ] ||
    say_failed "$taken taken, $refused refused, $left left: $(sort -u "$SCRATCH/said")"

# The same with points.
q -c "insert into pos.customers (tenant_id, phone, loyalty_points) select id, '07700900555', 100
    from dinedesk_main.tenants where slug = 'race1'"
in_parallel 50 "select race.try('loyalty_redeem', 'race1', '{\"phone\":\"07700900555\"}', '{\"points\":3}')"
taken=$(how_many 200)
refused=$(how_many '400 INSUFFICIENT_POINTS')
[ "$taken $refused" = "33 17" ] || say_failed "points: $taken taken, $refused refused: $(sort -u "$SCRATCH/said")"

# And by plain SQL, which does not ask for the balance first.
q -c "select race.card('race1', 'OVERSQL', 100)"
in_parallel 40 "insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount)
    select tenant_id, card_number, 'deduct', -3 from pos.gift_cards where card_number = 'OVERSQL' returning 'taken'"
taken=$(how_many taken)
[ "$taken" = 33 ] || say_failed "SQL: $taken taken: $(sort -u "$SCRATCH/said")"
echo "50 at once on one card, on one customer, and 40 by SQL: 33 succeed each time"
