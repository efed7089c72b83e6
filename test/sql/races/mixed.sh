#!/bin/bash
# Everything at once on a few hot rows: deducts, points, orders, by operation and by SQL, and the housekeeping
# that drops old days. No transaction fails, and the ledgers are whole afterwards.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

q <<'EOF'
select race.card('race6', 'HOT' || n, 100000) from generate_series(1, 3) n \g /dev/null
insert into pos.customers (tenant_id, phone, loyalty_points) select id, '07700900666', 100000 from dinedesk_main.tenants where slug = 'race6';
insert into pos.orders (tenant_id, id, customer_name, total_amount, items) select id, 'hot' || n, 'x', 1, '[]' from dinedesk_main.tenants, generate_series(1, 3) n where slug = 'race6';
EOF
cat >"$SCRATCH/deduct.sql" <<'EOF'
\set n random(1, 3)
select 1 / (case when race.try('gift_card_deduct', 'race6', '{"cardNumber":"HOT' || :n || '"}', '{"amount":0.01}', '{"idempotencyKey":"' || gen_random_uuid() || '"}') = '200' then 1 else 0 end);
EOF
cat >"$SCRATCH/points.sql" <<'EOF'
select 1 / (case when race.try('loyalty_add', 'race6', '{"phone":"07700900666"}', '{"points":1}') = '200' then 1 else 0 end);
EOF
cat >"$SCRATCH/patch.sql" <<'EOF'
\set n random(1, 3)
\set r random(1, 1000000)
select 1 / (case when race.try('order_update', 'race6', '{"id":"hot' || :n || '"}', '{"note":' || :r || '}') = '200' then 1 else 0 end);
EOF
cat >"$SCRATCH/sqlcard.sql" <<'EOF'
\set n random(1, 3)
update pos.gift_cards set current_balance = current_balance + 0.01 where card_number = 'HOT' || :n;
EOF
cat >"$SCRATCH/sqlentry.sql" <<'EOF'
\set n random(1, 3)
insert into pos.pos_gift_card_transactions (tenant_id, card_number, type, amount) select tenant_id, card_number, 'reload', 0.02 from pos.gift_cards where card_number = 'HOT' || :n;
EOF
cat >"$SCRATCH/sqlpoints.sql" <<'EOF'
update pos.customers set loyalty_points = loyalty_points - 1 where phone_e164 = '+447700900666';
EOF
cat >"$SCRATCH/sqlorder.sql" <<'EOF'
\set n random(1, 3)
update pos.orders set special_instructions = clock_timestamp()::text where id = 'hot' || :n;
EOF
# Each time there is a day to create and a day to drop, so that the locks of the table are really taken.
cat >"$SCRATCH/housekeeping.sql" <<'EOF'
create table if not exists pos.event_20200101 partition of pos.event for values from ('2020-01-01 00:00+00') to ('2020-01-02 00:00+00');
select pos.maintain('create_days');
select pos.maintain('keep_from');
select pos.maintain('drop_days');
EOF
deadlocks=$(q -c "select deadlocks from pg_stat_database where datname = current_database()")
pgbench -n -c 10 -j 2 -t 60 -f "$SCRATCH/deduct.sql@5" -f "$SCRATCH/points.sql@3" -f "$SCRATCH/patch.sql@2" -f "$SCRATCH/sqlcard.sql@2" -f "$SCRATCH/sqlentry.sql@2" -f "$SCRATCH/sqlpoints.sql@1" -f "$SCRATCH/sqlorder.sql@1" >"$SCRATCH/bench" 2>&1 &
writers=$!
pgbench -n -c 1 -T 1 -f "$SCRATCH/housekeeping.sql" >"$SCRATCH/house" 2>&1 || say_failed "$(cat "$SCRATCH/house")"
wait "$writers" || say_failed "$(cat "$SCRATCH/bench")"
grep -q 'number of transactions actually processed: 600/600' "$SCRATCH/bench" || say_failed "$(cat "$SCRATCH/bench")"
q -c "select pg_stat_force_next_flush()" >/dev/null
now=$(q -c "select deadlocks from pg_stat_database where datname = current_database()")
[ "$now" = "$deadlocks" ] || say_failed "$((now - deadlocks)) deadlocks"
echo "600 transactions of 10 writers on 7 hot rows while days are made and dropped, none failed"
