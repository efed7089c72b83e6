/* net.c - plain sockets on libuv.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/support/net.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/net/address.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "test/unit/support/check.h"

#define PATIENCE_MS 10000
#define NAP_MS 10

/* One test waits at a time. */
static struct {
    struct tw_loop *loop;
    uint64_t until_ms;
} patience;

struct tw_loop *net_loop_new(void)
{
    struct tw_loop *loop = tw_new(struct tw_loop);

    (void)signal(SIGPIPE, SIG_IGN); /* as the daemons do */
    tw_loop_init(loop);
    return loop;
}

static void print_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (uv_is_active(handle) && uv_has_ref(handle))
        print_error("a handle is left: %s\n", uv_handle_type_name(handle->type));
}

/* A turn, and a short sleep before it when there is nothing to do at once. */
static void turn(struct tw_loop *loop)
{
    struct pollfd backend = { .fd = uv_backend_fd(&loop->uv), .events = POLLIN };
    int timeout = uv_backend_timeout(&loop->uv);

    if (timeout != 0 && tw_list_empty(&loop->later))
        (void)poll(&backend, 1, timeout > 0 && timeout < NAP_MS ? timeout : NAP_MS);
    (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
}

void net_loop_free(struct tw_loop *loop)
{
    uint64_t until_ms = tw_now_ms() + PATIENCE_MS;

    while (uv_loop_alive(&loop->uv) && tw_now_ms() < until_ms)
        turn(loop);
    if (uv_loop_alive(&loop->uv)) {
        uv_walk(&loop->uv, print_handle, NULL);
        fail_msg("the loop does not end");
    }
    tw_loop_done(loop);
    free(loop);
}

void patience_begin(struct tw_loop *loop)
{
    patience.loop = loop;
    patience.until_ms = tw_now_ms() + PATIENCE_MS;
    (void)uv_run(&loop->uv, UV_RUN_NOWAIT); /* what the test has begun is on its way now */
}

void patience_turn(const char *truth, const char *file, int line)
{
    if (tw_now_ms() > patience.until_ms) {
        print_error("waited in vain for: %s\n", truth);
        _fail(file, line);
    }
    turn(patience.loop);
}

void net_idle(struct tw_loop *loop, uint64_t ms)
{
    uint64_t until_ms = tw_now_ms() + ms;

    while (tw_now_ms() < until_ms)
        turn(loop);
}

static struct end *end_of(void *handle)
{
    return tw_container_of(handle, struct end, uv.handle);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char chunk[65536];

    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(chunk, sizeof(chunk));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct end *e = end_of(stream);

    if (n > 0) {
        tw_buf_append(&e->heard, tw_slice_from(buf->base, (size_t)n));
        if (e->host != NULL && e->host->on_heard != NULL)
            e->host->on_heard(e);
    } else if (n < 0) {
        e->has_ended = true;
        e->err = n == UV_EOF ? 0 : (int)n;
        end_want_read(e, false);
    }
}

static struct end *end_new(struct tw_loop *loop)
{
    struct end *e = tw_new(struct end);

    e->loop = loop;
    e->heard.max = (size_t)64 * 1024 * 1024;
    return e;
}

static void on_connected(uv_connect_t *request, int status)
{
    struct end *e = tw_container_of(request, struct end, connect);

    if (status == 0) {
        e->is_connected = true;
        end_want_read(e, true);
    } else if (status != UV_ECANCELED) {
        e->has_ended = true;
        e->err = status;
    }
}

struct end *end_connect(struct tw_loop *loop, const char *address)
{
    struct end *e = end_new(loop);
    struct tw_address a;
    int r;

    assert_int_equal(tw_address_parse(tw_slice_of(address), &a), 0);
    if (a.is_unix) {
        (void)uv_pipe_init(&loop->uv, &e->uv.pipe, 0);
        uv_pipe_connect(&e->connect, &e->uv.pipe, a.path, on_connected);
    } else {
        (void)uv_tcp_init(&loop->uv, &e->uv.tcp);
        r = uv_tcp_connect(&e->connect, &e->uv.tcp,
                           (const struct sockaddr *)(const void *)&a.tcp, on_connected);
        assert_int_equal(r, 0);
    }
    return e;
}

struct writing {
    uv_write_t request;
    struct end *e;
    char bytes[];
};

static void on_written(uv_write_t *request, int status)
{
    struct writing *w = tw_container_of(request, struct writing, request);

    if (status < 0 && status != UV_ECANCELED && w->e->write_err == 0)
        w->e->write_err = status;
    free(w);
}

void end_send(struct end *e, struct tw_slice bytes)
{
    struct writing *w = tw_alloc(1, sizeof(*w) + bytes.len);
    uv_buf_t buf = uv_buf_init(w->bytes, (unsigned)bytes.len);

    w->e = e;
    if (bytes.len > 0)
        memcpy(w->bytes, bytes.at, bytes.len);
    if (uv_write(&w->request, &e->uv.stream, &buf, 1, on_written) != 0)
        free(w);
}

void end_say(struct end *e, const char *text)
{
    end_send(e, tw_slice_of(text));
}

int end_count(const struct end *e, const char *text)
{
    struct tw_slice rest = tw_buf_view(&e->heard);
    size_t len = strlen(text);
    int n = 0;

    while (rest.len >= len) {
        const char *found = memmem(rest.at, rest.len, text, len);

        if (found == NULL)
            break;
        n++;
        rest = tw_slice_skip(rest, (size_t)(found - rest.at) + len);
    }
    return n;
}

bool end_has(const struct end *e, const char *text)
{
    return end_count(e, text) > 0;
}

void end_want_read(struct end *e, bool wants)
{
    if (wants)
        (void)uv_read_start(&e->uv.stream, on_alloc, on_read);
    else
        (void)uv_read_stop(&e->uv.stream);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    if (status != UV_ECANCELED)
        tw_container_of(request, struct end, shutdown)->is_finished = true;
}

void end_finish(struct end *e)
{
    (void)uv_shutdown(&e->shutdown, &e->uv.stream, on_shutdown);
}

static void on_closed(uv_handle_t *handle)
{
    struct end *e = end_of(handle);

    tw_buf_done(&e->heard);
    free(e);
}

static void leave_host(struct end *e)
{
    struct host *h = e->host;

    for (size_t i = 0; h != NULL && i < h->count; i++) {
        if (h->ends[i] == e) {
            h->count--;
            memmove(&h->ends[i], &h->ends[i + 1], (h->count - i) * sizeof(struct end *));
        }
    }
    e->host = NULL;
}

void end_reset(struct end *e)
{
    leave_host(e);
    if (uv_tcp_close_reset(&e->uv.tcp, on_closed) != 0)
        uv_close(&e->uv.handle, on_closed);
}

void end_close(struct end *e)
{
    if (e == NULL)
        return;
    leave_host(e);
    uv_close(&e->uv.handle, on_closed);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct host *h = tw_container_of((uv_tcp_t *)(void *)listener, struct host, listener);
    struct end *e = end_new(h->loop);

    assert_int_equal(status, 0);
    assert_true(h->count < HOST_ENDS);
    (void)uv_tcp_init(&h->loop->uv, &e->uv.tcp);
    assert_int_equal(uv_accept(listener, &e->uv.stream), 0);
    e->host = h;
    e->is_connected = true;
    h->ends[h->count++] = e;
    e->number = ++h->accepted;
    end_want_read(e, true);
    if (h->on_accepted != NULL)
        h->on_accepted(e);
}

void host_start(struct host *h, struct tw_loop *loop, int port)
{
    struct sockaddr_in a;
    int len = sizeof(a);

    h->loop = loop;
    (void)uv_ip4_addr("127.0.0.1", port, &a);
    (void)uv_tcp_init(&loop->uv, &h->listener);
    assert_int_equal(uv_tcp_bind(&h->listener, (const struct sockaddr *)(const void *)&a, 0),
                     0);
    assert_int_equal(uv_listen((uv_stream_t *)&h->listener, 64, on_connection), 0);
    (void)uv_tcp_getsockname(&h->listener, (struct sockaddr *)(void *)&a, &len);
    h->port = ntohs(a.sin_port);
}

void host_drop_all(struct host *h)
{
    while (h->count > 0)
        end_close(h->ends[h->count - 1]);
}

static void on_host_closed(uv_handle_t *handle)
{
    (void)handle; /* it is part of the host */
}

void host_stop(struct host *h)
{
    host_drop_all(h);
    if (!uv_is_closing((uv_handle_t *)&h->listener))
        uv_close((uv_handle_t *)&h->listener, on_host_closed);
}

int net_closed_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)(const void *)&a, sizeof(a)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&a, &len), 0);
    (void)close(fd);
    return ntohs(a.sin_port);
}
