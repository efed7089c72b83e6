/* eio.c - the life of an Engine.IO socket: from its handshake over pings to its end.
 *
 * What is sent goes to the WebSocket, or waits for the next GET. Ends are noted and carried out
 * by `later`, outside of all other calls, so nobody holds a dead pointer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/socketio/eio.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"
#include "gateway/socketio/eio_socket.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/transport.h"

#define SID_RANDOM_BYTES 18 /* 144 bits: who has it owns the session */
#define WRITABLE_BYTES 65536
#define WRITABLE_FRAMES 64
#define PART_MS 5000 /* for the polls that fetch the last words */

#define AT(field) TW_METRIC_AT(struct gw_eio, field)

static const struct tw_metric_row metric_rows[] = {
    { "eio_sockets", "transport=\"polling\"", "Open Engine.IO sockets, by transport.",
      AT(polling) },
    { "eio_sockets", "transport=\"websocket\"", NULL, AT(websocket) },
    { "eio_opened_total", NULL, "Engine.IO sockets that were opened.", AT(opened) },
    { "eio_upgrades_total", NULL, "Engine.IO sockets that moved from polling to WebSocket.",
      AT(upgraded) },
    { "eio_faults_total", "kind=\"request\"",
      "Engine.IO requests that were refused, and sockets that were closed for a malformed "
      "packet.",
      AT(refused) },
    { "eio_faults_total", "kind=\"packet\"", NULL, AT(broken) },
};

const struct tw_metric_table gw_eio_metrics = { .rows = metric_rows,
                                                .count = TW_COUNT(metric_rows) };

void gw_eio_start(struct gw_eio *e)
{
    tw_list_init(&e->all);
    e->ping = gw_frame_text(TW_LIT("2"));
}

void gw_eio_done(struct gw_eio *e)
{
    tw_map_done(&e->by_sid);
    gw_frame_unref(e->ping);
}

static void socket_free(struct gw_eio_socket *s)
{
    struct gw_eio *e = s->engine;

    (void)tw_map_remove(&e->by_sid, tw_slice_of(s->sid));
    if (s->is_websocket)
        e->websocket.value--;
    else
        e->polling.value--;
    tw_after_cancel(e->loop, &s->tick);
    tw_later_cancel(&s->later);
    tw_list_remove(&s->link);
    gw_sendq_done(&s->out);
    free(s);
}

static void on_parted(struct tw_deadline *d)
{
    struct gw_eio_socket *s = tw_container_of(d, struct gw_eio_socket, tick);

    s->is_parting = false;
    gw_eio_socket_drive(s);
}

/* Its handler's last call, and no pings from now on. */
static void dismiss(struct gw_eio_socket *s)
{
    s->handler->ops->ended(s->handler, s->close.code, s->close.reason);
    s->handler = NULL;
    tw_after(s->engine->loop, &s->tick, PART_MS, on_parted);
}

/* What was sent before still leaves; then the client sees its transport end. Not in one answer:
 * its close would be acted upon before the packets in front of it. A WebSocket that has been
 * answered its probe stays as well: the client may have stopped polling. */
static void end(struct gw_eio_socket *s)
{
    if (s->handler != NULL)
        dismiss(s);
    if (s->poll != NULL && s->out.count > 0) {
        gw_eio_poll_flush(s);
    } else if (s->poll != NULL) {
        gw_eio_poll_end(s, GW_EIO_CLOSE);
        s->is_parting = false;
    }
    if (s->ws != NULL && (!s->is_parting || !s->is_probed))
        gw_eio_ws_leave(s->ws, s->close);
    if (!s->is_parting)
        socket_free(s);
}

static void on_later(struct tw_later *l)
{
    struct gw_eio_socket *s = tw_container_of(l, struct gw_eio_socket, later);

    if (s->is_closing) {
        end(s);
        return;
    }
    if (s->poll != NULL && s->out.count > 0)
        gw_eio_poll_flush(s);
    else if (s->poll != NULL && s->is_probed) /* section 2.5: it must not hang for long */
        gw_eio_poll_end(s, GW_EIO_NOOP);
    if (s->was_full && gw_eio_is_writable(s)) {
        s->was_full = false;
        gw_handler_writable(s->handler, s->engine->loop->now_ms);
    }
}

void gw_eio_socket_drive(struct gw_eio_socket *s)
{
    tw_later(s->engine->loop, &s->later, on_later);
}

/* The wheel of limits is late by up to two ticks, and the two limits below add up. Early does
 * no harm; late is more silence than the handshake has announced. */
static uint64_t in_time(uint64_t ms)
{
    return ms > 4 * TW_DEADLINE_TICK_MS ? ms - 2 * TW_DEADLINE_TICK_MS : ms;
}

static void on_silence(struct tw_deadline *d)
{
    gw_eio_close(tw_container_of(d, struct gw_eio_socket, tick), gw_closes.silent);
}

/* In version 4 the server pings; only a pong is counted as an answer. */
static void on_tick(struct tw_deadline *d)
{
    struct gw_eio_socket *s = tw_container_of(d, struct gw_eio_socket, tick);

    gw_eio_send(s, s->engine->ping);
    tw_after(s->engine->loop, &s->tick, in_time(s->engine->timeout_ms), on_silence);
}

