/* conn.c - the phases of a WebSocket connection.
 *
 *     TALK -> (we close) -> SAY_CLOSE -> AWAIT_CLOSE -> SHUT
 *       \---> (the peer closes) -> SAY_CLOSE ----------/
 *
 * Callbacks note and drive; only drive changes the phase. Frames wait in `out` and leave
 * together, at the end of the turn. We read from the peer only while our answers to it leave:
 * who sends without reading is not read from either. Silence for ping_ms is answered with a
 * ping, silence after that with the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/conn.h"

#include <stdlib.h>

#include "common/net/loop.h"
#include "common/net/stream.h"
#include "common/util/base.h"
#include "common/util/buf.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/handler.h"
#include "gateway/websocket/sendq.h"
#include "gateway/websocket/transport.h"

#define CLOSE_MS 5000        /* for the peer's close frame, and for our last bytes */
#define ANSWERED_BYTES 65536 /* more than that waits: the peer is not read */
#define REPLY_BYTES 16384

enum phase { TALK, SAY_CLOSE, AWAIT_CLOSE, SHUT };

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
    uint64_t heard_ms;
    enum phase phase;
    struct gw_close close; /* ours, to be said; its code is 0: none yet */
    struct tw_buf early;   /* what came before the greeting */
    bool is_begun;         /* the session was greeted: its messages are read */
    bool peer_closed, is_broken, is_late, is_pinged, is_closing;
};

static void drive(struct gw_conn *c);

static struct gw_conn *conn_of(const struct gw_transport *w)
{
    return tw_container_of((uintptr_t)w, struct gw_conn, transport);
}

static void on_later(struct tw_later *l)
{
    drive(tw_container_of(l, struct gw_conn, later));
}

static void drive_later(struct gw_conn *c)
{
    tw_later(c->loop, &c->later, on_later);
}

/* Frames of wslay's (pongs, a close) go behind what is queued, as they are. */
static void queue_reply(struct gw_conn *c, const struct tw_buf *reply)
{
    struct gw_frame *f;

    if (reply->len == 0)
        return;
    f = gw_frame_raw(tw_buf_view(reply));
    gw_sendq_push(&c->out, f);
    gw_frame_unref(f);
}

static void feed(struct gw_conn *c, struct tw_slice bytes)
{
    struct tw_buf reply = { .max = REPLY_BYTES };
    unsigned code = gw_ws_feed(&c->ws, bytes, &reply);

    if (c->phase == TALK) {
        queue_reply(c, &reply);
        if (code != 0) {
            c->phase = AWAIT_CLOSE; /* the close frame is queued already */
            gw_handler_closing(c->handler);
            tw_after_cancel(c->loop, &c->limit);
        }
    }
    c->peer_closed = c->peer_closed || c->ws.peer_closed;
    tw_buf_done(&reply);
}

static void on_message(struct gw_ws *ws, bool is_text, struct tw_slice message)
{
    struct gw_conn *c = tw_container_of(ws, struct gw_conn, ws);

    if (c->phase != TALK || c->close.code != 0)
        return;
    if (is_text)
        c->handler->ops->text(c->handler, message);
    else
        c->handler->ops->binary(c->handler, message);
}

static void note_life(struct gw_conn *c)
{
    c->heard_ms = c->loop->now_ms;
    c->is_pinged = false;
}

static void on_read(struct tw_stream_owner *o, struct tw_slice bytes)
{
    struct gw_conn *c = tw_container_of(o, struct gw_conn, owner);

    note_life(c);
    feed(c, bytes);
    if (c->out.bytes > ANSWERED_BYTES) /* first our answers leave; drive reads on then */
        tw_stream_want_read(c->stream, false);
    drive_later(c);
}

static void on_end(struct tw_stream_owner *o, int err)
{
    struct gw_conn *c = tw_container_of(o, struct gw_conn, owner);

    (void)err; /* a WebSocket whose peer has stopped sending is over, cleanly or not */
    c->is_broken = true;
    drive_later(c);
}

