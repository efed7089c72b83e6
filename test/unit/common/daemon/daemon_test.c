/* daemon_test.c - a process from its options to its exit status, within this one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "common/util/log.h"
#include "test/unit/support/check.h"

/* A process that does nothing but note what it was told to do. */
struct program {
    struct tw_daemon daemon; /* first: the kind's functions find the rest by it */
    struct tw_metric acts;
    struct tw_deadline act;
    char told[100];   /* a letter for each: start, drain, stop, free, reload */
    int first, again; /* signals that it sends to itself; 0: none */
    int start_error;
    int asked;         /* how often is_drained was */
    int drained_after; /* questions; negative: never */
};

static struct program *program_of(struct tw_daemon *d)
{
    return tw_container_of(d, struct program, daemon);
}

static void note(struct tw_daemon *d, char what)
{
    struct program *p = program_of(d);
    size_t n = strlen(p->told);

    assert_true(n < sizeof(p->told) - 1);
    p->told[n] = what;
}

static void on_act(struct tw_deadline *limit)
{
    struct program *p = tw_container_of(limit, struct program, act);
    int number = p->first;

    p->acts.value++;
    p->first = p->again;
    p->again = 0;
    (void)raise(number);
    if (p->first != 0)
        tw_after(&p->daemon.loop, &p->act, 30, on_act);
}

static int start(struct tw_daemon *d)
{
    struct program *p = program_of(d);

    note(d, 's');
    if (p->start_error == 0 && p->first != 0)
        tw_after(&d->loop, &p->act, 1, on_act);
    return p->start_error;
}

static void drain(struct tw_daemon *d)
{
    note(d, 'd');
}

static bool is_drained(struct tw_daemon *d)
{
    struct program *p = program_of(d);

    return p->drained_after >= 0 && p->asked++ >= p->drained_after;
}

static void stop(struct tw_daemon *d)
{
    note(d, 'x');
    tw_after_cancel(&d->loop, &program_of(d)->act);
}

static void release(struct tw_daemon *d)
{
    note(d, 'f');
}

static void reload(struct tw_daemon *d)
{
    note(d, 'r');
}

static void missing(struct tw_daemon *d, struct tw_buf *missing_list, struct tw_buf *degraded)
{
    (void)d;
    (void)missing_list;
    (void)degraded;
}

static const struct tw_metric_row metric_rows[] = {
    { "acts_total", NULL, "Acts.", TW_METRIC_AT(struct program, acts) },
};
static const struct tw_metric_table table = { .rows = metric_rows, .count = 1 };
static const struct tw_metric_part metrics[] = { { &table, 0, NULL } };

static const struct tw_daemon_kind kind = {
    .name = "tillwire-test",
    .about = "nothing at all",
    .program = TW_BRIDGE,
    .metrics = metrics,
    .metrics_count = TW_COUNT(metrics),
    .start = start,
    .drain = drain,
    .is_drained = is_drained,
    .stop = stop,
    .free = release,
    .reload = reload,
    .missing = missing,
};

static struct program program;

static int begin(void **state)
{
    static const char *const ours[] = { "TILLWIRE_DRAIN_MS",  "TILLWIRE_OPS_LISTEN",
                                        "TILLWIRE_NO_SUCH",   "TILLWIRE_DATABASE_URL",
                                        "TILLWIRE_REDIS_URL", "NOTIFY_SOCKET",
                                        "WATCHDOG_USEC" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(ours); i++)
        (void)unsetenv(ours[i]);
    (void)setenv("TILLWIRE_LOG_LEVEL", "error", 1);
    program = (struct program){ .drained_after = 0 };
    return 0;
}

/* What running it with this option (or none) returns; what it prints comes out as text. */
static int run_with(const char *option, char printed[20000])
{
    static char name[] = "tillwire-test";
    char copy[64] = "";
    char *argv[] = { name, copy, NULL };
    FILE *file = tmpfile();
    int kept_out = dup(STDOUT_FILENO), kept_err = dup(STDERR_FILENO), r;
    size_t n;

    assert_non_null(file);
    (void)snprintf(copy, sizeof(copy), "%s", option == NULL ? "" : option);
    (void)fflush(stdout);
    (void)fflush(stderr);
    (void)dup2(fileno(file), STDOUT_FILENO);
    (void)dup2(fileno(file), STDERR_FILENO);
    r = tw_daemon_main(&program.daemon, &kind, option == NULL ? 1 : 2, argv);
    (void)fflush(stdout);
    (void)fflush(stderr);
    (void)dup2(kept_out, STDOUT_FILENO);
    (void)dup2(kept_err, STDERR_FILENO);
    (void)close(kept_out);
    (void)close(kept_err);
    rewind(file);
    n = fread(printed, 1, 19999, file);
    printed[n] = '\0';
    (void)fclose(file);
    return r;
}

