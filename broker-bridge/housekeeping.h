/* housekeeping.h - which task of pos.maintain is due: pure, without I/O and without a clock.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/metrics.h"

#define BR_TASKS 18

/* Embedded in its owner; zero: everything is due. */
struct br_housekeeping {
    size_t task; /* the next one of this round; BR_TASKS: the round is over */
    bool has_failed;
    uint64_t next_ms;                   /* when the next round begins */
    struct tw_metric done_at[BR_TASKS]; /* seconds since 1970: nothing was left to do */
    struct tw_metric failures;
};

extern const struct tw_metric_table br_housekeeping_metrics, br_housekeeping_failures;

/* The task to carry out one step of, or null: nothing is due. A round begins every hour, and a
 * minute after one in which a task failed. */
const char *br_housekeeping_due(struct br_housekeeping *h, uint64_t now_ms);

/* That step went well: `did` is how much it has dealt with. */
void br_housekeeping_did(struct br_housekeeping *h, int64_t did, uint64_t now_ms,
                         int64_t wall_ms);

/* That step failed: the others are not kept waiting. */
void br_housekeeping_failed(struct br_housekeeping *h, uint64_t now_ms);
