/* listener_test.c - accepting on several addresses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/net/stream.h"
#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/check.h"
#include "test/unit/support/net.h"

#define STREAMS 8

struct fixture {
    struct tw_loop *loop;
    struct tw_listener listener, second;
    struct tw_stream *streams[STREAMS];
    size_t count;
    char path[64], tcp[32], both[128];
};

/* Whoever accepts: it has nothing but the listener to find itself by. */
static struct fixture *the_fixture;

static void on_accept(struct tw_listener *l, struct tw_stream *stream)
{
    struct fixture *f = the_fixture;

    assert_true(l == &f->listener || l == &f->second);
    assert_true(f->count < STREAMS);
    f->streams[f->count++] = stream;
}

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    f->loop = net_loop_new();
    (void)snprintf(f->path, sizeof(f->path), "/tmp/listener_test.%d", (int)getpid());
    (void)snprintf(f->tcp, sizeof(f->tcp), "127.0.0.1:%d", net_closed_port());
    (void)snprintf(f->both, sizeof(f->both), "%s, unix:%s", f->tcp, f->path);
    *state = the_fixture = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < f->count; i++)
        tw_stream_close(f->streams[i]);
    tw_listener_stop(&f->listener);
    tw_listener_stop(&f->second);
    net_loop_free(f->loop);
    (void)unlink(f->path);
    free(f);
    return 0;
}

static int start(struct fixture *f, struct tw_listener *l, const char *addresses,
                 struct tw_slice *which)
{
    return tw_listener_start(l,
                             &(struct tw_listener_options){ .loop = f->loop,
                                                            .addresses = tw_slice_of(addresses),
                                                            .accept = on_accept },
                             which);
}

static void every_address_of_the_list_accepts(void **state)
{
    struct fixture *f = *state;
    struct tw_slice which;
    char unix_address[80];
    struct end *a, *b;

    assert_int_equal(start(f, &f->listener, f->both, &which), 0);
    (void)snprintf(unix_address, sizeof(unix_address), "unix:%s", f->path);
    a = end_connect(f->loop, f->tcp);
    await(f->loop, f->count == 1);
    b = end_connect(f->loop, unix_address);
    await(f->loop, f->count == 2);
    assert_slice(tw_stream_peer(f->streams[0]), "127.0.0.1");
    assert_slice(tw_stream_peer(f->streams[1]), "unix");
    end_close(a);
    end_close(b);
}

static int port_of(const struct sockaddr_in *a)
{
    return a->sin_family == AF_INET ? ntohs(a->sin_port) : 0;
}

/* The descriptor of the accepted connection: our own end has the port as its peer's. */
static int accepted_on(int port)
{
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in own = { 0 }, peer = { 0 };
        socklen_t own_len = sizeof(own), peer_len = sizeof(peer);

        if (getsockname(fd, (struct sockaddr *)(void *)&own, &own_len) == 0 &&
            getpeername(fd, (struct sockaddr *)(void *)&peer, &peer_len) == 0 &&
            port_of(&own) == port)
            return fd;
    }
    fail_msg("no connection was accepted on port %d", port);
    return -1;
}

static int option(int fd, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);

    assert_int_equal(getsockopt(fd, IPPROTO_TCP, name, &value, &len), 0);
    return value;
}

static void connections_inherit_what_the_socket_was_told(void **state)
{
    struct fixture *f = *state;
    struct tw_slice which;
    struct end *e;
    int fd;

    f->listener.unsent_bytes = 70000;
    f->listener.user_timeout_ms = 54321;
    assert_int_equal(start(f, &f->listener, f->tcp, &which), 0);
    e = end_connect(f->loop, f->tcp);
    await(f->loop, f->count == 1);
    tw_stream_unsent_limit(f->streams[0], 1); /* it is not told once more */
    tw_stream_user_timeout(f->streams[0], 1);
    fd = accepted_on((int)strtol(strchr(f->tcp, ':') + 1, NULL, 10));
    assert_int_not_equal(option(fd, TCP_NODELAY), 0);
    assert_int_equal(option(fd, TCP_NOTSENT_LOWAT), 70000);
    assert_int_equal(option(fd, TCP_USER_TIMEOUT), 54321);
    end_close(e);
}

