/* buckets.h - a token bucket for each of many, addresses for example; the ones not used for
 * longest are forgotten.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/lru.h"
#include "common/util/slice.h"

/* Embedded in its owner; tw_buckets_start first. */
struct tw_buckets {
    struct tw_lru lru;
    uint32_t per_second, burst;
};

/* At most `max` buckets, each of which holds `burst` tokens and gains `per_second`. */
void tw_buckets_start(struct tw_buckets *b, size_t max, uint32_t per_second, uint32_t burst);
void tw_buckets_done(struct tw_buckets *b); /* fine on one that was not started */

/* Take a token of `key`'s bucket. False when it is empty. */
bool tw_buckets_take(struct tw_buckets *b, struct tw_slice key, uint64_t now_ms);

/* Whether a token could not be taken now. */
bool tw_buckets_is_empty(struct tw_buckets *b, struct tw_slice key, uint64_t now_ms);
