/* conn_state.h - a WebSocket connection or an event stream, shared by conn.c (its phases) and
 * conn_events.c (what is noted for them); no other file includes it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/loop.h"
#include "common/net/stream.h"
#include "common/util/buf.h"
#include "common/util/ratelimit.h"
#include "gateway/websocket/conn.h"
#include "gateway/websocket/handler.h"
#include "gateway/websocket/liveness.h"
#include "gateway/websocket/sendq.h"
#include "gateway/websocket/transport.h"

/* Drawn in conn.c; only its drive changes it. */
enum gw_conn_phase { GW_TALK, GW_SAY_CLOSE, GW_AWAIT_CLOSE, GW_SHUT, GW_GONE };

struct gw_conn {
    struct tw_stream_owner owner;
    struct gw_transport transport;
    struct gw_conns *all;
    struct tw_list link;
    struct tw_stream *stream;
    struct tw_loop *loop;
    struct gw_handler *handler;
    struct gw_ws ws;
    struct gw_sendq out;
    struct tw_later later;
    struct tw_deadline limit;
    struct gw_liveness liveness;
    struct tw_bucket work;
    struct tw_list resting; /* among those that have made us do too much */
    uint64_t taken;         /* by the peer, at the last look at its silence */
    enum gw_conn_phase phase;
    struct gw_close close; /* ours, to be said; its code is 0: none yet */
    struct tw_buf early;   /* what came before it could be read */
    bool is_begun;         /* the handler was ready: messages are read */
    uint64_t opened_ms;
    const char *heartbeat; /* of an event stream; null: it is a WebSocket */
    /* What callbacks note for drive. */
    bool peer_closed, is_broken, is_late;
};

/* Neither side has ended it: what the handler sends and hears counts. */
static inline bool gw_conn_is_talking(const struct gw_conn *c)
{
    return c->phase == GW_TALK && c->close.code == 0 && !c->ws.is_over;
}

/* --- conn.c --- */

void gw_conn_drive(struct gw_conn *c);
void gw_conn_drive_later(struct gw_conn *c); /* from the loop, outside of all callbacks */

/* --- conn_events.c --- */

/* What its stream, wslay and its handler call. */
extern const struct tw_stream_events gw_conn_stream_events;
extern const struct gw_transport_ops gw_conn_transport_ops;
void gw_conn_on_message(struct gw_ws *ws, bool is_text, struct tw_slice message);
void gw_conn_on_too_long(struct gw_ws *ws);

bool gw_conn_can_read(const struct gw_conn *c); /* its client is to be listened to now */
bool gw_conn_may_go_on(const struct gw_ws *ws);

/* Bytes of the client: how many of them were read. The others have to wait, until its answers
 * have left, its handler is ready or others had their turn. */
size_t gw_conn_feed(struct gw_conn *c, struct tw_slice bytes);

/* Watch its silence, or the time that its close takes; one of them at a time. */
void gw_conn_limit_silence(struct gw_conn *c);
void gw_conn_limit_close(struct gw_conn *c);
