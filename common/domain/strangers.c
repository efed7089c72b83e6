/* strangers.c - two memories of ten thousand each, the oldest of which go first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/strangers.h"

#include <stdlib.h>

#include "common/util/base.h"

#define REFUSED_MS 2000 /* a key that is issued meanwhile is good that much later */

struct refused_key {
    struct tw_lru_entry entry;
    uint64_t until_ms;
};

#define AT(field) TW_METRIC_AT(struct tw_strangers, field)

static const struct tw_metric_row metric_rows[] = {
    { "strangers_total", "answer=\"from_memory\"",
      "Requests with an API key that is not known, for which PostgreSQL was not asked: the key "
      "was refused a moment ago, or its address has brought too many wrong ones.",
      AT(from_memory) },
    { "strangers_total", "answer=\"limited\"", NULL, AT(limited) },
};

const struct tw_metric_table tw_strangers_metrics = { .rows = metric_rows,
                                                      .count = TW_COUNT(metric_rows) };

static struct refused_key *refused_key_of(struct tw_lru_entry *e)
{
    return e == NULL ? NULL : tw_container_of(e, struct refused_key, entry);
}

static void release_key(struct tw_lru_entry *e)
{
    free(refused_key_of(e));
}

void tw_strangers_start(struct tw_strangers *s)
{
    tw_lru_start(&s->refused, TW_STRANGERS_KNOWN, release_key);
    tw_buckets_start(&s->addresses, TW_STRANGERS_KNOWN, TW_STRANGER_KEYS_A_SECOND,
                     TW_STRANGER_KEYS_AT_ONCE);
}

void tw_strangers_done(struct tw_strangers *s)
{
    tw_lru_done(&s->refused);
    tw_buckets_done(&s->addresses);
}

enum tw_stranger tw_strangers_look(struct tw_strangers *s, struct tw_slice key_hash,
                                   struct tw_slice address, uint64_t now_ms)
{
    const struct refused_key *key = refused_key_of(tw_lru_get(&s->refused, key_hash));

    if (key != NULL && key->until_ms > now_ms) {
        s->from_memory.value++;
        return TW_STRANGER_REFUSED;
    }
    if (address.len > 0 && tw_buckets_is_empty(&s->addresses, address, now_ms)) {
        s->limited.value++;
        return TW_STRANGER_LIMITED;
    }
    return TW_STRANGER_ASKS;
}

void tw_strangers_refused(struct tw_strangers *s, struct tw_slice key_hash,
                          struct tw_slice address, uint64_t now_ms)
{
    struct refused_key *key = tw_new(struct refused_key);

    key->until_ms = now_ms + REFUSED_MS;
    tw_lru_put(&s->refused, key_hash, &key->entry);
    if (address.len > 0)
        (void)tw_buckets_take(&s->addresses, address, now_ms);
}
