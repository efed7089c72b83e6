/* strangers.h - wrong API keys, which anybody may send as fast as he likes: one that was
 * refused a moment ago is refused from memory, and for an address that brings many of them
 * PostgreSQL is not asked any more for a while. So they cost its neighbours nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "common/util/buckets.h"
#include "common/util/lru.h"
#include "common/util/metrics.h"
#include "common/util/slice.h"

#define TW_STRANGERS_KNOWN 10000
#define TW_STRANGER_KEYS_AT_ONCE 100
#define TW_STRANGER_KEYS_A_SECOND 10

/* Embedded in the process's state; tw_strangers_start first. */
struct tw_strangers {
    struct tw_lru refused;       /* a key's hash to until when */
    struct tw_buckets addresses; /* of wrong keys */
    struct tw_metric from_memory, limited;
};

extern const struct tw_metric_table tw_strangers_metrics;

void tw_strangers_start(struct tw_strangers *s);
void tw_strangers_done(struct tw_strangers *s);

enum tw_stranger {
    TW_STRANGER_ASKS,    /* look the key up */
    TW_STRANGER_REFUSED, /* it is wrong: UNAUTHORIZED */
    TW_STRANGER_LIMITED, /* too many wrong ones from there: RATE_LIMITED */
};

/* What becomes of a key that is not known to be good; `address` may be empty: nobody's. */
enum tw_stranger tw_strangers_look(struct tw_strangers *s, struct tw_slice key_hash,
                                   struct tw_slice address, uint64_t now_ms);

/* PostgreSQL has refused this key. */
void tw_strangers_refused(struct tw_strangers *s, struct tw_slice key_hash,
                          struct tw_slice address, uint64_t now_ms);