static char printed[20000];

static void its_options_tell_what_there_is(void **state)
{
    (void)state;
    assert_int_equal(run_with("--version", printed), 0);
    assert_string_equal(printed, "tillwire-test " TILLWIRE_VERSION "\n");
    assert_int_equal(run_with("--help", printed), 0);
    assert_non_null(strstr(printed, "nothing at all"));
    assert_non_null(strstr(printed, "TILLWIRE_REDIS_URL"));
    assert_null(strstr(printed, "TILLWIRE_MAX_SESSIONS")); /* another program's */
    assert_int_equal(run_with("--print-config-reference", printed), 0);
    assert_non_null(strstr(printed, "TILLWIRE_MAX_SESSIONS"));
    assert_int_equal(run_with("--print-metrics-reference", printed), 0);
    assert_non_null(strstr(printed, "\n| `tillwire_acts_total` | counter | | Acts. |\n"));
    assert_string_equal(program.told, "");
}

static void an_unknown_option_is_64(void **state)
{
    (void)state;
    assert_int_equal(run_with("--nonsense", printed), TW_EXIT_USAGE);
    assert_non_null(strstr(printed, "--nonsense"));
    assert_int_equal(run_with("", printed), TW_EXIT_USAGE);
    assert_string_equal(program.told, "");
}

static void invalid_settings_are_reported_with_exit_code_78(void **state)
{
    (void)state;
    (void)setenv("TILLWIRE_NO_SUCH", "1", 1);
    (void)setenv("TILLWIRE_DRAIN_MS", "soon", 1);
    (void)setenv("TILLWIRE_DATABASE_URL", "postgresql://u:hunter2@db.example:54x/db", 1);
    (void)setenv("TILLWIRE_REDIS_URL", "http://u:hunter2@redis.example", 1);
    (void)setenv("TILLWIRE_OPS_LISTEN", "127.0.0.1:9201,nonsense", 1);
    assert_int_equal(run_with("--check-config", printed), TW_EXIT_CONFIG);
    assert_non_null(strstr(printed, "TILLWIRE_NO_SUCH"));
    assert_non_null(strstr(printed, "TILLWIRE_DRAIN_MS"));
    assert_non_null(strstr(printed, "TILLWIRE_DATABASE_URL: a port is a number"));
    assert_non_null(strstr(printed, "TILLWIRE_REDIS_URL: is redis://"));
    assert_non_null(strstr(printed, "TILLWIRE_OPS_LISTEN: not an address: \"nonsense\""));
    assert_null(strstr(printed, "hunter2"));
    assert_int_equal(run_with(NULL, printed), TW_EXIT_CONFIG);
    assert_string_equal(program.told, "");
}

static void valid_settings_are_printed_without_their_secrets(void **state)
{
    (void)state;
    (void)setenv("TILLWIRE_DATABASE_URL", "postgresql://u:hunter2@127.0.0.1/db", 1);
    assert_int_equal(run_with("--check-config", printed), 0);
    assert_non_null(strstr(printed, "TILLWIRE_DATABASE_URL=postgresql://u:***@127.0.0.1/db\n"));
    assert_non_null(strstr(printed, "TILLWIRE_DRAIN_MS=10000\n"));
    assert_null(strstr(printed, "hunter2"));
    assert_string_equal(program.told, "");
}

static void sigterm_drains_stops_and_ends_with_0(void **state)
{
    (void)state;
    program.first = SIGTERM;
    program.drained_after = 3; /* it is asked again until it says so */
    assert_int_equal(run_with(NULL, printed), 0);
    assert_string_equal(program.told, "sdxf");
    assert_int_equal(program.asked, 4);
}

static void a_drain_ends_with_its_time(void **state)
{
    (void)state;
    (void)setenv("TILLWIRE_DRAIN_MS", "200", 1);
    program.first = SIGINT;
    program.drained_after = -1;
    assert_int_equal(run_with(NULL, printed), 0);
    assert_string_equal(program.told, "sdxf");
}

static void sighup_reloads_and_sigusr2_means_nothing(void **state)
{
    (void)state;
    (void)setenv("TILLWIRE_DRAIN_MS", "0", 1);
    program.first = SIGHUP;
    program.again = SIGTERM;
    assert_int_equal(run_with(NULL, printed), 0);
    assert_string_equal(program.told, "srdxf");
    begin(state);
    program.first = SIGUSR2;
    program.again = SIGTERM;
    assert_int_equal(run_with(NULL, printed), 0);
    assert_string_equal(program.told, "sdxf");
}

