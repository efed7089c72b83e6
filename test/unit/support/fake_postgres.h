/* fake_postgres.h - as much of PostgreSQL as a connection sees: start, pipelined statements,
 * errors, notifications. What a statement is answered with stands in its own text:
 *
 *     rows N        N rows of one column, "1" to "N"
 *     null          a row whose column is null
 *     echo          a row with the bytes of the first parameter
 *     fail XXXXX    an error with this SQLSTATE
 *     anything else a row with "ok", or what `says` says: columns with tabs between them
 *
 * Who asks which process it is is told at once, and not counted among the statements.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "test/unit/support/net.h"

#define FAKE_PENDING 1000
#define FAKE_SQL 256
#define FAKE_PREPARED 200

struct fake_statement {
    struct end *e;
    char sql[FAKE_SQL];
    struct tw_buf echo; /* the first parameter */
    bool is_null;       /* it was null */
    bool is_parsed;     /* its text came with it */
    const char *fails;  /* SQLSTATE; null: it does not */
};

struct fake_prepared {
    struct end *e;
    char name[64], sql[FAKE_SQL];
};

/* Zeroed but for how it behaves, then fake_postgres_start. */
struct fake_postgres {
    struct host host;
    bool is_silent;   /* says nothing to who connects */
    bool is_standby;  /* says so to who connects, and asks */
    bool was_standby; /* says so to who connects, though it is none: as a pooler may */
    bool is_read_only;
    int backend;                /* not 0: a pooler; the processes behind it count from here */
    bool has_one_server;        /* for all of its clients */
    bool is_paused;             /* a pooler that has no server: who asks waits */
    const char *asked_fails_as; /* SQLSTATE for who asks; null: it is told */
    const char *refuses_as;     /* SQLSTATE for who connects; null: all are welcome */
    const char *says;           /* see above; null: "ok" */
    bool has_no_row;            /* instead of what `says` says */
    const char *fails_as;       /* SQLSTATE for every statement; null: as its text says */
    bool holds;                 /* answers come by fake_postgres_release */
    bool forgets;               /* a pooler in between: a name is gone with its batch */
    bool clashes;               /* the same: every name is there already */
    struct fake_statement pending[FAKE_PENDING];
    size_t pending_count;
    size_t received, parsed;
    size_t asked; /* times that it was asked which process it is */
    struct fake_prepared prepared[FAKE_PREPARED];
    size_t prepared_count;
    uint32_t types[4]; /* of the last statement's parameters */
    int type_count;
};

void fake_postgres_start(struct fake_postgres *p, struct tw_loop *loop, int port);
void fake_postgres_stop(struct fake_postgres *p);
/* Its connections have been dropped: what they asked, and what they have prepared. */
void fake_postgres_forget(struct fake_postgres *p);

/* The place of the first pending statement with this text; -1 when there is none. */
int fake_postgres_find(const struct fake_postgres *p, const char *sql);

/* How many statements are pending on the connection of statement `i`. */
int fake_postgres_beside(const struct fake_postgres *p, int i);

/* Answer the oldest `n` of those that are held (those of one connection stay in order). */
void fake_postgres_release(struct fake_postgres *p, size_t n);
void fake_postgres_release_at(struct fake_postgres *p, int i);

void fake_postgres_notify(struct fake_postgres *p, const char *channel, const char *payload);