static void on_written(struct tw_stream_owner *o, int err)
{
    struct gw_conn *c = tw_container_of(o, struct gw_conn, owner);

    gw_sendq_written(&c->out);
    if (err == 0) /* bytes that it takes are a sign of life: we may not be reading now */
        note_life(c);
    c->is_broken = c->is_broken || err != 0;
    drive_later(c);
}

static const char *end_reason(const struct gw_conn *c)
{
    if (c->peer_closed && c->close.code == 0)
        return gw_closes.by_client.reason;
    if (c->close.code != 0)
        return c->close.reason;
    return c->ws.is_over ? gw_closes.broke_frame.reason : gw_closes.lost.reason;
}

static void count_end(struct gw_conn *c)
{
    if (c->peer_closed && c->close.code == 0)
        c->all->closed_by_peer.value++;
    else if (c->close.code != 0 || c->ws.is_over)
        c->all->closed_by_us.value++;
    else
        c->all->lost.value++;
}

static void on_closed(struct tw_stream_owner *o)
{
    struct gw_conn *c = tw_container_of(o, struct gw_conn, owner);

    count_end(c);
    tw_later_cancel(&c->later);
    tw_after_cancel(c->loop, &c->limit);
    tw_list_remove(&c->link);
    c->all->count--;
    c->handler->ops->ended(c->handler, c->close.code, end_reason(c));
    gw_ws_done(&c->ws);
    gw_sendq_done(&c->out);
    tw_buf_done(&c->early);
    free(c);
}

static const struct tw_stream_events events = { on_read, on_end, on_written, on_closed };

static void on_close_limit(struct tw_deadline *d)
{
    struct gw_conn *c = tw_container_of(d, struct gw_conn, limit);

    c->is_late = true;
    drive(c);
}

static void on_silence(struct tw_deadline *d);

static void watch_silence(struct gw_conn *c)
{
    uint64_t silent = c->loop->now_ms - c->heard_ms;
    uint64_t most = c->is_pinged ? c->all->pong_ms : c->all->ping_ms;

    tw_after(c->loop, &c->limit, silent < most ? most - silent : 1, on_silence);
}

/* One limit a connection, and none is moved for each byte: what was heard meanwhile is looked
 * up when it runs out. */
static void on_silence(struct tw_deadline *d)
{
    struct gw_conn *c = tw_container_of(d, struct gw_conn, limit);
    uint64_t silent = c->loop->now_ms - c->heard_ms;
    struct gw_frame *ping;

    if (!c->is_begun) { /* it is not read yet, so nothing can be heard */
        note_life(c);
        watch_silence(c);
        return;
    }
    if (c->is_pinged && silent >= c->all->ping_ms + c->all->pong_ms) {
        c->all->silent.value++;
        c->is_broken = true;
        drive(c);
        return;
    }
    if (silent < c->all->ping_ms) {
        watch_silence(c);
        return;
    }
    if (!c->is_pinged) {
        c->is_pinged = true;
        ping = gw_frame_control(GW_OPCODE_PING, TW_EMPTY);
        gw_sendq_push(&c->out, ping);
        gw_frame_unref(ping);
        drive_later(c);
    }
    tw_after(c->loop, &c->limit, c->all->ping_ms + c->all->pong_ms - silent, on_silence);
}

/* False when the connection is broken. */
static bool flush(struct gw_conn *c)
{
    struct tw_slice parts[TW_STREAM_PARTS];
    size_t n;
    int r;

    while (c->out.count > 0 && c->out.in_flight == 0) {
        n = gw_sendq_gather(&c->out, parts, TW_STREAM_PARTS);
        r = tw_stream_write(c->stream, parts, n);
        if (r < 0) {
            c->out.in_flight = c->out.in_flight_bytes = 0;
            return false;
        }
        if (r == 0)
            return true;
        gw_sendq_written(&c->out);
    }
    return true;
}

