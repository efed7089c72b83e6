/* handed_over_test.c - sockets that systemd hands over.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/handed_over.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/check.h"

/* Nobody has these descriptors; in a process of systemd's they begin at 3. */
#define FIRST 200

static struct tw_handed_over all;
static struct tw_buf text;

static int begin(void **state)
{
    (void)state;
    all = (struct tw_handed_over){ 0 };
    text = (struct tw_buf){ .max = 4000 };
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (int fd = FIRST; fd < FIRST + 20; fd++)
        (void)close(fd);
    tw_buf_done(&text);
    return 0;
}

/* At its place among those that are handed over. */
static void put(int at, int fd)
{
    assert_true(fd >= 0);
    assert_int_equal(dup2(fd, FIRST + at), FIRST + at);
    (void)close(fd);
}

static int opened(const char *address)
{
    struct tw_address a;
    int fd;

    assert_int_equal(tw_address_parse(tw_slice_of(address), &a), 0);
    fd = socket(a.tcp.ss_family, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&a.tcp, sizeof(a.tcp)), 0);
    return fd;
}

static int listening(const char *address)
{
    int fd = opened(address);

    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static int listening_on_path(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    (void)unlink(path);
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 8), 0);
    (void)unlink(path);
    return fd;
}

static int read_them(const char *count, const char *names)
{
    char pid[32];

    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    (void)setenv("LISTEN_PID", pid, 1);
    (void)setenv("LISTEN_FDS", count, 1);
    if (names != NULL)
        (void)setenv("LISTEN_FDNAMES", names, 1);
    return tw_handed_over_read(&all, FIRST, &text);
}

static void assert_says(const char *part)
{
    tw_buf_char(&text, '\0');
    assert_non_null(strstr(text.at, part));
}

static void each_has_its_address_and_its_use(void **state)
{
    (void)state;
    put(0, listening("127.0.0.1:0"));
    put(1, listening("[::1]:0"));
    put(2, listening_on_path("/tmp/handed_over_test.sock"));
    put(3, listening("127.0.0.1:0"));
    assert_int_equal(read_them("4", "clients:tls-public:tillwire-api@1.socket:ops"), 0);
    assert_int_equal(all.count, 4);
    assert_int_equal(all.sockets[0].use, TW_FOR_CLIENTS);
    assert_int_equal(all.sockets[1].use, TW_FOR_CLIENTS_TLS);
    assert_int_equal(all.sockets[2].use, TW_FOR_CLIENTS);
    assert_int_equal(all.sockets[3].use, TW_FOR_OPERATORS);
    assert_int_equal(all.sockets[0].address.tcp.ss_family, AF_INET);
    assert_int_equal(all.sockets[1].address.tcp.ss_family, AF_INET6);
    assert_string_equal(all.sockets[2].address.path, "/tmp/handed_over_test.sock");
    tw_handed_over_print(&all, &text);
    assert_says("for tls: [::1]:");
    assert_says("for clients: unix:/tmp/handed_over_test.sock\n");
}

static void no_child_finds_them(void **state)
{
    (void)state;
    put(0, listening("127.0.0.1:0"));
    assert_int_equal(read_them("1", "clients"), 0);
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_FDNAMES"));
    assert_true((fcntl(FIRST, F_GETFD) & FD_CLOEXEC) != 0);
}

static void without_names_they_are_for_clients(void **state)
{
    (void)state;
    put(0, listening("127.0.0.1:0"));
    put(1, listening("127.0.0.1:0"));
    assert_int_equal(read_them("2", "unknown"), 0);
    assert_int_equal(all.count, 2);
    assert_true(tw_handed_over_has(&all, TW_FOR_CLIENTS));
    assert_false(tw_handed_over_has(&all, TW_FOR_CLIENTS_TLS));
}

