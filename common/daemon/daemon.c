/* daemon.c - a process from its options to its exit status.
 *
 * PostgreSQL or Redis being away is no reason not to start: systemd is told READY as soon as
 * the process listens, which is when PostgreSQL has answered or has been waited for; /readyz
 * tells the rest.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon/daemon.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/domain/schema_version.h"
#include "common/net/redis.h"
#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/err.h"
#include "common/util/json_write.h"
#include "common/util/log.h"
#include "common/util/map.h"

#define LARGE_BYTES 131072 /* glibc's own first value */
#define DRAIN_CHECK_MS 50
#define STOP_LIMIT_MS 3000
#define LISTEN_LIMIT_MS 3000

/* One datagram to systemd, when it asked for it (sd_notify(3)). */
static void notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t len = path == NULL ? 0 : strlen(path);
    int fd;

    if (len < 2 || len >= sizeof(to.sun_path))
        return;
    memcpy(to.sun_path, path, len);
    if (to.sun_path[0] == '@') /* an abstract address */
        to.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)(void *)&to,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    (void)close(fd);
}

static void on_watchdog(struct tw_deadline *w)
{
    struct tw_daemon *d = tw_container_of(w, struct tw_daemon, watchdog);

    notify("WATCHDOG=1");
    tw_after(&d->loop, &d->watchdog, d->watchdog_ms, on_watchdog);
}

static void start_watchdog(struct tw_daemon *d)
{
    const char *text = getenv("WATCHDOG_USEC");
    uint64_t microseconds;

    if (text == NULL || !tw_slice_u64(tw_slice_of(text), &microseconds) || microseconds < 2000)
        return;
    d->watchdog_ms = microseconds / 1000 / 2;
    on_watchdog(&d->watchdog);
}

static void on_stop_limit(struct tw_deadline *w)
{
    (void)w; /* something holds the loop: say so, and go */
    tw_log_warn("daemon.forced", tw_str("why", "handles were still open after the drain"));
    exit(0);
}

static void on_signal_closed(uv_handle_t *handle)
{
    (void)handle; /* embedded in the daemon */
}

static void stop(struct tw_daemon *d)
{
    if (d->is_stopped)
        return;
    d->is_stopped = true;
    tw_after_cancel(&d->loop, &d->watchdog);
    tw_after_cancel(&d->loop, &d->listen_limit);
    tw_later_cancel(&d->listen_now);
    for (size_t i = 0; i < TW_COUNT(d->signals); i++)
        uv_close((uv_handle_t *)&d->signals[i], on_signal_closed);
    tw_ops_stop(&d->ops);
    if (d->has_started)
        d->kind->stop(d);
    tw_after(&d->loop, &d->drain_check, STOP_LIMIT_MS, on_stop_limit);
    uv_unref((uv_handle_t *)&d->loop.ticker); /* limits alone keep nobody alive */
}

static void on_drain_check(struct tw_deadline *w)
{
    struct tw_daemon *d = tw_container_of(w, struct tw_daemon, drain_check);

    if (d->kind->is_drained(d) || d->loop.now_ms >= d->drain_until_ms)
        stop(d);
    else
        tw_after(&d->loop, &d->drain_check, DRAIN_CHECK_MS, on_drain_check);
}

/* The unit's RestartKillSignal= is SIGINT: so a stop, after which nobody comes, is told from a
 * restart, in which systemd starts the next process when this one has ended. */
static void drain(struct tw_daemon *d, int number)
{
    uint64_t most = d->kind->handover_ms;

    if (d->is_draining) {
        tw_log_info("daemon.killed", tw_str("why", "a second signal"));
        exit(0);
    }
    d->is_draining = true;
    tw_after_cancel(&d->loop, &d->listen_limit);
    tw_later_cancel(&d->listen_now);
    d->has_successor =
        number == SIGINT && d->listener != NULL && tw_listener_is_kept(d->listener);
    d->drain_ms = d->settings.drain_ms;
    if (d->has_successor && most != 0 && d->drain_ms > most)
        d->drain_ms = most;
    tw_log_info("daemon.draining", tw_u64("limit_ms", d->drain_ms));
    notify("STOPPING=1");
    d->drain_until_ms = d->loop.now_ms + d->drain_ms;
    d->kind->drain(d);
    tw_after(&d->loop, &d->drain_check, 0, on_drain_check);
}