static void a_stopped_one_accepts_no_more_and_its_connections_live(void **state)
{
    struct fixture *f = *state;
    struct tw_slice which, part = TW_LIT("still here");
    struct end *a, *b;

    assert_int_equal(start(f, &f->listener, f->both, &which), 0);
    a = end_connect(f->loop, f->tcp);
    await(f->loop, f->count == 1 && a->is_connected);
    tw_listener_stop(&f->listener);
    tw_listener_stop(&f->listener);
    net_idle(f->loop, 20);
    b = end_connect(f->loop, f->tcp);
    await(f->loop, b->has_ended);
    assert_int_equal(b->err, UV_ECONNREFUSED);
    assert_int_equal(tw_stream_write(f->streams[0], &part, 1), 1);
    await(f->loop, a->heard.len == part.len);
    assert_int_equal(access(f->path, F_OK), -1); /* the socket's file went with it */
    end_close(a);
    end_close(b);
}

/* The kernel has told them that somebody is here, and what they ask for may have been sent. */
static void a_drained_one_accepts_those_that_wait(void **state)
{
    struct fixture *f = *state;
    struct tw_slice which, part = TW_LIT("served");
    char unix_address[80];
    struct end *a, *b;

    assert_int_equal(start(f, &f->listener, f->both, &which), 0);
    (void)snprintf(unix_address, sizeof(unix_address), "unix:%s", f->path);
    a = end_connect(f->loop, f->tcp);
    b = end_connect(f->loop, unix_address);
    assert_int_equal(f->count, 0);
    tw_listener_drain(&f->listener);
    assert_int_equal(f->count, 2);
    for (size_t i = 0; i < f->count; i++)
        assert_int_equal(tw_stream_write(f->streams[i], &part, 1), 1);
    await(f->loop, a->heard.len == part.len && b->heard.len == part.len);
    end_close(a);
    end_close(b);
    b = end_connect(f->loop, f->tcp);
    await(f->loop, b->has_ended);
    assert_int_equal(b->err, UV_ECONNREFUSED);
    end_close(b);
}

static void a_new_instance_listens_beside_the_old_one(void **state)
{
    struct fixture *f = *state;
    struct tw_slice which;
    struct end *e;

    assert_int_equal(start(f, &f->listener, f->tcp, &which), 0);
    assert_int_equal(start(f, &f->second, f->tcp, &which), 0);
    tw_listener_stop(&f->listener);
    net_idle(f->loop, 20);
    e = end_connect(f->loop, f->tcp);
    await(f->loop, f->count == 1);
    end_close(e);
}

static void a_socket_file_without_a_server_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    struct tw_slice which;
    struct stat status;
    char address[80];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct end *e;

    memcpy(a.sun_path, f->path, strlen(f->path));
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&a, sizeof(a)), 0);
    (void)close(fd); /* as a killed process leaves it */
    (void)snprintf(address, sizeof(address), "unix:%s", f->path);
    assert_int_equal(start(f, &f->listener, address, &which), 0);
    assert_int_equal(stat(f->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0666);
    e = end_connect(f->loop, address);
    await(f->loop, f->count == 1);
    end_close(e);
}

static void a_successor_takes_the_name_and_keeps_it_when_its_predecessor_ends(void **state)
{
    struct fixture *f = *state;
    struct tw_slice which;
    char address[80];
    struct end *e;

    (void)snprintf(address, sizeof(address), "unix:%s", f->path);
    assert_int_equal(start(f, &f->listener, address, &which), 0);
    assert_int_equal(start(f, &f->second, address, &which), 0);
    tw_listener_stop(&f->listener);
    net_idle(f->loop, 30); /* closed */
    e = end_connect(f->loop, address);
    await(f->loop, f->count == 1);
    end_close(e);
    tw_listener_stop(&f->second);
    assert_int_equal(access(f->path, F_OK), -1); /* the last one cleans up */
}

