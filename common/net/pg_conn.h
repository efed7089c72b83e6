/* pg_conn.h - libpq's door: one connection in pipeline mode, which reconnects by itself.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/loop.h"
#include "common/util/clock.h"
#include "common/util/list.h"
#include "common/util/slice.h"

#define TW_PG_PARAMS 4

struct tw_pg_param {
    struct tw_slice bytes; /* `at` null: SQL null */
    bool is_json;          /* type json, else text */
};

struct tw_pg_result; /* lent during `done` */
struct tw_pg_call;
struct tw_pg_statement;
typedef void (*tw_pg_done_cb)(struct tw_pg_call *call, const struct tw_pg_result *result);

/* One statement and its answer; embedded in its caller, kept with all that it points to until
 * `done`, which comes exactly once and never before the sending call has returned. Each is a
 * transaction of its own: never BEGIN. */
struct tw_pg_call {
    const char *sql; /* a constant: it is prepared once, and kept */
    const char
        *function; /* a constant: the SQL function that it calls, for the observer; or null */
    struct tw_pg_param params[TW_PG_PARAMS];
    int param_count;
    bool writes;        /* may lock rows, so no other call may be queued after it (pg_pool.h) */
    uint64_t affinity;  /* not 0: calls of one affinity run one after the other */
    uint64_t share;     /* not 0: calls of one share wait in half of the places */
    uint64_t answer_ms; /* the longest silence of the server once it is first; 0: as usual */
    tw_pg_done_cb done;

    struct tw_list link; /* the rest belongs to pg_conn and pg_pool */
    struct tw_deadline limit;
    struct tw_pg_pool *pool;
    uint64_t sent_us;                  /* when it was */
    struct tw_pg_statement *statement; /* prepared, of its connection; null: none */
    bool prepares;                     /* it is the first with its text there */
};

/* 0, or why there are no rows: TW_EQUERY (see the SQLSTATE), TW_ELOST (the connection broke,
 * the outcome is unknown), TW_EDOWN, TW_ETIMEOUT, TW_EFULL (the last three: nothing was sent).
 */
int tw_pg_error(const struct tw_pg_result *r);
const char *tw_pg_sqlstate(const struct tw_pg_result *r); /* five characters, or "" */
const char *tw_pg_message(const struct tw_pg_result *r);  /* for the log only */

size_t tw_pg_rows(const struct tw_pg_result *r);
bool tw_pg_is_null(const struct tw_pg_result *r, size_t row, int column);
struct tw_slice tw_pg_text(const struct tw_pg_result *r, size_t row, int column); /* lent */
int64_t tw_pg_int(const struct tw_pg_result *r, size_t row, int column); /* 0 if null */

/* Told of each call that was sent, before its `done`: what came of it (lent), and after how
 * long.
 */
struct tw_pg_observer {
    void (*answered)(struct tw_pg_observer *o, const struct tw_pg_call *call,
                     const struct tw_pg_result *result, uint64_t us);
};

/* What the connection does with a call that was sent and has its answer. */
static inline void tw_pg_hand_out(struct tw_pg_observer *o, struct tw_pg_call *call,
                                  const struct tw_pg_result *result)
{
    if (o != NULL)
        o->answered(o, call, result, tw_now_us() - call->sent_us);
    call->done(call, result);
}

struct tw_pg_conn;

struct tw_pg_conn_events {
    void (*on_up)(struct tw_pg_conn *c, void *owner);
    /* It broke or could not be made; `why` is for the log. It tries again by itself. */
    void (*on_down)(struct tw_pg_conn *c, void *owner, const char *why);
    void (*on_idle)(struct tw_pg_conn *c, void *owner); /* a call has been answered, or lost */
    void (*on_notify)(struct tw_pg_conn *c, void *owner, struct tw_slice channel,
                      struct tw_slice payload); /* may be null */
};

struct tw_pg_conn_options { /* all are kept, but not the struct */
    const char *url;
    const char *url_file;            /* where it is read from again each time; null: nowhere */
    const char *program;             /* its application_name */
    bool is_direct;                  /* not behind a pooler: see pg_dial.h */
    struct tw_pg_observer *observer; /* or null */
};

/* Gives; begins to connect at once. `events` and `owner` are kept. */
struct tw_pg_conn *tw_pg_conn_new(struct tw_loop *loop,
                                  const struct tw_pg_conn_options *options,
                                  const struct tw_pg_conn_events *events, void *owner);

/* Ends it: unanswered calls get TW_ELOST, no event comes any more. */
void tw_pg_conn_close(struct tw_pg_conn *c);

bool tw_pg_conn_is_up(const struct tw_pg_conn *c);

/* It is up, and there is a pooler that gives a server for a transaction only, or gives one on
 * as its last client has left it. Statements are sent as texts then, which always works. */
bool tw_pg_conn_is_shared(const struct tw_pg_conn *c);

/* Both are up, behind a pooler, and have the same server: then both are shared from now on. */
void tw_pg_conn_compare(struct tw_pg_conn *a, struct tw_pg_conn *b);

/* Send one call; only while it is up. */
void tw_pg_conn_send(struct tw_pg_conn *c, struct tw_pg_call *call);

/* What is under way: how many calls, how many of them write, and whether one has `affinity`. */
size_t tw_pg_conn_depth(const struct tw_pg_conn *c);
size_t tw_pg_conn_writes(const struct tw_pg_conn *c);
bool tw_pg_conn_has(const struct tw_pg_conn *c, uint64_t affinity);

/* Answer a call that was never sent. */
void tw_pg_refuse(struct tw_pg_call *call, int err);