static void log_metric(const struct tw_metric_series *s, void *arg)
{
    const char *labels = s->labels[0] == '\0' ? NULL : s->labels;

    (void)arg;
    if (!tw_metric_is_shown(s))
        return;
    if (s->histogram != NULL)
        tw_log_info("metric", tw_str("name", s->name), tw_str("labels", labels),
                    tw_u64("count", s->value), tw_u64("sum_us", s->histogram->sum_us));
    else
        tw_log_info("metric", tw_str("name", s->name), tw_str("labels", labels),
                    tw_u64("value", s->value));
}

static void reload(struct tw_daemon *d)
{
    tw_certificates_reload(&d->certificates);
    if (d->kind->reload != NULL)
        d->kind->reload(d);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct tw_daemon *d = handle->loop->data;

    if (number == SIGTERM || number == SIGINT)
        drain(d, number);
    else if (number == SIGHUP)
        reload(d);
    else if (number == SIGUSR1)
        tw_metrics_each(&d->metrics, log_metric, NULL);
}

static void watch_signals(struct tw_daemon *d)
{
    static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2 };

    d->loop.uv.data = d;
    for (size_t i = 0; i < TW_COUNT(numbers); i++) {
        int r = uv_signal_init(&d->loop.uv, &d->signals[i]);

        TW_ASSERT(r == 0);
        r = uv_signal_start(&d->signals[i], on_signal, numbers[i]);
        TW_ASSERT(r == 0);
        uv_unref((uv_handle_t *)&d->signals[i]);
    }
}

static void ops_missing(struct tw_ops *ops, struct tw_buf *missing, struct tw_buf *degraded)
{
    struct tw_daemon *d = tw_container_of(ops, struct tw_daemon, ops);
    const char *problem = tw_certificates_problem(&d->certificates);

    if (d->is_draining)
        tw_daemon_note(missing, "draining");
    else if (!d->has_begun)
        tw_daemon_note(missing, "starting");
    d->kind->missing(d, missing, degraded);
    if (problem != NULL)
        tw_daemon_note_why(degraded, "certificate", problem);
}

void tw_daemon_note(struct tw_buf *list, const char *what)
{
    if (list->len > 0)
        tw_buf_char(list, ',');
    tw_json_put(list, tw_slice_of(what));
}

void tw_daemon_note_why(struct tw_buf *list, const char *what, const char *why)
{
    struct tw_buf text = { .max = 1024 };

    tw_buf_text(&text, what);
    tw_buf_text(&text, why[0] == '\0' ? "" : ": ");
    tw_buf_text(&text, why);
    tw_buf_char(&text, '\0');
    tw_daemon_note(list, text.failed ? what : text.at);
    tw_buf_done(&text);
}

void tw_daemon_note_schema(struct tw_buf *missing, const struct tw_schema *schema)
{
    char why[96];

    if (tw_schema_is_good(schema))
        return;
    if (schema->version.value == 0)
        (void)snprintf(why, sizeof(why), "not known yet; migration %d is needed",
                       TW_SCHEMA_NEEDED);
    else
        (void)snprintf(why, sizeof(why),
                       "the database has migration %llu, %d is needed: run schema/migrate",
                       (unsigned long long)schema->version.value, TW_SCHEMA_NEEDED);
    tw_daemon_note_why(missing, "schema", why);
}

void tw_daemon_note_redis(struct tw_buf *list, const struct tw_redis *redis)
{
    const char *problem = tw_redis_problem(redis);

    if (problem != NULL)
        tw_daemon_note_why(list, "redis", problem);
}

void tw_daemon_note_database(struct tw_pg_pool *pool, struct tw_buf *missing,
                             struct tw_buf *degraded)
{
    const char *problem = tw_pg_pool_problem(pool);

    if (problem != NULL)
        tw_daemon_note_why(tw_pg_pool_is_up(pool) ? degraded : missing, "database", problem);
}

static void begin(struct tw_daemon *d)
{
    d->has_begun = true;
    start_watchdog(d);
    notify("READY=1");
    tw_log_info("daemon.started", tw_str("version", TILLWIRE_VERSION),
                tw_str("instance", d->settings.instance), tw_i64("pid", getpid()));
}

/* TILLWIRE_LISTEN and the units of sockets may say different things: both are served. */
static void compare_sockets(const struct tw_daemon *d)
{
    size_t unnamed = 0;

    for (size_t i = 0; i < d->handed_over.count; i++)
        unnamed += !d->handed_over.sockets[i].is_named;
    if (unnamed > 0)
        tw_log_warn("daemon.sockets", tw_u64("count", unnamed),
                    tw_str("why", "systemd hands them over, and the settings name others; "
                                  "they are served, too"));
    if (tw_listener_is_kept(d->listener) && d->listener->count > d->listener->handed_over_count)
        tw_log_warn("daemon.sockets",
                    tw_u64("count", d->listener->count - d->listener->handed_over_count),
                    tw_str("why", "TILLWIRE_LISTEN names them, and systemd has not opened "
                                  "them: they refuse while this process is restarted"));
}

