/* buckets.c - buckets in an lru.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/buckets.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/ratelimit.h"

struct kept {
    struct tw_lru_entry entry;
    struct tw_bucket bucket;
};

static struct kept *kept_of(struct tw_lru_entry *e)
{
    return e == NULL ? NULL : tw_container_of(e, struct kept, entry);
}

static void release(struct tw_lru_entry *e)
{
    free(kept_of(e));
}

void tw_buckets_start(struct tw_buckets *b, size_t max, uint32_t per_second, uint32_t burst)
{
    tw_lru_start(&b->lru, max, release);
    b->per_second = per_second;
    b->burst = burst;
}

void tw_buckets_done(struct tw_buckets *b)
{
    tw_lru_done(&b->lru);
}

bool tw_buckets_take(struct tw_buckets *b, struct tw_slice key, uint64_t now_ms)
{
    struct kept *k = kept_of(tw_lru_get(&b->lru, key));

    if (k == NULL) {
        k = tw_new(struct kept);
        tw_lru_put(&b->lru, key, &k->entry);
    }
    return tw_bucket_take(&k->bucket, now_ms, b->per_second, b->burst);
}

bool tw_buckets_is_empty(struct tw_buckets *b, struct tw_slice key, uint64_t now_ms)
{
    const struct kept *k = kept_of(tw_lru_get(&b->lru, key));

    return k != NULL && tw_bucket_is_empty(&k->bucket, now_ms, b->per_second, b->burst);
}
