/* ratelimit.h - token buckets: so many at once, so many a second.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Zeroed, a bucket is full at its first use. */
struct tw_bucket {
    uint64_t full_at_us; /* microseconds of the monotonic clock; in the past: full */
};

/* Take one token of a bucket that holds `burst` and gains `per_second` (both > 0). False when
 * it is empty, and then nothing is taken. Pure: the caller brings the time. */
bool tw_bucket_take(struct tw_bucket *b, uint64_t now_ms, uint32_t per_second, uint32_t burst);

/* Take `n` tokens or nothing; more than it holds may be taken of a full one. */
bool tw_bucket_take_n(struct tw_bucket *b, uint64_t now_ms, uint32_t n, uint32_t per_second,
                      uint32_t burst);

/* How many tokens it has, and in how many milliseconds it will have `n` (or all that it can),
 * rounded up. */
uint32_t tw_bucket_left(const struct tw_bucket *b, uint64_t now_ms, uint32_t per_second,
                        uint32_t burst);
uint64_t tw_bucket_until_ms(const struct tw_bucket *b, uint64_t now_ms, uint32_t n,
                            uint32_t per_second, uint32_t burst);

/* Whether nothing could be taken of it now. */
bool tw_bucket_is_empty(const struct tw_bucket *b, uint64_t now_ms, uint32_t per_second,
                        uint32_t burst);

/* For what has been done before it can be counted: take `n` tokens, however empty it becomes;
 * and whether more than it holds has been taken. */
void tw_bucket_spend(struct tw_bucket *b, uint64_t now_ms, uint64_t n, uint32_t per_second);
bool tw_bucket_is_overdrawn(const struct tw_bucket *b, uint64_t now_ms, uint32_t per_second,
                            uint64_t burst);

/* Whether it is full again, and so can be forgotten. */
bool tw_bucket_is_full(const struct tw_bucket *b, uint64_t now_ms);
