/* eio_ws.c - the transport of a WebSocket, for a new socket or for one that has polled.
 *
 *     client: 2probe   ours: 3probe   client: 5   and from then on all goes here
 *
 * Up to the `5` events continue to go to polling, so none is lost or doubled (section 2.5 of
 * docs/protocols/socketio.md). When the WebSocket is lost before it, the socket stays on
 * polling.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/clock.h"
#include "gateway/socketio/eio_socket.h"
#include "gateway/websocket/conn.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/transport.h"
#include "gateway/websocket/upgrade.h"

#define UPGRADE_MS 10000

static struct gw_eio_ws *ws_of(const struct gw_handler *h)
{
    return tw_container_of((uintptr_t)h, struct gw_eio_ws, handler);
}

static void say(struct gw_eio_ws *ws, struct tw_slice text)
{
    struct gw_frame *f = gw_frame_text(text);

    ws->transport->ops->send(ws->transport, f);
    gw_frame_unref(f);
}

/* What waits for polling goes here from now on; a socket that is parting ends with that. */
static void take_over(struct gw_eio_ws *ws)
{
    struct gw_eio_socket *s = ws->socket;

    tw_after_cancel(ws->loop, &ws->limit);
    s->engine->upgraded.value++;
    gw_eio_socket_swap(s, &gw_eio_websocket);
    gw_eio_socket_move(s, s->state == GW_EIO_PARTING ? GW_EIO_ENDING : GW_EIO_WEBSOCKET);
    gw_eio_poll_end(s, GW_EIO_NOOP);
    s->transport->flush(s);
    gw_eio_socket_drive(s);
}

static bool is_probed(const struct gw_eio_socket *s)
{
    return s->state == GW_EIO_PROBED || s->state == GW_EIO_PARTING;
}

/* What comes before the WebSocket has taken over; anything else ends the attempt. */
static void probe(struct gw_eio_ws *ws, const struct gw_eio_packet *p)
{
    struct gw_eio_socket *s = ws->socket;

    if (s->state == GW_EIO_PROBING && p->type == GW_EIO_PING && tw_slice_is(p->data, "probe")) {
        gw_eio_socket_move(s, GW_EIO_PROBED);
        say(ws, TW_LIT("3probe"));
        gw_eio_socket_drive(s);
    } else if (is_probed(s) && p->type == GW_EIO_UPGRADE) {
        take_over(ws);
    } else {
        s->engine->broken.value++;
        gw_eio_ws_leave(ws, gw_closes.bad_upgrade);
    }
}

static bool is_current(const struct gw_eio_ws *ws)
{
    return ws->socket != NULL && ws->socket->transport == &gw_eio_websocket;
}

static void on_text(struct gw_handler *h, struct tw_slice message)
{
    struct gw_eio_ws *ws = ws_of(h);
    struct gw_eio_packet p = { .type = GW_EIO_OPEN }; /* from a client, it is never right */

    (void)gw_eio_read(message, &p);
    if (is_current(ws))
        (void)gw_eio_socket_take(ws->socket, &p);
    else if (ws->socket != NULL)
        probe(ws, &p);
}

static void on_binary(struct gw_handler *h, struct tw_slice message)
{
    struct gw_eio_ws *ws = ws_of(h);
    struct gw_eio_packet p = { .type = GW_EIO_MESSAGE, .is_binary = true, .data = message };

    if (is_current(ws))
        (void)gw_eio_socket_take(ws->socket, &p);
    else if (ws->socket != NULL)
        gw_eio_ws_leave(ws, gw_closes.bad_upgrade);
}

static void on_writable(struct gw_handler *h, uint64_t now_ms)
{
    struct gw_eio_ws *ws = ws_of(h);

    if (is_current(ws) && !gw_eio_is_over(ws->socket))
        gw_handler_writable(ws->socket->handler, now_ms);
}

static void on_farewell(struct gw_handler *h)
{
    struct gw_eio_ws *ws = ws_of(h);

    if (is_current(ws) && !gw_eio_is_over(ws->socket))
        gw_handler_farewell(ws->socket->handler);
}

