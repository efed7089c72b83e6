/* conn_events.c - what happens to a connection: noted, and left to the drive of conn.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/websocket/conn_state.h"
#include "gateway/websocket/frame.h"

#define CLOSE_MS 5000        /* for the peer's close frame, and for our last bytes */
#define ANSWERED_BYTES 65536 /* more than that waits: the peer is not read */
#define REPLY_BYTES 16384
#define REST_MS 20
#define READY_MS 30000 /* for its handler; longer ago nobody may be there any more */

/* --- Bytes of the client ---------------------------------------------------------------------
 */

/* wslay's frames (pongs, a close) follow what is queued, as they are. */
static void queue_reply(struct gw_conn *c, const struct tw_buf *reply)
{
    struct gw_frame *f;

    if (reply->len == 0)
        return;
    f = gw_frame_raw(tw_buf_view(reply));
    gw_conn_push(c, f);
    gw_frame_unref(f);
}

static void on_look(struct tw_deadline *d);

static uint64_t now_ms_of(const struct gw_conn *c)
{
    return gw_conn_all(c)->loop->now_ms;
}

static bool has_done_too_much(const struct gw_conn *c)
{
    return tw_bucket_is_overdrawn(&c->work, now_ms_of(c), GW_WORK_PER_SECOND, GW_WORK_AT_ONCE);
}

bool gw_conn_can_read(const struct gw_conn *c)
{
    return gw_conn_is_talking(c) && c->is_begun && c->out.bytes <= ANSWERED_BYTES &&
           !has_done_too_much(c) && gw_handler_is_ready(c->handler);
}

/* A turn's work is bounded, and so is that of a second: whoever sends without end would have
 * his turn every time, and make all others wait for it. */
static void charge(struct gw_conn *c)
{
    tw_bucket_spend(&c->work, now_ms_of(c), c->ws.work, GW_WORK_PER_SECOND);
    if (!has_done_too_much(c) || c->is_resting || c->phase != GW_TALK)
        return;
    gw_conn_all(c)->rests.value++;
    c->is_resting = true;
    tw_after(gw_conn_all(c)->loop, &c->limit, REST_MS, on_look);
}

/* Once we have said close, only the peer's own matters, which may come after anything. */
bool gw_conn_may_go_on(const struct gw_ws *ws)
{
    const struct gw_conn *c = tw_container_of((uintptr_t)ws, struct gw_conn, ws);

    return !gw_conn_is_talking(c) || (ws->work < GW_TURN_WORK && gw_conn_can_read(c));
}

/* The close frame that ends the talk is in `reply`; `talk` notices that it is over. */
size_t gw_conn_feed(struct gw_conn *c, struct tw_slice bytes)
{
    struct tw_buf reply = { .max = REPLY_BYTES };
    unsigned code;

    if (c->heartbeat != NULL)
        return bytes.len;
    c->ws.work = 0;
    code = gw_ws_feed(&c->ws, bytes, &reply);
    charge(c);
    gw_conn_all(c)->full_turns.value += c->ws.unread > 0 && c->ws.work >= GW_TURN_WORK;
    if (c->phase == GW_TALK) {
        queue_reply(c, &reply);
        if (code != 0)
            gw_handler_closing(c->handler);
    }
    c->peer_closed = c->peer_closed || c->ws.peer_closed;
    tw_buf_done(&reply);
    return bytes.len - c->ws.unread;
}

void gw_conn_on_message(struct gw_ws *ws, bool is_text, struct tw_slice message)
{
    struct gw_conn *c = tw_container_of(ws, struct gw_conn, ws);

    if (!gw_conn_is_talking(c))
        return;
    if (is_text)
        c->handler->ops->text(c->handler, message);
    else
        c->handler->ops->binary(c->handler, message);
}

size_t gw_conn_longest(const struct gw_ws *ws)
{
    const struct gw_handler *h = tw_container_of((uintptr_t)ws, struct gw_conn, ws)->handler;

    return h->ops->longest == NULL ? 0 : h->ops->longest(h);
}

void gw_conn_on_too_long(struct gw_ws *ws)
{
    struct gw_conn *c = tw_container_of(ws, struct gw_conn, ws);

    if (gw_conn_is_talking(c))
        c->handler->ops->too_long(c->handler);
}

