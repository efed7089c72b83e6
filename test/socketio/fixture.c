/* fixture.c - the server that the public conformance suites of Engine.IO and Socket.IO talk to,
 * built from the gateway's own two modules. It serves nothing else.
 *
 *     fixture <port> [origins [sockets [pong_ms]]]
 *
 * listens on 127.0.0.1 and [::1]; SIGHUP sends all clients home and lets no new one in, SIGTERM
 * ends it. Without `origins` all are allowed; `sockets` is how many may be open at once,
 * `pong_ms` how long a ping may stay unanswered.
 *
 * /engine.io/ echoes each message. On /socket.io/, in the namespaces / and /custom, a client is
 * sent `auth` with what it gave, and in / `message` comes back as `message-back` and
 * `message-with-ack` as its acknowledgement. Their times are those that the suites expect.
 *
 * For our own tests: `count` with a number and a text is answered with that many events
 * `number`, each when the socket is writable; `refuse` in the auth object is refused, and the
 * events `expel` and `close` do so. /metrics is what a process of ours says of itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/net/listener.h"
#include "common/net/stream.h"
#include "common/util/base.h"
#include "gateway/socketio/sio.h"
#include "gateway/websocket/conn.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/handler.h"

#define INTERVAL_MS 300
#define TIMEOUT_MS 200
#define CONNECT_MS 1000
#define PAYLOAD_BYTES 1000000
#define QUEUE_BYTES 4000000
#define SOCKETS 10000

struct fixture {
    struct tw_loop loop;
    struct tw_metrics metrics;
    struct tw_http_server http;
    struct tw_listener listener;
    struct gw_conns conns;
    struct gw_eio echo;
    struct gw_sio sio;
    uv_signal_t term, home;
};

/* --- Engine.IO: each message comes back -------------------- */

struct echo {
    struct gw_handler handler;
    struct gw_eio_socket *socket;
};

static void echo_frame(struct gw_handler *h, struct gw_frame *f)
{
    gw_eio_send(tw_container_of(h, struct echo, handler)->socket, f);
    gw_frame_unref(f);
}

static void on_echo_text(struct gw_handler *h, struct tw_slice message)
{
    struct tw_buf text = { .max = PAYLOAD_BYTES + 1 };

    tw_buf_char(&text, '4');
    tw_buf_append(&text, message);
    echo_frame(h, gw_frame_text(tw_buf_view(&text)));
    tw_buf_done(&text);
}

static void on_echo_binary(struct gw_handler *h, struct tw_slice message)
{
    echo_frame(h, gw_frame_control(GW_OPCODE_BINARY, message));
}

static void on_echo_ended(struct gw_handler *h, unsigned code, const char *reason)
{
    (void)code;
    (void)reason;
    free(tw_container_of(h, struct echo, handler));
}

static const struct gw_handler_ops echo_ops = { .text = on_echo_text,
                                                .binary = on_echo_binary,
                                                .ended = on_echo_ended };

static struct gw_handler *open_echo(struct gw_eio *e, struct gw_eio_socket *s)
{
    struct echo *echo = tw_new(struct echo);

    (void)e;
    echo->handler.ops = &echo_ops;
    echo->socket = s;
    gw_eio_trust(s); /* it knows no credentials */
    return &echo->handler;
}

/* --- Socket.IO -------------------- */

/* Counts for its client, as fast as that one reads. */
struct gw_sio_client {
    uint64_t next, end;
    struct tw_buf text;
};

static void on_connect(struct gw_sio_socket *k, struct tw_slice auth)
{
    struct tw_buf json = { .max = PAYLOAD_BYTES };
    char sid[GW_SIO_SID];

    k->client = tw_new(struct gw_sio_client);
    if (tw_slice_is(auth, "{\"refuse\":true}")) {
        gw_sio_refuse(k, TW_LIT("{\"message\":\"refused\",\"data\":{\"code\":\"NO\"}}"));
        return;
    }
    gw_sio_new_sid(sid);
    gw_sio_accept(k, tw_slice_of(sid), TW_EMPTY);
    tw_buf_text(&json, "[\"auth\",");
    tw_buf_append(&json, auth.len > 0 ? auth : TW_LIT("{}"));
    tw_buf_char(&json, ']');
    gw_sio_emit(k, tw_buf_view(&json));
    tw_buf_done(&json);
}

