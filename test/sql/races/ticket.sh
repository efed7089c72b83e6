#!/bin/bash
# Fifty gateways are shown one ticket at once: one of them lets it in.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=/dev/null
. "$(dirname "$0")/support.sh"

ticket=$(q -c "select body::json ->> 'ticket' from race.call('ticket_issue', 'race1', '{}', '{}')")
in_parallel 50 "select t.status || coalesce(' ' || (t.body::json #>> '{error,code}'), '')
    from pos.ticket_take(jsonb_build_object('scope', 'pos',
                                            'ticketHash', encode(sha256(convert_to('$ticket', 'UTF8')), 'hex'))) t"
taken=$(how_many 200)
refused=$(how_many '401 INVALID_TICKET')
[ "$taken $refused" = "1 49" ] || say_failed "$taken taken, $refused refused: $(sort -u "$SCRATCH/said")"
echo "50 at once with one ticket: 1 is let in"
