/* pg_dial.c - libpq's connecting, with one address at a time.
 *
 * libpq would look names up in the loop, and has no time limit for a host when it connects
 * asynchronously. So it gets `hostaddr` beside `host`, by which certificates are still checked,
 * and each address has a limit of ours.
 *
 * A pooler admits us without a server, and says what another server once said of itself: after
 * a promotion PgBouncer 1.18 goes on saying that it is a standby, and libpq would believe it.
 * So the last step is a question to the server: which process it is, and whether it takes
 * writes. A connection whose server has answered is one that has a server. The process is
 * another one than at the start of the session when a pooler stands in between.
 *
 * While libpq connects it may close and reopen its socket under the same number, so every step
 * watches it anew.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/pg_dial.h"

#include <libpq-fe.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/err.h"

#define ONLY_MS 5000  /* for the only address there is: a busy server may need them */
#define OTHER_MS 2500 /* for one of several */
#define PORT 5432
#define HOST 8 /* the place of libpq's `host` in our list */
#define QUESTION                                                                               \
    "select pg_catalog.pg_backend_pid(), pg_catalog.current_setting('transaction_read_only')," \
    " pg_catalog.pg_is_in_recovery()"

/* Which of several hosts matters, only an operator can tell: all are said, as far as it goes.
 */
static void say(struct tw_pg_dial *d, const char *why)
{
    size_t at = strlen(d->why);

    (void)snprintf(d->why + at, sizeof(d->why) - at, "%s%.*s", at > 0 ? "; " : "",
                   (int)strcspn(why, "\n"), why);
}

/* libpq's own words, when it has any. */
static const char *libpq_says(const struct tw_pg_dial *d)
{
    const char *text = d->pg == NULL ? "" : PQerrorMessage(d->pg);

    return text[0] != '\0' ? text : "cannot connect";
}

static void hang_up(struct tw_pg_dial *d)
{
    tw_watch_end(&d->watch);
    tw_after_cancel(d->loop, &d->limit);
    PQclear(d->answer);
    d->answer = NULL;
    PQfinish(d->pg);
    d->pg = NULL;
}

static void try_next(struct tw_pg_dial *d, const char *why)
{
    say(d, why);
    hang_up(d);
    tw_route_next(&d->route);
}

/* With the host before it: where it was looked up libpq names its address alone. */
static void pass_over(struct tw_pg_dial *d, const char *because)
{
    char text[TW_PG_WHY];

    (void)snprintf(text, sizeof(text), "%.100s: %s", PQhost(d->pg) == NULL ? "" : PQhost(d->pg),
                   because);
    try_next(d, text);
}

/* What libpq has found out. */
static void fail(struct tw_pg_dial *d)
{
    const char *host = PQhost(d->pg), *text = libpq_says(d);

    if (host != NULL && strstr(text, host) == NULL)
        pass_over(d, text);
    else
        try_next(d, text);
}

static void on_limit(struct tw_deadline *limit)
{
    struct tw_pg_dial *d = tw_container_of(limit, struct tw_pg_dial, limit);

    pass_over(d, d->is_asking ? "logged in, but no server answers: the pool of what stands in "
                                "between is full or paused"
                              : "connecting took too long");
}

static void step(struct tw_pg_dial *d);
static void read_answer(struct tw_pg_dial *d);

static void on_ready(void *owner, int status, int events)
{
    struct tw_pg_dial *d = owner;

    (void)status; /* also after an error: libpq finds out which */
    (void)events;
    tw_loop_read_clock(d->loop);
    if (d->is_asking)
        read_answer(d);
    else
        step(d);
}

static bool watch(struct tw_pg_dial *d, int events)
{
    return tw_watch(d->loop, &d->watch, PQsocket(d->pg), events, on_ready, d);
}

static void hand_out(struct tw_pg_dial *d)
{
    PGconn *made = d->pg;

    d->pg = NULL;
    hang_up(d);
    d->done(d, made);
}

static bool says(const PGresult *r, int column, const char *what)
{
    return strcmp(PQgetvalue(r, 0, column), what) == 0;
}

