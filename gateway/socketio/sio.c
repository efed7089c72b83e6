/* sio.c - what a client sends, by its namespaces; a packet that breaks the rules closes the
 * transport.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/socketio/sio.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"
#include "common/util/json_write.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/handler.h"

/* One Engine.IO socket. */
struct gw_sio_connection {
    struct gw_handler handler;
    struct gw_sio *sio;
    struct gw_eio_socket *eio;
    struct tw_list sockets;
    struct tw_deadline limit; /* for the first CONNECT */
    /* A binary event that waits for its attachments. */
    struct tw_buf packet;
    struct tw_buf attachments[GW_SIO_ATTACHMENTS];
    unsigned expected, arrived;
    size_t bytes;
};

static struct gw_sio_connection *connection_of(struct gw_handler *h)
{
    return tw_container_of(h, struct gw_sio_connection, handler);
}

static void forget_packet(struct gw_sio_connection *c)
{
    tw_buf_done(&c->packet);
    for (unsigned i = 0; i < c->arrived; i++)
        tw_buf_done(&c->attachments[i]);
    c->expected = c->arrived = 0;
    c->bytes = 0;
}

static void break_off(struct gw_sio_connection *c)
{
    gw_eio_of(c->eio)->broken.value++;
    gw_eio_close(c->eio, gw_closes.broke_sio);
}

static void on_limit(struct tw_deadline *d)
{
    struct gw_sio_connection *c = tw_container_of(d, struct gw_sio_connection, limit);

    gw_eio_close(c->eio, gw_closes.no_namespace);
}

static struct gw_sio_socket *socket_of(struct gw_sio_connection *c, struct tw_slice nsp)
{
    tw_list_each(&c->sockets, link)
    {
        struct gw_sio_socket *k = tw_container_of(link, struct gw_sio_socket, link);

        if (tw_slice_is(nsp, k->nsp))
            return k;
    }
    return NULL;
}

static void send_text(struct gw_sio_connection *c, struct tw_slice text)
{
    struct gw_frame *f = gw_frame_text(text);

    gw_eio_send(c->eio, f);
    gw_frame_unref(f);
}

/* A packet of this namespace with some JSON. */
static void send_packet(struct gw_sio_connection *c, enum gw_sio_type type, struct tw_slice nsp,
                        struct tw_slice ack, struct tw_slice json)
{
    struct tw_buf out = { .max = json.len + 256 };

    gw_sio_put_head(&out, type, 0, nsp, ack);
    tw_buf_append(&out, json);
    if (!out.failed)
        send_text(c, tw_buf_view(&out));
    tw_buf_done(&out);
}

static void drop(struct gw_sio_socket *k, bool is_left, struct gw_close why)
{
    tw_list_remove(&k->link);
    k->connection->sio->app->left(k, is_left, why.code, why.reason);
    free(k);
}

static const char *find_namespace(const struct gw_sio_app *app, struct tw_slice nsp)
{
    for (const char *const *at = app->namespaces; *at != NULL; at++)
        if (tw_slice_is(nsp, *at))
            return *at;
    return NULL;
}

static void connect_to(struct gw_sio_connection *c, const struct gw_sio_packet *p)
{
    const char *nsp = find_namespace(c->sio->app, p->nsp);
    struct gw_sio_socket *k;

    if (socket_of(c, p->nsp) != NULL) {
        break_off(c);
        return;
    }
    if (nsp == NULL) {
        send_packet(c, GW_SIO_CONNECT_ERROR, p->nsp, TW_EMPTY,
                    TW_LIT("{\"message\":\"Invalid namespace\"}"));
        return;
    }
    k = tw_new(struct gw_sio_socket);
    k->connection = c;
    k->nsp = nsp;
    tw_list_append(&c->sockets, &k->link);
    c->sio->app->connect(k, p->json);
}

static void take(struct gw_sio_connection *c, const struct gw_sio_packet *p)
{
    struct gw_sio_socket *k;

    if (p->type == GW_SIO_CONNECT) {
        connect_to(c, p);
        return;
    }
    k = socket_of(c, p->nsp);
    if (k == NULL || !k->is_accepted)
        break_off(c);
    else if (p->type == GW_SIO_DISCONNECT)
        drop(k, true, gw_closes.left);
    else if (p->type == GW_SIO_EVENT || p->type == GW_SIO_BINARY_EVENT)
        c->sio->app->event(k, p, c->attachments);
    /* An acknowledgement: nothing of ours asks for one. */
}

static void on_text(struct gw_handler *h, struct tw_slice message)
{
    struct gw_sio_connection *c = connection_of(h);
    struct gw_sio_packet p;

    c->packet.max = gw_eio_of(c->eio)->options.max_payload;
    if (c->expected > 0) { /* text while attachments are due */
        break_off(c);
        return;
    }
    tw_buf_append(&c->packet, message);
    if (c->packet.failed || gw_sio_read(c->packet.at, c->packet.len, &p) != 0) {
        break_off(c);
        forget_packet(c);
        return;
    }
    if (p.attachments > 0) {
        c->expected = p.attachments;
        c->packet.len = (size_t)(p.json.at - c->packet.at) + p.json.len; /* it got shorter */
        return;
    }
    take(c, &p);
    forget_packet(c);
}

/* Reading the packet again is cheaper than keeping slices into a buffer. It was scanned, so it
 * reads the same. */
