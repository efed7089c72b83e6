/* pg_pool.h - a few connections, many callers: which call goes where, which waits, for how
 * long.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/pg_conn.h"
#include "common/net/pg_outage.h"
#include "common/util/metrics.h"

#define TW_PG_DEPTH 16 /* calls on one connection */
#define TW_PG_QUEUE_BYTES ((uint64_t)256 * 1024 * 1024)
#define TW_PG_CONNECTIONS 64
#define TW_PG_SHARES 256

struct tw_pg_pool;

struct tw_pg_pool_options {
    struct tw_loop *loop;
    const char *url, *url_file, *program; /* as for a connection; kept */
    size_t connections;                   /* at most TW_PG_CONNECTIONS */
    size_t max_waiting;                   /* more calls are refused with TW_EFULL */
    uint64_t max_bytes; /* the same for their parameters, in bytes; 0: 256 MiB */
    void (*on_change)(struct tw_pg_pool *pool); /* reachable or not; may be null */
    struct tw_pg_observer *observer;            /* of its connections; or null */
};

/* Calls that wait, and their parameters. */
struct tw_pg_waiting {
    uint64_t count, bytes;
};

/* The rule of placing: reads are pipelined after reads. A call that writes may wait for a
 * row's lock, so nothing is ever sent after it, and one connection is always left to reads. Of
 * calls of one affinity (one card, one phone) one is under way at a time; its rivals wait here,
 * where a time limit can still take them out. So a locked row delays the calls that need
 * it, and no others. Calls of one share (one tenant) wait in at most half of the places. */
struct tw_pg_pool {
    struct tw_loop *loop;
    struct tw_pg_conn *conns[TW_PG_CONNECTIONS];
    size_t conn_count, up_count;
    struct tw_list waiting;
    struct tw_pg_waiting max_waiting;
    struct tw_pg_waiting waiting_of[TW_PG_SHARES]; /* by share; several when they collide */
    bool is_closed, was_up;
    bool is_short;  /* some connections have been away for long */
    bool is_shared; /* a pooler's servers are shared: see tw_pg_conn_is_shared */
    struct tw_deadline short_limit;
    char problem[TW_PG_WHY + 64];
    struct tw_pg_outage outage; /* why the last connection failed that did */
    void (*on_change)(struct tw_pg_pool *pool);
    struct tw_metric up, queued, queued_bytes, questions, calls, refused, reconnects;
};

extern const struct tw_metric_table tw_pg_pool_metrics;

/* Begins to connect. */
void tw_pg_pool_start(struct tw_pg_pool *pool, const struct tw_pg_pool_options *options);

/* Send `call` as soon as there is room for it. One that still waits after a second and a half
 * is refused with TW_ETIMEOUT, or TW_EDOWN when no connection is up: nothing was done then. */
void tw_pg_pool_call(struct tw_pg_pool *pool, struct tw_pg_call *call);

bool tw_pg_pool_is_up(const struct tw_pg_pool *pool);
bool tw_pg_pool_is_idle(
    const struct tw_pg_pool *pool); /* nothing waits, nothing is under way */

/* What is wrong with it, in words for an operator: null when nothing is. Lent until the next
 * call. */
const char *tw_pg_pool_problem(struct tw_pg_pool *pool);

/* Waiting calls get TW_EDOWN, those under way TW_ELOST. Fine when it never started. */
void tw_pg_pool_close(struct tw_pg_pool *pool);
