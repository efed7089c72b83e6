/* sync_log.h - what happened to sessions and events, for pos_sync_logs: in batches that nothing
 * waits for.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/loop.h"
#include "common/net/pg_pool.h"
#include "common/util/buf.h"
#include "common/util/metrics.h"
#include "common/util/slice.h"

/* One row. Slices and texts are copied by the call; empty ones become null. */
struct gw_sync_log_row {
    const char *kind; /* "connect", "disconnect", "auth_failed", "delivery" */
    struct tw_slice tenant;
    const char *dialect;
    struct tw_slice device;
    uint64_t seq;   /* 0: none */
    uint64_t count; /* 0: one */
    /* Into `detail`; null, or 0: none. */
    const char *reason, *address;
    const char *client; /* its program, as it says */
    const char *named;  /* the restaurant, as the client called it */
    unsigned code;
    /* Of a session that has started or ended, for what is known of each device
     * (pos.devices_note). */
    struct tw_slice key; /* the id of its API key; empty: it has none */
    bool has_ended;
    uint64_t since;       /* of one that has: when it was greeted, in seconds; 0: never */
    uint64_t expected_ms; /* in how long it is to be back; 0: nobody waits for it */
};

struct gw_sync_log;

struct gw_sync_log_options { /* all are kept */
    struct tw_loop *loop;
    struct tw_pg_pool *pool;
    const char *instance;                     /* the name of this process */
    void (*collect)(struct gw_sync_log *log); /* add rows just before they leave; may be null */
};

/* Embedded in the process's state. Rows gather in memory and leave once a second, and earlier
 * when there are many; when the database does not take them, the buffer fills and further rows
 * are dropped and counted. */
struct gw_sync_log {
    struct gw_sync_log_options options;
    struct tw_pg_call call;
    int64_t newest_ms;           /* the wall clock when a row was added last */
    struct tw_buf rows, sending; /* JSON arrays, the first without its closing bracket */
    struct tw_deadline tick;
    struct tw_later full;
    bool is_sending, is_stopped;
    struct tw_metric written, dropped;
};

extern const struct tw_metric_table gw_sync_log_metrics;

void gw_sync_log_start(struct gw_sync_log *log, const struct gw_sync_log_options *options);
void gw_sync_log_stop(struct gw_sync_log *log);
void gw_sync_log_done(struct gw_sync_log *log);

void gw_sync_log_add(struct gw_sync_log *log, const struct gw_sync_log_row *row);
