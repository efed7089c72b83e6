/* conn_state.h - a WebSocket connection or an event stream, shared by conn.c (its phases) and
 * conn_events.c (what is noted for them); no other file includes it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/loop.h"
#include "common/net/stream.h"
#include "common/util/base.h"
#include "common/util/buf.h"
#include "common/util/ratelimit.h"
#include "gateway/websocket/conn.h"
#include "gateway/websocket/handler.h"
#include "gateway/websocket/liveness.h"
#include "gateway/websocket/sendq.h"
#include "gateway/websocket/transport.h"

/* Drawn in conn.c; only its drive changes it. */
enum gw_conn_phase { GW_TALK, GW_SAY_CLOSE, GW_AWAIT_CLOSE, GW_SHUT, GW_GONE };

/* There are tens of thousands that only listen, so what a client needs while it speaks is
 * elsewhere: of a message that arrives in a lease (ws.h), of bytes that must wait in `early`.
 */
struct gw_conn {
    struct tw_stream_owner owner;
    struct gw_transport transport;
    struct gw_handler *handler;
    struct tw_stream *stream;
    struct tw_list link; /* among all */
    struct gw_ws ws;
    struct gw_sendq out;
    struct tw_later later;
    struct tw_deadline limit;
    struct gw_liveness liveness;
    struct tw_bucket work;
    union {
        uint64_t opened_ms; /* until it is begun */
        uint64_t taken;     /* from then on: by the peer, at the last look at its silence */
    };
    const char *heartbeat;    /* of an event stream; null: it is a WebSocket */
    struct tw_buf *early;     /* what came before it could be read; null: nothing */
    const char *close_reason; /* see close_code; static */
    uint16_t close_code;      /* ours, to be said; 0: none yet */
    enum gw_conn_phase phase : 8;
    bool is_begun : 1;   /* the handler was ready: messages are read */
    bool is_resting : 1; /* it has made us do too much: it is not read for a moment */
    /* What callbacks note for drive. */
    bool peer_closed : 1, is_broken : 1, is_late : 1, is_silent : 1;
};

static inline struct gw_conns *gw_conn_all(const struct gw_conn *c)
{
    return tw_container_of(c->ws.pool, struct gw_conns, ws);
}

/* Onto its queue, and off it what the kernel has taken; both count. */
static inline void gw_conn_push(struct gw_conn *c, struct gw_frame *f)
{
    size_t before = c->out.bytes;

    gw_sendq_push(&c->out, f);
    gw_conn_all(c)->queued.value += c->out.bytes - before;
}

static inline void gw_conn_written(struct gw_conn *c)
{
    gw_conn_all(c)->queued.value -= c->out.in_flight_bytes;
    gw_sendq_written(&c->out);
}

/* Neither side has ended it: what the handler sends and hears counts. */
static inline bool gw_conn_is_talking(const struct gw_conn *c)
{
    return c->phase == GW_TALK && c->close_code == 0 && !c->ws.is_over;
}

/* --- conn.c --- */

void gw_conn_drive(struct gw_conn *c);
void gw_conn_drive_later(struct gw_conn *c); /* from the loop, outside of all callbacks */

/* --- conn_events.c --- */

/* What its stream, wslay and its handler call. */
extern const struct tw_stream_events gw_conn_stream_events;
extern const struct gw_transport_ops gw_conn_transport_ops;
size_t gw_conn_longest(const struct gw_ws *ws);
void gw_conn_on_too_long(struct gw_ws *ws);
void gw_conn_on_message(struct gw_ws *ws, bool is_text, struct tw_slice message);

bool gw_conn_can_read(const struct gw_conn *c); /* its client is to be listened to now */
bool gw_conn_may_go_on(const struct gw_ws *ws);

/* Bytes of the client: how many of them were read. The others have to wait, until its answers
 * have left, its handler is ready or others had their turn. */
size_t gw_conn_feed(struct gw_conn *c, struct tw_slice bytes);

/* A copy of bytes that must wait, behind those that do already; and forget them all. */
void gw_conn_keep_early(struct gw_conn *c, struct tw_slice bytes);
void gw_conn_drop_early(struct gw_conn *c);

/* Watch its silence, or the time that its close takes; one of them at a time. */
void gw_conn_limit_silence(struct gw_conn *c);
void gw_conn_limit_close(struct gw_conn *c);
