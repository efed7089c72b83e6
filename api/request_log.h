/* request_log.h - the last requests, for the console: in batches that nothing waits for.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/routes.h"
#include "common/net/loop.h"
#include "common/net/pg_pool.h"
#include "common/util/buf.h"
#include "common/util/metrics.h"
#include "common/util/slice.h"

#define API_LOGGED_PER_SECOND 100
#define API_LOGGED_TENANTS 16 /* whose requests that were left out are counted one by one */

struct api_request_log_options { /* all are kept */
    struct tw_loop *loop;
    struct tw_pg_pool *pool;
    const char *instance; /* the name of this process */
};

/* One request that has been answered. Slices are copied by the call; empty ones: not known. */
struct api_request_row {
    const struct api_route *route;
    struct tw_slice tenant;   /* its UUID, as SQL said */
    struct tw_slice context;  /* the ctx of pos.call, if it was made */
    struct tw_slice key_hash; /* of an API key */
    struct tw_slice request_id, code;
    struct tw_slice body; /* of a write: strict JSON */
    int status;
    uint64_t took_us;
};

struct api_left_out {
    char tenant[37];
    uint32_t count;
};

/* Rows of at most a second, failed requests and writes apart from the reads that succeeded:
 * those go first. Embedded in the process's state. */
struct api_request_log {
    struct api_request_log_options options;
    struct tw_pg_call call;
    struct tw_deadline tick;
    struct tw_buf first, others; /* rows of JSON with commas between them */
    size_t first_count, others_count;
    size_t ends[API_LOGGED_PER_SECOND]; /* where each of the others ends */
    struct tw_buf sending, sending_left_out;
    struct api_left_out left_out[API_LOGGED_TENANTS];
    bool is_sending, is_stopped;
    struct tw_metric written, dropped;
};

extern const struct tw_metric_table api_request_log_metrics;

void api_request_log_start(struct api_request_log *log,
                           const struct api_request_log_options *options);
void api_request_log_add(struct api_request_log *log, const struct api_request_row *row);

/* What is there is sent now, and nothing is added any more. */
void api_request_log_leave(struct api_request_log *log);
void api_request_log_stop(struct api_request_log *log);
void api_request_log_done(struct api_request_log *log);
