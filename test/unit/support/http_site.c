/* http_site.c - pages for tests of HTTP connections.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/support/http_site.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

static void answer_text(struct tw_http_conn *conn, struct tw_slice text, bool closes)
{
    struct tw_http_response res = { .status = 200, .content_type = "text/plain", .body = text };

    res.closes = closes;
    tw_http_answer(conn, &res);
}

static void on_gone(struct tw_http_waiter *w)
{
    struct site_waiter *waiter = tw_container_of(w, struct site_waiter, waiter);

    assert_non_null(waiter->conn);
    waiter->conn = NULL;
    waiter->site->gone++;
}

static void wait_for_release(struct site *s, struct tw_http_conn *conn, struct tw_slice path)
{
    struct site_waiter *w = &s->waiting[s->waiting_count++];

    assert_true(s->waiting_count <= SITE_WAITING);
    w->waiter.gone = on_gone;
    w->conn = conn;
    w->site = s;
    memcpy(w->path, path.at, path.len < sizeof(w->path) - 1 ? path.len : sizeof(w->path) - 1);
    tw_http_wait(conn, &w->waiter);
}

static void on_taken_read(struct tw_stream_owner *o, struct tw_slice bytes)
{
    tw_buf_append(&tw_container_of(o, struct site, taken_owner)->rest, bytes);
}

static void on_taken_other(struct tw_stream_owner *o, int err)
{
    (void)o;
    (void)err;
}

static void on_taken_closed(struct tw_stream_owner *o)
{
    tw_container_of(o, struct site, taken_owner)->taken = NULL;
}

static const struct tw_stream_events taken_events = { on_taken_read, on_taken_other,
                                                      on_taken_other, on_taken_closed };

static void take(struct site *s, struct tw_http_conn *conn)
{
    s->taken = tw_http_take_stream(conn, &s->rest);
    s->taken_owner.events = &taken_events;
    tw_stream_set_owner(s->taken, &s->taken_owner);
    tw_stream_want_read(s->taken, true);
}

static void answer_large(struct tw_http_conn *conn, size_t bytes)
{
    char *large = malloc(bytes);

    assert_non_null(large);
    for (size_t i = 0; i < bytes; i++)
        large[i] = (char)('a' + i % 26);
    answer_text(conn, tw_slice_from(large, bytes), false);
    free(large);
}

static void handle(struct tw_http_server *server, struct tw_http_conn *conn,
                   struct tw_http_request *req)
{
    struct site *s = tw_container_of(server, struct site, http);
    struct tw_buf text = { .max = 8 * 1048576 };

    s->handled++;
    if (tw_slice_starts(req->path, TW_LIT("/wait"))) {
        bool is_dropped = tw_slice_is(req->path, "/wait-dropped");

        wait_for_release(s, conn, req->path);
        if (is_dropped)
            tw_http_drop_request(conn);
    } else if (tw_slice_is(req->path, "/take")) {
        take(s, conn);
    } else if (tw_slice_is(req->path, "/large")) {
        answer_large(conn, SITE_LARGE);
    } else if (tw_slice_is(req->path, "/huge")) {
        answer_large(conn, SITE_HUGE);
    } else {
        tw_buf_text(&text, tw_http_method_name(req->method));
        tw_buf_char(&text, ' ');
        tw_buf_append(&text, req->path);
        tw_buf_char(&text, ' ');
        tw_buf_append(&text, req->body);
        answer_text(conn, tw_buf_view(&text), tw_slice_is(req->path, "/close"));
        tw_buf_done(&text);
    }
}

static void on_accept(struct tw_listener *l, struct tw_stream *stream)
{
    tw_http_serve(&tw_container_of(l, struct site, listener)->http, stream);
}

struct site *site_new(void)
{
    static const struct tw_http_server_options options = { .limits = {
        .request = { .target_bytes = 256, .head_bytes = 1024, .body_bytes = 4096 },
        .head_ms = 60000,
        .body_ms = 60000,
        .idle_ms = 60000,
        .connections = 8,
    }, .handle = handle };
    struct site *s = tw_new(struct site);
    struct tw_slice which;

    s->loop = net_loop_new();
    s->rest.max = 1048576;
    tw_http_server_start(&s->http, &options);
    (void)snprintf(s->address, sizeof(s->address), "127.0.0.1:%d", net_closed_port());
    assert_int_equal(
        tw_listener_start(&s->listener,
                          &(struct tw_listener_options){ .loop = s->loop,
                                                         .addresses = tw_slice_of(s->address),
                                                         .accept = on_accept },
                          &which),
        0);
    return s;
}

void site_free(struct site *s)
{
    tw_listener_stop(&s->listener);
    tw_http_server_close(&s->http);
    if (s->taken != NULL)
        tw_stream_close(s->taken);
    net_loop_free(s->loop);
    assert_int_equal(s->http.connections.value, 0);
    assert_int_equal(s->http.bodies.value, 0); /* also of those that ended in the middle */
    tw_buf_done(&s->rest);
    free(s);
}

struct end *site_visit(struct site *s)
{
    struct end *e = end_connect(s->loop, s->address);

    await(s->loop, e->is_connected);
    return e;
}

void site_release(struct site *s)
{
    for (size_t i = 0; i < s->waiting_count; i++) {
        struct site_waiter *w = &s->waiting[i];
        struct tw_http_conn *conn = w->conn;

        if (conn == NULL)
            continue;
        w->conn = NULL;
        answer_text(conn, tw_slice_of(w->path), false);
        return;
    }
    fail_msg("nobody waits");
}
