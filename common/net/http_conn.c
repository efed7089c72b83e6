/* http_conn.c - the phases of an HTTP/1.1 connection.
 *
 *     READ -> (a whole request) -> HANDLE -> (answered) -> WRITE -> READ ...
 *                                                             \-> LINGER -> SHUT
 *
 * One request is handled at a time; what the client pipelines after it waits in `in`, and we
 * stop reading when that is full. After an error the rest of what the client is sending is read
 * and thrown away for a moment (LINGER), or the kernel would answer it with a reset that can
 * overtake our answer. Callbacks note and drive; only drive changes the phase.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/http_conn.h"

#include <stdlib.h>

#include "common/net/loop.h"
#include "common/net/refusal.h"
#include "common/net/request_id.h"
#include "common/net/stream.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/err.h"

#define LINGER_BYTES ((size_t)4 * 1024 * 1024)
#define LINGER_MS 2000

enum phase { READ, HANDLE, WRITE, LINGER, SHUT };

struct tw_http_conn {
    struct tw_stream_owner owner;
    struct tw_http_server *server;
    struct tw_list link;
    struct tw_stream *stream;
    struct tw_loop *loop;
    struct tw_http_parser *parser; /* null: nothing of a request is here, or it was dropped */
    struct tw_http_waiter *waiter;
    struct tw_deadline limit;
    struct tw_later later;
    struct tw_buf in;  /* bytes after the current request */
    struct tw_buf out; /* the answer */
    enum phase phase;
    size_t lingered;
    size_t body_noted; /* of its body, in the server's sum */
    bool is_head;      /* the request's method: its answer has no body */
    bool is_answered, is_written, is_writing, closes, has_ended, is_broken, is_late, is_closing;
};

static void drive(struct tw_http_conn *c);

static void on_later(struct tw_later *l)
{
    drive(tw_container_of(l, struct tw_http_conn, later));
}

static void on_late(struct tw_deadline *d)
{
    struct tw_http_conn *c = tw_container_of(d, struct tw_http_conn, limit);

    c->is_late = true;
    drive(c);
}

static void on_read(struct tw_stream_owner *o, struct tw_slice bytes)
{
    struct tw_http_conn *c = tw_container_of(o, struct tw_http_conn, owner);

    if (c->phase == LINGER)
        c->lingered += bytes.len;
    else
        tw_buf_append(&c->in, bytes);
    c->is_broken =
        c->is_broken || c->in.failed; /* memory is out: it never holds more than fits */
    drive(c);
}

static void on_end(struct tw_stream_owner *o, int err)
{
    struct tw_http_conn *c = tw_container_of(o, struct tw_http_conn, owner);

    c->has_ended = true;
    c->is_broken = c->is_broken || err != 0 || (c->waiter != NULL && c->waiter->ends_on_fin);
    drive(c);
}

static void on_written(struct tw_stream_owner *o, int err)
{
    struct tw_http_conn *c = tw_container_of(o, struct tw_http_conn, owner);

    c->is_writing = false;
    c->is_written = true;
    c->is_broken = c->is_broken || err != 0;
    drive(c);
}

static void note_body(struct tw_http_conn *c, size_t bytes)
{
    c->server->bodies.value += bytes;
    c->server->bodies.value -= c->body_noted;
    c->body_noted = bytes;
}

static bool has_too_much(const struct tw_http_conn *c)
{
    const struct tw_http_server *server = c->server;

    return server->limits.bodies_bytes != 0 && c->body_noted > TW_HTTP_SMALL_BODY_BYTES &&
           server->bodies.value > server->limits.bodies_bytes;
}

/* Everything is released here but the stream, which has just gone or was given away. */
static void conn_free(struct tw_http_conn *c)
{
    struct tw_http_waiter *waiter = c->waiter;

    tw_after_cancel(c->loop, &c->limit);
    tw_later_cancel(&c->later);
    tw_list_remove(&c->link);
    c->server->connections.value--;
    note_body(c, 0);
    tw_http_parser_free(c->parser);
    tw_buf_done(&c->in);
    tw_buf_done(&c->out);
    free(c);
    if (waiter != NULL)
        waiter->gone(waiter);
}

static void on_closed(struct tw_stream_owner *o)
{
    conn_free(tw_container_of(o, struct tw_http_conn, owner));
}

static const struct tw_stream_events events = { on_read, on_end, on_written, on_closed };

