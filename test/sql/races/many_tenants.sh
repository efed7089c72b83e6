#!/bin/bash
# Transactions that write to several tenants in any order wait for each other, but never in a circle.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

cat >"$SCRATCH/many.sql" <<'EOF'
\set a random(1, 20)
\set b random(1, 20)
\set c random(1, 20)
begin;
insert into pos.orders (tenant_id, customer_name, total_amount, items) select tenant_id, 'a', 1, '[]' from race.key where slug = 'race' || :a and scope = 'pos';
insert into pos.gift_cards (tenant_id, card_number, initial_balance) select tenant_id, gen_random_uuid()::text, 5 from race.key where slug = 'race' || :b and scope = 'pos';
insert into pos.orders (tenant_id, customer_name, total_amount, items) select tenant_id, 'c', 1, '[]' from race.key where slug = 'race' || :c and scope = 'pos';
insert into pos.customers (tenant_id, name, loyalty_points) select tenant_id, 'd', 5 from race.key where slug = 'race' || :a and scope = 'pos';
commit;
EOF
cat >"$SCRATCH/one.sql" <<'EOF'
\set a random(1, 20)
select race.try('order_create', 'race' || :a, '{}', '{"customerName":"x","totalAmount":1,"items":[]}');
EOF
deadlocks=$(q -c "select deadlocks from pg_stat_database where datname = current_database()")
pgbench -n -c 10 -j 2 -t 60 -f "$SCRATCH/many.sql@3" -f "$SCRATCH/one.sql@1" >"$SCRATCH/bench" 2>&1 ||
    say_failed "$(cat "$SCRATCH/bench")"
grep -q 'number of transactions actually processed: 600/600' "$SCRATCH/bench" || say_failed "$(cat "$SCRATCH/bench")"
q -c "select pg_stat_force_next_flush()" >/dev/null
now=$(q -c "select deadlocks from pg_stat_database where datname = current_database()")
[ "$now" = "$deadlocks" ] || say_failed "$((now - deadlocks)) deadlocks"
echo "600 transactions of 10 writers over 20 tenants, no deadlock"
