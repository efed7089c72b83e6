/* ops.h - the private listener of each process: /healthz, /readyz, /metrics.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/http_conn.h"
#include "common/net/listener.h"
#include "common/util/buf.h"
#include "common/util/metrics.h"

struct tw_ops;

struct tw_ops_options {
    struct tw_loop *loop;
    struct tw_slice address; /* empty: it listens nowhere but at what was handed over */
    struct tw_handed_over *handed_over; /* may be null */
    const struct tw_metrics *metrics;   /* of the process; kept */
    /* Appends a JSON string for each thing that is missing, with commas between; nothing when
     * the process can do its work. `degraded` the same for what it can do without. */
    void (*missing)(struct tw_ops *ops, struct tw_buf *missing, struct tw_buf *degraded);
};

/* Embedded in the daemon. Its own listener is not counted. */
struct tw_ops {
    struct tw_http_server http;
    struct tw_listener listener;
    const struct tw_metrics *metrics;
    void (*missing)(struct tw_ops *ops, struct tw_buf *missing, struct tw_buf *degraded);
    struct tw_metric ready, degraded; /* when it was asked last */
};

extern const struct tw_metric_table tw_ops_metrics;

/* 0, or the reason why it cannot listen there. */
int tw_ops_start(struct tw_ops *ops, const struct tw_ops_options *options);
void tw_ops_stop(struct tw_ops *ops);