/* A client may talk before its tenant's stream is ready; it is heard behind the greeting, which
 * is the first thing that it hears. */
static void begin(struct gw_conn *c)
{
    struct tw_buf early = c->early;

    if (c->is_begun || !gw_handler_is_ready(c->handler))
        return;
    c->is_begun = true;
    c->early = (struct tw_buf){ 0 };
    feed(c, tw_buf_view(&early));
    tw_buf_done(&early);
}

static enum phase talk(struct gw_conn *c)
{
    begin(c);
    if (c->phase != TALK)
        return c->phase;
    if (c->close.code != 0)
        return SAY_CLOSE;
    if (!flush(c))
        return SHUT;
    /* Behind what the kernel has: one event may be as large as a body, and goes out whole. */
    if (c->out.bytes - c->out.in_flight_bytes > 3 * c->all->queue_bytes) {
        gw_transport_close(&c->transport, gw_closes.slow);
        return SAY_CLOSE;
    }
    if (gw_sendq_reopens(&c->out)) { /* what the handler could not send meanwhile */
        gw_handler_writable(c->handler, c->loop->now_ms);
        return c->close.code != 0 ? SAY_CLOSE : flush(c) ? TALK : SHUT;
    }
    return TALK;
}

static enum phase say_close(struct gw_conn *c)
{
    struct gw_frame *f = gw_frame_close(c->close.code, tw_slice_of(c->close.reason));

    gw_sendq_push(&c->out, f);
    gw_frame_unref(f);
    tw_after_cancel(c->loop, &c->limit);
    return AWAIT_CLOSE;
}

/* Both have said close, or time is over: who closes TCP first is the server (section 7.1.1). */
static enum phase await_close(struct gw_conn *c)
{
    if (!flush(c) || c->is_late)
        return SHUT;
    if (c->out.count == 0 && c->peer_closed)
        return SHUT;
    if (c->out.count == 0 && c->ws.is_over)
        tw_stream_finish(c->stream); /* what the peer still sends is read and thrown away, or a
                                        reset would overtake our close frame */
    if (!tw_deadline_is_set(&c->limit))
        tw_after(c->loop, &c->limit, CLOSE_MS, on_close_limit);
    return AWAIT_CLOSE;
}

static enum phase step(struct gw_conn *c)
{
    if (c->is_broken)
        return SHUT;
    switch (c->phase) {
    case TALK:
        return talk(c);
    case SAY_CLOSE:
        return say_close(c);
    case AWAIT_CLOSE:
        return await_close(c);
    case SHUT:
        break;
    }
    return SHUT;
}

static void drive(struct gw_conn *c)
{
    enum phase was;

    if (c->is_closing)
        return;
    do {
        was = c->phase;
        c->phase = step(c);
    } while (c->phase != was && c->phase != SHUT);
    if (c->phase == SHUT) {
        c->is_closing = true;
        gw_handler_closing(c->handler);
        tw_after_cancel(c->loop, &c->limit);
        tw_stream_close(c->stream);
        return;
    }
    tw_stream_want_read(c->stream,
                        c->phase == AWAIT_CLOSE || (c->is_begun && c->out.in_flight == 0 &&
                                                    gw_handler_is_ready(c->handler)));
}

static bool transport_is_writable(const struct gw_transport *w)
{
    return gw_sendq_is_writable(&conn_of(w)->out);
}

static void transport_send(struct gw_transport *w, struct gw_frame *f)
{
    struct gw_conn *c = conn_of(w);

    if (c->phase != TALK || c->close.code != 0)
        return;
    gw_sendq_push(&c->out, c->ws.is_deflating ? gw_frame_deflated(f, &c->all->deflate) : f);
    drive_later(c);
}

static void transport_close(struct gw_transport *w, unsigned code, const char *reason)
{
    struct gw_conn *c = conn_of(w);

    if (c->close.code != 0)
        return;
    c->close = (struct gw_close){ code, reason };
    gw_handler_closing(c->handler);
    drive_later(c);
}

