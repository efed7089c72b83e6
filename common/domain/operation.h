/* operation.h - one call of pos.call: tried again where that is safe, its events published.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/net/loop.h"
#include "common/net/pg_batch.h"
#include "common/net/pg_pool.h"
#include "common/net/redis.h"
#include "common/util/metrics.h"
#include "common/util/slice.h"

struct tw_operations_options { /* all are kept */
    struct tw_loop *loop;
    struct tw_pg_pool *pool;
    struct tw_redis *publisher;
};

/* What all operations of a process share. */
struct tw_operations {
    struct tw_operations_options options;
    struct tw_pg_batch brief;
    struct tw_metric published, publish_failures, replays, retries;
};

extern const struct tw_metric_table tw_operations_metrics;

void tw_operations_start(struct tw_operations *all,
                         const struct tw_operations_options *options);
void tw_operations_stop(struct tw_operations *all); /* before the pool is closed */
void tw_operations_done(struct tw_operations *all);

/* How it ended; lent during the call. */
struct tw_outcome {
    const char
        *refusal; /* the code of a refusal (refusal.h) when there is no answer; else null */
    int status;   /* HTTP's */
    struct tw_slice body;   /* JSON, to be sent as it is */
    struct tw_slice tenant; /* its UUID; empty when it is not known */
    bool replayed;          /* the answer of an earlier request with the same idempotency key */
};

/* It could not be done for now: nothing was done, or what was done is found again by the same
 * attempt. */
bool tw_outcome_is_for_now(const struct tw_outcome *outcome);

struct tw_operation;
/* Exactly once, never before tw_operation_start has returned. The operation may be started
 * again, or freed. */
typedef void (*tw_operation_cb)(struct tw_operation *op, const struct tw_outcome *outcome);

/* Embedded in its caller, and kept with all that it points to until the answer; zeroed but
 * for the first eight. */
struct tw_operation {
    struct tw_operations *all;
    const char *name;        /* as in pos.dispatch */
    struct tw_slice context; /* the ctx of pos.call, with an `attempt` of its own */
    struct tw_slice body;    /* strict JSON; empty: none */
    const char *request_id;  /* for the log */
    bool writes;
    /* A read whose answer is short: those that come at the same time share a statement, which
     * costs each of them less than half. */
    bool is_brief;
    uint64_t affinity; /* see pg_pool.h; 0: none */
    tw_operation_cb done;

    struct tw_pg_call call; /* the rest is its own */
    struct tw_pg_question asks;
    struct tw_deadline pause;
    uint64_t started_ms;
    int attempts;
    bool is_unsure; /* a try that writes was lost: it may have been carried out */
};

void tw_operation_start(struct tw_operation *op);