static void what_is_meant_for_another_process_is_left_alone(void **state)
{
    (void)state;
    (void)setenv("LISTEN_PID", "1", 1);
    (void)setenv("LISTEN_FDS", "1", 1);
    assert_int_equal(tw_handed_over_read(&all, FIRST, &text), 0);
    assert_int_equal(all.count, 0);
    assert_null(getenv("LISTEN_FDS"));
    assert_int_equal(tw_handed_over_read(&all, FIRST, &text), 0);
    assert_int_equal(all.count, 0);
}

static void what_cannot_be_served_is_named(void **state)
{
    int ends[2];

    (void)state;
    put(0, listening("127.0.0.1:0"));
    put(1, socket(AF_INET, SOCK_DGRAM, 0));
    put(2, opened("127.0.0.1:0"));
    assert_int_equal(pipe(ends), 0);
    (void)close(ends[1]);
    put(3, ends[0]);
    put(5, listening("127.0.0.1:0"));
    assert_int_equal(read_them("6", "clients:udp:idle:pipe:none:tsl"), TW_ECONFIG);
    assert_int_equal(all.count, 1);
    assert_says("socket udp (descriptor 201) that systemd hands over: no stream socket");
    assert_says("socket idle (descriptor 202) that systemd hands over: a socket that does not "
                "listen");
    assert_says("socket pipe (descriptor 203) that systemd hands over: no stream socket");
    assert_says("socket none (descriptor 204) that systemd hands over: there is no such");
    assert_says("socket tsl (descriptor 205) that systemd hands over: its "
                "FileDescriptorName= is none of clients, tls and ops");
}

static void more_than_there_may_be_are_a_mistake(void **state)
{
    (void)state;
    assert_int_equal(read_them("17", NULL), TW_ECONFIG);
    assert_says("LISTEN_FDS");
    assert_int_equal(read_them("many", NULL), TW_ECONFIG);
}

static void a_socket_is_found_by_the_address_that_it_serves(void **state)
{
    struct tw_address a;
    char address[32];
    int on = 1, fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
    socklen_t len = sizeof(any);

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&any, sizeof(any)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&any, &len), 0);
    put(0, fd);
    assert_int_equal(read_them("1", NULL), 0);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", ntohs(any.sin6_port));
    assert_int_equal(tw_address_parse(tw_slice_of(address), &a), 0);
    assert_ptr_equal(tw_handed_over_at(&all, &a), &all.sockets[0]);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", ntohs(any.sin6_port) ^ 1);
    assert_int_equal(tw_address_parse(tw_slice_of(address), &a), 0);
    assert_null(tw_handed_over_at(&all, &a));
    assert_int_equal(tw_address_parse(TW_LIT("unix:/tmp/x"), &a), 0);
    assert_null(tw_handed_over_at(&all, &a));

    /* BindIPv6Only=ipv6-only: who comes by IPv4 is not served there. */
    (void)close(FIRST);
    fd = socket(AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
    any = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&any, sizeof(any)), 0);
    assert_int_equal(listen(fd, 8), 0);
    len = sizeof(any);
    assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&any, &len), 0);
    put(0, fd);
    assert_int_equal(read_them("1", NULL), 0);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", ntohs(any.sin6_port));
    assert_int_equal(tw_address_parse(tw_slice_of(address), &a), 0);
    assert_null(tw_handed_over_at(&all, &a));
    (void)snprintf(address, sizeof(address), "[::1]:%d", ntohs(any.sin6_port));
    assert_int_equal(tw_address_parse(tw_slice_of(address), &a), 0);
    assert_non_null(tw_handed_over_at(&all, &a));
}

#define SOCKET_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SOCKET_TEST(each_has_its_address_and_its_use),
        SOCKET_TEST(no_child_finds_them),
        SOCKET_TEST(without_names_they_are_for_clients),
        SOCKET_TEST(what_is_meant_for_another_process_is_left_alone),
        SOCKET_TEST(what_cannot_be_served_is_named),
        SOCKET_TEST(more_than_there_may_be_are_a_mistake),
        SOCKET_TEST(a_socket_is_found_by_the_address_that_it_serves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
