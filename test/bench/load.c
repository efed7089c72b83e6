/* load.c - many WebSocket clients and a publisher in one process, for measurements.
 *
 * usage: load HOST PORT[,PORT...] TARGETS SOCKETS [name=value ...]
 *
 * TARGETS is a file with a line for each tenant: its path, its key (or -), its name in what is
 * published, and the dialect of its clients (plain, socketio, minipos, cloudsync; plain when
 * there is none), separated by blanks. Lines of one name are one tenant in several dialects.
 * SOCKETS clients are opened for each line; with several ports, they are at one after the
 * other.
 *
 *   publish=redis:PORT:PASSWORD | http:PORT | -   how messages reach the server
 *   message=FILE   what is published: @SEQ@ and @NAME@ are filled in
 *   seconds=N rate=N   publish so many messages a second for so long
 *   flat=N window=N    then, for N seconds, the next one when fewer than `window` are
 * undelivered connecting=N   handshakes at a time least=N        a text frame of at least N
 * bytes is a delivery; shorter ones are greetings deflate=1      offer permessage-deflate; only
 * a compressed message is a delivery heads=FILE     keeps there how far all tenants have been
 * published (see sockets.mjs) pids=N,N       the server's processes, whose CPU time and memory
 * are read expect=N       each client gets so many deliveries without anything being published
 *   stamps=FILE    publish nothing; say `open` when all are, note until SIGTERM when what is
 * heard
 *
 * Prints one JSON object. It says how many deliveries were due and how many came; a run that
 * lost any counts for nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "test/bench/support/clients.h"
#include "test/bench/support/publisher.h"
#include "test/bench/support/stamps.h"
#include "test/bench/support/usage.h"

#define MAX_PIDS 16
#define WARM_SECONDS 0.5
#define PATIENCE_NS (20 * 1000000000ULL)

static struct {
    const char *publish, *message, *heads, *stamps;
    double rate, seconds, flat, rest;
    size_t window, expect;
    long pids[MAX_PIDS];
    size_t pid_count;
} set = { .publish = "-", .window = 256, .rest = 1 };

static struct clients clients = { .connecting = 200, .least = 300 };
static struct publisher publisher;
static uint64_t published, *seqs; /* events so far: of all tenants, of each */
static volatile sig_atomic_t is_told_to_end;

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* --- Publishing -------------------------------------------------------------------------- */

static void open_publisher(void)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = UINT64_MAX };

    if (set.message == NULL)
        return;
    publisher_open(&publisher, set.publish, set.message);
    if (epoll_ctl(clients.epoll_fd, EPOLL_CTL_ADD, publisher.fd, &event) != 0)
        fail("epoll");
}

static const char *name_of(size_t tenant)
{
    size_t lines = clients.target_count / clients.tenant_count;

    return clients.targets[tenant * lines].name;
}

static void publish_one(void)
{
    size_t tenant = published % clients.tenant_count;

    publisher_put(&publisher, name_of(tenant), ++seqs[tenant]);
    published++;
}

/* How far the publisher is, before it goes out: who compares must not be ahead of it. */
static void say_heads(void)
{
    char text[48];
    int fd, n;

    if (set.heads == NULL)
        return;
    fd = open(set.heads, O_WRONLY | O_CREAT, 0644);
    n = snprintf(text, sizeof(text), "%llu %zu ", (unsigned long long)published,
                 clients.tenant_count);
    if (fd < 0 || pwrite(fd, text, (size_t)n, 0) != n)
        fail(set.heads);
    (void)close(fd);
}

/* --- Phases ---------------------------------------------------------------------------------
 */

static void turn(int wait_ms)
{
    struct epoll_event events[512];
    int n = epoll_wait(clients.epoll_fd, events, 512, wait_ms);

    for (int i = 0; i < n; i++) {
        if (events[i].data.u64 == UINT64_MAX)
            publisher_read(&publisher);
        else
            clients_event(&clients, (size_t)events[i].data.u64,
                          (events[i].events & EPOLLOUT) != 0);
    }
}