static int listen_for_clients(struct tw_daemon *d)
{
    struct tw_slice where;
    int r = tw_listener_start(
        d->listener,
        &(struct tw_listener_options){ .loop = &d->loop,
                                       .addresses = tw_slice_of(d->settings.listen),
                                       .handed_over = &d->handed_over,
                                       .tls = d->settings.tls,
                                       .accept = d->accept },
        &where);

    tw_certificates_start(&d->certificates, &d->settings, d->listener);
    if (r != 0)
        tw_log_error("daemon.listen", tw_slc("address", where), tw_err(r));
    else
        compare_sockets(d);
    return r;
}

static void listen_and_begin(struct tw_daemon *d)
{
    d->failure = listen_for_clients(d);
    if (d->failure == 0)
        begin(d);
    else
        stop(d);
}

static void on_listen_limit(struct tw_deadline *t)
{
    listen_and_begin(tw_container_of(t, struct tw_daemon, listen_limit));
}

static void on_listen_now(struct tw_later *l)
{
    listen_and_begin(tw_container_of(l, struct tw_daemon, listen_now));
}

void tw_daemon_listen_soon(struct tw_daemon *d, struct tw_listener *listener,
                           tw_accept_cb accept)
{
    d->listener = listener;
    d->accept = accept;
    tw_after(&d->loop, &d->listen_limit, LISTEN_LIMIT_MS, on_listen_limit);
}

void tw_daemon_listen_now(struct tw_daemon *d)
{
    if (!tw_deadline_is_set(&d->listen_limit))
        return;
    tw_after_cancel(&d->loop, &d->listen_limit);
    tw_later(&d->loop, &d->listen_now, on_listen_now);
}

int tw_daemon_bad_redis(int err)
{
    tw_log_error("daemon.config", tw_str("setting", "TILLWIRE_REDIS_URL"), tw_err(err));
    return err;
}

static int run(struct tw_daemon *d)
{
    uint8_t key[16];
    int r;

    (void)signal(SIGPIPE, SIG_IGN); /* a write to a closed peer is an error, not an end */
    /* Large buffers go back to the system when they are freed (mallopt(3)): once glibc has
     * freed one, it would keep the next ones, and a flood's memory with them. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    /* A name server that is away delays no end of ours for long (resolv.conf(5)). */
    (void)setenv("RES_OPTIONS", "timeout:1 attempts:2", 0);
    tw_random(key, sizeof(key));
    tw_hash_seed(key);
    tw_loop_init(&d->loop);
    watch_signals(d);
    r = tw_ops_start(&d->ops,
                     &(struct tw_ops_options){ .loop = &d->loop,
                                               .address = tw_slice_of(d->settings.ops_listen),
                                               .handed_over = &d->handed_over,
                                               .metrics = &d->metrics,
                                               .missing = ops_missing });
    if (r != 0)
        tw_log_error("daemon.listen", tw_str("address", d->settings.ops_listen), tw_err(r));
    else {
        d->has_started = true;
        r = d->kind->start(d);
    }
    if (r != 0)
        stop(d);
    else if (d->listener == NULL)
        begin(d);
    tw_loop_run(&d->loop);
    r = r != 0 ? r : d->failure;
    if (r == 0)
        tw_log_info("daemon.stopped", tw_str("instance", d->settings.instance));
    if (d->has_started && d->kind->free != NULL)
        d->kind->free(d);
    tw_loop_done(&d->loop);
    return r == 0 ? 0 : TW_EXIT_SYSTEM;
}

static void print(FILE *where, const struct tw_buf *text)
{
    (void)fwrite(text->at, 1, text->len, where);
}

static int print_help(const struct tw_daemon_kind *kind)
{
    struct tw_buf text = { .max = 65536 };

    tw_settings_help(kind->program, &text);
    printf("%s %s - %s\n\nUsage: %s [--help | --version | --check-config | "
           "--print-config-reference |\n"
           "       --print-metrics-reference | --print-limits-reference]\n\nSettings, from the "
           "environment (default):\n",
           kind->name, TILLWIRE_VERSION, kind->about, kind->name);
    print(stdout, &text);
    tw_buf_done(&text);
    return 0;
}

