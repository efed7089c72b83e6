/* listener.c - listening sockets.
 *
 * When descriptors run out (EMFILE), libuv sheds the waiting connection with a spare one, so
 * the loop does not spin and the peers see a reset at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/net/address.h"
#include "common/net/stream.h"
#include "common/net/tls.h"
#include "common/util/base.h"
#include "common/util/err.h"

#define BACKLOG 4096

struct tw_listener_socket {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct tw_listener *listener; /* null once it is stopped */
    bool is_unix, has_tls;
    bool has_no_delay, is_limited; /* and so has what it accepts */
    struct tw_address address;     /* of a Unix socket that we made; else its path is empty */
    dev_t device;                  /* of its file */
    ino_t inode;
};

static void on_closed(uv_handle_t *handle)
{
    free(tw_container_of(handle, struct tw_listener_socket, uv.handle));
}

static void hand_on(const struct tw_listener_socket *s, struct tw_stream *accepted)
{
    if (!s->has_no_delay)
        tw_stream_no_delay(accepted);
    if (s->is_limited)
        tw_stream_has_inherited(accepted);
    s->listener->accept(s->listener, accepted);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct tw_listener_socket *s =
        tw_container_of(stream, struct tw_listener_socket, uv.stream);
    struct tw_listener *l = s->listener;
    struct tw_stream *accepted;
    int err;

    if (status < 0 || l == NULL)
        return;
    accepted = s->has_tls ? tw_stream_accept_tls(l->loop, stream, l->tls, &l->handshakes, &err)
                          : tw_stream_accept(l->loop, stream, s->is_unix, &err);
    if (accepted != NULL)
        hand_on(s, accepted);
}

/* What is accepted inherits these (Linux). A socket that was handed over may have connections
 * by now that do not. */
static void set_inherited(struct tw_listener_socket *s, int fd)
{
    const struct tw_listener *l = s->listener;
    int on = 1;

    s->has_no_delay = setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0;
    s->is_limited = l->unsent_bytes != 0 && l->user_timeout_ms != 0 &&
                    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &l->unsent_bytes,
                               sizeof(l->unsent_bytes)) == 0 &&
                    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &l->user_timeout_ms,
                               sizeof(l->user_timeout_ms)) == 0;
}

