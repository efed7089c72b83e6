/* limiter.h - how often each API key, and each restaurant, may ask; and what of that is left,
 * as answers say it (draft-ietf-httpapi-ratelimit-headers-11).
 *
 * The rates are those of the whole fleet: nginx gives requests to the apis in turn, so each of
 * n apis counts a request as n. That needs no question on the way of a request; how many there
 * are is learned beside it (rates.h).
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/buf.h"
#include "common/util/map.h"
#include "common/util/metrics.h"

#define API_KEYS_KNOWN 10000

struct api_rate {
    uint32_t per_second, burst; /* how many in a second, and at once */
};

struct api_limiter_options {
    struct api_rate key, tenant; /* tenant: of one that has no rate of its own */
};

/* Only keys that SQL has found valid get a bucket, so strangers cannot fill the table; a
 * stranger's requests are all answered with 401. */
struct api_limiter {
    struct tw_map buckets; /* of keys, by their hash */
    struct tw_map tenants; /* those of the keys; by id */
    struct tw_map own;     /* rates of tenants that have their own, by id */
    struct api_limiter_options options;
    struct tw_metric limited, limited_tenants;
    struct tw_metric apis; /* that share the rates; 0: not known, as one */
};

extern const struct tw_metric_table api_limiter_metrics;

void api_limiter_start(struct api_limiter *l, const struct api_limiter_options *options);
void api_limiter_done(struct api_limiter *l);

/* How many apis there are, and the rates of tenants that have their own: lines of id, a second
 * and at once, with blanks between them. */
void api_limiter_learn(struct api_limiter *l, uint32_t apis, struct tw_slice own);

/* What one limit has left. Plain values. */
struct api_quota {
    struct api_rate rate; /* zero: there is none */
    uint32_t left;
    uint64_t full_in_ms;
};

/* What is said about a request to its client. Plain values. */
struct api_allowance {
    struct api_quota key, tenant;
    bool is_of_tenant;    /* when it is refused: because of the tenant's limit */
    uint64_t again_in_ms; /* when it is refused: until it could be tried again */
};

/* Whether this key may ask now; `out` says what is left, nothing of a key that is not known. */
bool api_limiter_allows(struct api_limiter *l, struct tw_slice key_hash, uint64_t now_ms,
                        struct api_allowance *out);

/* Whether it was valid when it last asked, and is counted. */
bool api_limiter_knows(const struct api_limiter *l, struct tw_slice key_hash);

/* This key is valid: count it from now on, and with those of its tenant (by id; empty: not
 * known). */
void api_limiter_know(struct api_limiter *l, struct tw_slice key_hash, struct tw_slice tenant,
                      uint64_t now_ms);

/* The values of RateLimit-Policy and RateLimit; nothing without a limit. A bucket of `burst`
 * that gains `per_second` is a quota of `burst` for each window in which it fills. */
void api_allowance_policy(const struct api_allowance *a, struct tw_buf *out);
void api_allowance_left(const struct api_allowance *a, struct tw_buf *out);
