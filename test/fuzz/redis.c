/* redis.c - fuzzing what a Redis Cluster says about its slots, and URLs of Redis.
 * SPDX-License-Identifier: Apache-2.0 */
#include <hiredis/hiredis.h>

#include "common/net/redis_slots.h"
#include "common/net/redis_url.h"
#include "test/fuzz/fuzz.h"

static bool is_host(const struct tw_redis_host *h)
{
    size_t len = strnlen(h->name, sizeof(h->name));

    return len > 0 && len < sizeof(h->name) && h->port >= 1 && h->port <= 65535;
}

static void check_shards(const struct tw_redis_shards *s)
{
    size_t covered = 0;

    TW_ASSERT(s->count <= TW_REDIS_NODES);
    for (size_t i = 0; i < s->count; i++)
        TW_ASSERT(is_host(&s->masters[i]));
    for (size_t slot = 0; slot < TW_REDIS_SLOTS; slot++) {
        TW_ASSERT(s->owner[slot] == TW_REDIS_NOBODY || s->owner[slot] < s->count);
        covered += s->owner[slot] == TW_REDIS_NOBODY ? 0 : 1;
    }
    TW_ASSERT(covered == s->covered);
}

/* hiredis takes memory for as many elements as a list says it has; that is not ours to test. */
static bool has_huge_list(struct tw_slice input)
{
    size_t digits = 0;
    bool is_list = false;

    for (size_t i = 0; i < input.len; i++) {
        is_list = input.at[i] == '*' || (is_list && input.at[i] >= '0' && input.at[i] <= '9');
        digits = is_list ? digits + 1 : 0;
        if (digits > 5)
            return true;
    }
    return false;
}

/* The input as a reply to CLUSTER SHARDS. */
static void read_reply(struct tw_slice input)
{
    static struct tw_redis_shards shards;
    redisReader *reader = redisReaderCreate();
    redisReply *reply = NULL;

    TW_ASSERT(reader != NULL);
    if (redisReaderFeed(reader, input.at, input.len) == REDIS_OK &&
        redisReaderGetReply(reader, (void **)&reply) == REDIS_OK && reply != NULL) {
        struct tw_redis_value value = { .is_there = true,
                                        .elements = reply->element,
                                        .count = reply->elements };

        if (tw_redis_shards_read(&shards, &value, "asked.example", false) == 0)
            check_shards(&shards);
        freeReplyObject(reply);
    }
    redisReaderFree(reader);
}

static void read_redirection(struct tw_slice input)
{
    char *copy = fuzz_copy(input);
    struct tw_redis_redirection where;

    if (tw_redis_redirection_read(&where, tw_slice_from(copy, input.len), "asked.example"))
        TW_ASSERT(where.slot < TW_REDIS_SLOTS && is_host(&where.to));
    TW_ASSERT(tw_redis_slot(tw_slice_from(copy, input.len)) < TW_REDIS_SLOTS);
    free(copy);
}

static void read_url(struct tw_slice input)
{
    char *copy = fuzz_copy(input);
    struct tw_redis_url url;

    if (tw_redis_url_read(&url, tw_slice_from(copy, input.len)) == 0) {
        TW_ASSERT((url.kind == TW_REDIS_NONE) == (url.host_count == 0));
        TW_ASSERT((url.kind == TW_REDIS_SENTINEL) == (url.master != NULL));
        for (size_t i = 0; i < url.host_count; i++)
            TW_ASSERT(is_host(&url.hosts[i]));
    }
    tw_redis_url_done(&url);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct tw_slice input = { (const char *)bytes, len };

    if (!has_huge_list(input))
        read_reply(input);
    read_redirection(input);
    read_url(input);
    return 0;
}