static void judge(struct tw_pg_dial *d)
{
    const PGresult *r = d->answer;
    uint64_t backend = 0;

    if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1 ||
        !tw_slice_u64(tw_slice_of(PQgetvalue(r, 0, 0)), &backend)) {
        const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

        pass_over(d, text != NULL ? text : "it does not say who it is");
        return;
    }
    d->backend = (int)backend;
    d->is_pooled = d->backend != PQbackendPID(d->pg);
    if (d->is_direct && d->is_pooled)
        pass_over(d,
                  "a pooler answers there, behind which a lock and what is listened to do not "
                  "last: name PostgreSQL itself");
    else if (d->wants_writes && says(r, 1, "on"))
        pass_over(d, says(r, 2, "t") ? "a standby, which is read-only"
                                     : "it is read-only (default_transaction_read_only)");
    else
        hand_out(d);
}

/* The answer is whole when libpq has nothing behind it. A server that goes says why before. */
static void read_answer(struct tw_pg_dial *d)
{
    int left = PQconsumeInput(d->pg) == 0 ? -1 : PQflush(d->pg);

    while (PQisBusy(d->pg) == 0) {
        PGresult *r = PQgetResult(d->pg);

        if (r == NULL) {
            judge(d);
            return;
        }
        PQclear(d->answer);
        d->answer = r;
    }
    if (left < 0 && d->answer != NULL)
        judge(d);
    else if (left < 0 || !watch(d, left > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE))
        fail(d);
}

static void ask(struct tw_pg_dial *d)
{
    d->is_asking = true;
    if (PQsetnonblocking(d->pg, 1) != 0 ||
        PQsendQueryParams(d->pg, QUESTION, 0, NULL, NULL, NULL, NULL, 0) != 1)
        fail(d);
    else
        read_answer(d);
}

static void step(struct tw_pg_dial *d)
{
    PostgresPollingStatusType next = PQconnectPoll(d->pg);

    tw_watch_end(&d->watch);
    if (next == PGRES_POLLING_OK) {
        ask(d);
    } else if (next == PGRES_POLLING_FAILED ||
               !watch(d, next == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE)) {
        fail(d);
    }
}

static void put_address(const struct sockaddr_storage *a, char *out, size_t size)
{
    const void *ip =
        a->ss_family == AF_INET6
            ? (const void *)&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr
            : (const void *)&((const struct sockaddr_in *)(const void *)a)->sin_addr;

    (void)uv_inet_ntop(a->ss_family, ip, out, size); /* it fits */
}

/* Null: a URL without a host, for which libpq has its own default. */
static void connect_to(struct tw_pg_dial *d, const struct tw_place *place)
{
    char address[64] = "", port[8] = "";
    /* What stands before the URL it may override: Kerberos encryption is rarely wanted, and
     * asking for it costs a round trip and a megabyte. */
    const char *names[] = { "gssencmode",
                            "dbname",
                            "application_name",
                            "client_encoding",
                            "keepalives_idle",
                            "keepalives_interval",
                            "keepalives_count",
                            "tcp_user_timeout",
                            "host",
                            "hostaddr",
                            "port",
                            d->wants_writes ? "target_session_attrs" : NULL,
                            NULL };
    const char *values[] = { "disable", d->current, d->program, "UTF8", "5",   "2", "3",
                             "10000",   NULL,       address,    port,   "any", NULL };

    _Static_assert(TW_COUNT(names) == TW_COUNT(values), "each has its value");
    d->is_asking = false;
    if (place == NULL) {
        names[HOST] = d->wants_writes ? "target_session_attrs" : NULL;
        values[HOST] = "any";
        names[HOST + 1] = NULL;
    } else {
        values[HOST] = place->host;
        if (!place->address.is_unix)
            put_address(&place->address.tcp, address, sizeof(address));
        (void)snprintf(port, sizeof(port), "%d", place->port);
    }
    tw_after(d->loop, &d->limit, place == NULL || place->is_only ? ONLY_MS : OTHER_MS,
             on_limit);
    d->pg = PQconnectStartParams(names, values, 1);
    if (d->pg == NULL || PQstatus(d->pg) == CONNECTION_BAD || !watch(d, UV_WRITABLE))
        fail(d);
}

static void on_place(struct tw_route *route, const struct tw_place *place)
{
    struct tw_pg_dial *d = tw_container_of(route, struct tw_pg_dial, route);

    if (place != NULL) {
        connect_to(d, place);
    } else if (route->host_count == 0 && d->why[0] == '\0') {
        connect_to(d, NULL);
    } else {
        if (d->why[0] == '\0')
            (void)snprintf(d->why, sizeof(d->why), "%.150s: %s",
                           route->hosts[route->host_count - 1].name, tw_err_text(route->err));
        d->done(d, NULL);
    }
}

