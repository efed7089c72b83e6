/* eio_ws.c - Engine.IO over a WebSocket, opened as one or moved to from polling.
 *
 *     client: 2probe   ours: 3probe   client: 5   and from then on all goes here
 *
 * Until the `5` events keep flowing to polling, so none is lost or doubled (section 2.5 of
 * docs/protocols/socketio.md). A WebSocket that is lost before it leaves the socket unharmed.
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

/* What comes before the WebSocket has taken over; anything else ends the attempt. */
static void probe(struct gw_eio_ws *ws, const struct gw_eio_packet *p)
{
    struct gw_eio_socket *s = ws->socket;

    if (p->type == GW_EIO_PING && tw_slice_is(p->data, "probe") && !s->is_probed) {
        s->is_probed = true;
        say(ws, TW_LIT("3probe"));
        gw_eio_socket_drive(s);
    } else if (p->type == GW_EIO_UPGRADE && s->is_probed) {
        tw_after_cancel(ws->loop, &ws->limit);
        s->engine->upgraded.value++;
        gw_eio_socket_move(s);
    } else {
        s->engine->broken.value++;
        gw_eio_ws_leave(ws, gw_closes.bad_upgrade);
    }
}

static void on_text(struct gw_handler *h, struct tw_slice message)
{
    struct gw_eio_ws *ws = ws_of(h);
    struct gw_eio_packet p;
    int r = gw_eio_read(message, &p);

    if (ws->socket == NULL)
        return;
    if (!ws->socket->is_websocket) {
        if (r != 0)
            p = (struct gw_eio_packet){ .type = GW_EIO_OPEN };
        probe(ws, &p);
    } else if (r != 0) {
        ws->socket->engine->broken.value++;
        gw_eio_close(ws->socket, gw_closes.broke_eio);
    } else {
        (void)gw_eio_socket_take(ws->socket, &p);
    }
}

static void on_binary(struct gw_handler *h, struct tw_slice message)
{
    struct gw_eio_ws *ws = ws_of(h);
    struct gw_eio_packet p = { .type = GW_EIO_MESSAGE, .is_binary = true, .data = message };

    if (ws->socket != NULL && ws->socket->is_websocket)
        (void)gw_eio_socket_take(ws->socket, &p);
    else if (ws->socket != NULL)
        gw_eio_ws_leave(ws, gw_closes.bad_upgrade);
}

static void on_writable(struct gw_handler *h, uint64_t now_ms)
{
    struct gw_eio_ws *ws = ws_of(h);

    if (ws->socket != NULL && ws->socket->is_websocket && !ws->socket->is_closing)
        gw_handler_writable(ws->socket->handler, now_ms);
}

static void on_farewell(struct gw_handler *h)
{
    struct gw_eio_ws *ws = ws_of(h);

    if (ws->socket != NULL && ws->socket->is_websocket && !ws->socket->is_closing)
        gw_handler_farewell(ws->socket->handler);
}

static void on_ended(struct gw_handler *h, unsigned code, const char *reason)
{
    struct gw_eio_ws *ws = ws_of(h);
    struct gw_eio_socket *s = ws->socket;

    if (s != NULL && s->is_websocket)
        gw_eio_close(s, (struct gw_close){ code, reason });
    if (s != NULL) {
        s->ws = NULL;
        s->is_probed = false;
    }
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
    if (ws->socket != NULL) {
        ws->socket->ws = NULL;
        ws->socket->is_probed = false;
    }
    ws->socket = NULL;
    if (why.code == GW_CLOSE_NONE) /* a WebSocket is there to be told all the same */
        why.code = GW_CLOSE_NORMAL;
    gw_transport_close(ws->transport, why);
}

static void on_upgrade_limit(struct tw_deadline *d)
{
    gw_eio_ws_leave(tw_container_of(d, struct gw_eio_ws, limit), gw_closes.late_upgrade);
}

static void begin(struct gw_eio_socket *s)
{
    struct gw_eio *e = s->engine;
    struct tw_buf open = { .max = 512 };

    s->is_websocket = true;
    e->polling.value--;
    e->websocket.value++;
    gw_eio_put_open(&open, tw_slice_of(s->sid), false, e->interval_ms, e->timeout_ms,
                    e->max_payload);
    say(s->ws, tw_buf_view(&open));
    tw_buf_done(&open);
    gw_eio_socket_begin(s);
}

void gw_eio_ws_open(struct gw_eio *e, struct gw_eio_socket *s, struct tw_http_conn *conn,
                    struct tw_http_request *req)
{
    struct gw_eio_ws *ws = tw_new(struct gw_eio_ws);
    struct tw_buf head = { .max = 1024 }, rest = { .max = 1048576 };
    struct tw_stream *stream;
    struct gw_conn *c;
    bool is_deflating, is_new = s->handler == NULL;

    is_deflating = gw_upgrade_answer(req, tw_wall_ms(), &head);
    stream = tw_http_take_stream(conn, &rest);
    c = gw_conn_new(e->conns, stream, tw_buf_view(&head), is_deflating);
    ws->handler.ops = &ops;
    ws->loop = e->loop;
    ws->transport = gw_conn_transport(c);
    gw_conn_start(c, &ws->handler, tw_buf_view(&rest));
    if (s->ws != NULL) { /* one is there, or on its way: this one is not wanted */
        gw_eio_ws_leave(ws, gw_closes.second_upgrade);
    } else {
        s->ws = ws;
        ws->socket = s;
        if (is_new)
            begin(s);
        else
            tw_after(e->loop, &ws->limit, UPGRADE_MS, on_upgrade_limit);
    }
    tw_buf_done(&head);
    tw_buf_done(&rest);
}