static void sigusr1_logs_the_metrics(void **state)
{
    (void)state;
    (void)setenv("TILLWIRE_LOG_LEVEL", "info", 1);
    program.first = SIGUSR1;
    program.again = SIGTERM;
    assert_int_equal(run_with(NULL, printed), 0);
    assert_non_null(strstr(printed, "event=metric name=acts_total"));
    assert_non_null(strstr(printed, "event=daemon.started"));
    assert_non_null(strstr(printed, "event=daemon.draining"));
    assert_non_null(strstr(printed, "event=daemon.stopped"));
}

static void a_start_that_fails_is_71_and_cleans_up(void **state)
{
    (void)state;
    program.start_error = TW_ECONFIG;
    assert_int_equal(run_with(NULL, printed), TW_EXIT_SYSTEM);
    assert_string_equal(program.told, "sxf");
}

static void a_private_listener_that_cannot_be_is_71(void **state)
{
    (void)state;
    (void)setenv("TILLWIRE_OPS_LISTEN", "192.0.2.1:9", 1);
    assert_int_equal(run_with(NULL, printed), TW_EXIT_SYSTEM);
    assert_non_null(strstr(printed, "event=daemon.listen"));
    assert_string_equal(program.told, ""); /* its own parts were never begun */
}

/* What systemd hears on its socket, a line a datagram. */
static void read_notes(int fd, char *text, size_t size)
{
    size_t at = 0;
    ssize_t n;

    while (at + 2 < size && (n = recv(fd, text + at, size - at - 2, MSG_DONTWAIT)) > 0) {
        at += (size_t)n;
        text[at++] = '\n';
    }
    text[at] = '\0';
}

static int notify_socket(struct sockaddr_un *a)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    assert_true(fd >= 0);
    a->sun_family = AF_UNIX;
    (void)snprintf(a->sun_path, sizeof(a->sun_path), "/tmp/daemon_test.%d", (int)getpid());
    (void)unlink(a->sun_path);
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)a, sizeof(*a)), 0);
    return fd;
}

static void systemd_is_told_of_start_life_and_end(void **state)
{
    struct sockaddr_un a = { 0 };
    int fd = notify_socket(&a);
    char notes[2000];

    (void)state;
    (void)setenv("NOTIFY_SOCKET", a.sun_path, 1);
    (void)setenv("WATCHDOG_USEC", "40000", 1);
    program.first = SIGHUP;
    program.again = SIGTERM;
    program.drained_after = 2;
    assert_int_equal(run_with(NULL, printed), 0);
    read_notes(fd, notes, sizeof(notes));
    assert_memory_equal(notes, "WATCHDOG=1\nREADY=1\n", 19);
    assert_non_null(strstr(notes, "READY=1\nWATCHDOG=1\n")); /* and it goes on */
    assert_non_null(strstr(notes, "STOPPING=1\n"));
    (void)close(fd);
    (void)unlink(a.sun_path);
}

static void a_missing_notify_socket_does_no_harm(void **state)
{
    static const char *const paths[] = { "/no/such/socket", "@no-such-abstract-socket", "",
                                         "x" };

    for (size_t i = 0; i < TW_COUNT(paths); i++) {
        begin(state);
        (void)setenv("NOTIFY_SOCKET", paths[i], 1);
        program.first = SIGTERM;
        assert_int_equal(run_with(NULL, printed), 0);
    }
}

static void a_note_is_a_json_string_after_the_others(void **state)
{
    struct tw_buf list = { .max = 100 };

    (void)state;
    tw_daemon_note(&list, "database");
    tw_daemon_note(&list, "a \"b\"");
    assert_buf(&list, "\"database\",\"a \\\"b\\\"\"");
    tw_buf_done(&list);
}

#define DAEMON_TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DAEMON_TEST(its_options_tell_what_there_is),
        DAEMON_TEST(an_unknown_option_is_64),
        DAEMON_TEST(invalid_settings_are_reported_with_exit_code_78),
        DAEMON_TEST(valid_settings_are_printed_without_their_secrets),
        DAEMON_TEST(sigterm_drains_stops_and_ends_with_0),
        DAEMON_TEST(a_drain_ends_with_its_time),
        DAEMON_TEST(sighup_reloads_and_sigusr2_means_nothing),
        DAEMON_TEST(sigusr1_logs_the_metrics),
        DAEMON_TEST(a_start_that_fails_is_71_and_cleans_up),
        DAEMON_TEST(a_private_listener_that_cannot_be_is_71),
        DAEMON_TEST(systemd_is_told_of_start_life_and_end),
        DAEMON_TEST(a_missing_notify_socket_does_no_harm),
        DAEMON_TEST(a_note_is_a_json_string_after_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