/* The packet that came, as another type or under another name, with its attachments. */
static void send_back(struct gw_sio_socket *k, enum gw_sio_type type,
                      const struct gw_sio_packet *p, struct tw_slice name,
                      const struct tw_buf *attachments)
{
    struct tw_slice rest = gw_sio_args(p), arg;
    struct tw_slice none = { NULL, 0 };
    struct tw_buf text = { .max = PAYLOAD_BYTES + 256 };
    struct gw_frame *f;
    bool is_first = name.len == 0;

    gw_sio_put_head(&text, type, p->attachments, tw_slice_of(k->nsp),
                    name.len == 0 ? p->ack : none);
    tw_buf_char(&text, '[');
    tw_buf_append(&text, name);
    for (; gw_sio_arg(&rest, &arg); is_first = false) {
        if (!is_first)
            tw_buf_char(&text, ',');
        tw_buf_append(&text, arg);
    }
    tw_buf_char(&text, ']');
    f = gw_frame_text(tw_buf_view(&text));
    gw_sio_send(k, f);
    gw_frame_unref(f);
    for (unsigned i = 0; i < p->attachments; i++) {
        f = gw_frame_control(GW_OPCODE_BINARY, tw_buf_view(&attachments[i]));
        gw_sio_send(k, f);
        gw_frame_unref(f);
    }
    tw_buf_done(&text);
}

static void count(struct gw_sio_socket *k)
{
    struct gw_sio_client *g = k->client;
    struct tw_buf json = { .max = PAYLOAD_BYTES };

    while (g->next < g->end && gw_sio_is_writable(k)) {
        tw_buf_clear(&json);
        tw_buf_text(&json, "[\"number\",");
        tw_buf_u64(&json, g->next++);
        tw_buf_char(&json, ',');
        tw_buf_append(&json, tw_buf_view(&g->text));
        tw_buf_char(&json, ']');
        gw_sio_emit(k, tw_buf_view(&json));
    }
    tw_buf_done(&json);
}

static void start_count(struct gw_sio_socket *k, const struct gw_sio_packet *p)
{
    struct tw_slice rest = gw_sio_args(p), number, text;
    struct gw_sio_client *g = k->client;

    if (!gw_sio_arg(&rest, &number) || !tw_slice_u64(number, &g->end) ||
        !gw_sio_arg(&rest, &text))
        return;
    g->next = 0;
    g->text.max = PAYLOAD_BYTES;
    tw_buf_clear(&g->text);
    tw_buf_append(&g->text, text);
    count(k);
}

static void on_event(struct gw_sio_socket *k, const struct gw_sio_packet *p,
                     const struct tw_buf *attachments)
{
    bool is_binary = p->attachments > 0;

    if (!tw_slice_is(tw_slice_of(k->nsp), "/"))
        return;
    if (tw_slice_is(p->name, "\"message\""))
        send_back(k, is_binary ? GW_SIO_BINARY_EVENT : GW_SIO_EVENT, p,
                  TW_LIT("\"message-back\""), attachments);
    else if (tw_slice_is(p->name, "\"message-with-ack\"") && p->ack.len > 0)
        send_back(k, is_binary ? GW_SIO_BINARY_ACK : GW_SIO_ACK, p, TW_EMPTY, attachments);
    else if (tw_slice_is(p->name, "\"count\""))
        start_count(k, p);
    else if (tw_slice_is(p->name, "\"expel\""))
        gw_sio_expel(k, (struct gw_close){ GW_CLOSE_NORMAL, "expelled" });
    else if (tw_slice_is(p->name, "\"close\""))
        gw_sio_close(k, (struct gw_close){ GW_CLOSE_NORMAL, "closed" });
}

static void on_writable(struct gw_sio_socket *k, uint64_t now_ms)
{
    (void)now_ms;
    count(k);
}

static void on_farewell(struct gw_sio_socket *k)
{
    gw_sio_emit(k, TW_LIT("[\"farewell\"]"));
}

static void on_left(struct gw_sio_socket *k, bool is_left, unsigned code, const char *reason)
{
    (void)is_left;
    (void)code;
    (void)reason;
    tw_buf_done(&k->client->text);
    free(k->client);
}

static const char *const namespaces[] = { "/", "/custom", NULL };
static const struct gw_sio_app app = { namespaces,  on_connect,  on_event,
                                       on_writable, on_farewell, on_left };

/* --- The process -------------------- */

static void answer_metrics(struct fixture *f, struct tw_http_conn *conn)
{
    struct tw_http_response res = { .status = 200, .content_type = "text/plain" };
    struct tw_buf text = { .max = 65536 };

    tw_metrics_print(&f->metrics, &text);
    res.body = tw_buf_view(&text);
    tw_http_answer(conn, &res);
    tw_buf_done(&text);
}

static void on_request(struct tw_http_server *server, struct tw_http_conn *conn,
                       struct tw_http_request *req)
{
    struct fixture *f = tw_container_of(server, struct fixture, http);

    if (gw_eio_claims(&f->echo, req))
        gw_eio_handle(&f->echo, conn, req);
    else if (gw_eio_claims(&f->sio.engine, req))
        gw_eio_handle(&f->sio.engine, conn, req);
    else if (tw_slice_is(req->path, "/metrics"))
        answer_metrics(f, conn);
    else
        tw_http_refuse(conn, "NOT_FOUND", TW_EMPTY);
}

static void on_accept(struct tw_listener *l, struct tw_stream *stream)
{
    tw_http_serve(&tw_container_of(l, struct fixture, listener)->http, stream);
}

