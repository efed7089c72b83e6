/* limiter.h - how often each API key may ask.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/map.h"
#include "common/util/metrics.h"

#define API_KEYS_KNOWN 10000

struct api_limiter_options {
    uint32_t per_second, burst; /* requests of one key */
};

/* Only keys that SQL has found valid get a bucket, so strangers cannot fill the table; a
 * stranger's requests are all answered with 401. */
struct api_limiter {
    struct tw_map buckets;
    struct api_limiter_options options;
    struct tw_metric limited;
};

extern const struct tw_metric_table api_limiter_metrics;

void api_limiter_start(struct api_limiter *l, const struct api_limiter_options *options);
void api_limiter_done(struct api_limiter *l);

/* Whether this key may ask now. */
bool api_limiter_allows(struct api_limiter *l, struct tw_slice key_hash, uint64_t now_ms);

/* Whether it was valid when it last asked, and is counted. */
bool api_limiter_knows(const struct api_limiter *l, struct tw_slice key_hash);

/* This key is valid: count it from now on. */
void api_limiter_know(struct api_limiter *l, struct tw_slice key_hash, uint64_t now_ms);