static int open_tcp(struct tw_listener_socket *s, const struct tw_address *a)
{
    const struct sockaddr *address = (const struct sockaddr *)(const void *)&a->tcp;
    uv_os_fd_t fd;
    int on = 1;
    int r = uv_fileno(&s->uv.handle, &fd);

    if (r == 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
        r = -errno;
    if (r == 0)
        r = uv_tcp_bind(&s->uv.tcp, address, 0);
    if (r == 0)
        set_inherited(s, fd);
    return r != 0 ? r : uv_listen(&s->uv.stream, BACKLOG, on_connection);
}

/* Give the socket its name: at once, in place of a predecessor's, which may still be served by
 * a process that drains or was left by one that was killed. */
static int take_name(struct tw_listener_socket *s, const char *new_path, const char *path)
{
    struct stat st;

    if (chmod(new_path, 0666) != 0 || /* its folder's rights decide */
        stat(new_path, &st) != 0 || rename(new_path, path) != 0)
        return -errno;
    s->device = st.st_dev;
    s->inode = st.st_ino;
    return 0;
}

/* libuv removes the file that it has bound when it closes, and there is none of that name. */
static int open_unix(struct tw_listener_socket *s, const struct tw_address *a)
{
    char new_path[sizeof(a->path) + 1];
    int r;

    (void)snprintf(new_path, sizeof(new_path), "%s~", a->path);
    if (strlen(new_path) >= sizeof(a->path))
        return UV_ENAMETOOLONG;
    (void)unlink(new_path); /* if it cannot go, bind says why */
    r = uv_pipe_bind(&s->uv.pipe, new_path);
    if (r == 0)
        r = uv_listen(&s->uv.stream, BACKLOG, on_connection);
    if (r == 0)
        r = take_name(s, new_path, a->path);
    if (r == 0)
        s->address = *a;
    return r;
}

/* Unless a successor has put its own there. */
static void remove_name(const struct tw_listener_socket *s)
{
    struct stat st;

    if (s->address.path[0] != '\0' && stat(s->address.path, &st) == 0 &&
        st.st_dev == s->device && st.st_ino == s->inode)
        (void)unlink(s->address.path);
}

static struct tw_listener_socket *add_socket(struct tw_listener *l, bool is_unix,
                                             unsigned family)
{
    struct tw_listener_socket *s = tw_new(struct tw_listener_socket);
    int r;

    s->listener = l;
    s->is_unix = is_unix;
    r = is_unix ? uv_pipe_init(&l->loop->uv, &s->uv.pipe, 0)
                : uv_tcp_init_ex(&l->loop->uv, &s->uv.tcp, family);
    if (r != 0) {
        free(s);
        return NULL;
    }
    l->sockets[l->count++] = s;
    return s;
}

int tw_listener_address(struct tw_slice text, struct tw_address *address, bool *has_tls)
{
    *has_tls = tw_slice_starts(text, TW_LIT("tls:"));
    if (tw_address_parse(*has_tls ? tw_slice_skip(text, 4) : text, address) != 0)
        return TW_ESYNTAX;
    return *has_tls && address->is_unix ? TW_ESYNTAX : 0;
}

static int open_one(struct tw_listener *l, const struct tw_address *a, bool has_tls)
{
    struct tw_listener_socket *s = add_socket(l, a->is_unix, a->tcp.ss_family);

    if (s == NULL)
        return UV_EMFILE;
    s->has_tls = has_tls;
    return a->is_unix ? open_unix(s, a) : open_tcp(s, a);
}

/* It is the listener's from now on, which closes its descriptor; the socket stays systemd's. */
static int take(struct tw_listener *l, struct tw_handed_over_socket *given, bool has_tls)
{
    struct tw_listener_socket *s =
        add_socket(l, given->address.is_unix, AF_UNSPEC /* it has its descriptor already */);
    int r;

    if (s == NULL)
        return UV_EMFILE;
    given->is_taken = true;
    l->handed_over_count++;
    s->has_tls = has_tls;
    r = s->is_unix ? uv_pipe_open(&s->uv.pipe, given->fd) : uv_tcp_open(&s->uv.tcp, given->fd);
    return r != 0 ? r : uv_listen(&s->uv.stream, BACKLOG, on_connection);
}

static bool is_for(enum tw_listener_for whom, const struct tw_handed_over_socket *given)
{
    return (given->use == TW_FOR_OPERATORS) == (whom == TW_LISTENS_FOR_OPERATORS);
}

/* Several addresses may lead to one socket that was handed over. */
static int listen_on(struct tw_listener *l, const struct tw_listener_options *options,
                     struct tw_slice text)
{
    struct tw_handed_over_socket *given = NULL;
    struct tw_address a;
    bool has_tls;
    int r = tw_listener_address(text, &a, &has_tls);

    if (r != 0)
        return r;
    if (options->handed_over != NULL)
        given = tw_handed_over_at(options->handed_over, &a);
    if (given != NULL && !is_for(options->listens_for, given))
        given = NULL;
    if (given != NULL) {
        given->is_named = true;
        has_tls |= given->use == TW_FOR_CLIENTS_TLS;
        if (given->is_taken)
            return 0;
    }
    if (has_tls && l->tls == NULL)
        return TW_ECONFIG;
    if (l->count == TW_LISTENER_SOCKETS)
        return TW_ETOOBIG;
    return given != NULL ? take(l, given, has_tls) : open_one(l, &a, has_tls);
}

/* The others: who opened them wants them to be served. */
static int take_unnamed(struct tw_listener *l, const struct tw_listener_options *options)
{
    struct tw_handed_over *all = options->handed_over;
    int r = 0;

    for (size_t i = 0; all != NULL && i < all->count && r == 0; i++) {
        struct tw_handed_over_socket *given = &all->sockets[i];
        bool has_tls = given->use == TW_FOR_CLIENTS_TLS;

        if (given->is_taken || !is_for(options->listens_for, given))
            continue;
        if (has_tls && l->tls == NULL)
            r = TW_ECONFIG;
        else
            r = l->count == TW_LISTENER_SOCKETS ? TW_ETOOBIG : take(l, given, has_tls);
    }
    return r;
}

int tw_listener_start(struct tw_listener *l, const struct tw_listener_options *options,
                      struct tw_slice *which)
{
    struct tw_slice rest = options->addresses, one;
    int r = 0;

    l->loop = options->loop;
    l->accept = options->accept;
    tw_handshakes_start(&l->handshakes, l->loop);
    if (options->tls != NULL)
        l->tls = tw_tls_context_keep(options->tls);
    *which = options->addresses;
    while (r == 0 && rest.len > 0 && tw_slice_split(&rest, ',', &one)) {
        *which = tw_slice_trim(one);
        r = listen_on(l, options, *which);
    }
    return r != 0 ? r : take_unnamed(l, options);
}

bool tw_listener_is_kept(const struct tw_listener *l)
{
    return l->handed_over_count > 0;
}

void tw_listener_set_tls(struct tw_listener *l, struct tw_tls_context *tls)
{
    struct tw_tls_context *old = l->tls;

    l->tls = tls == NULL ? NULL : tw_tls_context_keep(tls);
    tw_tls_context_drop(old);
}

/* Where TLS is spoken, nothing of a request has come; at a socket that is kept it stays for the
 * next process. */
static void accept_waiting(struct tw_listener_socket *s)
{
    struct tw_stream *accepted;
    uv_os_fd_t listening;
    int fd, err;

    if (s->has_tls || uv_fileno(&s->uv.handle, &listening) != 0)
        return;
    for (int i = 0; i < BACKLOG; i++) {
        fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
            return;
        accepted = fd < 0 ? NULL : tw_stream_adopt(s->listener->loop, fd, s->is_unix, &err);
        if (accepted != NULL)
            hand_on(s, accepted);
    }
}

void tw_listener_drain(struct tw_listener *l)
{
    for (size_t i = 0; i < l->count; i++)
        accept_waiting(l->sockets[i]);
    tw_listener_stop(l);
}

void tw_listener_stop(struct tw_listener *l)
{
    for (size_t i = 0; i < l->count; i++) {
        struct tw_listener_socket *s = l->sockets[i];

        s->listener = NULL;
        remove_name(s);
        uv_close(&s->uv.handle, on_closed);
    }
    l->count = l->handed_over_count = 0;
    tw_listener_set_tls(l, NULL);
    tw_handshakes_stop(&l->handshakes);
}