/* The entry `i` of a list with commas; empty when there is none. */
static struct tw_slice entry(const char *list, size_t i)
{
    struct tw_slice rest = tw_slice_of(list == NULL ? "" : list), one = TW_EMPTY;

    for (size_t n = 0; n <= i; n++)
        if (!tw_slice_split(&rest, ',', &one))
            return TW_EMPTY;
    return one;
}

static size_t entries(const char *list)
{
    size_t n = list == NULL || list[0] == '\0' ? 0 : 1;

    for (const char *at = list; n > 0 && *at != '\0'; at++)
        n += *at == ',' ? 1 : 0;
    return n;
}

static const char *value_of(const PQconninfoOption *options, const char *name)
{
    for (; options->keyword != NULL; options++)
        if (strcmp(options->keyword, name) == 0)
            return options->val;
    return NULL;
}

/* One port for all hosts, or one for each (libpq, "Specifying Multiple Hosts"). */
static bool read_port(const char *ports, size_t i, int *out)
{
    struct tw_slice text = entry(ports, entries(ports) == 1 ? 0 : i);
    uint64_t number = PORT;

    if (text.len > 0 && (!tw_slice_u64(text, &number) || number == 0 || number > 65535))
        return false;
    *out = (int)number;
    return true;
}

static bool add_host(struct tw_route *route, struct tw_slice host, struct tw_slice numeric,
                     int port)
{
    char address[64] = "";

    if (numeric.len >= sizeof(address) || (host.len == 0 && numeric.len == 0))
        return false;
    if (numeric.len > 0)
        memcpy(address, numeric.at, numeric.len);
    return tw_route_add(route, host.len > 0 ? host : numeric, numeric.len > 0 ? address : NULL,
                        port) == 0;
}

static bool read_hosts(struct tw_route *route, const PQconninfoOption *options,
                       struct tw_buf *problem)
{
    const char *hosts = value_of(options, "host"), *numbers = value_of(options, "hostaddr"),
               *ports = value_of(options, "port");
    size_t count = entries(hosts) > entries(numbers) ? entries(hosts) : entries(numbers);
    int port = 0;

    if (count > TW_ROUTE_HOSTS) {
        tw_buf_text(problem, "more than eight hosts");
        return false;
    }
    if ((entries(hosts) != 0 && entries(numbers) != 0 && entries(hosts) != entries(numbers)) ||
        (entries(ports) > 1 && entries(ports) != count)) {
        tw_buf_text(problem, "not as many of host, hostaddr and port");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_port(ports, i, &port)) {
            tw_buf_text(problem, "a port is a number from 1 to 65535");
            return false;
        }
        if (!add_host(route, entry(hosts, i), entry(numbers, i), port)) {
            tw_buf_text(problem, "not a host: \"");
            tw_buf_append(problem, entry(hosts, i));
            tw_buf_text(problem, "\"");
            return false;
        }
    }
    return true;
}

static bool read_url(const char *url, struct tw_route *route, bool *wants_writes,
                     struct tw_buf *problem)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    const char *attributes;
    bool ok;

    if (options == NULL) { /* libpq's words may repeat what may be a password */
        tw_buf_text(problem, "not a PostgreSQL URI (postgresql://user@host:port/database) nor "
                             "its keywords (host=… dbname=…)");
        return false;
    }
    ok = read_hosts(route, options, problem);
    attributes = value_of(options, "target_session_attrs");
    *wants_writes = attributes == NULL || strcmp(attributes, "read-write") == 0;
    PQconninfoFree(options);
    return ok;
}

bool tw_pg_url_check(const char *url, struct tw_buf *problem)
{
    struct tw_route route = { 0 };
    bool wants_writes;

    return read_url(url, &route, &wants_writes, problem);
}

void tw_pg_dial_start(struct tw_pg_dial *d)
{
    struct tw_buf problem = { .max = sizeof(d->why) - 1 };

    d->why[0] = '\0';
    d->current = tw_fresh_url(&d->url);
    tw_route_init(&d->route, d->loop, on_place);
    tw_route_clear(&d->route);
    if (!read_url(d->current, &d->route, &d->wants_writes, &problem)) {
        tw_route_clear(&d->route);
        tw_buf_char(&problem, '\0');
        say(d, problem.at);
    }
    tw_buf_done(&problem);
    tw_route_next(&d->route);
}

void tw_pg_dial_stop(struct tw_pg_dial *d)
{
    if (d->loop == NULL)
        return;
    tw_route_stop(&d->route);
    hang_up(d);
    tw_fresh_url_done(&d->url);
}