static void a_bad_address_is_named(void **state)
{
    struct fixture *f = *state;
    struct tw_slice which = { NULL, 0 };
    char list[128];

    (void)snprintf(list, sizeof(list), "%s, nonsense ,127.0.0.1:1", f->tcp);
    assert_int_equal(start(f, &f->listener, list, &which), TW_ESYNTAX);
    assert_slice(which, "nonsense");
    tw_listener_stop(&f->listener); /* and what was opened goes */
    assert_int_equal(start(f, &f->second, "unix:/no/such/folder/socket", &which), UV_EACCES);
    assert_slice(which, "unix:/no/such/folder/socket");
}

static void an_address_in_use_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct host host = { 0 }; /* without SO_REUSEPORT */
    struct tw_slice which;
    char address[32];
    int r;

    host_start(&host, f->loop, 0);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", host.port);
    r = start(f, &f->listener, address, &which);
    host_stop(&host);
    net_idle(f->loop, 10);
    assert_int_equal(r, UV_EADDRINUSE);
}

static void more_addresses_than_it_holds_are_too_many(void **state)
{
    struct fixture *f = *state;
    struct tw_buf list = { .max = 1000 };
    struct tw_slice which;

    for (int i = 0; i <= TW_LISTENER_SOCKETS; i++) {
        tw_buf_text(&list, i == 0 ? "127.0.0.1:0" : ",127.0.0.1:0");
    }
    assert_int_equal(
        tw_listener_start(&f->listener,
                          &(struct tw_listener_options){ .loop = f->loop,
                                                         .addresses = tw_buf_view(&list),
                                                         .accept = on_accept },
                          &which),
        TW_ETOOBIG);
    tw_buf_done(&list);
}

/* As systemd has opened it, and still holds it: `fd` stays ours. */
static void hand_over(struct tw_handed_over *all, int fd, enum tw_socket_use use)
{
    struct tw_handed_over_socket *s = &all->sockets[all->count++];

    *s = (struct tw_handed_over_socket){ .fd = dup(fd), .use = use };
    assert_true(s->fd >= 0);
    assert_int_equal(tw_address_of_socket(s->fd, &s->address), 0);
}

