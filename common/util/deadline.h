/* deadline.h - thousands of time limits on one timer: a wheel of slots, without I/O.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/list.h"

#define TW_DEADLINE_TICK_MS UINT64_C(20)
#define TW_DEADLINE_SLOTS 512

struct tw_deadline;
typedef void (*tw_deadline_cb)(struct tw_deadline *d);

/* Embedded in what has the limit; zero is "no limit set". */
struct tw_deadline {
    struct tw_list link;
    uint64_t at_ms;
    tw_deadline_cb expired;
};

struct tw_deadlines {
    struct tw_list slots[TW_DEADLINE_SLOTS];
    uint64_t tick; /* the last tick that has been run */
    size_t count;
};

void tw_deadlines_init(struct tw_deadlines *w, uint64_t now_ms);

/* Expire once, not before `at_ms` and at most one tick after it; `d` (kept) may be set again
 * at any time, also while it expires. */
void tw_deadline_set(struct tw_deadlines *w, struct tw_deadline *d, uint64_t at_ms,
                     tw_deadline_cb expired);
void tw_deadline_clear(struct tw_deadlines *w, struct tw_deadline *d); /* fine when not set */
bool tw_deadline_is_set(const struct tw_deadline *d);

/* Run all that are due. */
void tw_deadlines_run(struct tw_deadlines *w, uint64_t now_ms);
