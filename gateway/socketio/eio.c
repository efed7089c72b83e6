/* eio.c - the life of an Engine.IO socket: from its handshake over pings to its end.
 *
 *     OPENING -> POLLING -> PROBING -> PROBED -> WEBSOCKET     by `2probe`, `3probe`, `5`
 *     OPENING -> WEBSOCKET                                     without polling
 *     PROBING, PROBED -> POLLING                               that WebSocket is lost
 *     POLLING, PROBING, PROBED -> PARTING -> ENDING            polls fetch the last words
 *     POLLING, PROBING, PROBED, WEBSOCKET -> ENDING            nothing is left to fetch
 *
 * What is sent goes to the current transport. Ends are noted and carried out by `later`,
 * outside of all other calls, so that no caller holds a dead pointer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/socketio/eio.h"

#include <stdlib.h>

#include "common/domain/credential.h"
#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"
#include "common/util/jwt.h"
#include "gateway/socketio/eio_socket.h"
#include "gateway/websocket/frame.h"

#define EARLY_PACKETS 64    /* a CONNECT, its repetitions, and pongs */
#define SID_RANDOM_CHARS 24 /* 144 bits */
#define ADDRESS_BYTES 63
#define CLIENT_BYTES 200
#define DEVICE_BYTES 127
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
    { "eio_strangers", NULL,
      "Engine.IO sockets that were not let in yet: at most a tenth of all that there may be, "
      "and a hundred.",
      AT(strangers) },
};

const struct tw_metric_table gw_eio_metrics = { .rows = metric_rows,
                                                .count = TW_COUNT(metric_rows) };

void gw_eio_start(struct gw_eio *e, const struct gw_eio_options *options)
{
    e->options = *options;
    tw_list_init(&e->all);
    e->ping = gw_frame_text(TW_LIT("2"));
}

void gw_eio_done(struct gw_eio *e)
{
    tw_map_done(&e->by_sid);
    gw_frame_unref(e->ping);
}

/* --- Its state and its transport ------------------------------------------------------------
 */

#define BIT(state) (1U << (state))

/* Which states may follow a state, as bits. */
static const unsigned nexts[] = {
    [GW_EIO_OPENING] = BIT(GW_EIO_POLLING) | BIT(GW_EIO_WEBSOCKET),
    [GW_EIO_POLLING] = BIT(GW_EIO_PROBING) | BIT(GW_EIO_PARTING) | BIT(GW_EIO_ENDING),
    [GW_EIO_PROBING] =
        BIT(GW_EIO_POLLING) | BIT(GW_EIO_PROBED) | BIT(GW_EIO_PARTING) | BIT(GW_EIO_ENDING),
    [GW_EIO_PROBED] =
        BIT(GW_EIO_POLLING) | BIT(GW_EIO_WEBSOCKET) | BIT(GW_EIO_PARTING) | BIT(GW_EIO_ENDING),
    [GW_EIO_WEBSOCKET] = BIT(GW_EIO_ENDING),
    [GW_EIO_PARTING] = BIT(GW_EIO_ENDING),
    [GW_EIO_ENDING] = 0,
};

/* The only place where a socket's state changes. */
void gw_eio_socket_move(struct gw_eio_socket *s, enum gw_eio_state to)
{
    TW_ASSERT((nexts[s->state] & BIT(to)) != 0);
    s->state = to;
}

static struct tw_metric *gauge_of(struct gw_eio_socket *s)
{
    return (struct tw_metric *)(void *)((char *)s->engine + s->transport->gauge);
}

void gw_eio_socket_swap(struct gw_eio_socket *s, const struct gw_eio_transport *transport)
{
    gauge_of(s)->value--;
    s->transport = transport;
    gauge_of(s)->value++;
}

/* --- Its end ---------------------------------------------------------------------------------
 */

