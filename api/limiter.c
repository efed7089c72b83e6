/* limiter.c - a bucket for each known key; full buckets are forgotten when the table is large.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/limiter.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/ratelimit.h"

#define MAX_SWEEP 64

#define AT(field) TW_METRIC_AT(struct api_limiter, field)

static const struct tw_metric_row metric_rows[] = {
    { "rate_limited_total", NULL,
      "Requests refused with 429 because their API key asked too often.", AT(limited) },
};

const struct tw_metric_table api_limiter_metrics = { .rows = metric_rows,
                                                     .count = TW_COUNT(metric_rows) };

void api_limiter_start(struct api_limiter *l, const struct api_limiter_options *options)
{
    l->options = *options;
}

void api_limiter_done(struct api_limiter *l)
{
    struct tw_slice key;
    void *bucket;

    while ((bucket = tw_map_any(&l->buckets, &key)) != NULL) {
        (void)tw_map_remove(&l->buckets, key);
        free(bucket);
    }
    tw_map_done(&l->buckets);
}

bool api_limiter_allows(struct api_limiter *l, struct tw_slice key_hash, uint64_t now_ms)
{
    struct tw_bucket *b = tw_map_get(&l->buckets, key_hash);

    if (b == NULL || tw_bucket_take(b, now_ms, l->options.per_second, l->options.burst))
        return true;
    l->limited.value++;
    return false;
}

struct sweep {
    uint64_t now_ms;
    size_t count;
    char keys[MAX_SWEEP][64];
};

static void note_full(struct tw_slice key, void *value, void *arg)
{
    struct sweep *s = arg;

    if (s->count < MAX_SWEEP && key.len == 64 && tw_bucket_is_full(value, s->now_ms))
        memcpy(s->keys[s->count++], key.at, 64);
}

static void forget_full(struct api_limiter *l, uint64_t now_ms)
{
    struct sweep s = { .now_ms = now_ms };

    tw_map_each(&l->buckets, note_full, &s);
    for (size_t i = 0; i < s.count; i++)
        free(tw_map_remove(&l->buckets, tw_slice_from(s.keys[i], 64)));
}

bool api_limiter_knows(const struct api_limiter *l, struct tw_slice key_hash)
{
    return tw_map_get(&l->buckets, key_hash) != NULL;
}

void api_limiter_know(struct api_limiter *l, struct tw_slice key_hash, uint64_t now_ms)
{
    if (tw_map_get(&l->buckets, key_hash) != NULL)
        return;
    if (l->buckets.count >= API_KEYS_KNOWN)
        forget_full(l, now_ms);
    if (l->buckets.count < API_KEYS_KNOWN)
        (void)tw_map_set(&l->buckets, key_hash, tw_new(struct tw_bucket));
}
