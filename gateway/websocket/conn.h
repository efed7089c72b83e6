/* conn.h - a WebSocket connection on a stream: its phases, from the 101 to the close.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/slice.h"
#include "gateway/websocket/conns.h"

#define GW_EARLY_BYTES 1048576 /* what a client may send before its 101 has arrived */
#define GW_UNSENT_BYTES 131072
#define GW_WORK_PER_SECOND UINT32_C(2097152) /* of one connection */
#define GW_WORK_AT_ONCE ((uint64_t)4 * 1024 * 1024)
#define GW_TURN_WORK                                                                           \
    ((uint64_t)128 * 1024) /* of one connection, until others had their turn                   \
                            */

struct gw_conn;
struct gw_handler;
struct tw_http_conn;
struct tw_stream;

/* Make a WebSocket of the HTTP connection of a request whose handshake is valid: `http` is gone
 * with this. `answer` is its 101 (gw_upgrade_answer), and `is_deflating` whether that agreed to
 * permessage-deflate. What the client has sent after its request is kept. gw_conn_start must
 * follow before the loop turns. */
struct gw_conn *gw_conn_upgrade(struct gw_conns *all, struct tw_http_conn *http,
                                struct tw_slice answer, bool is_deflating);

/* The same for a stream that was taken from its HTTP connection already. */
struct gw_conn *gw_conn_new(struct gw_conns *all, struct tw_stream *stream,
                            struct tw_slice answer, bool is_deflating);

/* Make an event stream (text/event-stream) of the HTTP connection of a request: it is only
 * spoken to, and what the client sends has no meaning. `http` is gone with this. `answer` is
 * the head of the answer; frames are bytes as they are (gw_frame_raw). When nothing was sent
 * for a while, it is sent `heartbeat` (static). gw_conn_start must follow before the loop
 * turns.
 */
struct gw_conn *gw_conn_event_stream(struct gw_conns *all, struct tw_http_conn *http,
                                     struct tw_slice answer, const char *heartbeat);

/* Lent until the handler's `ended`. */
struct gw_transport *gw_conn_transport(struct gw_conn *c);

/* Give it its handler (kept until its `ended`) and start. */
void gw_conn_start(struct gw_conn *c, struct gw_handler *handler);

/* Another handler speaks over it from now on (kept until its `ended`; the former one hears
 * nothing more). Not from within a call to the former one. */
void gw_conn_hand_over(struct gw_conn *c, struct gw_handler *handler);

/* End up to `max` of the connections that are still open, politely; how many there were. */
size_t gw_conns_send_home(struct gw_conns *all, size_t max);
void gw_conns_shut(struct gw_conns *all); /* all of them, without a word */
