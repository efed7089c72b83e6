#!/bin/bash
# migrate runs again and again, with functions and triggers that changed or have another name, while
# clients work: none of them sees an error.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

cp -r "$(dirname "$0")/../../../schema" "$SCRATCH/schema"
url="host=$PGHOST port=$PGPORT user=$PGUSER dbname=$PGDATABASE"
q -c "select race.card('race9', 'UP', 100000)"
cat >"$SCRATCH/deduct.sql" <<'EOF'
select 1 / (case when race.try('gift_card_deduct', 'race9', '{"cardNumber":"UP"}', '{"amount":0.01}') = '200' then 1 else 0 end);
EOF
cat >"$SCRATCH/sql.sql" <<'EOF'
insert into pos.orders (tenant_id, customer_name, total_amount, items) select id, 'y', 1, '[]' from dinedesk_main.tenants where slug = 'race9';
EOF
pgbench -n -c 4 -j 2 -T 4 -f "$SCRATCH/deduct.sql" -f "$SCRATCH/sql.sql" >"$SCRATCH/bench" 2>&1 &
clients=$!
runs=0
while kill -0 "$clients" 2>/dev/null && [ "$runs" -lt 4 ]; do
    runs=$((runs + 1))
    sed -i "1s/\$/ (run $runs)/" "$SCRATCH"/schema/functions/*/*.sql "$SCRATCH/schema/triggers.sql"
    sed -i -E "s/pos\.(gift_card_usable|order_history_add|order_by_sql_event)(_run[0-9])?\(/pos.\1_run$runs(/" \
        "$SCRATCH"/schema/functions/*/*.sql "$SCRATCH/schema/triggers.sql"
    said=$("$SCRATCH/schema/migrate" "$url" 2>&1) || say_failed "run $runs: $said"
done
wait "$clients" || say_failed "$(cat "$SCRATCH/bench")"
"$(dirname "$0")/../../../schema/migrate" "$url" >/dev/null
echo "$runs runs under $(sed -n 's/.*actually processed: //p' "$SCRATCH/bench") transactions, none failed"
