/* daemon.h - what every main does: options, settings, loop, signals, readiness, drain.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/daemon/bounds.h"
#include "common/daemon/certificates.h"
#include "common/daemon/ops.h"
#include "common/daemon/settings.h"
#include "common/net/listener.h"
#include "common/net/loop.h"
#include "common/net/pg_pool.h"
#include "common/util/metrics.h"

#define TW_EXIT_USAGE 64
#define TW_EXIT_INTERNAL 70
#define TW_EXIT_SYSTEM 71
#define TW_EXIT_CONFIG 78

struct tw_daemon;
struct tw_redis;
struct tw_schema;

/* What is particular to a process; one constant row. */
struct tw_daemon_kind {
    const char *name;  /* "tillwire-api" */
    const char *about; /* a sentence for --help */
    enum tw_program program;
    const struct tw_metric_part *metrics; /* the parts that count; offsets from the daemon */
    size_t metrics_count;
    const struct tw_bound *bounds; /* its own ones, up to one without an `of` */
    uint64_t handover_ms; /* a drain may take no longer when a successor waits for its end; 0:
                             as long as any */
    /* Build everything; tw_daemon_listen_soon. 0, or a negative error that was logged. */
    int (*start)(struct tw_daemon *d);
    /* SIGTERM: take nothing new, send everybody home; is_drained is asked until it is true or
     * the drain time is over. */
    void (*drain)(struct tw_daemon *d);
    bool (*is_drained)(struct tw_daemon *d);
    /* Close every handle; their memory goes when the loop has ended, in `free`. */
    void (*stop)(struct tw_daemon *d);
    void (*free)(struct tw_daemon *d);   /* may be null */
    void (*reload)(struct tw_daemon *d); /* SIGHUP, beside new certificates; may be
                                            null */
    void (*missing)(struct tw_daemon *d, struct tw_buf *missing, struct tw_buf *degraded);
};

/* The first member of the process's state, which is zeroed at the start. */
struct tw_daemon {
    const struct tw_daemon_kind *kind;
    struct tw_settings settings;
    struct tw_loop loop;
    struct tw_metrics metrics;
    struct tw_ops ops;
    struct tw_certificates certificates;
    uv_signal_t signals[5];
    struct tw_handed_over handed_over;
    struct tw_listener *listener; /* for clients; null: there are none */
    tw_accept_cb accept;
    struct tw_later listen_now;
    struct tw_deadline listen_limit, watchdog, drain_check;
    uint64_t watchdog_ms, drain_ms, drain_until_ms;
    int failure;        /* why it could not listen */
    bool has_successor; /* while it drains: who connects waits for the next process */
    bool has_started, has_begun, is_draining, is_stopped;
};

/* The whole life of a process; its exit status. */
int tw_daemon_main(struct tw_daemon *d, const struct tw_daemon_kind *kind, int argc,
                   char **argv);

/* For `start`: listen where the settings say (TILLWIRE_LISTEN) when tw_daemon_listen_now is
 * called, or else three seconds later: a process that accepts before it can serve would get
 * what others could have served. If it cannot listen, the process ends. */
void tw_daemon_listen_soon(struct tw_daemon *d, struct tw_listener *listener,
                           tw_accept_cb accept);

/* PostgreSQL is there. Fine at any time. */
void tw_daemon_listen_now(struct tw_daemon *d);

/* For `start`: log that TILLWIRE_REDIS_URL cannot be used; returns `err`. */
int tw_daemon_bad_redis(int err);

/* Appends a JSON string to one of readyz's lists. */
void tw_daemon_note(struct tw_buf *list, const char *what);

/* The same with a reason, if there is one: "what: why". */
void tw_daemon_note_why(struct tw_buf *list, const char *what, const char *why);

/* Appends "schema", which migration is needed and which one there is, when it will not do. */
void tw_daemon_note_schema(struct tw_buf *missing, const struct tw_schema *schema);

/* Appends "redis", and what is wrong with it, when something is. */
void tw_daemon_note_redis(struct tw_buf *list, const struct tw_redis *redis);

/* What is wrong with the pool goes to one of the two: without any connection it is missing. */
void tw_daemon_note_database(struct tw_pg_pool *pool, struct tw_buf *missing,
                             struct tw_buf *degraded);
