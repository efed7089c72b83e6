/* pg_batch.h - questions of one kind that wait for PostgreSQL go together, in one statement. A
 * lone question is asked at once; when a thousand come, or PostgreSQL is slow, those that came
 * meanwhile share a statement, which costs far less than one for each.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/loop.h"
#include "common/net/pg_pool.h"
#include "common/util/buf.h"
#include "common/util/list.h"

#define TW_PG_TOGETHER 64 /* questions in a statement */
#define TW_PG_AT_ONCE 4   /* statements of a batch under way */

struct tw_pg_question;
struct tw_pg_batch;

/* The rows of one question, lent during `done`. Columns are counted without the first. */
struct tw_pg_rows {
    const struct tw_pg_result *result; /* null when the question was not sent */
    size_t first, count;
    int error; /* 0, or why there are none, as tw_pg_error */
};

struct tw_slice tw_pg_rows_text(const struct tw_pg_rows *rows, size_t row, int column);
int64_t tw_pg_rows_int(const struct tw_pg_rows *rows, size_t row, int column);

/* A kind of question. */
struct tw_pg_batch_kind {
    /* Its first column is the number of the question, from 1 on, that the row is for; rows come
     * in the order of these numbers. */
    const char *sql;
    const char *function; /* as in tw_pg_call */
    int param_count;
    const char *brackets; /* around each parameter, a list: "{}" of an array, "[]" of JSON */
    /* Append a question to each list, less than a megabyte; the comma before it is there
     * already. */
    void (*put)(const struct tw_pg_question *q, struct tw_buf *const lists[]);
    /* Comes once, never before tw_pg_ask has returned. */
    void (*done)(struct tw_pg_question *q, const struct tw_pg_rows *rows);
    /* An answer may end before the last question: those without rows are asked again. The first
     * question always has rows. */
    bool may_end_early;
    /* A client waits for the answer: a question that has waited for a second and a half fails
     * with TW_ETIMEOUT, and as many wait as calls of the pool may, those of one share in half
     * of the places; else TW_EFULL. */
    bool is_urgent;
};

/* Embedded in who asks, which lives until `done`. Zeroed but for the first two. */
struct tw_pg_question {
    uint64_t share;  /* see pg_pool.h; 0: none */
    bool goes_alone; /* in company it was refused: that may be its fault */

    struct tw_list link; /* the rest belongs to pg_batch.c */
    uint64_t number;     /* counted from the first one on */
    uint64_t asked_ms;
};

struct tw_pg_batched;

/* Embedded. All questions of a kind. */
struct tw_pg_batch {
    const struct tw_pg_batch_kind *kind;
    struct tw_pg_pool *pool;
    struct tw_list waiting;
    size_t waiting_count, waiting_of[TW_PG_SHARES]; /* by share; several when they collide */
    struct tw_list refused;                         /* there was no place for them */
    struct tw_deadline late;
    struct tw_pg_batched *statements[TW_PG_AT_ONCE];
    struct tw_later turn;
    uint64_t asked; /* the number of the last question */
    bool is_stopped;
};

/* `kind` and `pool` are kept. */
void tw_pg_batch_start(struct tw_pg_batch *b, const struct tw_pg_batch_kind *kind,
                       struct tw_pg_pool *pool);

/* Ask soon: in this turn of the loop when a statement is free. */
void tw_pg_ask(struct tw_pg_batch *b, struct tw_pg_question *q);

/* Nothing more is asked: what waits is answered with TW_EDOWN, soon, and what is under way by
 * the pool. */
void tw_pg_batch_stop(struct tw_pg_batch *b);
void tw_pg_batch_done(struct tw_pg_batch *b); /* when the pool is closed */
