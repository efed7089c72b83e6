/* socket_site.c - requests to handlers, and handlers to diaries.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/gateway/support/socket_site.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/websocket/upgrade.h"

#define HEARD_BYTES ((size_t)4 * 1024 * 1024)

static struct socket_site *the_site; /* one at a time */

/* --- Handlers --------------------------------------------------------------------------------
 */

static struct speaker *speaker_of(const struct gw_handler *h)
{
    return tw_container_of((uintptr_t)h, struct speaker, handler);
}

static void note_word(struct tw_buf *diary, const char *word)
{
    tw_buf_text(diary, diary->len > 0 ? " " : "");
    tw_buf_text(diary, word);
    assert_false(diary->failed);
}

static void note(struct tw_buf *diary, const char *what, struct tw_slice detail)
{
    note_word(diary, what);
    tw_buf_char(diary, '(');
    tw_buf_append(diary, detail);
    tw_buf_char(diary, ')');
    assert_false(diary->failed);
}

static bool is_ready(const struct gw_handler *h)
{
    return !speaker_of(h)->is_busy;
}

static void on_text(struct gw_handler *h, struct tw_slice message)
{
    note(&speaker_of(h)->heard, "text", message);
    speaker_of(h)->is_busy = speaker_of(h)->tires;
}

static void on_binary(struct gw_handler *h, struct tw_slice message)
{
    note(&speaker_of(h)->heard, "binary", message);
}

static void on_writable(struct gw_handler *h, uint64_t now_ms)
{
    (void)now_ms;
    note_word(&speaker_of(h)->heard, "writable");
}

/* It may come more than once; once is enough to know. */
static void on_closing(struct gw_handler *h)
{
    struct tw_buf *heard = &speaker_of(h)->heard;

    if (heard->len < 7 || memcmp(heard->at + heard->len - 7, "closing", 7) != 0)
        note_word(heard, "closing");
}

static void on_farewell(struct gw_handler *h)
{
    note_word(&speaker_of(h)->heard, "farewell");
}

static void note_end(struct tw_buf *diary, const char *what, unsigned code, const char *reason)
{
    struct tw_buf text = { .max = 256 };

    tw_buf_u64(&text, code);
    tw_buf_char(&text, ' ');
    tw_buf_text(&text, reason);
    note(diary, what, tw_buf_view(&text));
    tw_buf_done(&text);
}

static void on_ended(struct gw_handler *h, unsigned code, const char *reason)
{
    struct speaker *p = speaker_of(h);

    assert_false(p->has_ended);
    p->has_ended = true;
    note_end(&p->heard, "ended", code, reason);
}

static const struct gw_handler_ops speaker_ops = {
    .is_ready = is_ready,
    .text = on_text,
    .binary = on_binary,
    .writable = on_writable,
    .closing = on_closing,
    .farewell = on_farewell,
    .ended = on_ended,
};

static void speaker_init(struct speaker *p)
{
    p->handler.ops = &speaker_ops;
    p->heard.max = HEARD_BYTES;
    p->has_ended = false;
}

void speaker_send(struct speaker *p, const char *text)
{
    struct gw_frame *f = gw_frame_text(tw_slice_of(text));

    if (p->eio != NULL)
        gw_eio_send(p->eio, f);
    else
        p->transport->ops->send(p->transport, f);
    gw_frame_unref(f);
}

/* --- Socket.IO's application -----------------------------------------------------------------
 */

static void on_connect(struct gw_sio_socket *k, struct tw_slice auth)
{
    char sid[GW_SIO_SID];

    note(&the_site->said, "connect", auth);
    the_site->socket = k;
    if (tw_slice_is(auth, "{\"no\":1}")) {
        gw_sio_refuse(k, TW_LIT("{\"message\":\"no\"}"));
        return;
    }
    gw_sio_new_sid(sid);
    gw_sio_accept(k, tw_slice_of(sid), TW_EMPTY);
}

static void on_event(struct gw_sio_socket *k, const struct gw_sio_packet *packet,
                     const struct tw_buf *attachments)
{
    (void)k;
    note(&the_site->said, "event", packet->json);
    for (unsigned i = 0; i < packet->attachments; i++)
        note(&the_site->said, "attachment", tw_buf_view(&attachments[i]));
}