/* --- Its stream ------------------------------------------------------------------------------
 */

void gw_conn_keep_early(struct gw_conn *c, struct tw_slice bytes)
{
    if (bytes.len == 0)
        return;
    if (c->early == NULL) {
        c->early = tw_new(struct tw_buf);
        c->early->max = GW_EARLY_BYTES;
    }
    tw_buf_append(c->early, bytes);
}

void gw_conn_drop_early(struct gw_conn *c)
{
    if (c->early != NULL)
        tw_buf_done(c->early);
    free(c->early);
    c->early = NULL;
}

static void on_read(struct tw_stream_owner *o, struct tw_slice bytes)
{
    struct gw_conn *c = tw_container_of(o, struct gw_conn, owner);

    gw_liveness_heard(&c->liveness, now_ms_of(c));
    if (c->early == NULL)
        bytes = tw_slice_skip(bytes, gw_conn_feed(c, bytes));
    gw_conn_keep_early(c, bytes);
    if (bytes.len > 0)
        tw_stream_want_read(c->stream, false); /* drive reads again */
    gw_conn_drive_later(c);
}

static void on_end(struct tw_stream_owner *o, int err)
{
    struct gw_conn *c = tw_container_of(o, struct gw_conn, owner);

    (void)err; /* a WebSocket whose peer stops sending is over, cleanly or not */
    c->is_broken = true;
    gw_conn_drive_later(c);
}

static void on_written(struct tw_stream_owner *o, int err)
{
    struct gw_conn *c = tw_container_of(o, struct gw_conn, owner);

    gw_conn_written(c);
    if (err == 0) /* bytes that it takes are a sign of life: we may not be reading now */
        gw_liveness_heard(&c->liveness, now_ms_of(c));
    c->is_broken = c->is_broken || err != 0;
    gw_conn_drive_later(c);
}

static const char *end_reason(const struct gw_conn *c)
{
    if (c->peer_closed && c->close_code == 0)
        return gw_closes.by_client.reason;
    if (c->close_code != 0)
        return c->close_reason;
    if (c->is_silent)
        return gw_closes.silent.reason;
    return c->ws.is_over ? gw_closes.broke_frame.reason : gw_closes.lost.reason;
}

static void count_end(struct gw_conn *c)
{
    if (c->peer_closed && c->close_code == 0)
        gw_conn_all(c)->closed_by_peer.value++;
    else if (c->close_code != 0 || c->ws.is_over)
        gw_conn_all(c)->closed_by_us.value++;
    else
        gw_conn_all(c)->lost.value++;
}

static void on_closed(struct tw_stream_owner *o)
{
    struct gw_conn *c = tw_container_of(o, struct gw_conn, owner);

    count_end(c);
    tw_later_cancel(&c->later);
    tw_after_cancel(gw_conn_all(c)->loop, &c->limit);
    tw_list_remove(&c->link);
    gw_conn_all(c)->count--;
    c->handler->ops->ended(c->handler, c->close_code, end_reason(c));
    gw_ws_done(&c->ws);
    gw_conn_all(c)->queued.value -= c->out.bytes;
    gw_sendq_done(&c->out);
    gw_conn_drop_early(c);
    free(c);
}

const struct tw_stream_events gw_conn_stream_events = {
    .on_read = on_read,
    .on_end = on_end,
    .on_written = on_written,
    .on_closed = on_closed,
};

/* --- Its limits ------------------------------------------------------------------------------
 */

static void on_close_limit(struct tw_deadline *d)
{
    struct gw_conn *c = tw_container_of(d, struct gw_conn, limit);

    c->is_late = true;
    gw_conn_drive(c);
}

static void ping(struct gw_conn *c)
{
    struct gw_frame *f = c->heartbeat != NULL ? gw_frame_raw(tw_slice_of(c->heartbeat))
                                              : gw_frame_control(GW_OPCODE_PING, TW_EMPTY);

    gw_conn_push(c, f);
    gw_frame_unref(f);
    gw_conn_drive_later(c);
}

/* While a write is under way its peer is not read, and a long one takes a slow line longer than
 * a pong may: what it takes is its sign of life. */