static void await_tick(struct gw_eio_socket *s)
{
    tw_after(s->engine->loop, &s->tick, in_time(s->engine->interval_ms), on_tick);
}

static void make_sid(const struct gw_eio *e, char out[GW_EIO_SID_BYTES])
{
    uint8_t random[SID_RANDOM_BYTES];
    struct tw_buf text = { .max = GW_EIO_SID_BYTES - 1 };

    tw_random(random, sizeof(random));
    if (e->instance.len > 0 && e->instance.len < 64) {
        tw_buf_append(&text, e->instance);
        tw_buf_char(&text, '-');
    }
    tw_base64url(&text, tw_slice_from((const char *)random, sizeof(random)));
    memcpy(out, text.at, text.len);
    tw_buf_done(&text);
}

struct gw_eio_socket *gw_eio_socket_new(struct gw_eio *e)
{
    struct gw_eio_socket *s;

    if (e->by_sid.count >= e->max_sockets)
        return NULL;
    s = tw_new(struct gw_eio_socket);
    s->engine = e;
    make_sid(e, s->sid);
    (void)tw_map_set(&e->by_sid, tw_slice_of(s->sid), s);
    tw_list_append(&e->all, &s->link);
    e->polling.value++;
    e->opened.value++;
    return s;
}

void gw_eio_socket_begin(struct gw_eio_socket *s)
{
    s->handler = s->engine->open(s->engine, s);
    await_tick(s);
}

bool gw_eio_socket_take(struct gw_eio_socket *s, const struct gw_eio_packet *p)
{
    if (s->is_closing)
        return true;
    switch (p->type) {
    case GW_EIO_MESSAGE:
        if (p->is_binary)
            s->handler->ops->binary(s->handler, p->data);
        else
            s->handler->ops->text(s->handler, p->data);
        return true;
    case GW_EIO_PONG:
        await_tick(s);
        return true;
    case GW_EIO_CLOSE:
        if (s->poll != NULL)
            gw_eio_poll_end(s, GW_EIO_NOOP);
        gw_eio_close(s, gw_closes.by_client);
        return true;
    case GW_EIO_NOOP:
        return true;
    default: /* a ping in the wrong direction, an open, an upgrade outside of one */
        s->engine->broken.value++;
        gw_eio_close(s, gw_closes.broke_eio);
        return false;
    }
}

void gw_eio_socket_move(struct gw_eio_socket *s)
{
    struct gw_frame *f;

    s->is_websocket = true;
    s->is_probed = s->is_parting = false;
    s->engine->polling.value--;
    s->engine->websocket.value++;
    if (s->poll != NULL)
        gw_eio_poll_end(s, GW_EIO_NOOP);
    while ((f = gw_sendq_shift(&s->out)) != NULL) {
        s->ws->transport->ops->send(s->ws->transport, f);
        gw_frame_unref(f);
    }
    gw_sendq_done(&s->out); /* its ring: from now on nothing waits here */
    gw_eio_socket_drive(s);
}

void gw_eio_send(struct gw_eio_socket *s, struct gw_frame *f)
{
    if (s->is_closing)
        return;
    if (s->is_websocket) {
        s->ws->transport->ops->send(s->ws->transport, f);
        return;
    }
    gw_sendq_push(&s->out, f);
    if (s->out.bytes > s->engine->queue_bytes)
        gw_eio_close(s, gw_closes.slow);
    else
        gw_eio_socket_drive(s);
}

bool gw_eio_is_writable(struct gw_eio_socket *s)
{
    bool is_writable;

    if (s->is_closing)
        return false;
    if (s->is_websocket)
        return s->ws->transport->ops->is_writable(s->ws->transport);
    is_writable = s->out.bytes < WRITABLE_BYTES && s->out.count < WRITABLE_FRAMES;
    s->was_full = s->was_full || !is_writable;
    return is_writable;
}

void gw_eio_close(struct gw_eio_socket *s, struct gw_close why)
{
    if (s->is_closing)
        return;
    s->is_closing = true;
    gw_handler_closing(s->handler);
    s->is_parting = !s->is_websocket && why.code != 0 && s->out.bytes <= s->engine->queue_bytes;
    s->close = why;
    gw_eio_socket_drive(s);
}

struct tw_loop *gw_eio_loop(const struct gw_eio_socket *s)
{
    return s->engine->loop;
}

struct gw_eio *gw_eio_of(const struct gw_eio_socket *s)
{
    return s->engine;
}

size_t gw_eio_send_home(struct gw_eio *e, size_t most)
{
    size_t n = 0;

    tw_list_each(&e->all, link)
    {
        struct gw_eio_socket *s = tw_container_of(link, struct gw_eio_socket, link);

        if (n < most && !s->is_closing && !s->is_websocket) {
            gw_handler_farewell(s->handler);
            gw_eio_close(s, gw_closes.going_away);
            n++;
        }
    }
    return n;
}

void gw_eio_shut(struct gw_eio *e)
{
    tw_list_each(&e->all, link)
    {
        struct gw_eio_socket *s = tw_container_of(link, struct gw_eio_socket, link);

        gw_eio_close(s, gw_closes.shut_down);
        s->is_parting = false;
        gw_eio_socket_drive(s);
    }
}