static void on_app_writable(struct gw_sio_socket *k, uint64_t now_ms)
{
    (void)k;
    (void)now_ms;
    note_word(&the_site->said, "writable");
}

static void on_app_farewell(struct gw_sio_socket *k)
{
    gw_sio_emit(k, TW_LIT("[\"farewell\"]"));
}

static void on_left(struct gw_sio_socket *k, bool is_left, unsigned code, const char *reason)
{
    (void)k;
    the_site->socket = NULL;
    note_end(&the_site->said, is_left ? "left" : "lost", code, reason);
}

static const char *const namespaces[] = { "/", "/custom", NULL };
static const struct gw_sio_app app = {
    .namespaces = namespaces,
    .connect = on_connect,
    .event = on_event,
    .writable = on_app_writable,
    .farewell = on_app_farewell,
    .left = on_left,
};

/* --- The server ------------------------------------------------------------------------------
 */

static struct gw_handler *open_speaker(struct gw_eio *e, struct gw_eio_socket *socket)
{
    struct speaker *p = &the_site->speaker;

    (void)e;
    speaker_init(p);
    p->eio = socket;
    return &p->handler;
}

static void open_websocket(struct tw_http_conn *conn, struct tw_http_request *req)
{
    struct socket_site *s = the_site;
    struct speaker *p = &s->speaker;
    struct tw_buf answer = { .max = 1024 };
    bool is_deflating;

    speaker_init(p);
    if (tw_slice_is(req->path, "/stream")) {
        p->conn = gw_conn_event_stream(&s->conns, conn, TW_LIT("HTTP/1.1 200 OK\r\n\r\n"),
                                       SITE_HEARTBEAT);
    } else {
        assert_null(gw_upgrade_check(req));
        is_deflating = gw_upgrade_answer(req, 0, &answer);
        p->conn = gw_conn_upgrade(&s->conns, conn, tw_buf_view(&answer), is_deflating);
    }
    p->transport = gw_conn_transport(p->conn);
    gw_conn_start(p->conn, &p->handler);
    tw_buf_done(&answer);
}

static void on_request(struct tw_http_server *server, struct tw_http_conn *conn,
                       struct tw_http_request *req)
{
    (void)server;
    if (gw_eio_claims(&the_site->engine, req))
        gw_eio_handle(&the_site->engine, conn, req);
    else if (gw_eio_claims(&the_site->sio.engine, req))
        gw_eio_handle(&the_site->sio.engine, conn, req);
    else
        open_websocket(conn, req);
}

static struct gw_eio_options engine_options(struct socket_site *s, struct tw_slice path)
{
    return (struct gw_eio_options){
        .loop = s->loop,
        .conns = &s->conns,
        .path = path,
        .instance = TW_LIT("g1"),
        .origins = TW_LIT("*"),
        .interval_ms = SITE_PING_MS,
        .timeout_ms = SITE_PONG_MS,
        .max_payload = 100000,
        .queue_bytes = 3 * SITE_QUEUE_BYTES,
        .max_sockets = 3,
        .open = open_speaker,
    };
}

int open_socket_site(void **state)
{
    struct socket_site *s = tw_new(struct socket_site);
    struct gw_eio_options engine;

    the_site = s;
    s->http = site_new();
    s->http->http.handle = on_request;
    s->http->http.limits.request.body_bytes = 200000;
    s->loop = s->http->loop;
    s->said.max = HEARD_BYTES;
    gw_conns_start(&s->conns, &(struct gw_conns_options){ .message_bytes = 100000,
                                                          .queue_bytes = SITE_QUEUE_BYTES,
                                                          .ping_ms = SITE_PING_MS,
                                                          .pong_ms = SITE_PONG_MS });
    engine = engine_options(s, TW_LIT("/engine.io"));
    gw_eio_start(&s->engine, &engine);
    gw_sio_start(&s->sio,
                 &(struct gw_sio_options){ .app = &app,
                                           .connect_ms = 45000,
                                           .engine = engine_options(s, TW_LIT("/socket.io")) });
    speaker_init(&s->other);
    *state = s;
    return 0;
}

