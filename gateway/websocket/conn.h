/* conn.h - a WebSocket connection on a stream: its phases, from the 101 to the close.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/list.h"
#include "common/util/metrics.h"
#include "common/util/slice.h"
#include "gateway/websocket/deflate.h"
#include "gateway/websocket/ws.h"

struct gw_conn;
struct gw_handler;
struct tw_stream;

/* What all WebSocket connections of a process share. */
struct gw_conns {
    struct gw_ws_pool ws;
    struct gw_deflate deflate;
    struct tw_list all;
    size_t count;
    size_t queue_bytes; /* a connection whose queue is longer is closed */
    uint64_t ping_ms, pong_ms;
    struct tw_metric closed_by_us, closed_by_peer, lost, silent;
};

extern const struct tw_metric_table gw_conns_metrics;

void gw_conns_start(struct gw_conns *all, size_t message_bytes, size_t queue_bytes,
                    uint64_t ping_ms, uint64_t pong_ms);
void gw_conns_done(struct gw_conns *all);

/* Take a stream whose handshake is good; `answer` is its 101, and whether that agreed to
 * permessage-deflate. */
struct gw_conn *gw_conn_new(struct gw_conns *all, struct tw_stream *stream,
                            struct tw_slice answer, bool is_deflating);

struct gw_transport *gw_conn_transport(struct gw_conn *c);

/* Give it whoever speaks over it (kept until its `ended`) and go; `rest` is what the client has
 * sent behind its request. In the turn of gw_conn_new. */
void gw_conn_start(struct gw_conn *c, struct gw_handler *handler, struct tw_slice rest);

/* Another speaks over it from now on (kept until its `ended`; the one before hears nothing
 * more). Not from within a call of the one before. */
void gw_conn_hand_over(struct gw_conn *c, struct gw_handler *handler);

/* End `most` of the connections that are still open, politely; how many there were. */
size_t gw_conns_send_home(struct gw_conns *all, size_t most);
void gw_conns_shut(struct gw_conns *all); /* all of them, without a word */
