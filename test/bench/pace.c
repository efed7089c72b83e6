/* pace.c - HTTP requests at a rate, whether or not the answers keep up (an open loop).
 *
 * usage: pace PORT REQUESTS RATE SECONDS CONNECTIONS
 *
 * REQUESTS is a file with a line for each request: method, path, key, tenant and body, with
 * tabs between them; after the last comes the first again. A request whose time has come while
 * all connections wait for answers is sent as soon as one is free, and counts as late.
 *
 * Prints one JSON object: requests, the seconds in which they were sent, answers other than
 * 2xx, and how late the latest one was.
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define ANSWER_BYTES 16384
#define MAX_REQUESTS 10000
#define PATIENCE_NS (20 * 1000000000ULL)

/* Has one request at a time under way. */
struct connection {
    int fd;
    bool is_busy;
    char answer[ANSWER_BYTES];
    size_t len;
};

static char *requests[MAX_REQUESTS];
static size_t request_count;
static struct connection *connections, **idle;
static size_t connection_count, idle_count;
static uint64_t failed;
static int epoll_fd;

static void fail(const char *what)
{
    fprintf(stderr, "pace: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* --- Requests --------------------------------------------------------------------------------
 */

static void add_request(const char *line)
{
    char method[8], path[256], key[128], tenant[64], body[4096] = "";
    char *text = NULL;

    if (request_count == MAX_REQUESTS ||
        sscanf(line, "%7[^\t]\t%255[^\t]\t%127[^\t]\t%63[^\t]\t%4095[^\n]", method, path, key,
               tenant, body) < 4)
        fail("a request");
    if (asprintf(&text,
                 "%s %s HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\nX-Tenant-ID: %s\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 method, path, key, tenant, strlen(body), body) < 0)
        fail("memory");
    requests[request_count++] = text;
}

static void read_requests(const char *file)
{
    char line[5120];
    FILE *f = fopen(file, "r");

    if (f == NULL)
        fail(file);
    while (fgets(line, sizeof(line), f) != NULL)
        add_request(line);
    (void)fclose(f);
    if (request_count == 0)
        fail("no requests");
}

/* --- Connections -----------------------------------------------------------------------------
 */

static void open_connection(struct connection *c, int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
    int on = 1;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0)
        fail("a connection");
    idle[idle_count++] = c;
}

static void send_request(const char *text)
{
    struct connection *c = idle[--idle_count];
    size_t len = strlen(text);

    c->is_busy = true;
    c->len = 0;
    if (send(c->fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
        fail("send");
}

/* The whole answer has a head, and the body that its Content-Length names. */
static bool is_complete(const struct connection *c)
{
    const char *end = strstr(c->answer, "\r\n\r\n");
    const char *length = strcasestr(c->answer, "\r\ncontent-length:");

    if (end == NULL)
        return false;
    if (length == NULL || length > end) {
        errno = EPROTO;
        fail(c->answer);
    }
    return c->len >= (size_t)(end + 4 - c->answer) + strtoul(length + 17, NULL, 10);
}

static void read_answer(struct connection *c)
{
    ssize_t n = recv(c->fd, c->answer + c->len, ANSWER_BYTES - 1 - c->len, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || !c->is_busy)
        fail("a connection was closed");
    c->len += (size_t)n;
    c->answer[c->len] = '\0';
    if (!is_complete(c))
        return;
    if (strncmp(c->answer, "HTTP/1.1 2", 10) != 0) {
        if (failed++ == 0)
            fprintf(stderr, "pace: refused: %s\n", c->answer);
    }
    c->is_busy = false;
    idle[idle_count++] = c;
}

/* --- Time ------------------------------------------------------------------------------------
 */

static void wait_until(uint64_t ns)
{
    struct epoll_event events[64];
    uint64_t now = now_ns(), left = ns > now ? ns - now : 0;
    struct timespec t = { .tv_sec = (time_t)(left / 1000000000ULL),
                          .tv_nsec = (long)(left % 1000000000ULL) };
    int n = epoll_pwait2(epoll_fd, events, 64, &t, NULL);

    for (int i = 0; i < n; i++)
        read_answer(events[i].data.ptr);
}

/* Gives how late the latest one was. */
static uint64_t send_all(uint64_t count, double rate)
{
    uint64_t start = now_ns(), latest = 0;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t due = start + (uint64_t)((double)i / rate * 1e9), now;

        while ((now = now_ns()) < due || idle_count == 0) {
            if (now > due + PATIENCE_NS)
                fail("no answers");
            wait_until(now < due ? due : now + 1000000000ULL);
        }
        latest = now - due > latest ? now - due : latest;
        send_request(requests[i % request_count]);
    }
    return latest;
}

int main(int argc, char **argv)
{
    uint64_t count, start, latest, sending;
    double rate;

    if (argc != 6) {
        fprintf(stderr, "usage: pace PORT REQUESTS RATE SECONDS CONNECTIONS\n");
        return 64;
    }
    read_requests(argv[2]);
    rate = atof(argv[3]);
    count = (uint64_t)(rate * atof(argv[4]));
    connection_count = strtoul(argv[5], NULL, 10);
    connections = calloc(connection_count, sizeof(*connections));
    idle = calloc(connection_count, sizeof(struct connection *));
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (connections == NULL || idle == NULL || epoll_fd < 0)
        fail("starting");
    for (size_t i = 0; i < connection_count; i++)
        open_connection(&connections[i], (int)strtol(argv[1], NULL, 10));
    start = now_ns();
    latest = send_all(count, rate);
    sending = now_ns() - start;
    while (idle_count < connection_count && now_ns() - start < sending + PATIENCE_NS)
        wait_until(now_ns() + 100000000ULL);
    if (idle_count < connection_count)
        fail("answers are missing");
    printf("{\"requests\":%llu,\"seconds\":%.3f,\"failed\":%llu,\"latest_ms\":%.3f}\n",
           (unsigned long long)count, (double)sending / 1e9, (unsigned long long)failed,
           (double)latest / 1e6);
    return 0;
}