/* Nothing of its next request has come. */
static bool is_idle(const struct tw_http_conn *c)
{
    return c->parser == NULL || tw_http_parser_is_idle(c->parser);
}

static void drop_parser(struct tw_http_conn *c)
{
    note_body(c, 0);
    tw_http_parser_free(c->parser);
    c->parser = NULL;
}

static void set_limit(struct tw_http_conn *c, uint64_t ms)
{
    tw_after(c->loop, &c->limit, ms, on_late);
}

/* A refusal of our own; the request may have no head yet, and gets a new id then. */
static void refuse(struct tw_http_conn *c, const char *code)
{
    const struct tw_http_request *req = tw_http_parser_request(c->parser);
    char request_id[TW_REQUEST_ID];

    c->is_head = req->method == TW_HEAD;
    tw_request_id(req, request_id);
    tw_http_refuse(c, code, tw_slice_of(request_id));
}

/* A client that is too slow is told so, unless it has not even begun. */
static enum phase give_up(struct tw_http_conn *c)
{
    if (is_idle(c) && c->in.len == 0)
        return SHUT;
    c->is_late = false; /* the answer has a limit of its own */
    c->closes = true;
    refuse(c, "REQUEST_TIMEOUT");
    return HANDLE;
}

static enum phase bad_request(struct tw_http_conn *c, const char *code)
{
    c->closes = true;
    c->server->refused.value++;
    tw_buf_clear(&c->in);
    free(tw_http_take_body(c)); /* the connection may stay for a while */
    refuse(c, code);
    return HANDLE;
}

/* "100 Continue" is short and the client has sent nothing else: it fits the kernel's buffer. */
static enum phase say_continue(struct tw_http_conn *c)
{
    struct tw_slice line = TW_LIT("HTTP/1.1 100 Continue\r\n\r\n");

    return tw_stream_write(c->stream, &line, 1) == 1 ? READ : SHUT;
}

static void renew_limit(struct tw_http_conn *c, bool had_head)
{
    const struct tw_http_server_limits *l = &c->server->limits;

    if (c->parser != NULL && tw_http_parser_has_head(c->parser)) {
        if (!had_head)
            set_limit(c, l->body_ms);
    } else if (!tw_deadline_is_set(&c->limit)) {
        set_limit(c, is_idle(c) ? l->idle_ms : l->head_ms);
    }
}

/* A parser is the greater part of a connection, and most connections are idle. */
static enum tw_http_progress parse(struct tw_http_conn *c, size_t *used)
{
    if (c->parser == NULL && c->in.len == 0)
        return TW_HTTP_MORE;
    if (c->parser == NULL)
        c->parser = tw_http_parser_new(&c->server->limits.request);
    return tw_http_parse(c->parser, tw_buf_view(&c->in), used);
}

static enum phase read_request(struct tw_http_conn *c)
{
    bool was_idle = is_idle(c);
    bool had_head = c->parser != NULL && tw_http_parser_has_head(c->parser);
    size_t used = 0;
    enum tw_http_progress progress = parse(c, &used);

    if (progress == TW_HTTP_BAD)
        return bad_request(c, tw_http_parser_refusal(c->parser));
    tw_buf_drop(&c->in, used);
    note_body(c, c->parser == NULL ? 0 : tw_http_parser_body_bytes(c->parser));
    if (has_too_much(c))
        return bad_request(c, "OVERLOADED");
    if (progress == TW_HTTP_REQUEST) {
        tw_after_cancel(c->loop, &c->limit);
        c->server->requests.value++;
        return HANDLE;
    }
    if (c->has_ended || c->is_broken)
        return SHUT;
    if (c->is_late)
        return give_up(c);
    if (was_idle && !is_idle(c))
        tw_after_cancel(c->loop, &c->limit); /* from now on the head's limit counts */
    renew_limit(c, had_head);
    return progress == TW_HTTP_CONTINUE ? say_continue(c) : READ;
}

/* Send the answer in one write, in two when the kernel is full. */
static enum phase write_answer(struct tw_http_conn *c)
{
    struct tw_slice part = tw_buf_view(&c->out);
    int r;

