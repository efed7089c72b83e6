/* presence.h - who is connected to any gateway, as the gateways write it into Redis: the layout
 * is described in common/domain/presence_keys.h.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/routes.h"
#include "common/net/loop.h"
#include "common/net/redis.h"
#include "common/util/buf.h"

/* The sum of all gateways. Zero: no client is connected. */
struct api_presence_sum {
    uint64_t tablets, cloud_devices; /* sessions of MiniPOS and of cloud sync */
    uint64_t restaurants;            /* that have any of cloud sync */
    struct tw_buf devices;           /* objects with commas between them; limit: the owner's */
    uint64_t device_count;
    bool is_degraded; /* Redis did not say: more may be connected */
};

/* Add what one gateway says. What is no record, or over, is left out. */
void api_presence_add(struct api_presence_sum *sum, struct tw_slice record, int64_t now_ms);

/* What an address of this kind answers, as members of the object in `out`. */
void api_presence_put(const struct api_presence_sum *sum, enum api_presence kind,
                      struct tw_buf *out);

struct api_presence_query;
/* Exactly once, within 0.8 s, never before api_presence_ask has returned. */
typedef void (*api_presence_cb)(struct api_presence_query *q);

/* Embedded in its caller; zeroed but for what stands before the blank line. */
struct api_presence_query {
    struct tw_redis *redis;
    enum api_presence kind;
    char tenant[37]; /* API_DEVICES: whose */
    api_presence_cb answered;

    struct api_presence_sum sum; /* the answer; given: api_presence_done */
    struct tw_redis_ask records, restaurants;
    int waiting;
    struct tw_deadline limit;
    struct tw_later later;
};

void api_presence_ask(struct api_presence_query *q);
void api_presence_done(struct api_presence_query *q);
