/* stream.c - a connection's handle, its one waiting write, and its way to the end.
 *
 * libuv corks nothing and each write is a system call, so a write takes all parts at once:
 * first without waiting (uv_try_write); only what the kernel does not take becomes a waiting
 * request.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/net/address.h"
#include "common/net/handshakes.h"
#include "common/net/stream_state.h"
#include "common/util/base.h"

static struct tw_stream *stream_of(uv_stream_t *handle)
{
    return tw_container_of(handle, struct tw_stream, uv.stream);
}

static void stream_free(struct tw_stream *s)
{
    if (s->is_secure)
        tw_secure_free(s);
    else
        free(s);
}

/* With room for TLS around it when it is to be secure. */
static struct tw_stream *stream_new(struct tw_loop *loop, bool is_unix, bool is_secure,
                                    int *err)
{
    size_t handle_bytes = is_unix ? sizeof(uv_pipe_t) : sizeof(uv_tcp_t);
    size_t before = is_secure ? offsetof(struct tw_secure, stream) : 0;
    char *at = tw_alloc(1, before + offsetof(struct tw_stream, uv) + handle_bytes);
    struct tw_stream *s = (struct tw_stream *)(void *)(at + before);

    s->is_unix = is_unix;
    s->is_secure = is_secure;
    *err =
        is_unix ? uv_pipe_init(&loop->uv, &s->uv.pipe, 0) : uv_tcp_init(&loop->uv, &s->uv.tcp);
    if (*err != 0) {
        stream_free(s);
        return NULL;
    }
    return s;
}

static void on_closed(uv_handle_t *handle)
{
    struct tw_stream *s = tw_container_of(handle, struct tw_stream, uv.handle);
    struct tw_stream_owner *owner = s->owner;

    stream_free(s);
    if (owner != NULL)
        owner->events->on_closed(owner);
}

void tw_stream_close(struct tw_stream *s)
{
    if (s->is_closing)
        return;
    if (s->is_secure)
        tw_secure_close(s);
    s->is_closing = true;
    uv_close(&s->uv.handle, on_closed);
}

struct tw_stream *tw_stream_adopt(struct tw_loop *loop, int fd, bool is_unix, int *err)
{
    struct tw_stream *s = stream_new(loop, is_unix, false, err);

    if (s != NULL)
        *err = is_unix ? uv_pipe_open(&s->uv.pipe, fd) : uv_tcp_open(&s->uv.tcp, fd);
    if (s != NULL && *err == 0)
        return s;
    (void)close(fd);
    if (s != NULL)
        tw_stream_close(s); /* it has no owner: it just goes */
    return NULL;
}

/* A waiting connection is always taken, since libuv reports no other one before. */
static struct tw_stream *accept_into(struct tw_stream *s, uv_stream_t *listener, int *err)
{
    if (s == NULL)
        return NULL;
    *err = uv_accept(listener, &s->uv.stream);
    if (*err != 0) {
        tw_stream_close(s); /* it has no owner: it just goes */
        return NULL;
    }
    return s;
}

struct tw_stream *tw_stream_accept(struct tw_loop *loop, uv_stream_t *listener, bool is_unix,
                                   int *err)
{
    return accept_into(stream_new(loop, is_unix, false, err), listener, err);
}

struct tw_stream *tw_stream_accept_tls(struct tw_loop *loop, uv_stream_t *listener,
                                       struct tw_tls_context *context,
                                       struct tw_handshakes *handshakes, int *err)
{
    struct tw_stream *s = accept_into(stream_new(loop, false, true, err), listener, err);

    if (s == NULL)
        return NULL;
    tw_container_of(s, struct tw_secure, stream)->handshakes = handshakes;
    if (tw_handshakes_allows(handshakes, tw_stream_peer(s)) &&
        tw_secure_begin(s, tw_tls_new(context, NULL)))
        return s;
    *err = UV_ECONNREFUSED;
    tw_stream_close(s); /* it has no owner: it just goes */
    return NULL;
}

void tw_stream_no_delay(struct tw_stream *s)
{
    if (!s->is_unix)
        (void)uv_tcp_nodelay(&s->uv.tcp, 1); /* a speed-up; works without */
}

