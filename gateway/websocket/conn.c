/* conn.c - the phases of a WebSocket connection, and of an event stream, which differs from it
 * in what is said: nobody says close there, and what the client sends has no meaning.
 *
 *     TALK -> (we close) -> SAY_CLOSE -> AWAIT_CLOSE -> SHUT -> GONE
 *       \---> (the peer closes) --------/             /
 *        \---> (it breaks) --------------------------/
 *
 * Callbacks note and drive (conn_events.c); steps return the next phase, and only drive sets
 * it. Frames wait in `out` and leave together, at the end of the turn. We read from the peer
 * only while our answers to it leave: a peer that sends without reading is not read from
 * either. Whether it is still there is liveness.c's question.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/conn.h"

#include "common/net/http_conn.h"
#include "common/util/base.h"
#include "gateway/websocket/conn_state.h"
#include "gateway/websocket/frame.h"

/* --- The steps -------------------------------------------------------------------------------
 */

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
            c->out.in_flight = 0;
            c->out.in_flight_bytes = 0;
            return false;
        }
        if (r == 0)
            return true;
        gw_conn_written(c);
        if (c->heartbeat !=
            NULL) /* it never says anything: what it takes is its sign of life */
            gw_liveness_heard(&c->liveness, gw_conn_all(c)->loop->now_ms);
    }
    return true;
}

/* Read what has come already. A client may send before its tenant's stream is ready: its
 * messages are read after the greeting, which is the first thing that it hears. And what has
 * much work in it is read in several turns. */
static void read_early(struct gw_conn *c)
{
    size_t n;

    if (!c->is_begun && (c->phase != GW_TALK || gw_handler_is_ready(c->handler))) {
        c->is_begun = true; /* after a close, nothing is handed out anyway */
        c->taken = 0;
    }
    if (!c->is_begun || c->early == NULL || c->ws.is_over)
        return;
    n = gw_conn_feed(c, tw_buf_view(c->early));
    tw_buf_drop(c->early, n);
    if (c->early->len == 0)
        gw_conn_drop_early(c);
}

/* From here on time is limited, for the peer's close frame and for our last bytes. */
static enum gw_conn_phase expect_close(struct gw_conn *c)
{
    gw_conn_limit_close(c);
    return GW_AWAIT_CLOSE;
}

/* What could not be read before may be now, in the next turn. */
static enum gw_conn_phase talk_on(struct gw_conn *c)
{
    if (c->early != NULL && gw_conn_can_read(c))
        gw_conn_drive_later(c);
    return GW_TALK;
}

static enum gw_conn_phase talk(struct gw_conn *c)
{
    read_early(c);
    if (c->ws.is_over)
        return expect_close(c); /* the close frame is queued already */
    if (c->close_code != 0)
        return GW_SAY_CLOSE;
    if (!flush(c))
        return GW_SHUT;
    /* After what goes out now and next: a list of all that a restaurant has goes out whole. */
    if (gw_sendq_behind_next(&c->out) > 3 * gw_conn_all(c)->options.queue_bytes) {
        gw_transport_close(&c->transport, gw_closes.slow);
        return GW_SAY_CLOSE;
    }
    if (gw_sendq_reopens(&c->out)) { /* what the handler could not send meanwhile */
        gw_handler_writable(c->handler, gw_conn_all(c)->loop->now_ms);
        return c->close_code != 0 ? GW_SAY_CLOSE : flush(c) ? talk_on(c) : GW_SHUT;
    }
    return talk_on(c);
}

static enum gw_conn_phase say_close(struct gw_conn *c)
{
    if (c->heartbeat == NULL) {
        struct gw_frame *f = gw_frame_close(c->close_code, tw_slice_of(c->close_reason));

        gw_conn_push(c, f);
        gw_frame_unref(f);
    }
    return expect_close(c);
}

/* Both have said close, or time is over: the server closes TCP first (section 7.1.1). */
static enum gw_conn_phase await_close(struct gw_conn *c)
{
    read_early(c);
    if (!flush(c) || c->is_late)
        return GW_SHUT;
    if (c->out.count == 0 && (c->peer_closed || c->heartbeat != NULL))
        return GW_SHUT;
    if (c->out.count == 0 && c->ws.is_over)
        tw_stream_finish(c->stream); /* what the peer still sends is read and thrown away, or a
                                        reset would overtake our close frame */
    return GW_AWAIT_CLOSE;
}

static enum gw_conn_phase shut(struct gw_conn *c)
{
    gw_handler_closing(c->handler);
    tw_after_cancel(gw_conn_all(c)->loop, &c->limit);
    tw_stream_close(c->stream); /* on_closed follows */
    return GW_GONE;
}