static uint64_t connect_all(void)
{
    uint64_t start = now_ns();

    while (clients.open_count < clients.count) {
        clients_connect(&clients);
        turn(10);
        if (clients.lost_count > 0)
            fail("a client was closed while it connected");
        if (now_ns() - start > 3 * PATIENCE_NS)
            fail("connecting takes too long");
    }
    return now_ns() - start;
}

/* What clients that come back have missed. */
static uint64_t await_expected(uint64_t start)
{
    while (clients.delivered < set.expect * clients.count && clients.lost_count == 0 &&
           now_ns() - start < 3 * PATIENCE_NS)
        turn(10);
    return now_ns() - start;
}

static void rest(double seconds)
{
    uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);

    while (now_ns() < end)
        turn(5);
}

struct result {
    uint64_t deliveries, ns, cpu_ns, bytes;
};

/* Publish for so long, at a rate or (0) as fast as the window allows; what is due and comes
 * afterwards counts too, in deliveries and in time. */
static struct result measure(double seconds, double rate)
{
    uint64_t start = now_ns(), end = start + (uint64_t)(seconds * 1e9);
    uint64_t cpu = usage_cpu_ns(set.pids, set.pid_count), bytes = clients.bytes;
    uint64_t first = published, before = clients.delivered, due;
    uint64_t each = clients.count / clients.tenant_count; /* deliveries of an event */

    while (now_ns() < end && clients.lost_count == 0) {
        uint64_t may =
            rate > 0 ? (uint64_t)((double)(now_ns() - start) / 1e9 * rate) : UINT64_MAX;
        size_t burst = 0;

        while (published - first < may && burst++ < 64 &&
               (rate > 0 ||
                (published - first) * each - (clients.delivered - before) < set.window * each))
            publish_one();
        say_heads();
        publisher_flush(&publisher);
        turn(rate > 0 ? 1 : 0);
    }
    while (published % clients.tenant_count != 0) /* all tenants are equally far again */
        publish_one();
    due = (published - first) * each;
    while (clients.delivered - before < due && clients.lost_count == 0 &&
           now_ns() < end + PATIENCE_NS) {
        say_heads();
        publisher_flush(&publisher);
        turn(1);
    }
    return (struct result){ clients.delivered - before, now_ns() - start,
                            usage_cpu_ns(set.pids, set.pid_count) - cpu,
                            clients.bytes - bytes };
}

static struct result measure_warm(double seconds, double rate)
{
    if (seconds <= 0)
        return (struct result){ 0 };
    (void)measure(WARM_SECONDS, rate);
    return measure(seconds, rate);
}

static void on_signal(int number)
{
    (void)number;
    is_told_to_end = 1;
}

static void listen_until_told(void)
{
    struct sigaction action = { .sa_handler = on_signal };

    clients.heard = stamps_take;
    if (sigaction(SIGTERM, &action, NULL) != 0)
        fail("sigaction");
    printf("open\n");
    (void)fflush(stdout);
    while (is_told_to_end == 0 && clients.lost_count == 0)
        turn(100);
    stamps_write(&clients, set.stamps);
}

/* --- From the start -------------------------------------------------------------------------
 */

static void read_pids(char *text)
{
    for (; *text != '\0' && set.pid_count < MAX_PIDS; text += *text == ',')
        set.pids[set.pid_count++] = strtol(text, &text, 10);
}

static void read_option(char *text)
{
    const struct {
        const char *name, **text;
        double *number;
        size_t *count;
    } options[] = {
        { "publish", &set.publish, NULL, NULL },
        { "message", &set.message, NULL, NULL },
        { "heads", &set.heads, NULL, NULL },
        { "stamps", &set.stamps, NULL, NULL },
        { "rate", NULL, &set.rate, NULL },
        { "seconds", NULL, &set.seconds, NULL },
        { "flat", NULL, &set.flat, NULL },
        { "rest", NULL, &set.rest, NULL },
        { "window", NULL, NULL, &set.window },
        { "connecting", NULL, NULL, &clients.connecting },
        { "expect", NULL, NULL, &set.expect },
        { "least", NULL, NULL, &clients.least },
    };
    char *value = strchr(text, '=');

    if (value == NULL) {
        fprintf(stderr, "load: what is \"%s\"?\n", text);
        exit(64);
    }
    *value++ = '\0';
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcmp(text, options[i].name) != 0)
            continue;
        if (options[i].text != NULL)
            *options[i].text = value;
        else if (options[i].number != NULL)
            *options[i].number = atof(value);
        else
            *options[i].count = strtoul(value, NULL, 10);
        return;
    }
    if (strcmp(text, "pids") == 0) {
        read_pids(value);
    } else if (strcmp(text, "deflate") == 0) {
        clients.offers_deflate = strcmp(value, "1") == 0;
    } else {
        fprintf(stderr, "load: there is no option %s\n", text);
        exit(64);
    }
}