void tw_stream_has_inherited(struct tw_stream *s)
{
    s->has_inherited = true;
}

static void on_connected(uv_connect_t *request, int status)
{
    struct tw_stream *s = stream_of(request->handle);

    free(request);
    s->is_connecting = false;
    if (s->is_closing)
        return;
    if (status == 0 && !s->is_unix)
        (void)uv_tcp_nodelay(&s->uv.tcp, 1);
    if (status == 0 && s->is_secure)
        tw_secure_go_on(s);
    else
        s->owner->events->on_written(s->owner, status);
}

static struct tw_stream *connect_to(struct tw_stream *s, const struct tw_address *address,
                                    struct tw_stream_owner *owner, int *err)
{
    uv_connect_t *request;

    if (s == NULL)
        return NULL;
    s->is_connecting = true;
    request = tw_new(uv_connect_t);
    if (address->is_unix) {
        uv_pipe_connect(request, &s->uv.pipe, address->path, on_connected);
    } else {
        *err =
            uv_tcp_connect(request, &s->uv.tcp,
                           (const struct sockaddr *)(const void *)&address->tcp, on_connected);
        if (*err != 0) {
            free(request);
            s->is_connecting = false;
            tw_stream_close(s);
            return NULL;
        }
    }
    s->owner = owner;
    return s;
}

struct tw_stream *tw_stream_connect(struct tw_loop *loop, const struct tw_address *address,
                                    struct tw_stream_owner *owner, int *err)
{
    return connect_to(stream_new(loop, address->is_unix, false, err), address, owner, err);
}

struct tw_stream *tw_stream_connect_tls(struct tw_loop *loop, const struct tw_address *address,
                                        struct tw_stream_owner *owner,
                                        struct tw_tls_context *context, const char *server,
                                        int *err)
{
    struct tw_stream *s = stream_new(loop, address->is_unix, true, err);

    if (s == NULL)
        return NULL;
    if (!tw_secure_begin(s, tw_tls_new(context, server))) {
        *err = UV_ENOMEM;
        tw_stream_close(s); /* it has no owner: it just goes */
        return NULL;
    }
    return connect_to(s, address, owner, err);
}

void tw_stream_set_owner(struct tw_stream *s, struct tw_stream_owner *owner)
{
    s->owner = owner;
}

struct tw_loop *tw_stream_loop(const struct tw_stream *s)
{
    return tw_container_of(s->uv.handle.loop, struct tw_loop, uv);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct tw_stream *s = tw_container_of(handle, struct tw_stream, uv.handle);

    (void)suggested;
    *buf = uv_buf_init(tw_stream_loop(s)->read_chunk, TW_READ_CHUNK);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct tw_stream *s = tw_container_of(stream, struct tw_stream, uv.stream);

    if (n == 0 || s->is_closing)
        return;
    tw_loop_read_clock(tw_stream_loop(s));
    if (n > 0 && s->is_secure) {
        tw_secure_on_read(s, tw_slice_from(buf->base, (size_t)n));
        return;
    }
    if (n > 0) {
        s->owner->events->on_read(s->owner, tw_slice_from(buf->base, (size_t)n));
        return;
    }
    tw_stream_plain_want_read(s, false);
    if (s->is_secure)
        tw_secure_on_end(s, n == UV_EOF ? 0 : (int)n);
    else
        s->owner->events->on_end(s->owner, n == UV_EOF ? 0 : (int)n);
}

void tw_stream_want_read(struct tw_stream *s, bool wants)
{
    if (s->is_secure)
        tw_secure_want_read(s, wants);
    else
        tw_stream_plain_want_read(s, wants);
}

void tw_stream_plain_want_read(struct tw_stream *s, bool wants)
{
    if (s->is_closing || wants == s->is_reading)
        return;
    s->is_reading = wants;
    if (wants)
        (void)uv_read_start(&s->uv.stream, on_alloc, on_read); /* fails only when closing */
    else
        (void)uv_read_stop(&s->uv.stream);
}

static void on_written(uv_write_t *request, int status)
{
    struct tw_stream *s = stream_of(request->handle);

    free(request);
    s->is_writing = false;
    if (s->is_closing)
        return;
    if (s->is_secure)
        tw_secure_on_written(s, status);
    else
        s->owner->events->on_written(s->owner, status);
}

