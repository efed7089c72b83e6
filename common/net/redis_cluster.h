/* redis_cluster.h - a Redis Cluster: each channel and each key at the node that has its slot.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/net/redis_nodes.h"
#include "common/util/map.h"

#define TW_REDIS_ASKED 512 /* channels, at a node, at once */

struct tw_redis_cluster;

struct tw_redis_cluster_events {
    void (*on_up)(struct tw_redis_cluster *c); /* once: who has what is known */
    void (*on_subscribed)(struct tw_redis_cluster *c, struct tw_slice channel);
    /* What is published on it may be missed until it is subscribed again, which is seen to. No
     * channel may be subscribed or unsubscribed meanwhile. */
    void (*on_lost)(struct tw_redis_cluster *c, struct tw_slice channel);
    void (*on_message)(struct tw_redis_cluster *c, struct tw_slice channel, char *at,
                       size_t len);
};

/* Embedded in its owner; zero before tw_redis_cluster_start. */
struct tw_redis_cluster {
    struct tw_redis_nodes nodes;
    const struct tw_redis_cluster_events *events;
    struct tw_map channels;  /* name to what is subscribed to, or is to be */
    struct tw_list homeless; /* those whose slot is nowhere */
    size_t kept_bytes;       /* of commands that are not answered yet */
};

void tw_redis_cluster_start(struct tw_redis_cluster *c,
                            const struct tw_redis_nodes_options *options, /* but its events */
                            const struct tw_redis_cluster_events *events);
void tw_redis_cluster_stop(struct tw_redis_cluster *c); /* no event comes any more */

/* Whether the node that has this channel's or key's slot is up. */
bool tw_redis_cluster_serves(const struct tw_redis_cluster *c, struct tw_slice name);

/* A command about one key or channel, `name`, which is among its words. It follows its slot to
 * another node when it has moved (MOVED, ASK). `ask` may be null. 0, TW_EDOWN, or TW_EFULL. */
int tw_redis_cluster_send(struct tw_redis_cluster *c, struct tw_slice name,
                          struct tw_redis_ask *ask, const struct tw_slice *words, size_t n);

/* It stays subscribed, wherever its slot is, until tw_redis_cluster_unsubscribe. 0, or TW_EDOWN
 * while its slot is nowhere; it is seen to then, too. */
int tw_redis_cluster_subscribe(struct tw_redis_cluster *c, struct tw_slice channel);
int tw_redis_cluster_unsubscribe(struct tw_redis_cluster *c, struct tw_slice channel);
