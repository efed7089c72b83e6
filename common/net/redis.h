/* redis.h - Redis as our processes use it: publish and ask, or subscribe; whatever its URL
 * names: one Redis, the master that Sentinel names, or a cluster.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/net/loop.h"
#include "common/net/redis_cluster.h"
#include "common/net/redis_link.h"
#include "common/net/redis_sentinel.h"
#include "common/util/metrics.h"
#include "common/util/slice.h"

struct tw_redis;

/* Any may be null. */
struct tw_redis_events {
    void (*on_up)(struct tw_redis *r);   /* subscribe to what is wanted */
    void (*on_down)(struct tw_redis *r); /* nothing is subscribed to any more */
    void (*on_subscribed)(struct tw_redis *r, struct tw_slice channel); /* confirmed */
    /* The message is lent and may be changed in place. */
    void (*on_message)(struct tw_redis *r, struct tw_slice channel, char *at, size_t len);
    /* This channel is not subscribed to at present, the others are; it will be confirmed again.
     * No channel may be subscribed or unsubscribed meanwhile. */
    void (*on_lost)(struct tw_redis *r, struct tw_slice channel);
};

struct tw_redis_options {
    struct tw_loop *loop;
    const char *url;      /* as redis_url.h says */
    const char *url_file; /* where it is read from again each time, and then both are kept */
    const char *name;     /* for the log: "publisher"; kept */
    const struct tw_redis_events *events; /* kept; null: none */
};

/* Embedded in its owner. One service either publishes and asks, or subscribes. */
struct tw_redis {
    struct tw_loop *loop;
    const struct tw_redis_events *events;
    struct tw_redis_source source;
    struct tw_redis_counts counts;
    const char *name;
    enum tw_redis_kind kind;
    bool is_stopped;
    struct tw_redis_link link; /* to one Redis, or to the master */
    struct tw_redis_sentinel sentinel;
    struct tw_redis_cluster cluster;
};

/* A process with several services tells them apart by a label `link`. */
extern const struct tw_metric_table tw_redis_metrics;

/* Begins to connect. 0, or TW_ECONFIG for a URL that cannot be. */
int tw_redis_start(struct tw_redis *r, const struct tw_redis_options *options);
void tw_redis_stop(struct tw_redis *r); /* no event comes any more */

/* All of it is there. */
bool tw_redis_is_up(const struct tw_redis *r);

/* What is sent to this channel or key now finds its Redis; a channel that is subscribed to is
 * confirmed, or lost. Of a cluster, a part may be away. */
bool tw_redis_serves(const struct tw_redis *r, struct tw_slice name);

/* Its URL is "none": there is no Redis here and none is missed; what is sent is TW_EDOWN. */
bool tw_redis_is_none(const struct tw_redis *r);

/* What an operator should know, lent; null: all is well, or there is no Redis. Empty: it is not
 * up, for no reason yet. */
const char *tw_redis_problem(const struct tw_redis *r);

/* Each is sent with others of its turn. 0, TW_EDOWN, or TW_EFULL when Redis reads too slowly;
 * nothing is kept for later then: what is lost is found by reconciliation. */
int tw_redis_publish(struct tw_redis *r, struct tw_slice channel, struct tw_slice message);

/* A command of at most TW_REDIS_WORDS words about one key: its second word, or after EVAL the
 * fourth. Tell ignores the reply, ask delivers it to `answered`. Not where it subscribes. The
 * errors are those of publishing; then `answered` is not called. */
int tw_redis_tell(struct tw_redis *r, const struct tw_slice *words, size_t n);
int tw_redis_ask(struct tw_redis *r, struct tw_redis_ask *ask, const struct tw_slice *words,
                 size_t n);

/* To be said again at each on_up. */
int tw_redis_subscribe(struct tw_redis *r, struct tw_slice channel);
int tw_redis_unsubscribe(struct tw_redis *r, struct tw_slice channel);