static int open_socket(const char *address)
{
    struct tw_address a;
    int fd, on = 1;

    assert_int_equal(tw_address_parse(tw_slice_of(address), &a), 0);
    fd = socket(a.tcp.ss_family, SOCK_STREAM, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&a.tcp,
                          a.tcp.ss_family == AF_INET ? sizeof(struct sockaddr_in)
                                                     : sizeof(struct sockaddr_in6)),
                     0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static int start_with(struct fixture *f, struct tw_listener *l, const char *addresses,
                      struct tw_handed_over *all, struct tw_slice *which)
{
    return tw_listener_start(l,
                             &(struct tw_listener_options){ .loop = f->loop,
                                                            .addresses = tw_slice_of(addresses),
                                                            .handed_over = all,
                                                            .accept = on_accept },
                             which);
}

static void a_socket_that_was_handed_over_serves_its_address(void **state)
{
    struct fixture *f = *state;
    struct tw_handed_over all = { 0 };
    struct tw_slice which;
    int fd = open_socket(f->tcp); /* nobody else could listen there */
    struct end *a, *b;

    hand_over(&all, fd, TW_FOR_CLIENTS);
    assert_int_equal(start_with(f, &f->listener, f->both, &all, &which), 0);
    assert_true(tw_listener_is_kept(&f->listener));
    assert_true(all.sockets[0].is_taken && all.sockets[0].is_named);
    assert_int_equal(f->listener.count, 2); /* the other one of the list was opened */
    a = end_connect(f->loop, f->tcp);
    await(f->loop, f->count == 1);
    end_close(a);
    tw_listener_stop(&f->listener);
    net_idle(f->loop, 20);
    b = end_connect(f->loop, f->tcp); /* it waits for the next process */
    await(f->loop, b->is_connected);
    all.count = 0;
    hand_over(&all, fd, TW_FOR_CLIENTS);
    assert_int_equal(start_with(f, &f->second, f->tcp, &all, &which), 0);
    await(f->loop, f->count == 2);
    assert_false(b->has_ended);
    end_close(b);
    (void)close(fd);
}

static void one_that_no_address_names_is_served_too(void **state)
{
    struct fixture *f = *state;
    struct tw_handed_over all = { 0 };
    struct tw_slice which;
    char other[32];
    int fd;
    struct end *a, *b;

    (void)snprintf(other, sizeof(other), "127.0.0.1:%d", net_closed_port());
    fd = open_socket(other);
    hand_over(&all, fd, TW_FOR_CLIENTS);
    hand_over(&all, fd, TW_FOR_OPERATORS); /* not this listener's */
    assert_int_equal(start_with(f, &f->listener, f->tcp, &all, &which), 0);
    assert_true(all.sockets[0].is_taken && !all.sockets[0].is_named);
    assert_false(all.sockets[1].is_taken);
    a = end_connect(f->loop, f->tcp);
    b = end_connect(f->loop, other);
    await(f->loop, f->count == 2);
    end_close(a);
    end_close(b);
    (void)close(all.sockets[1].fd);
    (void)close(fd);
}

static void one_for_all_addresses_serves_each_of_them(void **state)
{
    struct fixture *f = *state;
    struct tw_handed_over all = { 0 };
    struct tw_slice which;
    char everywhere[32], list[80];
    int fd, port = net_closed_port();
    struct end *e;

    (void)snprintf(everywhere, sizeof(everywhere), "[::]:%d", port);
    (void)snprintf(list, sizeof(list), "127.0.0.1:%d,[::1]:%d", port, port);
    fd = open_socket(everywhere);
    hand_over(&all, fd, TW_FOR_CLIENTS);
    assert_int_equal(start_with(f, &f->listener, list, &all, &which), 0);
    assert_int_equal(f->listener.count, 1);
    (void)snprintf(list, sizeof(list), "127.0.0.1:%d", port);
    e = end_connect(f->loop, list);
    await(f->loop, f->count == 1);
    end_close(e);
    (void)close(fd);
}

static void tls_is_never_left_out_where_a_socket_wants_it(void **state)
{
    struct fixture *f = *state;
    struct tw_handed_over all = { 0 };
    struct tw_slice which;
    int fd = open_socket(f->tcp);

    hand_over(&all, fd, TW_FOR_CLIENTS_TLS); /* and there is no certificate */
    assert_int_equal(start_with(f, &f->listener, f->tcp, &all, &which), TW_ECONFIG);
    tw_listener_stop(&f->listener);
    assert_int_equal(start_with(f, &f->listener, "127.0.0.1:0", &all, &which), TW_ECONFIG);
    (void)close(all.sockets[0].fd);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_address_of_the_list_accepts, begin, end),
        cmocka_unit_test_setup_teardown(connections_inherit_what_the_socket_was_told, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_stopped_one_accepts_no_more_and_its_connections_live,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_drained_one_accepts_those_that_wait, begin, end),
        cmocka_unit_test_setup_teardown(a_new_instance_listens_beside_the_old_one, begin, end),
        cmocka_unit_test_setup_teardown(a_socket_file_without_a_server_is_replaced, begin, end),
        cmocka_unit_test_setup_teardown(
            a_successor_takes_the_name_and_keeps_it_when_its_predecessor_ends, begin, end),
        cmocka_unit_test_setup_teardown(a_bad_address_is_named, begin, end),
        cmocka_unit_test_setup_teardown(an_address_in_use_is_an_error, begin, end),
        cmocka_unit_test_setup_teardown(more_addresses_than_it_holds_are_too_many, begin, end),
        cmocka_unit_test_setup_teardown(a_socket_that_was_handed_over_serves_its_address, begin,
                                        end),
        cmocka_unit_test_setup_teardown(one_that_no_address_names_is_served_too, begin, end),
        cmocka_unit_test_setup_teardown(one_for_all_addresses_serves_each_of_them, begin, end),
        cmocka_unit_test_setup_teardown(tls_is_never_left_out_where_a_socket_wants_it, begin,
                                        end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
