/* redis_slots.h - which of a Redis Cluster's nodes has which slot, as Redis tells it.
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/redis_url.h"
#include "common/net/redis_value.h"

#define TW_REDIS_SLOTS 16384
#define TW_REDIS_NODES 128 /* masters that we know at once */
#define TW_REDIS_NOBODY 255

/* The slot of a channel or key: CRC16 of what stands between its first "{" and the next "}", or
 * of all of it when there is no such part or it is empty. */
unsigned tw_redis_slot(struct tw_slice name);

/* An answer to CLUSTER SHARDS. */
struct tw_redis_shards {
    size_t count, covered; /* masters; slots that have one */
    struct tw_redis_host masters[TW_REDIS_NODES];
    uint8_t owner[TW_REDIS_SLOTS]; /* which of them; TW_REDIS_NOBODY */
};

/* `asked` is the host that has answered: a node that does not say its address is there too. 0,
 * TW_ESYNTAX, or TW_EFULL when there are more masters than fit. */
int tw_redis_shards_read(struct tw_redis_shards *out, const struct tw_redis_value *reply,
                         const char *asked, bool is_tls);

/* Where a slot is: "MOVED 3999 127.0.0.1:6381", or ASK instead of MOVED. False when it says
 * something else. */
struct tw_redis_redirection {
    bool is_ask;
    unsigned slot;
    struct tw_redis_host to;
};
bool tw_redis_redirection_read(struct tw_redis_redirection *out, struct tw_slice refusal,
                               const char *asked);
