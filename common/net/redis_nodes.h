/* redis_nodes.h - the masters of a Redis Cluster: one link to each, and who has which slot.
 *
 * Who has what is asked at the start and whenever there is a reason to doubt it, by a link of
 * its own that goes when it has the answer: more and more seldom while the trouble lasts, and
 * at times that differ from process to process.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/redis_link.h"
#include "common/net/redis_slots.h"
#include "common/util/list.h"

struct tw_redis_nodes;

struct tw_redis_node {
    struct tw_redis_nodes *all;
    struct tw_redis_link link;
    struct tw_redis_host host;
    char name[TW_HOST_BYTES + 48]; /* for the log: "publisher 10.0.0.7:6379" */
    uint8_t index;
    bool is_listed; /* by the cluster; else it goes */
    size_t slot_count;

    /* Channels (redis_cluster.c): to be subscribed to, asked for, and confirmed. */
    struct tw_list waiting, asked, heard;
    size_t asked_count;
    struct tw_later turn;
};

struct tw_redis_nodes_events {
    void (*on_known)(struct tw_redis_nodes *all); /* who has what, for the first time */
    /* And after each answer; whether it was another one than before. */
    void (*on_answer)(struct tw_redis_nodes *all, bool has_changed);
    void (*on_up)(struct tw_redis_node *n);
    void (*on_down)(struct tw_redis_node *n);
    void (*on_subscribed)(struct tw_redis_node *n, struct tw_slice channel);
    void (*on_unsubscribed)(struct tw_redis_node *n, struct tw_slice channel);
    void (*on_message)(struct tw_redis_nodes *all, struct tw_slice channel, char *at,
                       size_t len);
    bool (*on_refused)(struct tw_redis_node *n, struct tw_slice why); /* as a link's */
};

struct tw_redis_nodes_options { /* pointers are kept */
    struct tw_loop *loop;
    struct tw_redis_source *source;
    struct tw_redis_counts *counts;
    const char *name;
    const struct tw_redis_nodes_events *events;
};

/* Embedded in its owner; zero before tw_redis_nodes_start. */
struct tw_redis_nodes {
    struct tw_redis_nodes_options options;
    struct tw_redis_node *at[TW_REDIS_NODES];
    uint8_t *owner;             /* of each slot: the index of its node, or TW_REDIS_NOBODY */
    size_t missing;             /* slots without one */
    struct tw_redis_link scout; /* asks who has what */
    struct tw_redis_ask ask;
    struct tw_deadline refresh;
    uint64_t retry_ms, answered_ms;
    struct tw_redis_host hint; /* it should know; port 0: nobody in particular */
    unsigned round;            /* which of the others is asked first */
    bool is_known, is_scouting, is_doubted, is_stopped;
    char scout_name[64];
    char problem[160]; /* of the cluster as a whole; empty: none */
};

void tw_redis_nodes_start(struct tw_redis_nodes *all,
                          const struct tw_redis_nodes_options *options);
void tw_redis_nodes_stop(struct tw_redis_nodes *all); /* no event comes any more */

/* The node that has a slot; null: none that we know of. */
struct tw_redis_node *tw_redis_nodes_owner(const struct tw_redis_nodes *all, unsigned slot);

/* A node has refused something, because its slot is elsewhere: where it is now, or (is_ask)
 * is to be asked for this once. Null when that is nowhere. */
struct tw_redis_node *tw_redis_nodes_redirect(struct tw_redis_node *n, struct tw_slice why,
                                              struct tw_redis_redirection *where);

/* Something does not fit: ask again soon. */
void tw_redis_nodes_doubt(struct tw_redis_nodes *all);

/* Each slot has a node, and each of these is up. */
bool tw_redis_nodes_are_up(const struct tw_redis_nodes *all);

/* What is wrong, lent; empty when nothing is known to be. */
const char *tw_redis_nodes_problem(const struct tw_redis_nodes *all);