static void transport_begin(struct gw_transport *w)
{
    drive_later(conn_of(w));
}

static const struct gw_transport_ops transport_ops = { transport_is_writable, transport_send,
                                                       transport_close, transport_begin };

struct gw_conn *gw_conn_new(struct gw_conns *all, struct tw_stream *stream,
                            struct tw_slice answer, bool is_deflating)
{
    struct gw_conn *c = tw_new(struct gw_conn);
    struct gw_frame *f = gw_frame_raw(answer);

    c->owner.events = &events;
    c->transport.ops = &transport_ops;
    c->all = all;
    c->stream = stream;
    c->loop = tw_stream_loop(stream);
    c->ws.pool = &all->ws;
    c->ws.on_message = on_message;
    c->ws.is_deflating = is_deflating;
    c->heard_ms = c->loop->now_ms;
    gw_sendq_push(&c->out, f);
    gw_frame_unref(f);
    tw_list_append(&all->all, &c->link);
    all->count++;
    tw_stream_set_owner(stream, &c->owner);
    tw_stream_user_timeout(stream, (unsigned)(all->ping_ms + all->pong_ms));
    watch_silence(c);
    return c;
}

struct gw_transport *gw_conn_transport(struct gw_conn *c)
{
    return &c->transport;
}

void gw_conn_start(struct gw_conn *c, struct gw_handler *handler, struct tw_slice rest)
{
    c->handler = handler;
    c->early.max = rest.len;
    tw_buf_append(&c->early, rest);
    drive_later(c);
}

void gw_conn_hand_over(struct gw_conn *c, struct gw_handler *handler)
{
    c->handler = handler;
    c->is_begun = false;
    drive_later(c);
}

#define AT(field) TW_METRIC_AT(struct gw_conns, field)

static const struct tw_metric_row metric_rows[] = {
    { "ws_closes_total", "by=\"us\"",
      "WebSocket connections that ended, by who ended them; nobody: the connection was lost.",
      AT(closed_by_us) },
    { "ws_closes_total", "by=\"peer\"", NULL, AT(closed_by_peer) },
    { "ws_closes_total", "by=\"nobody\"", NULL, AT(lost) },
    { "ws_silent_total", NULL,
      "WebSocket connections that were closed because a ping was not answered.", AT(silent) },
    { "ws_contexts", NULL,
      "Connections that have received a part of a frame or message and hold memory for it.",
      AT(ws.lent) },
};

const struct tw_metric_table gw_conns_metrics = { .rows = metric_rows,
                                                  .count = TW_COUNT(metric_rows) };

void gw_conns_start(struct gw_conns *all, size_t message_bytes, size_t queue_bytes,
                    uint64_t ping_ms, uint64_t pong_ms)
{
    all->ws.max_message = message_bytes;
    all->ws.deflate = &all->deflate;
    all->queue_bytes = queue_bytes;
    all->ping_ms = ping_ms;
    all->pong_ms = pong_ms;
    tw_list_init(&all->all);
}

void gw_conns_done(struct gw_conns *all)
{
    gw_ws_pool_done(&all->ws);
    gw_deflate_done(&all->deflate);
}

size_t gw_conns_send_home(struct gw_conns *all, size_t most)
{
    size_t n = 0;

    tw_list_each(&all->all, link)
    {
        struct gw_conn *c = tw_container_of(link, struct gw_conn, link);

        if (n < most && c->phase == TALK && c->close.code == 0) {
            gw_handler_farewell(c->handler);
            gw_transport_close(&c->transport, gw_closes.going_away);
            n++;
        }
    }
    return n;
}

void gw_conns_shut(struct gw_conns *all)
{
    tw_list_each(&all->all, link)
    {
        struct gw_conn *c = tw_container_of(link, struct gw_conn, link);

        c->is_broken = true;
        drive(c);
    }
}
