/* eio_poll.c - the transport of long-polling: what is sent waits for the next GET, and a GET is
 * held until something is sent.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/net/cors.h"
#include "common/util/base.h"
#include "gateway/socketio/eio_socket.h"
#include "gateway/websocket/frame.h"

/* One packet goes out however large it is, as it does over a WebSocket; only what an answer can
 * hold, with its header fields, bounds it. Behind this much, the rest goes with the next GET.
 */
#define ANSWER_BYTES (TW_HTTP_ANSWER_BYTES - (size_t)64 * 1024)
#define ANSWER_SOFT_BYTES ((size_t)256 * 1024)

/* The held GET is answered without its request, which is gone: `origin` was kept. */
static void answer(struct gw_eio_socket *s, struct tw_slice body)
{
    struct tw_http_response res = { .status = 200,
                                    .content_type = "text/plain; charset=UTF-8",
                                    .body = body };
    struct tw_http_conn *conn = s->poll.conn;

    s->poll.conn = NULL;
    tw_http_add(&res, "Cache-Control", TW_LIT("no-store"));
    tw_cors_add(&res, s->engine->options.origins, tw_slice_of(s->poll.origin));
    tw_http_answer(conn, &res);
}

/* The held GET takes what is queued. */
static void answer_queued(struct gw_eio_socket *s)
{
    struct tw_buf body = { .max = ANSWER_BYTES };
    struct gw_frame *f;

    while (body.len < ANSWER_SOFT_BYTES && (f = gw_sendq_shift(&s->poll.out)) != NULL) {
        if (gw_frame_is_binary(f))
            gw_eio_put_binary(&body, gw_frame_payload(f));
        else
            gw_eio_put_raw(&body, gw_frame_payload(f));
        gw_frame_unref(f);
    }
    if (body.failed) /* it cannot be left out */
        gw_eio_close(s, gw_closes.big_poll);
    answer(s, tw_buf_view(&body));
    tw_buf_done(&body);
}

void gw_eio_poll_end(struct gw_eio_socket *s, enum gw_eio_type type)
{
    char packet = (char)type;

    if (s->poll.conn != NULL)
        answer(s, tw_slice_from(&packet, 1));
}

static void on_gone(struct tw_http_waiter *w)
{
    struct gw_eio_socket *s = tw_container_of(w, struct gw_eio_socket, poll.waiter);

    s->poll.conn = NULL;
    gw_eio_close(s, gw_closes.poll_cut); /* the client sees the same: "xhr poll error" */
}

bool gw_eio_poll_hold(struct gw_eio_socket *s, struct tw_http_conn *conn,
                      struct tw_slice origin)
{
    struct gw_eio_poll *p = &s->poll;

    if (p->conn != NULL) { /* one at a time: which of them would be answered? */
        s->engine->broken.value++;
        gw_eio_poll_end(s, GW_EIO_CLOSE);
        gw_eio_close(s, gw_closes.polled_twice);
        return false;
    }
    TW_ASSERT(origin.len < sizeof(p->origin));
    p->conn = conn;
    memcpy(p->origin, origin.at == NULL ? "" : origin.at, origin.len);
    p->origin[origin.len] = '\0';
    p->waiter = (struct tw_http_waiter){ .gone = on_gone, .ends_on_fin = true };
    tw_http_wait(conn, &p->waiter);
    gw_eio_socket_drive(s);
    return true;
}

static void transport_send(struct gw_eio_socket *s, struct gw_frame *f)
{
    gw_sendq_push(&s->poll.out, f);
    /* Behind what the next GET takes: a list of all that a restaurant has goes out whole. */
    if (gw_sendq_behind_next(&s->poll.out) > s->engine->options.queue_bytes)
        gw_eio_close(s, gw_closes.slow);
    else
        gw_eio_socket_drive(s);
}

static bool transport_is_writable(struct gw_eio_socket *s)
{
    return gw_sendq_is_writable(&s->poll.out);
}

static void transport_flush(struct gw_eio_socket *s)
{
    if (s->poll.conn != NULL && s->poll.out.count > 0)
        answer_queued(s);
    else if (s->state == GW_EIO_PROBED) /* section 2.5: a GET must not hang for long */
        gw_eio_poll_end(s, GW_EIO_NOOP);
}

/* Not in one answer: the close would take effect before the packets in front of it. */
static bool transport_close(struct gw_eio_socket *s)
{
    if (s->poll.conn == NULL)
        return false;
    if (s->poll.out.count > 0) {
        answer_queued(s);
        return false;
    }
    gw_eio_poll_end(s, GW_EIO_CLOSE);
    return true;
}

const struct gw_eio_transport gw_eio_polling = {
    .gauge = offsetof(struct gw_eio, polling),
    .send = transport_send,
    .is_writable = transport_is_writable,
    .flush = transport_flush,
    .close = transport_close,
};
