/* fake_cluster.h - as much of a Redis Cluster as a service sees: who has which slot, MOVED and
 * ASK, sharded channels, and strings by GET and SET, of which there is one for all keys.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/redis_slots.h"
#include "test/unit/support/fake_redis.h"

#define FAKE_NODES 4

struct fake_node {
    struct fake_redis redis;
    struct fake_cluster *cluster;
    struct tw_buf channels; /* that are subscribed to here, a line each */
    bool is_away, is_no_cluster;
    const char *name; /* the host that it announces; null: 127.0.0.1 */
    int moved_to;     /* whatever it is asked for is at that node; -1: it says the truth */
};

/* Zeroed, then fake_cluster_start. */
struct fake_cluster {
    struct fake_node nodes[FAKE_NODES];
    uint8_t owner[TW_REDIS_SLOTS]; /* TW_REDIS_NOBODY */
    int asks_at[TW_REDIS_SLOTS];   /* commands go on to this node by ASK; -1: none */
    struct tw_loop *loop;
};

/* Three masters with a share of the slots each, and one with none. */
void fake_cluster_start(struct fake_cluster *c, struct tw_loop *loop);
void fake_cluster_stop(struct fake_cluster *c);

/* The URL of the first two of them. */
const char *fake_cluster_url(struct fake_cluster *c);

/* A slot gets another owner (or TW_REDIS_NOBODY): the old one ends its subscriptions. */
void fake_cluster_move(struct fake_cluster *c, unsigned slot, uint8_t to);

/* All slots of `from` get another owner, without a word by the old one, which is gone. */
void fake_cluster_promote(struct fake_cluster *c, uint8_t from, uint8_t to);
void fake_cluster_kill(struct fake_cluster *c, uint8_t node);
void fake_cluster_revive(struct fake_cluster *c, uint8_t node);

/* A sharded message, by the owner of the channel. */
void fake_cluster_push(struct fake_cluster *c, const char *channel, const char *message);

/* How many commands with this start a node has got; all of them: -1. */
int fake_cluster_count(const struct fake_cluster *c, int node, const char *start);
