/* pg_dial.h - making one connection to PostgreSQL: host after host, until one takes writes.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/fresh_url.h"
#include "common/net/loop.h"
#include "common/net/pg_outage.h"
#include "common/net/route.h"
#include "common/net/watch.h"
#include "common/util/buf.h"

struct pg_conn; /* libpq's PGconn, and its PGresult */
struct pg_result;
struct tw_pg_dial;

/* The connection is made, and belongs to the callee; or null, and `why` says what each
 * host said. Exactly once, never before tw_pg_dial_start has returned. */
typedef void (*tw_pg_dial_cb)(struct tw_pg_dial *d, struct pg_conn *pg);

/* Embedded in its owner; zero at first. */
struct tw_pg_dial {
    struct tw_loop *loop;
    struct tw_fresh_url url;
    const char *program; /* kept */
    bool is_direct;      /* a pooler (PgBouncer) is passed over: PostgreSQL itself is needed */
    tw_pg_dial_cb done;
    char why[TW_PG_WHY]; /* one line for the log */

    bool is_pooled; /* of the connection that was made: a pooler stands in between */
    int backend;    /* the process at its other end, behind all poolers */

    const char *current; /* the URL of this attempt; this and the rest are its own */
    struct tw_route route;
    struct pg_conn *pg;
    struct tw_watch *watch;
    struct tw_deadline limit;
    struct pg_result *answer;
    bool wants_writes; /* as libpq's target_session_attrs=read-write */
    bool is_asking;    /* who is there; else it is being connected */
};

/* Try each host of `url`, a libpq connection URI or its keywords: names are looked up off the
 * loop, each time, and an address that does not answer in time does not keep from the next. A
 * server that takes no writes is passed over, unless the URL says otherwise with
 * target_session_attrs. A pooler that has no server for us has not answered. `loop`, `url`,
 * `program`, `is_direct` and `done` are set before. */
void tw_pg_dial_start(struct tw_pg_dial *d);

/* `done` does not come any more, and nothing is kept. Fine when nothing was started. */
void tw_pg_dial_stop(struct tw_pg_dial *d);

/* Whether `url` can be used. False, and why in `problem`: what is wrong with it, without what
 * may be a password. */
bool tw_pg_url_check(const char *url, struct tw_buf *problem);
