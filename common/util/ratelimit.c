/* ratelimit.c - the bucket as the moment at which it is full again (GCRA, ITU-T I.371): one
 * number, no refilling. In microseconds, to add up exactly.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/ratelimit.h"

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

bool tw_bucket_is_empty(const struct tw_bucket *b, uint64_t now_ms, uint32_t per_second,
                        uint32_t burst)
{
    uint64_t now = now_ms * 1000, token = 1000000 / per_second;

    return later(b->full_at_us, now) + token > now + token * burst;
}

bool tw_bucket_take(struct tw_bucket *b, uint64_t now_ms, uint32_t per_second, uint32_t burst)
{
    if (tw_bucket_is_empty(b, now_ms, per_second, burst))
        return false;
    b->full_at_us = later(b->full_at_us, now_ms * 1000) + 1000000 / per_second;
    return true;
}

/* Microseconds after `now` until it is full; 0 when it is. */
static uint64_t missing_us(const struct tw_bucket *b, uint64_t now_ms)
{
    return later(b->full_at_us, now_ms * 1000) - now_ms * 1000;
}

bool tw_bucket_take_n(struct tw_bucket *b, uint64_t now_ms, uint32_t n, uint32_t per_second,
                      uint32_t burst)
{
    uint64_t token = 1000000 / per_second;

    if (missing_us(b, now_ms) + token * n > token * (n > burst ? n : burst))
        return false;
    b->full_at_us = later(b->full_at_us, now_ms * 1000) + token * n;
    return true;
}

uint32_t tw_bucket_left(const struct tw_bucket *b, uint64_t now_ms, uint32_t per_second,
                        uint32_t burst)
{
    uint64_t token = 1000000 / per_second, used = (missing_us(b, now_ms) + token - 1) / token;

    return used >= burst ? 0 : burst - (uint32_t)used;
}

uint64_t tw_bucket_until_ms(const struct tw_bucket *b, uint64_t now_ms, uint32_t n,
                            uint32_t per_second, uint32_t burst)
{
    uint64_t token = 1000000 / per_second, missing = missing_us(b, now_ms);
    uint64_t allowed = n >= burst ? 0 : token * (burst - n);

    return missing <= allowed ? 0 : (missing - allowed + 999) / 1000;
}

void tw_bucket_spend(struct tw_bucket *b, uint64_t now_ms, uint64_t n, uint32_t per_second)
{
    b->full_at_us = later(b->full_at_us, now_ms * 1000) + n * 1000000 / per_second;
}

bool tw_bucket_is_overdrawn(const struct tw_bucket *b, uint64_t now_ms, uint32_t per_second,
                            uint64_t burst)
{
    return b->full_at_us > now_ms * 1000 + burst * 1000000 / per_second;
}

bool tw_bucket_is_full(const struct tw_bucket *b, uint64_t now_ms)
{
    return b->full_at_us <= now_ms * 1000;
}