static enum gw_conn_phase step(struct gw_conn *c)
{
    if (c->is_broken && c->phase < GW_SHUT)
        return GW_SHUT;
    switch (c->phase) {
    case GW_TALK:
        return talk(c);
    case GW_SAY_CLOSE:
        return say_close(c);
    case GW_AWAIT_CLOSE:
        return await_close(c);
    case GW_SHUT:
        return shut(c);
    case GW_GONE:
        break;
    }
    return GW_GONE;
}

static bool wants_read(const struct gw_conn *c)
{
    if (c->phase == GW_TALK)
        return c->is_begun && c->early == NULL && c->out.in_flight == 0 &&
               gw_handler_is_ready(c->handler);
    return c->phase == GW_AWAIT_CLOSE;
}

/* The only place where a connection changes its phase. */
void gw_conn_drive(struct gw_conn *c)
{
    enum gw_conn_phase was;

    do {
        was = c->phase;
        c->phase = step(c);
    } while (c->phase != was);
    tw_stream_want_read(c->stream, wants_read(c));
}

static void on_later(struct tw_later *l)
{
    gw_conn_drive(tw_container_of(l, struct gw_conn, later));
}

void gw_conn_drive_later(struct gw_conn *c)
{
    tw_later(gw_conn_all(c)->loop, &c->later, on_later);
}

/* --- From its start on -----------------------------------------------------------------------
 */

struct gw_conn *gw_conn_new(struct gw_conns *all, struct tw_stream *stream,
                            struct tw_slice answer, bool is_deflating)
{
    struct gw_conn *c = tw_new(struct gw_conn);
    struct gw_frame *f = gw_frame_raw(answer);

    c->owner.events = &gw_conn_stream_events;
    c->transport.ops = &gw_conn_transport_ops;
    c->stream = stream;
    all->loop = tw_stream_loop(stream); /* the same for all, and so are these */
    all->ws.longest = gw_conn_longest;
    all->ws.on_too_long = gw_conn_on_too_long;
    c->ws.pool = &all->ws;
    c->ws.on_message = gw_conn_on_message;
    c->ws.may_go_on = gw_conn_may_go_on;
    c->ws.is_deflating = is_deflating;
    c->opened_ms = gw_conn_all(c)->loop->now_ms;
    gw_liveness_heard(&c->liveness, gw_conn_all(c)->loop->now_ms);
    gw_conn_push(c, f);
    gw_frame_unref(f);
    tw_list_append(&all->all, &c->link);
    all->count++;
    tw_stream_set_owner(stream, &c->owner);
    tw_stream_unsent_limit(stream, GW_UNSENT_BYTES);
    tw_stream_user_timeout(stream, (unsigned)(all->options.ping_ms + all->options.pong_ms));
    gw_conn_limit_silence(c);
    return c;
}

struct gw_conn *gw_conn_upgrade(struct gw_conns *all, struct tw_http_conn *http,
                                struct tw_slice answer, bool is_deflating)
{
    struct tw_buf rest = { .max = GW_EARLY_BYTES };
    struct tw_stream *stream = tw_http_take_stream(http, &rest);
    struct gw_conn *c = gw_conn_new(all, stream, answer, is_deflating);

    gw_conn_keep_early(c, tw_buf_view(&rest));
    tw_buf_done(&rest);
    return c;
}

struct gw_conn *gw_conn_event_stream(struct gw_conns *all, struct tw_http_conn *http,
                                     struct tw_slice answer, const char *heartbeat)
{
    struct gw_conn *c = gw_conn_upgrade(all, http, answer, false);

    c->heartbeat = heartbeat;
    return c;
}

struct gw_transport *gw_conn_transport(struct gw_conn *c)
{
    return &c->transport;
}

void gw_conn_start(struct gw_conn *c, struct gw_handler *handler)
{
    c->handler = handler;
    gw_conn_drive_later(c);
}

void gw_conn_hand_over(struct gw_conn *c, struct gw_handler *handler)
{
    c->handler = handler;
    c->is_begun = false;
    c->opened_ms = gw_conn_all(c)->loop->now_ms;
    gw_conn_drive_later(c);
}

size_t gw_conns_send_home(struct gw_conns *all, size_t max)
{
    size_t n = 0;

    tw_list_each(&all->all, link)
    {
        struct gw_conn *c = tw_container_of(link, struct gw_conn, link);

        if (n < max && gw_conn_is_talking(c)) {
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
        gw_conn_drive(c);
    }
}