static double per(uint64_t amount, uint64_t of)
{
    return of == 0 ? 0 : (double)amount / (double)of;
}

static void print(uint64_t connecting_ns, uint64_t caught_up_ns, uint64_t connect_cpu_ns,
                  uint64_t memory, const struct result *paced, const struct result *flat)
{
    printf("{\"sockets\":%zu,\"connect_s\":%.3f,\"connects_per_second\":%.0f,"
           "\"caught_up_s\":%.3f,\"connect_cpu_us\":%.2f,\"bytes\":%.0f,",
           clients.count, (double)connecting_ns / 1e9,
           per(clients.count * 1000000000ULL, connecting_ns), (double)caught_up_ns / 1e9,
           per(connect_cpu_ns, clients.count) / 1e3, per(memory, clients.count));
    printf("\"deliveries\":%llu,\"seconds\":%.3f,\"cpu_us\":%.3f,\"payload_bytes\":%.0f,",
           (unsigned long long)paced->deliveries, (double)paced->ns / 1e9,
           per(paced->cpu_ns, paced->deliveries) / 1e3, per(paced->bytes, paced->deliveries));
    printf("\"flat_deliveries\":%llu,\"flat_seconds\":%.3f,\"per_second\":%.0f,"
           "\"lost\":%zu,\"complete\":%s}\n",
           (unsigned long long)flat->deliveries, (double)flat->ns / 1e9,
           per(flat->deliveries * 1000000000ULL, flat->ns), clients.lost_count,
           clients.lost_count == 0 && clients_have_all(&clients, seqs) ? "true" : "false");
}

static void read_ports(char *text)
{
    for (char *end = text; clients.port_count == 0 || *end == ','; text = end + 1) {
        long port = strtol(text, &end, 10);

        if (port < 1 || port > 65535 || clients.port_count == CLIENT_PORTS)
            fail("ports");
        clients.ports[clients.port_count++] = (int)port;
    }
}

int main(int argc, char **argv)
{
    struct rlimit files = { 100000, 100000 };
    uint64_t memory, connect_cpu, start, connecting, caught_up;
    struct result paced, flat;

    if (argc < 5) {
        fprintf(stderr, "usage: load HOST PORT[,PORT...] TARGETS SOCKETS [name=value ...]\n");
        return 64;
    }
    clients.host = argv[1];
    read_ports(argv[2]);
    clients.sockets = strtoul(argv[4], NULL, 10);
    for (int i = 5; i < argc; i++)
        read_option(argv[i]);
    clients_read_targets(&clients, argv[3]);
    (void)setrlimit(RLIMIT_NOFILE, &files);
    clients_open(&clients);
    seqs = calloc(clients.tenant_count, sizeof(*seqs));
    if (seqs == NULL)
        fail("memory");
    say_heads();
    memory = usage_pss_bytes(set.pids, set.pid_count);
    connect_cpu = usage_cpu_ns(set.pids, set.pid_count);
    for (size_t i = 0; i < clients.tenant_count; i++)
        seqs[i] = set.expect;
    start = now_ns();
    connecting = connect_all();
    if (set.stamps != NULL) {
        listen_until_told();
        return clients.lost_count > 0;
    }
    caught_up = await_expected(start);
    connect_cpu = usage_cpu_ns(set.pids, set.pid_count) - connect_cpu;
    rest(set.rest);
    memory = usage_pss_bytes(set.pids, set.pid_count) - memory;
    open_publisher();
    paced = measure_warm(set.seconds, set.rate);
    flat = measure_warm(set.flat, 0);
    print(connecting, caught_up, connect_cpu, memory, &paced, &flat);
    return 0;
}
