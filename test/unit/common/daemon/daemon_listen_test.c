/* daemon_listen_test.c - when a process listens, and with whose sockets.
 * SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/daemon/daemon.h"
#include "common/net/stream.h"
#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/support/check.h"
#include "test/unit/support/net.h"

#define OUTPUT 20000

/* A process that accepts, and whose database is there when the test says so. */
struct program {
    struct tw_daemon daemon; /* first: the kind's functions find the rest by it */
    struct tw_listener listener;
    struct tw_deadline turn;
    int has_database_after; /* milliseconds; negative: never */
    int end_signal, accepted;
    uint64_t began_ms, listened_ms;
    uint64_t drain_ms;
    bool had_successor, was_starting;
};

static struct program program;
static char printed[OUTPUT];
static char address[32];

static void on_accept(struct tw_listener *l, struct tw_stream *stream)
{
    tw_container_of(l, struct program, listener)->accepted++;
    tw_stream_close(stream);
}

/* What a probe of /readyz would be told. */
static bool is_starting(struct program *p)
{
    struct tw_buf missing = { .max = 1000 }, degraded = { .max = 1000 };
    bool is = false;

    p->daemon.ops.missing(&p->daemon.ops, &missing, &degraded);
    is = tw_slice_is(tw_buf_view(&missing), "\"starting\"");
    tw_buf_done(&missing);
    tw_buf_done(&degraded);
    return is;
}

static void on_turn(struct tw_deadline *t)
{
    struct program *p = tw_container_of(t, struct program, turn);
    uint64_t now = p->daemon.loop.now_ms;

    if (p->listener.count == 0) {
        p->was_starting |= is_starting(p);
        if (p->has_database_after >= 0 && now - p->began_ms >= (uint64_t)p->has_database_after)
            tw_daemon_listen_now(&p->daemon);
    } else if (p->listened_ms == 0) {
        p->listened_ms = now;
        (void)raise(p->end_signal);
    }
    tw_after(&p->daemon.loop, &p->turn, 1, on_turn);
}

static int start(struct tw_daemon *d)
{
    struct program *p = tw_container_of(d, struct program, daemon);

    p->began_ms = d->loop.now_ms;
    tw_daemon_listen_soon(d, &p->listener, on_accept);
    tw_after(&d->loop, &p->turn, 1, on_turn);
    return 0;
}

static void drain(struct tw_daemon *d)
{
    struct program *p = tw_container_of(d, struct program, daemon);

    p->drain_ms = d->drain_ms;
    p->had_successor = d->has_successor;
}

static bool is_drained(struct tw_daemon *d)
{
    (void)d;
    return true;
}

static void stop(struct tw_daemon *d)
{
    struct program *p = tw_container_of(d, struct program, daemon);

    tw_after_cancel(&d->loop, &p->turn);
    tw_listener_stop(&p->listener);
}

static void missing(struct tw_daemon *d, struct tw_buf *missing_list, struct tw_buf *degraded)
{
    (void)d;
    (void)missing_list;
    (void)degraded;
}

static struct tw_daemon_kind kind = {
    .name = "tillwire-test",
    .about = "accepts",
    .program = TW_API,
    .start = start,
    .drain = drain,
    .is_drained = is_drained,
    .stop = stop,
    .missing = missing,
    .handover_ms = 700,
};

static int begin(void **state)
{
    static const char *const ours[] = { "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
                                        "TILLWIRE_LISTEN", "TILLWIRE_OPS_LISTEN" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(ours); i++)
        (void)unsetenv(ours[i]);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", net_closed_port());
    (void)setenv("TILLWIRE_LISTEN", address, 1);
    (void)setenv("TILLWIRE_DRAIN_MS", "5000", 1);
    program = (struct program){ .end_signal = SIGTERM };
    kind.program = TW_API;
    return 0;
}

/* Its exit status; what it logs and prints is in `printed`. */
static int run_with(char *option)
{
    static char name[] = "tillwire-test";
    char *argv[] = { name, option, NULL };
    FILE *file = tmpfile();
    int kept_out = dup(STDOUT_FILENO), kept_err = dup(STDERR_FILENO), r;

    assert_non_null(file);
    (void)fflush(stdout);
    (void)dup2(fileno(file), STDOUT_FILENO);
    (void)dup2(fileno(file), STDERR_FILENO);
    r = tw_daemon_main(&program.daemon, &kind, option == NULL ? 1 : 2, argv);
    (void)fflush(stdout);
    (void)dup2(kept_out, STDOUT_FILENO);
    (void)dup2(kept_err, STDERR_FILENO);
    (void)close(kept_out);
    (void)close(kept_err);
    rewind(file);
    printed[fread(printed, 1, OUTPUT - 1, file)] = '\0';
    (void)fclose(file);
    return r;
}

