/* strangers.c - two memories of ten thousand each, the oldest of which go first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/strangers.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/ratelimit.h"

#define REFUSED_MS 2000 /* a key that is issued meanwhile is good that much later */

/* Wrong keys of one address. */

struct refused_key {
    struct tw_lru_entry entry;
    uint64_t until_ms;
};

struct address {
    struct tw_lru_entry entry;
    struct tw_bucket bucket;
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

static struct address *address_of(struct tw_lru_entry *e)
{
    return e == NULL ? NULL : tw_container_of(e, struct address, entry);
}

static void release_key(struct tw_lru_entry *e)
{
    free(refused_key_of(e));
}

static void release_address(struct tw_lru_entry *e)
{
    free(address_of(e));
}

void tw_strangers_start(struct tw_strangers *s)
{
    tw_lru_start(&s->refused, TW_STRANGERS_KNOWN, release_key);
    tw_lru_start(&s->addresses, TW_STRANGERS_KNOWN, release_address);
}

void tw_strangers_done(struct tw_strangers *s)
{
    tw_lru_done(&s->refused);
    tw_lru_done(&s->addresses);
}

enum tw_stranger tw_strangers_look(struct tw_strangers *s, struct tw_slice key_hash,
                                   struct tw_slice address, uint64_t now_ms)
{
    const struct refused_key *key = refused_key_of(tw_lru_get(&s->refused, key_hash));
    const struct address *from;

    if (key != NULL && key->until_ms > now_ms) {
        s->from_memory.value++;
        return TW_STRANGER_REFUSED;
    }
    from = address.len == 0 ? NULL : address_of(tw_lru_get(&s->addresses, address));
    if (from != NULL && tw_bucket_is_empty(&from->bucket, now_ms, TW_STRANGER_KEYS_A_SECOND,
                                           TW_STRANGER_KEYS_AT_ONCE)) {
        s->limited.value++;
        return TW_STRANGER_LIMITED;
    }
    return TW_STRANGER_ASKS;
}

void tw_strangers_refused(struct tw_strangers *s, struct tw_slice key_hash,
                          struct tw_slice address, uint64_t now_ms)
{
    struct refused_key *key = tw_new(struct refused_key);
    struct address *from;

    key->until_ms = now_ms + REFUSED_MS;
    tw_lru_put(&s->refused, key_hash, &key->entry);
    if (address.len == 0)
        return;
    from = address_of(tw_lru_get(&s->addresses, address));
    if (from == NULL) {
        from = tw_new(struct address);
        tw_lru_put(&s->addresses, address, &from->entry);
    }
    (void)tw_bucket_take(&from->bucket, now_ms, TW_STRANGER_KEYS_A_SECOND,
                         TW_STRANGER_KEYS_AT_ONCE);
}
