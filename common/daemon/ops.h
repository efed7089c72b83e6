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
    const struct tw_metrics *metrics; /* of the process; the listener does not count itself */
    /* Appends a JSON string for each thing that is missing, with commas between; nothing when
     * the process can do its work. `degraded` the same for what it can do without. */
    void (*missing)(struct tw_ops *ops, struct tw_buf *missing, struct tw_buf *degraded);
};

/* Nothing happens when `address` is empty. 0, or why it cannot listen there. */
int tw_ops_start(struct tw_ops *ops, struct tw_loop *loop, struct tw_slice address,
                 const struct tw_metrics *metrics);
void tw_ops_stop(struct tw_ops *ops);