    if (c->is_broken || (c->is_late && !c->is_written))
        return SHUT;
    if (c->is_writing)
        return WRITE;
    if (!c->is_written) {
        r = tw_stream_write(c->stream, &part, 1);
        if (r < 0)
            return SHUT;
        if (r == 0) {
            c->is_writing = true;
            set_limit(c, c->server->limits.body_ms);
            return WRITE;
        }
    }
    tw_after_cancel(c->loop, &c->limit);
    tw_buf_done(&c->out);
    c->is_written = c->is_answered = c->is_late = false;
    if (c->closes) {
        tw_stream_finish(c->stream);
        set_limit(c, LINGER_MS);
        return LINGER;
    }
    if (c->parser != NULL && c->in.len > 0) /* the next request has begun to arrive */
        tw_http_parser_next(c->parser);
    else
        drop_parser(c);
    note_body(c, 0);
    if (c->in.len == 0)
        tw_buf_done(&c->in);
    return READ;
}

static enum phase linger(struct tw_http_conn *c)
{
    if (c->has_ended || c->is_broken || c->is_late || c->lingered > LINGER_BYTES)
        return SHUT;
    return LINGER;
}

/* A client that waits for an answer is watched: when it leaves, its waiter is told. A half
 * close does not count as leaving (RFC 9112 section 9.6): the answer may still be wanted. */
static bool wants_read(const struct tw_http_conn *c)
{
    if (c->has_ended)
        return false;
    return c->phase == READ || c->phase == LINGER ||
           (c->phase == HANDLE && c->in.len < TW_HTTP_PIPELINE_BYTES - TW_READ_CHUNK / 2);
}

static void begin_handle(struct tw_http_conn *c)
{
    struct tw_http_request *req = tw_http_parser_request(c->parser);

    tw_stream_want_read(c->stream, wants_read(c)); /* the handler may take the stream */
    if (c->is_answered) /* a refusal of our own is an answer already */
        return;
    c->is_head = req->method == TW_HEAD;
    c->closes = !tw_http_parser_keeps_alive(c->parser);
    if (tw_stream_lacks_tls(c->stream)) {
        c->closes = true;
        tw_http_refuse(c, "TLS_REQUIRED", TW_EMPTY);
        return;
    }
    c->server->handle(c->server, c, req);
}

static void shut(struct tw_http_conn *c)
{
    c->is_closing = true;
    tw_after_cancel(c->loop, &c->limit);
    tw_stream_close(c->stream);
}

/* The only place where a connection changes phase. A handler may give the stream away, and `c`
 * is gone then: so handling comes last, from the loop, never under another callback. */
static void drive(struct tw_http_conn *c)
{
    enum phase was;

    if (c->is_closing)
        return;
    do {
        was = c->phase;
        if (was == READ)
            c->phase = read_request(c);
        else if (was == HANDLE && c->is_answered)
            c->phase = WRITE;
        else if (was == HANDLE && c->is_broken)
            c->phase = SHUT;
        else if (was == WRITE)
            c->phase = write_answer(c);
        else if (was == LINGER)
            c->phase = linger(c);
        if (was == READ && c->phase == HANDLE) {
            begin_handle(c);
            return; /* answering has asked for another turn; taking the stream has freed `c` */
        }
    } while (c->phase != was && c->phase != SHUT);
    if (c->phase == SHUT)
        shut(c);
    else
        tw_stream_want_read(c->stream, wants_read(c));
}

static void put_answer(struct tw_http_conn *c, const struct tw_http_response *res)
{
    c->out.max = TW_HTTP_ANSWER_BYTES;
    tw_http_write(&c->out, res, tw_wall_ms(), c->is_head, !c->closes);
}

/* How much data there is decides how long an answer gets, so it must not decide whether this
 * process lives. */
static void put_refusal_of_size(struct tw_http_conn *c)
{
    const struct tw_refusal *refusal = tw_refusal_of("ANSWER_TOO_LARGE");
    struct tw_http_response res = { 0 };
    struct tw_buf body = { .max = 4096 };

    tw_buf_done(&c->out);
    tw_refusal_head(&res, refusal->status);
    tw_refusal_body(&body, refusal, TW_EMPTY, TW_EMPTY);
    res.body = tw_buf_view(&body);
    put_answer(c, &res);
    tw_buf_done(&body);
}

void tw_http_answer(struct tw_http_conn *c, const struct tw_http_response *res)
{
    TW_ASSERT(!c->is_answered);
    if (c->server->is_draining || res->closes)
        c->closes = true;
    put_answer(c, res);
    if (c->out.failed)
        put_refusal_of_size(c);
    c->is_answered = true;
    c->waiter = NULL;
    tw_later(c->loop, &c->later, on_later);
}

void tw_http_refuse(struct tw_http_conn *c, const char *code, struct tw_slice request_id)
{
    tw_http_refuse_with(c, code, request_id, NULL, 0);
}

