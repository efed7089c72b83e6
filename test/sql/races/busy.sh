#!/bin/bash
# A row that another transaction holds: the api's role gives up after its lock_timeout with 55P03, and nothing is
# done; other cards are not affected.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

q -c "select race.card('race7', 'HELD', 10), race.card('race7', 'FREE', 10)" >/dev/null
hash=$(q -c "select encode(sha256(convert_to(key, 'UTF8')), 'hex') from race.key
    where slug = 'race7' and scope = 'pos'")
deduct() {
    PGUSER=tillwire_api q -v VERBOSITY=sqlstate -c "select status
        from pos.call('gift_card_deduct', '{\"keyHash\":\"$hash\",\"tenant\":\"race7\",\"path\":{\"cardNumber\":\"$1\"},\"method\":\"POST\",\"route\":\"/x\",\"idempotencyKey\":\"$2\"}', '{\"amount\":1}')" 2>&1 || true
}
mkfifo "$SCRATCH/hold"
q <"$SCRATCH/hold" >"$SCRATCH/holder" 2>&1 &
exec 3>"$SCRATCH/hold"
echo "begin; select 'held' from pos.gift_cards where card_number = 'HELD' for update;" >&3
await_word "$SCRATCH/holder" held
started=$(date +%s%3N)
said=$(deduct HELD k1)
waited=$(($(date +%s%3N) - started))
[ "$said" = "ERROR:  55P03" ] || say_failed "held: $said"
[ "$waited" -lt 3500 ] || say_failed "gave up only after $waited ms"
said=$(deduct FREE k2)
[ "$said" = 200 ] || say_failed "free: $said"
echo "commit;" >&3
exec 3>&-
wait
said=$(deduct HELD k1)
[ "$said" = 200 ] || say_failed "the same key afterwards: $said"
echo "55P03 after $waited ms, the other card at once, the repeat with the key went through"
