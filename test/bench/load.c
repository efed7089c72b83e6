/* load.c - many WebSocket clients and a publisher in one process, for measurements.
 *
 * usage: load HOST PORT TARGETS SOCKETS [name=value ...]
 *
 * TARGETS is a file with a line for each tenant: its path, its key (or -), its name in what is
 * published, separated by blanks. SOCKETS clients are opened for each of them.
 *
 *   publish=redis:PORT:PASSWORD | http:PORT | -   how messages reach the server
 *   message=FILE   what is published: @SEQ@ and @NAME@ are filled in
 *   rate=N         messages a second; 0: the next one when fewer than `window` are undelivered
 *   seconds=N window=N connecting=N   how long; see above; handshakes at a time
 *   least=N        a text frame of at least N bytes is a delivery; shorter ones are greetings
 *   heads=FILE     keeps there how far all tenants have been published (see run.mjs)
 *   pids=N,N       the server's processes, whose CPU time and memory are read
 *   idle=N         stay connected for so many seconds before anything is published
 *   expect=N       each client gets so many deliveries without anything being published
 *
 * Prints one JSON object. It says how many deliveries were due and how many came; a run that
 * lost any counts for nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "test/bench/support/publisher.h"
#include "test/bench/support/usage.h"

#define READ_BYTES ((size_t)512 * 1024)
#define HEAD_BYTES 2048
#define MAX_PIDS 16
#define PATIENCE_NS (20 * 1000000000ULL)

struct target {
    char path[128], key[128], name[64];
    uint64_t seq;
};

/* A client: first the answer to its handshake, then frames. */
struct client {
    int fd;
    bool is_open, is_lost;
    uint8_t head[14], head_len;
    uint64_t left; /* of the payload that is being read */
    uint64_t got;
    unsigned opcode;
    uint64_t payload;
    char *answer; /* until the handshake is over */
    size_t answer_len;
};

static struct {
    const char *host, *publish, *message, *heads;
    int port;
    double rate, seconds, idle;
    size_t window, connecting, sockets, least, expect;
    long pids[MAX_PIDS];
    size_t pid_count;
} set = { .publish = "-", .seconds = 5, .window = 256, .connecting = 200, .least = 300 };

static struct target *targets;
static size_t target_count;
static struct client *clients;
static size_t client_count, open_count, lost_count;
static uint64_t delivered, published;
static int epoll_fd;
static char *read_buffer;

static struct publisher publisher;

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

/* --- Clients --------------------------------------------------------------------------------
 */

/* Each of the addresses 127.0.0.1, 127.0.0.2, … has ports for some twenty thousand. */
static void open_client(size_t i)
{
    struct client *c = &clients[i];
    struct sockaddr_in from = { .sin_family = AF_INET };
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)set.port) };
    struct epoll_event event = { .events = EPOLLOUT, .data.u64 = i };
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        fail("socket");
    from.sin_addr.s_addr = htonl(0x7f000001U + (uint32_t)(i / 20000));
    (void)setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (bind(c->fd, (struct sockaddr *)&from, sizeof(from)) != 0)
        fail("bind");
    if (inet_pton(AF_INET, set.host, &to.sin_addr) != 1)
        fail(set.host);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS)
        fail("connect");
    c->answer = malloc(HEAD_BYTES);
    if (c->answer == NULL || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0)
        fail("a client");
}

static void ask(struct client *c, size_t i)
{
    const struct target *t = &targets[i % target_count];
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = i };
    char text[1024], key[200] = "";
    int n;

    if (strcmp(t->key, "-") != 0)
        (void)snprintf(key, sizeof(key), "X-API-Key: %s\r\n", t->key);
    n = snprintf(text, sizeof(text),
                 "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                 "%s\r\n",
                 t->path, set.host, key);
    if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        fail("a handshake");
    if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event) != 0)
        fail("epoll");
}