static int run(void)
{
    return run_with(NULL);
}

/* Descriptor 3 and what the variables say of it. The address that is bound. */
static void hand_over(const char *names, int type)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, type, 0);
    char pid[32];

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&a, sizeof(a)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&a, &len), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 8), 0);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", ntohs(a.sin_port));
    if (fd != 3) {
        assert_int_equal(dup2(fd, 3), 3);
        (void)close(fd);
    }
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    (void)setenv("LISTEN_PID", pid, 1);
    (void)setenv("LISTEN_FDS", "1", 1);
    (void)setenv("LISTEN_FDNAMES", names, 1);
}

static void it_listens_when_the_database_is_there(void **state)
{
    (void)state;
    program.has_database_after = 100;
    assert_int_equal(run(), 0);
    assert_true(program.listened_ms - program.began_ms >= 100);
    assert_true(program.listened_ms - program.began_ms < 3000);
    assert_true(program.was_starting);
    assert_non_null(strstr(printed, "event=daemon.started"));
}

static void without_a_database_it_listens_all_the_same(void **state)
{
    (void)state;
    program.has_database_after = -1;
    assert_int_equal(run(), 0);
    assert_true(program.listened_ms - program.began_ms >= 3000);
    assert_non_null(strstr(printed, "event=daemon.started"));
}

static void an_address_that_cannot_be_is_71(void **state)
{
    (void)state;
    (void)setenv("TILLWIRE_LISTEN", "192.0.2.1:9", 1);
    assert_int_equal(run(), TW_EXIT_SYSTEM);
    assert_non_null(strstr(printed, "event=daemon.listen address=192.0.2.1:9"));
    assert_null(strstr(printed, "event=daemon.started"));
}

static void a_restart_is_told_from_a_stop(void **state)
{
    (void)state;
    hand_over("clients", SOCK_STREAM);
    (void)setenv("TILLWIRE_LISTEN", address, 1);
    program.end_signal = SIGINT;
    assert_int_equal(run(), 0);
    assert_true(program.had_successor);
    assert_int_equal(program.drain_ms, 700);
    assert_null(strstr(printed, "event=daemon.sockets")); /* both say the same */

    begin(state);
    hand_over("clients", SOCK_STREAM);
    assert_int_equal(run(), 0);
    assert_false(program.had_successor);
    assert_int_equal(program.drain_ms, 5000);

    begin(state);
    program.end_signal = SIGINT; /* Ctrl-C */
    assert_int_equal(run(), 0);
    assert_false(program.had_successor);
}

static void what_differs_from_the_settings_is_said(void **state)
{
    (void)state;
    hand_over("clients", SOCK_STREAM);
    assert_int_equal(run(), 0);
    assert_non_null(strstr(printed, "the settings name others"));
    assert_non_null(strstr(printed, "TILLWIRE_LISTEN names them"));
}

static void a_socket_that_cannot_be_served_is_78(void **state)
{
    static char check[] = "--check-config";

    (void)state;
    hand_over("clients", SOCK_DGRAM);
    assert_int_equal(run(), TW_EXIT_CONFIG);
    assert_non_null(strstr(printed, "event=daemon.socket why=\"socket clients (descriptor 3) "
                                    "that systemd hands over: no stream socket"));
    begin(state);
    hand_over("tls", SOCK_STREAM);
    assert_int_equal(run_with(check), TW_EXIT_CONFIG);
    assert_non_null(strstr(printed, "it needs TILLWIRE_TLS_CERTIFICATE and TILLWIRE_TLS_KEY"));
    begin(state);
    hand_over("clients", SOCK_STREAM);
    kind.program = TW_BRIDGE;
    assert_int_equal(run(), TW_EXIT_CONFIG);
    assert_non_null(strstr(printed, "this process has none"));
}

static void a_check_shows_what_was_handed_over(void **state)
{
    static char check[] = "--check-config";
    char line[128];

    (void)state;
    hand_over("ops", SOCK_STREAM);
    assert_int_equal(run_with(check), 0);
    (void)snprintf(line, sizeof(line), "# handed over by systemd, for ops: %s\n", address);
    assert_non_null(strstr(printed, line));
}

#define LISTEN_TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LISTEN_TEST(it_listens_when_the_database_is_there),
        LISTEN_TEST(without_a_database_it_listens_all_the_same),
        LISTEN_TEST(an_address_that_cannot_be_is_71),
        LISTEN_TEST(a_restart_is_told_from_a_stop),
        LISTEN_TEST(what_differs_from_the_settings_is_said),
        LISTEN_TEST(a_socket_that_cannot_be_served_is_78),
        LISTEN_TEST(a_check_shows_what_was_handed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