static void on_binary(struct gw_handler *h, struct tw_slice message)
{
    struct gw_sio_connection *c = connection_of(h);
    struct gw_sio_packet p;
    size_t max = gw_eio_of(c->eio)->options.max_payload;

    c->bytes += message.len;
    if (c->expected == 0 || c->bytes > max) {
        break_off(c);
        return;
    }
    c->attachments[c->arrived].max = max;
    tw_buf_append(&c->attachments[c->arrived], message);
    c->arrived++;
    if (c->arrived < c->expected)
        return;
    if (gw_sio_read(c->packet.at, c->packet.len, &p) == 0)
        take(c, &p);
    else
        break_off(c);
    forget_packet(c);
}

static void on_writable(struct gw_handler *h, uint64_t now_ms)
{
    struct gw_sio_connection *c = connection_of(h);

    tw_list_each(&c->sockets, link)
    {
        struct gw_sio_socket *k = tw_container_of(link, struct gw_sio_socket, link);

        if (k->is_accepted)
            c->sio->app->writable(k, now_ms);
    }
}

static void on_farewell(struct gw_handler *h)
{
    tw_list_each(&connection_of(h)->sockets, link)
    {
        struct gw_sio_socket *k = tw_container_of(link, struct gw_sio_socket, link);

        if (k->is_accepted)
            k->connection->sio->app->farewell(k);
    }
}

static void on_ended(struct gw_handler *h, unsigned code, const char *reason)
{
    struct gw_sio_connection *c = connection_of(h);

    tw_list_each(&c->sockets, link) drop(tw_container_of(link, struct gw_sio_socket, link),
                                         false, (struct gw_close){ code, reason });
    tw_after_cancel(gw_eio_loop(c->eio), &c->limit);
    forget_packet(c);
    free(c);
}

static const struct gw_handler_ops handler_ops = { .text = on_text,
                                                   .binary = on_binary,
                                                   .writable = on_writable,
                                                   .farewell = on_farewell,
                                                   .ended = on_ended };

static struct gw_handler *open_connection(struct gw_eio *e, struct gw_eio_socket *s)
{
    struct gw_sio_connection *c = tw_new(struct gw_sio_connection);

    c->handler.ops = &handler_ops;
    c->sio = tw_container_of(e, struct gw_sio, engine);
    c->eio = s;
    tw_list_init(&c->sockets);
    tw_after(e->options.loop, &c->limit, c->sio->connect_ms, on_limit);
    return &c->handler;
}

void gw_sio_start(struct gw_sio *s, const struct gw_sio_options *options)
{
    struct gw_eio_options engine = options->engine;

    engine.open = open_connection;
    s->app = options->app;
    s->connect_ms = options->connect_ms;
    gw_eio_start(&s->engine, &engine);
}

void gw_sio_new_sid(char out[GW_SIO_SID])
{
    tw_random_id(out, GW_SIO_SID);
}

void gw_sio_accept(struct gw_sio_socket *k, struct tw_slice sid, struct tw_slice pid)
{
    struct tw_buf json = { .max = 1024 };

    k->is_accepted = true;
    gw_eio_trust(k->connection->eio);
    tw_after_cancel(gw_eio_loop(k->connection->eio), &k->connection->limit);
    memcpy(k->sid, sid.at, sid.len < GW_SIO_SID ? sid.len : GW_SIO_SID - 1);
    tw_buf_char(&json, '{');
    tw_json_member(&json, "sid", sid);
    if (pid.len > 0)
        tw_json_member(&json, "pid", pid);
    tw_buf_char(&json, '}');
    send_packet(k->connection, GW_SIO_CONNECT, tw_slice_of(k->nsp), TW_EMPTY,
                tw_buf_view(&json));
    tw_buf_done(&json);
}

void gw_sio_refuse(struct gw_sio_socket *k, struct tw_slice json)
{
    send_packet(k->connection, GW_SIO_CONNECT_ERROR, tw_slice_of(k->nsp), TW_EMPTY, json);
    drop(k, true, gw_closes.refused);
}

const char *gw_sio_address(const struct gw_sio_socket *k)
{
    return gw_eio_address(k->connection->eio);
}

const char *gw_sio_program(const struct gw_sio_socket *k)
{
    return gw_eio_client(k->connection->eio);
}

const char *gw_sio_device(const struct gw_sio_socket *k)
{
    return gw_eio_device(k->connection->eio);
}

struct tw_slice gw_sio_credential(const struct gw_sio_socket *k)
{
    return gw_eio_credential(k->connection->eio);
}

struct gw_sio *gw_sio_of(const struct gw_sio_socket *k)
{
    return k->connection->sio;
}

void gw_sio_send(struct gw_sio_socket *k, struct gw_frame *f)
{
    gw_eio_send(k->connection->eio, f);
}

bool gw_sio_is_writable(const struct gw_sio_socket *k)
{
    return gw_eio_is_writable(k->connection->eio);
}

void gw_sio_emit(struct gw_sio_socket *k, struct tw_slice json)
{
    send_packet(k->connection, GW_SIO_EVENT, tw_slice_of(k->nsp), TW_EMPTY, json);
}

void gw_sio_ack(struct gw_sio_socket *k, struct tw_slice ack, struct tw_slice json)
{
    if (ack.len > 0)
        send_packet(k->connection, GW_SIO_ACK, tw_slice_of(k->nsp), ack, json);
}

void gw_sio_expel(struct gw_sio_socket *k, struct gw_close why)
{
    send_packet(k->connection, GW_SIO_DISCONNECT, tw_slice_of(k->nsp), TW_EMPTY, TW_EMPTY);
    gw_sio_close(k, why);
}

void gw_sio_close(struct gw_sio_socket *k, struct gw_close why)
{
    gw_eio_close(k->connection->eio, why);
}