/* The socket has none any more; one that has not moved to it yet continues to poll. */
static void detach(struct gw_eio_ws *ws)
{
    struct gw_eio_socket *s = ws->socket;

    ws->socket = NULL;
    if (s == NULL)
        return;
    s->ws = NULL;
    if (s->state == GW_EIO_PROBING || s->state == GW_EIO_PROBED)
        gw_eio_socket_move(s, GW_EIO_POLLING);
}

static void on_ended(struct gw_handler *h, unsigned code, const char *reason)
{
    struct gw_eio_ws *ws = ws_of(h);

    if (is_current(ws))
        gw_eio_close(ws->socket, (struct gw_close){ code, reason });
    detach(ws);
    tw_after_cancel(ws->loop, &ws->limit);
    free(ws);
}

static const struct gw_handler_ops ops = { .text = on_text,
                                           .binary = on_binary,
                                           .writable = on_writable,
                                           .farewell = on_farewell,
                                           .ended = on_ended };

void gw_eio_ws_leave(struct gw_eio_ws *ws, struct gw_close why)
{
    if (ws == NULL)
        return;
    detach(ws);
    if (why.code == GW_CLOSE_NONE) /* a WebSocket is there to be told all the same */
        why.code = GW_CLOSE_NORMAL;
    gw_transport_close(ws->transport, why);
}

static void transport_send(struct gw_eio_socket *s, struct gw_frame *f)
{
    s->ws->transport->ops->send(s->ws->transport, f);
}

static bool transport_is_writable(struct gw_eio_socket *s)
{
    return s->ws->transport->ops->is_writable(s->ws->transport);
}

/* A WebSocket flushes itself; only an upgrade leaves something behind. */
static void transport_flush(struct gw_eio_socket *s)
{
    struct gw_frame *f;

    while (s->ws != NULL && (f = gw_sendq_shift(&s->poll.out)) != NULL) {
        transport_send(s, f);
        gw_frame_unref(f);
    }
}

static bool transport_close(struct gw_eio_socket *s)
{
    gw_eio_ws_leave(s->ws, s->why);
    return true;
}

const struct gw_eio_transport gw_eio_websocket = {
    .gauge = offsetof(struct gw_eio, websocket),
    .send = transport_send,
    .is_writable = transport_is_writable,
    .flush = transport_flush,
    .close = transport_close,
};

static void on_upgrade_limit(struct tw_deadline *d)
{
    gw_eio_ws_leave(tw_container_of(d, struct gw_eio_ws, limit), gw_closes.late_upgrade);
}

static void begin(struct gw_eio_socket *s)
{
    struct gw_eio *e = s->engine;
    struct tw_buf open = { .max = 512 };

    gw_eio_put_open(&open, tw_slice_of(s->sid), false, e->options.interval_ms,
                    e->options.timeout_ms, e->options.max_payload);
    say(s->ws, tw_buf_view(&open));
    tw_buf_done(&open);
    gw_eio_socket_begin(s, &gw_eio_websocket);
}

void gw_eio_ws_open(struct gw_eio *e, struct gw_eio_socket *s, struct tw_http_conn *conn,
                    struct tw_http_request *req)
{
    struct gw_eio_ws *ws = tw_new(struct gw_eio_ws);
    struct tw_buf head = { .max = 1024 + GW_MAX_SUBPROTOCOL };
    bool is_deflating = gw_upgrade_answer(req, tw_wall_ms(), &head);
    struct gw_conn *c =
        gw_conn_upgrade(e->options.conns, conn, tw_buf_view(&head), is_deflating);

    ws->handler.ops = &ops;
    ws->loop = e->options.loop;
    ws->transport = gw_conn_transport(c);
    gw_conn_start(c, &ws->handler);
    if (s->ws != NULL) { /* one is there, or on its way: this one is not wanted */
        gw_eio_ws_leave(ws, gw_closes.second_upgrade);
    } else {
        s->ws = ws;
        ws->socket = s;
        if (s->state == GW_EIO_OPENING) {
            begin(s);
        } else {
            gw_eio_socket_move(s, GW_EIO_PROBING);
            tw_after(e->options.loop, &ws->limit, UPGRADE_MS, on_upgrade_limit);
        }
    }
    tw_buf_done(&head);
}