static void on_term(uv_signal_t *term, int number)
{
    struct fixture *f = tw_container_of(term, struct fixture, term);

    (void)number;
    tw_listener_stop(&f->listener);
    gw_eio_shut(&f->echo);
    gw_eio_shut(&f->sio.engine);
    tw_http_server_close(&f->http);
    gw_conns_shut(&f->conns);
    uv_close((uv_handle_t *)term, NULL);
    uv_close((uv_handle_t *)&f->home, NULL);
}

static void on_home(uv_signal_t *home, int number)
{
    struct fixture *f = tw_container_of(home, struct fixture, home);

    (void)number;
    f->echo.is_closed = f->sio.engine.is_closed = true;
    (void)gw_eio_send_home(&f->echo, SIZE_MAX);
    (void)gw_eio_send_home(&f->sio.engine, SIZE_MAX);
    (void)gw_conns_send_home(&f->conns, SIZE_MAX);
}

static struct gw_eio_options engine_options(struct fixture *f, struct tw_slice path,
                                            struct tw_slice origins, size_t sockets,
                                            uint64_t timeout_ms)
{
    return (struct gw_eio_options){
        .loop = &f->loop,
        .conns = &f->conns,
        .path = path,
        .origins = origins,
        .interval_ms = INTERVAL_MS,
        .timeout_ms = timeout_ms,
        .max_payload = PAYLOAD_BYTES,
        .queue_bytes = QUEUE_BYTES,
        .max_sockets = sockets,
        .open = open_echo,
    };
}

/* Of the two engines, the one whose messages come back. */
static const struct tw_metric_part metrics[] = {
    { &gw_conns_metrics, offsetof(struct fixture, conns), NULL },
    { &gw_eio_metrics, offsetof(struct fixture, echo), NULL },
    { &tw_http_server_metrics, offsetof(struct fixture, http), NULL },
};

int main(int argc, char **argv)
{
    static const struct tw_http_server_options http_options = { .limits = {
        .request = { .target_bytes = 4096, .head_bytes = 16384, .body_bytes = PAYLOAD_BYTES },
        .head_ms = 30000,
        .body_ms = 30000,
        .idle_ms = 75000,
        .connections = 10000,
    }, .handle = on_request };
    static struct fixture f; /* too large for the stack: the loop's read buffer is in it */
    char addresses[64];
    struct tw_slice which, origins = tw_slice_of(argc > 2 ? argv[2] : "*");
    struct gw_eio_options engine;
    int r;
    size_t sockets = argc > 3 ? (size_t)strtoul(argv[3], NULL, 10) : SOCKETS;
    uint64_t timeout_ms = argc > 4 ? (uint64_t)strtoul(argv[4], NULL, 10) : TIMEOUT_MS;

    (void)snprintf(addresses, sizeof(addresses), "127.0.0.1:%s,[::1]:%s",
                   argc > 1 ? argv[1] : "3000", argc > 1 ? argv[1] : "3000");
    (void)signal(SIGPIPE, SIG_IGN);
    tw_loop_init(&f.loop);
    tw_metrics_init(&f.metrics, &f, metrics, TW_COUNT(metrics));
    gw_conns_start(&f.conns, &(struct gw_conns_options){ .message_bytes = PAYLOAD_BYTES,
                                                         .queue_bytes = QUEUE_BYTES,
                                                         .ping_ms = 25000,
                                                         .pong_ms = 10000 });
    engine = engine_options(&f, TW_LIT("/engine.io"), origins, sockets, timeout_ms);
    gw_eio_start(&f.echo, &engine);
    engine.path = TW_LIT("/socket.io");
    gw_sio_start(&f.sio, &(struct gw_sio_options){
                             .app = &app, .connect_ms = CONNECT_MS, .engine = engine });
    tw_http_server_start(&f.http, &http_options);
    (void)uv_signal_init(&f.loop.uv, &f.term);
    (void)uv_signal_start(&f.term, on_term, SIGTERM);
    (void)uv_signal_init(&f.loop.uv, &f.home);
    (void)uv_signal_start(&f.home, on_home, SIGHUP);
    r = tw_listener_start(&f.listener,
                          &(struct tw_listener_options){ .loop = &f.loop,
                                                         .addresses = tw_slice_of(addresses),
                                                         .accept = on_accept },
                          &which);
    if (r != 0 && which.at[0] == '[') /* a machine without IPv6 */
        r = 0;
    if (r != 0) {
        (void)fprintf(stderr, "fixture: cannot listen on %s\n", addresses);
        return 1;
    }
    (void)puts("listening");
    (void)fflush(stdout);
    tw_loop_run(&f.loop);
    gw_eio_done(&f.echo);
    gw_eio_done(&f.sio.engine);
    gw_conns_done(&f.conns);
    tw_loop_done(&f.loop);
    return 0;
}