static void socket_free(struct gw_eio_socket *s)
{
    struct gw_eio *e = s->engine;

    gw_eio_ws_leave(s->ws, s->why);
    (void)tw_map_remove(&e->by_sid, tw_slice_of(s->sid));
    gauge_of(s)->value--;
    e->strangers.value -= !s->is_trusted;
    tw_after_cancel(e->options.loop, &s->tick);
    tw_later_cancel(&s->later);
    tw_list_remove(&s->link);
    gw_sendq_done(&s->poll.out);
    tw_buf_done(&s->credential);
    free(s->address);
    free(s->client);
    free(s->device);
    free(s);
}

static void on_parted(struct tw_deadline *d)
{
    struct gw_eio_socket *s = tw_container_of(d, struct gw_eio_socket, tick);

    if (s->state == GW_EIO_PARTING)
        gw_eio_socket_move(s, GW_EIO_ENDING);
    gw_eio_socket_drive(s);
}

/* Its handler's last call, and no pings from now on. */
static void dismiss(struct gw_eio_socket *s)
{
    s->handler->ops->ended(s->handler, s->why.code, s->why.reason);
    s->handler = NULL;
    tw_after(s->engine->options.loop, &s->tick, PART_MS, on_parted);
}

/* What was sent before still leaves; then the client sees its transport end. */
static void end(struct gw_eio_socket *s)
{
    bool is_told;

    if (s->handler != NULL)
        dismiss(s);
    is_told = s->transport->close(s);
    if (is_told || s->state == GW_EIO_ENDING)
        socket_free(s);
}

static void on_later(struct tw_later *l)
{
    struct gw_eio_socket *s = tw_container_of(l, struct gw_eio_socket, later);

    if (gw_eio_is_over(s)) {
        end(s);
        return;
    }
    s->transport->flush(s);
    if (gw_sendq_reopens(&s->poll.out) && !gw_eio_is_over(s))
        gw_handler_writable(s->handler, s->engine->options.loop->now_ms);
}

void gw_eio_socket_drive(struct gw_eio_socket *s)
{
    tw_later(s->engine->options.loop, &s->later, on_later);
}

/* Whether polls may fetch what the client has not heard yet. A WebSocket brings it by itself;
 * code 0 means that no client is left to tell; too much is why the socket ends. */
static bool may_part(const struct gw_eio_socket *s)
{
    return s->state != GW_EIO_WEBSOCKET && s->why.code != GW_CLOSE_NONE &&
           gw_sendq_behind_next(&s->poll.out) <= s->engine->options.queue_bytes;
}

void gw_eio_close(struct gw_eio_socket *s, struct gw_close why)
{
    if (gw_eio_is_over(s))
        return;
    s->why = why;
    if (s->state == GW_EIO_PROBING) /* one that was probed stays: it may be all that is left */
        gw_eio_ws_leave(s->ws, why);
    gw_eio_socket_move(s, may_part(s) ? GW_EIO_PARTING : GW_EIO_ENDING);
    gw_handler_closing(s->handler);
    gw_eio_socket_drive(s);
}

/* --- Pings -----------------------------------------------------------------------------------
 */

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
    tw_after(s->engine->options.loop, &s->tick, in_time(s->engine->options.timeout_ms),
             on_silence);
}

static void await_tick(struct gw_eio_socket *s)
{
    tw_after(s->engine->options.loop, &s->tick, in_time(s->engine->options.interval_ms),
             on_tick);
}

/* --- Its handshake, and what comes then ------------------------------------------------------
 */

/* Who has it owns the session, so its random part is long. */
static void make_sid(const struct gw_eio *e, char out[GW_EIO_SID_BYTES])
{
    size_t n = 0;

    if (e->options.instance.len > 0 && e->options.instance.len < 64) {
        n = e->options.instance.len;
        memcpy(out, e->options.instance.at, n);
        out[n++] = '-';
    }
    tw_random_id(out + n, SID_RANDOM_CHARS + 1);
}

/* From its query, where a page cannot set a header; null: it does not say. */
static char *read_device(const struct tw_http_request *req)
{
    static const char *const names[] = { "deviceId", "device_id" };
    char *device = NULL;

    for (size_t i = 0; i < TW_COUNT(names) && device == NULL; i++) {
        struct tw_buf text = { .max = DEVICE_BYTES };

        if (tw_http_query(req, names[i], &text) == 1 && !text.failed && text.len > 0 &&
            tw_is_plain_line(tw_buf_view(&text)))
            device = tw_copy_text(text.at, text.len);
        tw_buf_done(&text);
    }
    return device != NULL ? device : tw_http_copy_line(req, "x-device-id", DEVICE_BYTES);
}

