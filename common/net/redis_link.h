/* redis_link.h - hiredis's door: its codec on our stream; one connection to one Redis, which is
 * made again by itself.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/loop.h"
#include "common/net/redis_url.h"
#include "common/net/redis_value.h"
#include "common/net/route.h"
#include "common/net/stream.h"
#include "common/util/buf.h"
#include "common/util/list.h"
#include "common/util/metrics.h"
#include "common/util/slice.h"

#define TW_REDIS_OUT_BYTES ((size_t)8 * 1024 * 1024)

struct tw_redis_link;
struct tw_redis_ask;

/* Exactly once, never before the question has been sent. */
typedef void (*tw_redis_ask_cb)(struct tw_redis_ask *ask, const struct tw_redis_value *value);

/* A command whose reply is wanted; embedded in its caller and kept until it is answered. */
struct tw_redis_ask {
    tw_redis_ask_cb answered;
    struct tw_list link; /* the rest is the link's */
    uint64_t number;
};

/* Any may be null. */
struct tw_redis_link_events {
    void (*on_up)(struct tw_redis_link *l);
    void (*on_down)(struct tw_redis_link *l); /* once when it breaks */
    void (*on_subscribed)(struct tw_redis_link *l, struct tw_slice channel); /* confirmed */
    /* A channel of a cluster is heard here no longer, because it was asked for or because its
     * slot has moved. */
    void (*on_unsubscribed)(struct tw_redis_link *l, struct tw_slice channel);
    /* The message is lent and may be changed in place. */
    void (*on_message)(struct tw_redis_link *l, struct tw_slice channel, char *at, size_t len);
    /* A command that nobody waits for was refused. False: the link breaks. */
    bool (*on_refused)(struct tw_redis_link *l, struct tw_slice why);
    /* After tw_redis_link_stop: the link may be freed. */
    void (*on_stopped)(struct tw_redis_link *l);
};

/* What this Redis is to us. */
enum tw_redis_peer {
    TW_REDIS_SERVER, /* just a Redis; that it is a member of a cluster is said, once */
    TW_REDIS_MASTER, /* counts only while it is a master (ROLE) */
    TW_REDIS_MEMBER, /* of a cluster: MOVED and the like are for whoever asked */
    TW_REDIS_WATCHER /* a Sentinel: it gets the password only if it asks for one */
};

/* Of all links of a service. */
struct tw_redis_counts {
    struct tw_metric up, connects, sent, dropped;
};

struct tw_redis_link_options { /* pointers are kept */
    struct tw_loop *loop;
    struct tw_redis_source *source; /* user, password and TLS; and hosts, without `find` */
    struct tw_redis_counts *counts;
    const char *name; /* for the log: "publisher" */
    const struct tw_redis_link_events *events;
    enum tw_redis_peer peer;
    bool takes_any; /* of its hosts, one is as good as the other: news is only that none is
                       there */
    /* Add the hosts to try, each time; null: those of the URL. */
    void (*find)(struct tw_redis_link *l, struct tw_route *route);
};

/* Embedded in its owner. One link either asks or subscribes. */
struct tw_redis_link {
    struct tw_stream_owner owner;
    struct tw_redis_link_options options;
    struct tw_loop *loop;
    struct tw_route route;
    struct tw_stream *stream;
    void *reader;          /* hiredis's redisReader */
    struct tw_buf out;     /* commands of this turn */
    struct tw_buf writing; /* what the kernel has not taken yet */
    struct tw_later flush;
    struct tw_list asks;        /* in the order of their replies */
    uint64_t commands, replies; /* on this connection */
    struct tw_deadline limit;   /* connecting, retrying or listening for a sign of life */
    uint64_t retry_ms, heard_ms;
    bool is_up, was_up, is_writing, is_stopped, has_failed, is_connected;
    bool has_refused;        /* something, on this connection; said once */
    bool has_asked_password; /* a WATCHER, on this connection */
    bool is_renewed;         /* it goes to its new place at once */
    bool is_in_cluster;      /* a SERVER has said so, on this connection */
    char why[160];           /* it broke last; empty: it never did */
};

/* Begins to connect. */
void tw_redis_link_start(struct tw_redis_link *l, const struct tw_redis_link_options *options);

/* No event comes any more but on_stopped, which may come before this has returned. Fine on a
 * link of zeroes, of which none comes. */
void tw_redis_link_stop(struct tw_redis_link *l);

/* End this connection, for no fault of its own; it is made again as after any other end. */
void tw_redis_link_break(struct tw_redis_link *l);

/* What `find` says has changed: connect there, now. */
void tw_redis_link_renew(struct tw_redis_link *l, const char *why);

/* The host, as it was named, that an up link is connected to; lent. */
const char *tw_redis_link_host(const struct tw_redis_link *l);

/* Any command of at most TW_REDIS_WORDS words; tell ignores the reply, ask delivers it to
 * `answered`. Each is sent with others of its turn. 0, TW_EDOWN, or TW_EFULL when Redis reads
 * too slowly; then `answered` is not called. */
#define TW_REDIS_WORDS 256
int tw_redis_link_tell(struct tw_redis_link *l, const struct tw_slice *words, size_t n);
int tw_redis_link_ask(struct tw_redis_link *l, struct tw_redis_ask *ask,
                      const struct tw_slice *words, size_t n);

/* The reply is no longer wanted: `answered` is not called. Fine when nothing was asked. */
void tw_redis_forget(struct tw_redis_ask *ask);
