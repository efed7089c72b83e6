/* lookout.h - what the active bridge looks at when it has nothing else to do: which devices
 * have fallen silent (pos.devices_look), figures of the database (pos.watch), and whether
 * balances are the sums of their ledgers (pos.ledger_look).
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/net/pg_conn.h"
#include "common/util/metrics.h"

#define BR_PLACE_BYTES 512 /* a tenant's id, and a card's number */

enum br_look { BR_LOOK_DEVICES, BR_LOOK_WATCH, BR_LOOK_LEDGER, BR_LOOKS };

/* Embedded in its owner; zero: everything is due. */
struct br_lookout {
    uint64_t due_ms[BR_LOOKS];  /* when each is due */
    enum br_look look;          /* the statement under way */
    char place[BR_PLACE_BYTES]; /* in the ledgers; "": at their beginning */
    uint64_t wrong;             /* balances in this round */
    struct tw_metric outbox_oldest, notify_queue, days, days_ahead, days_oldest;
    struct tw_metric looked, mismatches;
    struct tw_metric silent, back;
};

extern const struct tw_metric_table br_lookout_metrics;

/* Whether something is due; `call` is the statement for it then, without its `done`. */
bool br_lookout_due(struct br_lookout *l, uint64_t now_ms, struct tw_pg_call *call);

/* This bridge is not the active one any more: nothing of what it has seen is true for long. */
void br_lookout_forget(struct br_lookout *l);

/* Its answer, which is no error. */
void br_lookout_take(struct br_lookout *l, const struct tw_pg_result *result);