int close_socket_site(void **state)
{
    struct socket_site *s = *state;

    gw_eio_shut(&s->engine);
    gw_eio_shut(&s->sio.engine);
    gw_conns_shut(&s->conns);
    await(s->loop, s->conns.count == 0 && s->engine.by_sid.count == 0 &&
                       s->sio.engine.by_sid.count == 0);
    site_free(s->http);
    gw_eio_done(&s->engine);
    gw_eio_done(&s->sio.engine);
    gw_conns_done(&s->conns);
    tw_buf_done(&s->speaker.heard);
    tw_buf_done(&s->other.heard);
    tw_buf_done(&s->said);
    free(s);
    return 0;
}

/* The loop looks at the real clock again when it turns, so it is told all that has passed. */
void socket_site_pass(struct socket_site *s, uint64_t ms)
{
    s->later_ms += ms + 2 * TW_DEADLINE_TICK_MS;
    s->loop->now_ms += s->later_ms;
    tw_deadlines_run(&s->loop->deadlines, s->loop->now_ms);
}

/* --- Clients ---------------------------------------------------------------------------------
 */

struct end *visit_websocket(struct socket_site *s, const char *target, struct tw_slice more)
{
    struct end *e = site_visit(s->http);
    struct tw_buf text = { .max = HEARD_BYTES };

    tw_buf_text(&text, "GET ");
    tw_buf_text(&text, target);
    tw_buf_text(&text, " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                       "Sec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    tw_buf_append(&text, more);
    end_send(e, tw_buf_view(&text));
    tw_buf_done(&text);
    await(s->loop, end_has(e, "\r\n\r\n"));
    return e;
}

void end_say_text(struct end *e, const char *text)
{
    struct tw_buf frame = { .max = HEARD_BYTES };

    ws_put(&frame, WS_FIN | WS_TEXT, tw_slice_of(text));
    end_send(e, tw_buf_view(&frame));
    tw_buf_done(&frame);
}

/* What follows the head of an answer. */
static struct tw_slice body_of(const struct end *e)
{
    const char *found = memmem(e->heard.at, e->heard.len, "\r\n\r\n", 4);

    assert_non_null(found);
    return tw_slice_skip(tw_buf_view(&e->heard), (size_t)(found - e->heard.at) + 4);
}

void assert_frames(const struct end *e, const char *want)
{
    struct tw_buf text = { .max = HEARD_BYTES };

    ws_read_server(&text, body_of(e));
    assert_buf(&text, want);
    tw_buf_done(&text);
}

struct end *request(struct socket_site *s, const char *method, const char *target,
                    const char *body)
{
    struct end *e = site_visit(s->http);
    char head[512];

    (void)snprintf(head, sizeof(head),
                   "%s %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", method, target,
                   body == NULL ? 0 : strlen(body));
    end_say(e, head);
    end_say(e, body == NULL ? "" : body);
    return e;
}

/* Whether the answer has all that its Content-Length says; one without has no body. */
static bool is_answered(const struct end *e)
{
    static const char field[] = "\r\nContent-Length: ";
    const char *length;

    if (!end_has(e, "\r\n\r\n"))
        return false;
    length = memmem(e->heard.at, e->heard.len, field, sizeof(field) - 1);
    return length == NULL || body_of(e).len >= strtoul(length + sizeof(field) - 1, NULL, 10);
}

void await_answer(struct socket_site *s, struct end *e)
{
    await(s->loop, is_answered(e));
}

void assert_answer(const struct end *e, const char *status, const char *body)
{
    assert_true(end_has(e, status));
    assert_slice(body_of(e), body);
}

void open_polling(struct socket_site *s, const char *path, char target[160])
{
    char first[80];
    struct end *e;
    const char *sid;

    (void)snprintf(first, sizeof(first), "%s/?EIO=4&transport=polling", path);
    e = request(s, "GET", first, NULL);
    await(s->loop, end_has(e, "maxPayload"));
    sid = memmem(e->heard.at, e->heard.len, "\"sid\":\"", 7);
    assert_non_null(sid);
    (void)snprintf(target, 160, "%s/?EIO=4&transport=polling&sid=%.27s", path, sid + 7);
    end_close(e);
}