struct gw_eio_socket *gw_eio_socket_new(struct gw_eio *e, const struct tw_http_request *req)
{
    struct gw_eio_socket *s;

    if (e->by_sid.count >= e->options.max_sockets ||
        e->strangers.value >= e->options.max_sockets / 10 + GW_EIO_STRANGERS)
        return NULL;
    s = tw_new(struct gw_eio_socket);
    s->engine = e;
    make_sid(e, s->sid);
    s->credential.max = TW_JWT_BYTES;
    (void)tw_credential_read(req, TW_CREDENTIAL_SOCKET, TW_EMPTY, e->options.origins,
                             &s->credential);
    s->address = tw_http_copy_line(req, "x-forwarded-for", ADDRESS_BYTES);
    s->client = tw_http_copy_line(req, "user-agent", CLIENT_BYTES);
    s->device = read_device(req);
    (void)tw_map_set(&e->by_sid, tw_slice_of(s->sid), s);
    tw_list_append(&e->all, &s->link);
    e->opened.value++;
    e->strangers.value++;
    return s;
}

void gw_eio_socket_begin(struct gw_eio_socket *s, const struct gw_eio_transport *transport)
{
    s->transport = transport;
    gauge_of(s)->value++;
    gw_eio_socket_move(s, s->ws == NULL ? GW_EIO_POLLING : GW_EIO_WEBSOCKET);
    s->handler = s->engine->options.open(s->engine, s);
    await_tick(s);
}

bool gw_eio_socket_take(struct gw_eio_socket *s, const struct gw_eio_packet *p)
{
    if (gw_eio_is_over(s))
        return true;
    if (!s->is_trusted && ++s->early > EARLY_PACKETS) {
        gw_eio_close(s, gw_closes.early_flood);
        return false;
    }
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

/* --- For its handler -------------------------------------------------------------------------
 */

void gw_eio_send(struct gw_eio_socket *s, struct gw_frame *f)
{
    if (!gw_eio_is_over(s))
        s->transport->send(s, f);
}

bool gw_eio_is_writable(struct gw_eio_socket *s)
{
    return !gw_eio_is_over(s) && s->transport->is_writable(s);
}

void gw_eio_trust(struct gw_eio_socket *s)
{
    s->engine->strangers.value -= !s->is_trusted;
    s->is_trusted = true;
}

const char *gw_eio_address(const struct gw_eio_socket *s)
{
    return s->address;
}

const char *gw_eio_client(const struct gw_eio_socket *s)
{
    return s->client;
}

const char *gw_eio_device(const struct gw_eio_socket *s)
{
    return s->device;
}

struct tw_slice gw_eio_credential(const struct gw_eio_socket *s)
{
    return tw_buf_view(&s->credential);
}

struct tw_loop *gw_eio_loop(const struct gw_eio_socket *s)
{
    return s->engine->options.loop;
}

struct gw_eio *gw_eio_of(const struct gw_eio_socket *s)
{
    return s->engine;
}

/* --- All of them -----------------------------------------------------------------------------
 */

size_t gw_eio_pollers(const struct gw_eio *e)
{
    size_t n = 0;

    tw_list_each(&e->all, link) n +=
        tw_container_of(link, struct gw_eio_socket, link)->state < GW_EIO_WEBSOCKET;
    return n;
}

size_t gw_eio_send_home(struct gw_eio *e, size_t max)
{
    size_t n = 0;

    tw_list_each(&e->all, link)
    {
        struct gw_eio_socket *s = tw_container_of(link, struct gw_eio_socket, link);

        if (n < max && s->state < GW_EIO_WEBSOCKET) {
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
        if (s->state == GW_EIO_PARTING)
            gw_eio_socket_move(s, GW_EIO_ENDING);
        gw_eio_socket_drive(s);
    }
}