static void look_at_taken(struct gw_conn *c)
{
    uint64_t taken = gw_conn_transport_ops.taken(&c->transport);

    if (c->out.in_flight > 0 && taken != c->taken)
        gw_liveness_heard(&c->liveness, now_ms_of(c));
    c->taken = taken;
}

/* Whether it is still there; when to look again, or 0: it is not. */
static uint64_t look_at_silence(struct gw_conn *c)
{
    const struct gw_conns_options *o = &gw_conn_all(c)->options;
    uint64_t again_ms = 0;

    if (!c->is_begun) { /* it is not read yet, so nothing can be heard, not even its end */
        gw_liveness_heard(&c->liveness, now_ms_of(c));
        if (now_ms_of(c) - c->opened_ms >= READY_MS)
            gw_transport_close(&c->transport, gw_closes.not_ready);
    } else {
        if (!gw_handler_is_ready(c->handler)) /* nor now, while too much of it waits */
            gw_liveness_heard(&c->liveness, now_ms_of(c));
        look_at_taken(c);
    }
    switch (gw_liveness_look(&c->liveness, now_ms_of(c), o->ping_ms, o->pong_ms, &again_ms)) {
    case GW_LIVENESS_PING:
        ping(c);
        break;
    case GW_LIVENESS_WAIT:
        break;
    case GW_LIVENESS_SILENT:
        return 0;
    }
    return again_ms;
}

/* One limit a connection, for its rest and its silence, and none is moved for each byte. */
static void on_look(struct tw_deadline *d)
{
    struct gw_conn *c = tw_container_of(d, struct gw_conn, limit);
    uint64_t again_ms = REST_MS;

    if (c->is_resting && !has_done_too_much(c)) {
        c->is_resting = false;
        gw_conn_drive_later(c);
    }
    if (!c->is_resting)
        again_ms = look_at_silence(c);
    if (again_ms > 0) {
        tw_after(gw_conn_all(c)->loop, &c->limit, again_ms, on_look);
        return;
    }
    gw_conn_all(c)->silent.value++;
    c->is_silent = c->is_broken = true;
    gw_conn_drive(c);
}

void gw_conn_limit_silence(struct gw_conn *c)
{
    tw_after(gw_conn_all(c)->loop, &c->limit, gw_conn_all(c)->options.ping_ms, on_look);
}

void gw_conn_limit_close(struct gw_conn *c)
{
    tw_after(gw_conn_all(c)->loop, &c->limit, CLOSE_MS, on_close_limit);
}

/* --- Its handler -----------------------------------------------------------------------------
 */

static struct gw_conn *conn_of(const struct gw_transport *t)
{
    return tw_container_of((uintptr_t)t, struct gw_conn, transport);
}

static bool transport_is_writable(const struct gw_transport *t)
{
    return gw_sendq_is_writable(&conn_of(t)->out);
}

static uint64_t transport_taken(const struct gw_transport *t)
{
    const struct gw_conn *c = conn_of(t);
    size_t waits = tw_stream_pending(c->stream);

    return c->out.gone + c->out.in_flight_bytes -
           (waits < c->out.in_flight_bytes ? waits : c->out.in_flight_bytes);
}

static void transport_send(struct gw_transport *t, struct gw_frame *f)
{
    struct gw_conn *c = conn_of(t);

    if (!gw_conn_is_talking(c))
        return;
    gw_conn_push(c, c->ws.is_deflating ? gw_frame_deflated(f, &gw_conn_all(c)->deflate) : f);
    gw_conn_drive_later(c);
}

static void transport_close(struct gw_transport *t, unsigned code, const char *reason)
{
    struct gw_conn *c = conn_of(t);

    if (c->close_code != 0)
        return;
    c->close_code = (uint16_t)code;
    c->close_reason = reason;
    c->ws.is_deaf = true;
    gw_handler_closing(c->handler);
    gw_conn_drive_later(c);
}

static void transport_begin(struct gw_transport *t)
{
    gw_conn_drive_later(conn_of(t));
}

const struct gw_transport_ops gw_conn_transport_ops = {
    .is_writable = transport_is_writable,
    .taken = transport_taken,
    .send = transport_send,
    .close = transport_close,
    .begin = transport_begin,
};
