#!/bin/bash
# Batches over the same cards, each in another order, beside single deducts: none fails, nothing waits for a deadlock, and each
# key moves money once. A card that somebody holds is refused alone.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

q <<'EOF'
select race.card('race9', 'M' || n, 100000) from generate_series(1, 9) n \g /dev/null
insert into pos.customers (tenant_id, phone, loyalty_points)
    select id, '0770090099' || n, 1000 from dinedesk_main.tenants, generate_series(1, 3) n where slug = 'race9';
create function race.batch(mode text, operations text) returns text language sql as $f$
    select concat_ws(' ', a.status, j ->> 'done', j ->> 'refused', j ->> 'undone')
      from race.call('batch', 'race9', '{}', format('{"mode":"%s","operations":[%s]}', mode, operations)) a, lateral (select a.body::json as j) x
$f$;
create function race.deduct(key text, card text) returns text language sql as $f$
    select format('{"key":"%s","op":"gift_card.deduct","path":{"cardNumber":"%s"},"body":{"amount":1}}', key, card)
$f$;
-- Sixteen of them on nine cards and three customers, in any order.
create function race.mixed(mode text, prefix text) returns text language sql as $f$
    select race.batch(mode, string_agg(case when n % 4 = 0
               then format('{"key":"%s-%s","op":"loyalty.add","path":{"phone":"0770090099%s"},"body":{"points":1}}', prefix, n, 1 + n / 4 % 3)
               else race.deduct(prefix || '-' || n, 'M' || 1 + n % 9) end, ',' order by random()))
      from generate_series(1, 16) n
$f$;
EOF
for mode in each all; do
    echo "select 1 / (case when race.mixed('$mode', gen_random_uuid()::text) = '200 16 0 0' then 1 else 0 end);" >"$SCRATCH/$mode.sql"
done
cat >"$SCRATCH/single.sql" <<'EOF'
\set n random(1, 9)
select 1 / (case when race.try('gift_card_deduct', 'race9', '{"cardNumber":"M' || :n || '"}', '{"amount":1}', '{"idempotencyKey":"' || gen_random_uuid() || '"}') = '200' then 1 else 0 end);
EOF
deadlocks=$(q -c "select deadlocks from pg_stat_database where datname = current_database()")
pgbench -n -c 8 -j 2 -t 15 -f "$SCRATCH/each.sql@2" -f "$SCRATCH/all.sql@2" -f "$SCRATCH/single.sql@4" >"$SCRATCH/bench" 2>&1 || say_failed "$(cat "$SCRATCH/bench")"
grep -q 'number of transactions actually processed: 120/120' "$SCRATCH/bench" || say_failed "$(cat "$SCRATCH/bench")"
q -c "select pg_stat_force_next_flush()" >/dev/null
now=$(q -c "select deadlocks from pg_stat_database where datname = current_database()")
[ "$now" = "$deadlocks" ] || say_failed "$((now - deadlocks)) deadlocks"

# The same batch, sent by ten at once: each of its operations is done once.
in_parallel 10 "select race.mixed('each', 'same')"
answers=$(q -c "select count(*) from pos.idempotency where key like 'same-%' and status = 200")
moved=$(q -c "select (select count(*) from pos.pos_gift_card_transactions where idempotency_key like 'same-%')
                   + (select count(*) from pos.pos_loyalty_transactions where idempotency_key like 'same-%')")
[ "$answers $moved" = "16 16" ] || say_failed "the same batch: $answers answers, $moved entries: $(sort -u "$SCRATCH/said")"

# Somebody holds a card. With `all` nothing is done; with `each` the first call settles the held one alone, and the next the others.
mkfifo "$SCRATCH/hold"
q <"$SCRATCH/hold" >"$SCRATCH/holder" 2>&1 &
exec 3>"$SCRATCH/hold"
echo "begin; update pos.gift_cards set current_balance = current_balance - 1 where card_number = 'M5'; select 'held';" >&3
await_word "$SCRATCH/holder" held
if said=$(q -c "set lock_timeout = '100ms'" -c "select race.batch('all', race.deduct('all-5', 'M5') || ',' || race.deduct('all-6', 'M6'))" 2>&1); then
    say_failed "all, held, and done: $said"
fi
[[ $said == *"lock timeout"* ]] || say_failed "all, held: $said"
said=$(q <<'EOF'
select a.status, a.body::json #>> '{unsettled,results,0,body,error,code}', b.status, b.body::json #>> '{results,1,status}'
  from race.call('batch', 'race9', '{}', format('{"operations":[%s,%s]}', race.deduct('each-5', 'M5'), race.deduct('each-6', 'M6'))) a,
       lateral race.call('batch', 'race9', '{}', a.body) b
EOF
)
[ "$said" = "102|BUSY|200|200" ] || say_failed "each, held: $said"
echo "commit;" >&3
exec 3>&-
wait
said=$(q -c "select race.batch('each', race.deduct('each-5', 'M5') || ',' || race.deduct('each-6', 'M6'))")
[ "$said" = "200 2 0 0" ] || say_failed "afterwards: $said"
echo "120 transactions of 8 on 9 cards, no deadlock; the same batch ten times: each operation once; a held card is refused alone"
