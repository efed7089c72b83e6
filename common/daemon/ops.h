/* ops.h - the private listener of each process: /healthz, /readyz, /metrics.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/http_conn.h"
#include "common/net/listener.h"
#include "common/util/buf.h"
#include "common/util/metrics.h"

/* Embedded in the daemon. */
struct tw_ops {
    struct tw_http_server http;
    struct tw_listener listener;
    struct tw_metrics *metrics;
    struct tw_metrics own; /* the listener's numbers are nobody's business */
    /* Appends a JSON string for each thing that is missing, with commas between; nothing when
     * the process can do its work. `degraded` the same for what it can do without. */
    void (*missing)(struct tw_ops *ops, struct tw_buf *missing, struct tw_buf *degraded);
    void (*refresh)(struct tw_ops *ops); /* set gauges before they are printed; may be null */
};

/* Nothing happens when `address` is empty. 0, or why it cannot listen there. */
int tw_ops_start(struct tw_ops *ops, struct tw_loop *loop, struct tw_slice address,
                 struct tw_metrics *metrics);
void tw_ops_stop(struct tw_ops *ops);
