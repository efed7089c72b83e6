#!/bin/bash
# Writers by operation and by SQL, some of which roll back, on three tenants, with readers. The log has no gap at
# any moment that a reader can see, its times rise, and nothing is lost at the end.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

q -c "select count(*) from pos.outbox_relay(null, 100000)" >/dev/null
# Of restaurants that other races use, too.
count_orders() {
    q -c "select count(*) from pos.orders o join dinedesk_main.tenants t on t.id = o.tenant_id where t.slug in ('race3', 'race4', 'race5')"
}
orders_before=$(count_orders)
before=$(q -c "select sum(head) from pos.stream s join dinedesk_main.tenants t on t.id = s.tenant_id
    where t.slug in ('race3', 'race4', 'race5')")
cat >"$SCRATCH/operation.sql" <<'EOF'
\set t random(3, 5)
select race.try('order_create', 'race' || :t, '{}', '{"customerName":"x","totalAmount":1,"items":[]}');
EOF
cat >"$SCRATCH/sql.sql" <<'EOF'
\set t random(3, 5)
insert into pos.orders (tenant_id, customer_name, total_amount, items) select id, 'y', 1, '[]' from dinedesk_main.tenants where slug = 'race' || :t;
EOF
cat >"$SCRATCH/undone.sql" <<'EOF'
\set t random(3, 5)
begin;
select race.try('order_create', 'race' || :t, '{}', '{"customerName":"x","totalAmount":1,"items":[]}');
rollback;
EOF
# When a reader sees a gap, it divides by zero, which ends its client.
cat >"$SCRATCH/reader.sql" <<'EOF'
select 1 / (case when count(*) = coalesce(max(seq) - min(seq) + 1, 0) and coalesce(bool_and(at >= before), true) then 1 else 0 end)
  from (select e.seq, e.at, lag(e.at, 1, e.at) over (order by e.seq) as before
          from pos.event e join dinedesk_main.tenants t on t.id = e.tenant_id where t.slug = 'race4') e;
EOF
echo "select count(*) from pos.outbox_relay(null, 50);" >"$SCRATCH/bridge.sql"
pgbench -n -c 8 -j 2 -t 100 -f "$SCRATCH/operation.sql@4" -f "$SCRATCH/sql.sql@3" -f "$SCRATCH/undone.sql@2" >"$SCRATCH/bench" 2>&1 &
writers=$!
pgbench -n -c 1 -T 2 -f "$SCRATCH/bridge.sql" >/dev/null 2>&1 &
pgbench -n -c 2 -T 2 -f "$SCRATCH/reader.sql" >"$SCRATCH/reader" 2>&1 ||
    say_failed "a reader saw a gap: $(cat "$SCRATCH/reader")"
wait "$writers" || say_failed "$(cat "$SCRATCH/bench")"
grep -q 'number of transactions actually processed: 800/800' "$SCRATCH/bench" || say_failed "$(cat "$SCRATCH/bench")"
made=$(($(count_orders) - orders_before))
q -c "select count(*) from pos.outbox_relay(null, 100000)" >/dev/null
after=$(q -c "select sum(head) from pos.stream s join dinedesk_main.tenants t on t.id = s.tenant_id
    where t.slug in ('race3', 'race4', 'race5')")
[ "$((after - before))" = "$made" ] || say_failed "$made orders, $((after - before)) events"
echo "800 transactions of 8 writers, $made orders, as many events, no gap seen by 2 readers"