/* In the place of one with this name. */
static void put_header(struct tw_http_response *res, const struct tw_http_header *header)
{
    size_t i = 0;

    while (i < res->extra_count && !tw_slice_eq(res->extra[i].name, header->name))
        i++;
    res->extra[i] = *header;
    res->extra_count += i == res->extra_count ? 1 : 0;
}

void tw_http_refuse_with(struct tw_http_conn *c, const char *code, struct tw_slice request_id,
                         const struct tw_http_header *extra, size_t n)
{
    const struct tw_refusal *refusal = tw_refusal_of(code);
    struct tw_http_response res = { 0 };
    struct tw_buf body = { .max = 4096 };

    tw_refusal_head(&res, refusal->status);
    tw_refusal_body(&body, refusal, TW_EMPTY, request_id);
    if (request_id.len > 0)
        tw_http_add(&res, "X-Request-Id", request_id);
    for (size_t i = 0; i < n; i++)
        put_header(&res, &extra[i]);
    res.body = tw_buf_view(&body);
    tw_http_answer(c, &res);
    tw_buf_done(&body);
}

void tw_http_wait(struct tw_http_conn *c, struct tw_http_waiter *w)
{
    c->waiter = w;
    tw_stream_want_read(c->stream, wants_read(c));
}

void tw_http_drop_request(struct tw_http_conn *c)
{
    drop_parser(c);
}

char *tw_http_take_body(struct tw_http_conn *c)
{
    note_body(c, 0);
    return tw_http_parser_take_body(c->parser);
}

struct tw_stream *tw_http_take_stream(struct tw_http_conn *c, struct tw_buf *rest)
{
    struct tw_stream *stream = c->stream;

    tw_buf_append(rest, tw_buf_view(&c->in));
    tw_stream_set_owner(stream, NULL);
    c->waiter = NULL;
    conn_free(c);
    return stream;
}

#define AT(field) TW_METRIC_AT(struct tw_http_server, field)

static const struct tw_metric_row metric_rows[] = {
    { "http_connections", NULL,
      "Open HTTP connections; one that has become a WebSocket is not counted any more.",
      AT(connections) },
    { "http_received_total", NULL, "HTTP requests that arrived complete.", AT(requests) },
    { "http_body_bytes", NULL, "Bytes of bodies that are arriving.", AT(bodies) },
    { "http_rejects_total", NULL,
      "HTTP requests that were malformed or over a limit, and connections over the limit.",
      AT(refused) },
};

const struct tw_metric_table tw_http_server_metrics = { .rows = metric_rows,
                                                        .count = TW_COUNT(metric_rows) };

void tw_http_server_start(struct tw_http_server *server,
                          const struct tw_http_server_options *options)
{
    server->limits = options->limits;
    server->handle = options->handle;
    tw_list_init(&server->conns);
}

void tw_http_serve(struct tw_http_server *server, struct tw_stream *stream)
{
    struct tw_http_conn *c;

    if (server->connections.value >= server->limits.connections) {
        server->refused.value++;
        tw_stream_close(stream);
        return;
    }
    c = tw_new(struct tw_http_conn);
    c->owner.events = &events;
    c->server = server;
    c->stream = stream;
    c->loop = tw_stream_loop(stream);
    c->in.max = TW_HTTP_PIPELINE_BYTES + TW_READ_CHUNK;
    c->phase = READ;
    server->connections.value++;
    tw_list_append(&server->conns, &c->link);
    tw_stream_set_owner(stream, &c->owner);
    set_limit(c, server->is_draining && server->limits.last_ms != 0 ? server->limits.last_ms
                                                                    : server->limits.head_ms);
    tw_stream_want_read(stream, true);
}

void tw_http_server_drain(struct tw_http_server *server)
{
    server->is_draining = true;
    tw_list_each(&server->conns, link)
    {
        struct tw_http_conn *c = tw_container_of(link, struct tw_http_conn, link);

        if (c->phase != READ || !is_idle(c) || c->is_closing)
            continue;
        if (server->limits.last_ms == 0)
            shut(c);
        else
            set_limit(c, server->limits.last_ms);
    }
}

void tw_http_server_close(struct tw_http_server *server)
{
    tw_list_each(&server->conns, link)
    {
        struct tw_http_conn *c = tw_container_of(link, struct tw_http_conn, link);

        if (!c->is_closing)
            shut(c);
    }
}
