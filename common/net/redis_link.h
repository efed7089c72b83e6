/* redis_link.h - hiredis's door: its codec on our stream; subscribe, publish, ping, reconnect.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/fresh_url.h"
#include "common/net/loop.h"
#include "common/net/route.h"
#include "common/net/stream.h"
#include "common/net/tls_client.h"
#include "common/util/buf.h"
#include "common/util/list.h"
#include "common/util/metrics.h"
#include "common/util/slice.h"

#define TW_REDIS_OUT_BYTES ((size_t)8 * 1024 * 1024)

struct tw_redis_link;
struct tw_redis_ask;

/* A reply, lent. */
struct tw_redis_value {
    bool is_there; /* false: there is none (nil), Redis refuses to give it, or is away */
    struct tw_slice text;
    int64_t number;
    size_t count;         /* of a list: its elements; see tw_redis_element */
    const void *elements; /* hiredis's */
};

/* Element `i` (below `count`) of a list of texts; empty when it is something else. Lent as the
 * list is. */
struct tw_slice tw_redis_element(const struct tw_redis_value *list, size_t i);

/* Exactly once, never before tw_redis_ask has returned. */
typedef void (*tw_redis_ask_cb)(struct tw_redis_ask *ask, const struct tw_redis_value *value);

/* A command whose reply is wanted; embedded in its caller and kept until it is answered. */
struct tw_redis_ask {
    tw_redis_ask_cb answered;
    struct tw_list link; /* the rest is the link's */
    uint64_t number;
};

/* Any may be null. */
struct tw_redis_events {
    void (*on_up)(struct tw_redis_link *l); /* connected: subscribe to what is wanted */
    void (*on_down)(
        struct tw_redis_link *l); /* once when it breaks; it tries again by itself */
    void (*on_subscribed)(struct tw_redis_link *l, struct tw_slice channel); /* confirmed */
    /* The message is lent and may be changed in place. */
    void (*on_message)(struct tw_redis_link *l, struct tw_slice channel, char *at, size_t len);
};

struct tw_redis_options {
    struct tw_loop *loop;
    const char *url;      /* redis:// or rediss://[user:password@]host[:port], unix:///path */
    const char *url_file; /* where it is read from again each time, and then both are kept */
    const char *name;     /* for the log: "publisher"; kept */
    const struct tw_redis_events *events; /* kept; null: none */
};

/* Embedded in its owner. One link either publishes or subscribes. */
struct tw_redis_link {
    struct tw_stream_owner owner;
    const struct tw_redis_events *events;
    struct tw_loop *loop;
    struct tw_fresh_url url;
    struct tw_route route;
    char *user, *password; /* null without */
    struct tw_tls_client tls;
    bool has_tls;
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
    bool is_none;     /* see tw_redis_is_none */
    bool has_refused; /* a question, on this connection; said once */
    const char *name; /* for the log: "publisher" */
    struct tw_metric up, connects, sent, dropped;
};

/* A process with several links tells them apart by a label `link`. */
extern const struct tw_metric_table tw_redis_metrics;

/* Whether `url` can be used. False, and why in `problem`, without what may be a password. */
bool tw_redis_url_check(const char *url, struct tw_buf *problem);

/* Begins to connect. 0, or TW_ECONFIG for a URL that cannot be. */
int tw_redis_start(struct tw_redis_link *l, const struct tw_redis_options *options);
void tw_redis_stop(struct tw_redis_link *l); /* no event comes any more */

bool tw_redis_is_up(const struct tw_redis_link *l);

/* Its URL is "none": there is no Redis here and none is missed; what is sent is TW_EDOWN. */
bool tw_redis_is_none(const struct tw_redis_link *l);

/* Each is sent with others of its turn. 0, TW_EDOWN, or TW_EFULL when Redis reads too slowly;
 * nothing is kept for later then: what is lost is found by reconciliation. */
int tw_redis_publish(struct tw_redis_link *l, struct tw_slice channel, struct tw_slice message);

/* Any command of at most TW_REDIS_WORDS words; tell ignores the reply, ask delivers it to
 * `answered`. Not on a link that subscribes. The errors are those of publishing; then
 * `answered` is not called. */
#define TW_REDIS_WORDS 256
int tw_redis_tell(struct tw_redis_link *l, const struct tw_slice *words, size_t n);
int tw_redis_ask(struct tw_redis_link *l, struct tw_redis_ask *ask,
                 const struct tw_slice *words, size_t n);
/* The reply is no longer wanted: `answered` is not called. Fine when nothing was asked. */
void tw_redis_forget(struct tw_redis_ask *ask);

int tw_redis_subscribe(struct tw_redis_link *l, struct tw_slice channel);
int tw_redis_unsubscribe(struct tw_redis_link *l, struct tw_slice channel);