static int print_config_reference(void)
{
    struct tw_buf text = { .max = 65536 };

    tw_settings_reference(&text);
    print(stdout, &text);
    tw_buf_done(&text);
    return 0;
}

static int print_metrics_reference(const struct tw_daemon *d)
{
    struct tw_buf text = { .max = 65536 };

    tw_metrics_reference(&d->metrics, &text);
    print(stdout, &text);
    tw_buf_done(&text);
    return 0;
}

static int print_limits_reference(const struct tw_daemon *d)
{
    struct tw_buf text = { .max = 65536 };
    bool ok =
        tw_bounds_reference(d->kind->bounds, d->kind->program != TW_BRIDGE, &d->metrics, &text);

    print(stdout, &text);
    tw_buf_done(&text);
    return ok ? 0 : TW_EXIT_INTERNAL;
}

static int check_config(const struct tw_daemon *d)
{
    struct tw_buf text = { .max = 65536 };

    tw_settings_print(d->kind->program, &d->settings, &text);
    tw_handed_over_print(&d->handed_over, &text);
    print(stdout, &text);
    tw_buf_done(&text);
    return 0;
}

/* What systemd hands over must be what this process can use. */
static int read_sockets(struct tw_daemon *d)
{
    const struct tw_handed_over *all = &d->handed_over;
    struct tw_buf problems = { .max = 8192 };
    struct tw_slice rest, one;
    int r = tw_handed_over_read(&d->handed_over, TW_FIRST_HANDED_OVER, &problems);
    bool has_tls = tw_handed_over_has(all, TW_FOR_CLIENTS_TLS);

    if (d->kind->program == TW_BRIDGE && (has_tls || tw_handed_over_has(all, TW_FOR_CLIENTS)))
        tw_buf_text(&problems, "systemd hands over a socket for clients, and this process has "
                               "none; FileDescriptorName=ops is for operators\n");
    else if (has_tls && d->settings.tls == NULL)
        tw_buf_text(&problems, "systemd hands over a socket whose FileDescriptorName= is tls: "
                               "it needs TILLWIRE_TLS_CERTIFICATE and TILLWIRE_TLS_KEY\n");
    rest = tw_buf_view(&problems);
    if (rest.len > 0)
        r = TW_ECONFIG;
    while (tw_slice_split(&rest, '\n', &one) && one.len > 0)
        tw_log_error("daemon.socket", tw_slc("why", one));
    tw_buf_done(&problems);
    return r;
}

static int read_settings(struct tw_daemon *d)
{
    struct tw_buf problems = { .max = 65536 };
    int r = tw_settings_read(d->kind->program, environ, &d->settings, &problems);

    if (r != 0) {
        fprintf(stderr, "%s: bad settings\n", d->kind->name);
        print(stderr, &problems);
    }
    tw_buf_done(&problems);
    return r;
}

static int run_with_settings(struct tw_daemon *d, bool only_checks)
{
    enum tw_log_level level = TW_LOG_INFO;
    int status = TW_EXIT_CONFIG;

    if (read_settings(d) == 0) {
        (void)tw_log_level_of(tw_slice_of(d->settings.log_level), &level);
        tw_log_open(STDERR_FILENO, d->kind->name, level,
                    strcmp(d->settings.log_format, "json") == 0);
        if (read_sockets(d) == 0)
            status = only_checks ? check_config(d) : run(d);
    }
    tw_settings_done(&d->settings);
    return status;
}

int tw_daemon_main(struct tw_daemon *d, const struct tw_daemon_kind *kind, int argc,
                   char **argv)
{
    const char *option = argc > 1 ? argv[1] : "";

    d->kind = kind;
    tw_metrics_init(&d->metrics, d, kind->metrics, kind->metrics_count);
    if (argc == 1)
        return run_with_settings(d, false);
    if (argc == 2 && strcmp(option, "--check-config") == 0)
        return run_with_settings(d, true);
    if (argc == 2 && strcmp(option, "--help") == 0)
        return print_help(kind);
    if (argc == 2 && strcmp(option, "--print-config-reference") == 0)
        return print_config_reference();
    if (argc == 2 && strcmp(option, "--print-metrics-reference") == 0)
        return print_metrics_reference(d);
    if (argc == 2 && strcmp(option, "--print-limits-reference") == 0)
        return print_limits_reference(d);
    if (argc == 2 && strcmp(option, "--version") == 0) {
        printf("%s %s\n", kind->name, TILLWIRE_VERSION);
        return 0;
    }
    fprintf(stderr, "%s: unknown option %s; --help lists what there is\n", kind->name, option);
    return TW_EXIT_USAGE;
}
