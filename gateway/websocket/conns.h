/* conns.h - all WebSocket connections of a process: what they share.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/net/loop.h"
#include "common/util/list.h"
#include "common/util/metrics.h"
#include "gateway/websocket/deflate.h"
#include "gateway/websocket/ws.h"

struct gw_conns_options {
    size_t message_bytes; /* a longer message closes with 1009 */
    uint64_t held_bytes;  /* of messages that have begun to arrive, at all; 0: no limit */
    size_t queue_bytes;   /* a connection whose queue is three times as long is closed */
    uint64_t ping_ms;     /* how long a connection may be silent before it is pinged */
    uint64_t pong_ms;     /* and how long after that before it is closed */
};

/* Embedded in the process's state. */
struct gw_conns {
    struct gw_ws_pool ws;
    struct gw_deflate deflate;
    struct tw_list all;
    struct tw_loop *loop; /* known with the first connection */
    size_t count;
    struct gw_conns_options options;
    struct tw_metric queued, closed_by_us, closed_by_peer, lost, silent, full_turns, rests;
};

extern const struct tw_metric_table gw_conns_metrics;

void gw_conns_start(struct gw_conns *all, const struct gw_conns_options *options);
void gw_conns_done(struct gw_conns *all);