static void lose(struct client *c)
{
    if (c->is_lost)
        return;
    c->is_lost = true;
    lost_count++;
    (void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
}

static void end_frame(struct client *c)
{
    if (c->opcode == 1 && c->payload >= set.least) {
        c->got++;
        delivered++;
    } else if (c->opcode == 9) { /* an empty pong answers as well as a full one here */
        static const unsigned char pong[] = { 0x8a, 0x80, 0, 0, 0, 0 };

        (void)send(c->fd, pong, sizeof(pong), MSG_NOSIGNAL);
    } else if (c->opcode == 8) {
        lose(c);
    }
}

static void take_frames(struct client *c, const uint8_t *at, size_t len)
{
    while (len > 0) {
        size_t need = c->head_len < 2             ? 2
                      : (c->head[1] & 127) == 126 ? 4
                      : (c->head[1] & 127) == 127 ? 10
                                                  : 2;

        if (c->left > 0) {
            size_t n = c->left < len ? (size_t)c->left : len;

            c->left -= n;
            at += n;
            len -= n;
            if (c->left == 0)
                end_frame(c);
            continue;
        }
        if (c->head_len < need) {
            c->head[c->head_len++] = *at++;
            len--;
        }
        need = c->head_len < 2             ? 2
               : (c->head[1] & 127) == 126 ? 4
               : (c->head[1] & 127) == 127 ? 10
                                           : 2;
        if (c->head_len < 2 || c->head_len < need)
            continue;
        c->opcode = c->head[0] & 15U;
        c->payload = c->head[1] & 127U;
        if (need > 2) {
            c->payload = 0;
            for (size_t i = 2; i < need; i++)
                c->payload = c->payload << 8 | c->head[i];
        }
        c->left = c->payload;
        c->head_len = 0;
        if (c->left == 0)
            end_frame(c);
    }
}

static void take_answer(struct client *c, const char *at, size_t len)
{
    char *end;
    size_t n = len < HEAD_BYTES - 1 - c->answer_len ? len : HEAD_BYTES - 1 - c->answer_len;

    memcpy(c->answer + c->answer_len, at, n);
    c->answer_len += n;
    c->answer[c->answer_len] = '\0';
    end = strstr(c->answer, "\r\n\r\n");
    if (end == NULL)
        return;
    if (strncmp(c->answer, "HTTP/1.1 101", 12) != 0) {
        fprintf(stderr, "load: refused: %.300s\n", c->answer);
        exit(1);
    }
    {
        size_t before = c->answer_len - n, used = (size_t)(end + 4 - c->answer) - before;

        free(c->answer);
        c->answer = NULL;
        c->is_open = true;
        open_count++;
        take_frames(c, (const uint8_t *)at + used, len - used);
    }
}

static void read_client(struct client *c)
{
    ssize_t n = recv(c->fd, read_buffer, READ_BYTES, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        lose(c);
        return;
    }
    if (c->is_open)
        take_frames(c, (uint8_t *)read_buffer, (size_t)n);
    else
        take_answer(c, read_buffer, (size_t)n);
}

/* --- Publishing -------------------------------------------------------------------------- */

static void open_publisher(void)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = UINT64_MAX };

    if (set.message == NULL)
        return;
    publisher_open(&publisher, set.publish, set.message);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, publisher.fd, &event) != 0)
        fail("epoll");
}

static void publish_one(void)
{
    struct target *t = &targets[published % target_count];

    publisher_put(&publisher, t->name, ++t->seq);
    published++;
}

/* --- Phases ---------------------------------------------------------------------------------
 */

static void turn(int wait_ms)
{
    struct epoll_event events[512];
    int n = epoll_wait(epoll_fd, events, 512, wait_ms);

    for (int i = 0; i < n; i++) {
        size_t which = (size_t)events[i].data.u64;

        if (events[i].data.u64 == UINT64_MAX)
            publisher_read(&publisher);
        else if (clients[which].is_lost)
            continue;
        else if ((events[i].events & EPOLLOUT) != 0)
            ask(&clients[which], which);
        else
            read_client(&clients[which]);
    }
}

static uint64_t connect_all(void)
{
    uint64_t start = now_ns();
    size_t begun = 0;

    while (open_count < client_count) {
        while (begun < client_count && begun - open_count < set.connecting)
            open_client(begun++);
        turn(10);
        if (lost_count > 0)
            fail("a client was closed while it connected");
        if (now_ns() - start > 3 * PATIENCE_NS)
            fail("connecting takes too long");
    }
    return now_ns() - start;
}