int tw_stream_write(struct tw_stream *s, const struct tw_slice *parts, size_t n)
{
    return s->is_secure ? tw_secure_write(s, parts, n) : tw_stream_plain_write(s, parts, n);
}

int tw_stream_plain_write(struct tw_stream *s, const struct tw_slice *parts, size_t n)
{
    uv_buf_t bufs[TW_STREAM_PARTS];
    uv_write_t *request;
    size_t total = 0, done = 0, first = 0;
    int r;

    TW_ASSERT(n <= TW_STREAM_PARTS && !s->is_writing && !s->is_connecting);
    if (s->is_closing || s->is_finishing)
        return UV_EPIPE;
    for (size_t i = 0; i < n; i++) {
        /* uv_buf_t has no const form; libuv only reads what it writes out */
        bufs[i] = uv_buf_init((char *)(uintptr_t)parts[i].at, (unsigned)parts[i].len);
        total += parts[i].len;
    }
    r = uv_try_write(&s->uv.stream, bufs, (unsigned)n);
    if (r < 0 && r != UV_EAGAIN)
        return r;
    done = r < 0 ? 0 : (size_t)r;
    if (done == total)
        return 1;
    while (done >= bufs[first].len)
        done -= bufs[first++].len;
    bufs[first].base += done;
    bufs[first].len -= done;
    request = tw_new(uv_write_t);
    r = uv_write(request, &s->uv.stream, bufs + first, (unsigned)(n - first), on_written);
    if (r < 0) {
        free(request);
        return r;
    }
    s->is_writing = true;
    return 0;
}

static void on_finished(uv_shutdown_t *request, int status)
{
    free(request);
    (void)status; /* with any result, the owner waits for the peer's end or its own limit */
}

void tw_stream_finish(struct tw_stream *s)
{
    uv_shutdown_t *request;

    if (s->is_closing || s->is_finishing || s->is_connecting)
        return;
    if (s->is_secure)
        tw_secure_say_end(s);
    s->is_finishing = true;
    request = tw_new(uv_shutdown_t);
    if (uv_shutdown(request, &s->uv.stream, on_finished) != 0) /* it is not connected */
        free(request);
}

/* An IPv4 peer of a dual-stack socket is shown as IPv4. */
struct tw_slice tw_stream_peer(const struct tw_stream *s)
{
    char *text = tw_stream_loop(s)->peer;
    struct sockaddr_storage a = { 0 };
    int len = sizeof(a);

    if (s->is_unix)
        return TW_LIT("unix");
    if (uv_tcp_getpeername(&s->uv.tcp, (struct sockaddr *)(void *)&a, &len) != 0)
        return TW_EMPTY;
    if (a.ss_family == AF_INET) {
        (void)uv_ip4_name((struct sockaddr_in *)(void *)&a, text, TW_PEER_TEXT);
        return tw_slice_of(text);
    }
    (void)uv_ip6_name((struct sockaddr_in6 *)(void *)&a, text, TW_PEER_TEXT);
    return tw_slice_of(memcmp(text, "::ffff:", 7) == 0 && strchr(text, '.') != NULL ? text + 7
                                                                                    : text);
}

bool tw_stream_peer_is_local(const struct tw_stream *s)
{
    struct tw_slice peer = tw_stream_peer(s);

    return s->is_unix || tw_slice_is(peer, "::1") || tw_slice_starts(peer, TW_LIT("127."));
}

size_t tw_stream_pending(const struct tw_stream *s)
{
    return uv_stream_get_write_queue_size(&s->uv.stream) +
           (s->is_secure ? tw_secure_pending(s) : 0);
}

void tw_stream_unsent_limit(struct tw_stream *s, int bytes)
{
    uv_os_fd_t fd;

    if (!s->is_unix && !s->has_inherited &&
        uv_fileno(&s->uv.handle, &fd) == 0) /* without it, more waits there */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof(bytes));
}

void tw_stream_user_timeout(struct tw_stream *s, unsigned ms)
{
    uv_os_fd_t fd;

    if (!s->is_unix && !s->has_inherited &&
        uv_fileno(&s->uv.handle, &fd) == 0) /* without it, pings still notice */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}
