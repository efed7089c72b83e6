#!/bin/bash
# Many at once take an entry back, capture one hold, refund up to the limit of a day, or transfer one card: each is done once.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

card() { # number, path's other members
    printf "'{\"cardNumber\":\"%s\"%s}'" "$1" "${2-}"
}
at_once() { # clients, operation, path, body
    in_parallel "$1" "select race.try('$2', 'race3', $3, '$4')"
}
body_of() { # operation, path, body, member
    q -c "select (race.call('$1', 'race3', $2, '$3')).body::json ->> '$4'"
}
expect() { # what, outcome, how many
    [ "$(how_many "$2")" = "$3" ] || say_failed "$1: $(sort "$SCRATCH/said" | uniq -c)"
}

q -c "select race.card('race3', 'UNDO', 100), race.card('race3', 'FULL', 100), race.card('race3', 'LOST', 100)" >/dev/null
id=$(body_of gift_card_deduct "$(card UNDO)" '{"amount":20}' transactionId)
at_once 12 gift_card_void "$(card UNDO ",\"id\":\"$id\"")" '{"amount":7,"reason":"x"}'
expect 'parts of an entry' 201 2
expect 'parts of an entry' '409 ALREADY_REVERSED' 10

hold=$(body_of gift_card_hold "$(card UNDO)" '{"amount":30}' holdId)
at_once 12 gift_card_capture "$(card UNDO ",\"holdId\":\"$hold\"")" '{"amount":10}'
expect 'captures of a hold' 201 1
expect 'captures of a hold' '409 HOLD_ENDED' 11

at_once 12 gift_card_hold "$(card FULL)" '{"amount":30}'
expect 'holds of a card' 201 3
expect 'holds of a card' '400 INSUFFICIENT_FUNDS' 9

q -c "update dinedesk_main.tenants set till_refunds_a_day = 50 where slug = 'race3'"
at_once 12 gift_card_refund "$(card UNDO)" '{"amount":10,"orderId":"o","reason":"x"}'
expect 'refunds of a day' 201 5
expect 'refunds of a day' '409 REFUND_LIMIT' 7

# Each with a number of its own: one of them gets the money.
in_parallel 12 "select race.try('gift_card_transfer', 'race3', '{\"cardNumber\":\"LOST\"}', '{\"to\":\"NEW-' || pg_backend_pid() || '\"}')"
expect 'transfers of a card' 201 1
expect 'transfers of a card' '400 CARD_CLOSED' 11
# Several cards to one number.
q -c "select race.card('race3', 'MANY-' || n, 10) from generate_series(1, 200) n" >/dev/null
in_parallel 12 "select race.try('gift_card_transfer', 'race3', '{\"cardNumber\":\"MANY-' || 1 + pg_backend_pid() % 200 || '\"}', '{\"to\":\"ONE-NUMBER\"}')"
expect 'transfers to a number' 201 1
expect 'transfers to a number' '409 CARD_EXISTS' 11
echo "voids, captures, holds, refunds and transfers, twelve at once: each as often as it may be"