/* What clients that come back have missed. */
static uint64_t await_expected(uint64_t start)
{
    while (delivered < set.expect * client_count && lost_count == 0 &&
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

/* How far the publisher is, before it goes out: who compares must not be ahead of it. */
static void say_heads(void)
{
    char text[48];
    int fd, n;

    if (set.heads == NULL)
        return;
    fd = open(set.heads, O_WRONLY | O_CREAT, 0644);
    n = snprintf(text, sizeof(text), "%llu %zu ", (unsigned long long)published, target_count);
    if (fd < 0 || pwrite(fd, text, (size_t)n, 0) != n)
        fail(set.heads);
    (void)close(fd);
}

struct result {
    uint64_t deliveries, ns, cpu_ns;
};

/* Publish for so long; what is due and comes afterwards counts too, in deliveries and in time.
 */
static struct result measure(double seconds, double rate)
{
    uint64_t start = now_ns(), end = start + (uint64_t)(seconds * 1e9);
    uint64_t cpu = usage_cpu_ns(set.pids, set.pid_count), first = published, before = delivered,
             due;

    while (now_ns() < end && lost_count == 0) {
        uint64_t per = set.sockets;
        uint64_t may =
            rate > 0 ? (uint64_t)((double)(now_ns() - start) / 1e9 * rate) : UINT64_MAX;
        size_t burst = 0;

        while (
            published - first < may && burst++ < 64 &&
            (rate > 0 || (published - first) * per - (delivered - before) < set.window * per))
            publish_one();
        say_heads();
        publisher_flush(&publisher);
        turn(rate > 0 ? 1 : 0);
    }
    due = (published - first) * set.sockets;
    while (published % target_count != 0) { /* all tenants are equally far again */
        publish_one();
        due += set.sockets;
    }
    while (delivered - before < due && lost_count == 0 && now_ns() < end + PATIENCE_NS) {
        say_heads();
        publisher_flush(&publisher);
        turn(1);
    }
    return (struct result){ delivered - before, now_ns() - start,
                            usage_cpu_ns(set.pids, set.pid_count) - cpu };
}

static bool all_alike(void)
{
    for (size_t i = 0; i < client_count; i++)
        if (clients[i].got != targets[i % target_count].seq)
            return false;
    return true;
}

/* --- From the start -------------------------------------------------------------------------
 */

static void read_targets(const char *path)
{
    FILE *f = fopen(path, "r");
    size_t cap = 0;
    struct target t = { 0 };

    if (f == NULL)
        fail(path);
    while (fscanf(f, "%127s %127s %63s", t.path, t.key, t.name) == 3) {
        if (target_count == cap) {
            cap = cap == 0 ? 64 : cap * 2;
            targets = realloc(targets, cap * sizeof(*targets));
            if (targets == NULL)
                fail("memory");
        }
        targets[target_count++] = t;
    }
    (void)fclose(f);
    if (target_count == 0)
        fail("no targets");
}

static void read_option(char *text)
{
    char *value = strchr(text, '=');

    if (value == NULL) {
        fprintf(stderr, "load: what is \"%s\"?\n", text);
        exit(64);
    }
    *value++ = '\0';
    if (strcmp(text, "publish") == 0)
        set.publish = value;
    else if (strcmp(text, "message") == 0)
        set.message = value;
    else if (strcmp(text, "heads") == 0)
        set.heads = value;
    else if (strcmp(text, "rate") == 0)
        set.rate = atof(value);
    else if (strcmp(text, "seconds") == 0)
        set.seconds = atof(value);
    else if (strcmp(text, "idle") == 0)
        set.idle = atof(value);
    else if (strcmp(text, "window") == 0)
        set.window = strtoul(value, NULL, 10);
    else if (strcmp(text, "connecting") == 0)
        set.connecting = strtoul(value, NULL, 10);
    else if (strcmp(text, "expect") == 0)
        set.expect = strtoul(value, NULL, 10);
    else if (strcmp(text, "least") == 0)
        set.least = strtoul(value, NULL, 10);
    else if (strcmp(text, "pids") == 0)
        for (char *one = value; *one != '\0' && set.pid_count < MAX_PIDS; one += *one == ',')
            set.pids[set.pid_count++] = strtol(one, &one, 10);
    else {
        fprintf(stderr, "load: there is no option %s\n", text);
        exit(64);
    }
}

int main(int argc, char **argv)
{
    struct rlimit files = { 100000, 100000 };
    uint64_t memory, connect_cpu, start, connecting, caught_up;
    struct result warm = { 0 }, run = { 0 };

    if (argc < 5) {
        fprintf(stderr, "usage: load HOST PORT TARGETS SOCKETS [name=value ...]\n");
        return 64;
    }
    set.host = argv[1];
    set.port = (int)strtol(argv[2], NULL, 10);
    set.sockets = strtoul(argv[4], NULL, 10);
    for (int i = 5; i < argc; i++)
        read_option(argv[i]);
    read_targets(argv[3]);
    (void)setrlimit(RLIMIT_NOFILE, &files);
    client_count = target_count * set.sockets;
    clients = calloc(client_count, sizeof(*clients));
    read_buffer = malloc(READ_BYTES);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (clients == NULL || read_buffer == NULL || epoll_fd < 0)
        fail("starting");
    say_heads();
    memory = usage_pss_bytes(set.pids, set.pid_count);
    connect_cpu = usage_cpu_ns(set.pids, set.pid_count);
    for (size_t i = 0; i < target_count; i++)
        targets[i].seq = set.expect;
    start = now_ns();
    connecting = connect_all();
    caught_up = await_expected(start);
    connect_cpu = usage_cpu_ns(set.pids, set.pid_count) - connect_cpu;
    rest(1 + set.idle);
    memory = usage_pss_bytes(set.pids, set.pid_count) - memory;
    open_publisher();
    if (set.message != NULL) {
        warm = measure(1, set.rate);
        run = measure(set.seconds, set.rate);
    }
    printf("{\"sockets\":%zu,\"connect_s\":%.3f,\"caught_up_s\":%.3f,\"connect_cpu_us\":%.2f,"
           "\"bytes\":%.0f,"
           "\"deliveries\":%llu,\"seconds\":%.3f,\"cpu_us\":%.3f,\"per_second\":%.0f,"
           "\"lost\":%zu,\"complete\":%s}\n",
           client_count, (double)connecting / 1e9, (double)caught_up / 1e9,
           (double)connect_cpu / 1e3 / (double)client_count,
           (double)memory / (double)client_count, (unsigned long long)run.deliveries,
           (double)run.ns / 1e9,
           run.deliveries == 0 ? 0 : (double)run.cpu_ns / 1e3 / (double)run.deliveries,
           run.ns == 0 ? 0 : (double)run.deliveries / ((double)run.ns / 1e9), lost_count,
           lost_count == 0 && all_alike() ? "true" : "false");
    (void)warm;
    return 0;
}
