/* publisher.c - a buffer of requests in front of one connection.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/support/publisher.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_BYTES 65536

static void fail(const char *what)
{
    fprintf(stderr, "load: publishing: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void put(struct publisher *p, const char *at, size_t len)
{
    if (p->len + len > p->cap) {
        p->cap = (p->len + len) * 2;
        p->out = realloc(p->out, p->cap);
        if (p->out == NULL)
            fail("memory");
    }
    memcpy(p->out + p->len, at, len);
    p->len += len;
}

static void put_text(struct publisher *p, const char *text)
{
    put(p, text, strlen(text));
}

static void read_message(struct publisher *p, const char *file)
{
    char *text = calloc(1, MESSAGE_BYTES), *at = text, *mark;
    FILE *f = fopen(file, "r");
    size_t n;

    if (f == NULL || text == NULL)
        fail(file);
    n = fread(text, 1, MESSAGE_BYTES - 1, f);
    (void)fclose(f);
    while (n > 0 && text[n - 1] == '\n')
        text[--n] = '\0';
    while ((mark = strchr(at, '@')) != NULL && p->part_count < PUBLISHER_PARTS - 2) {
        char *end = strchr(mark + 1, '@');

        if (end == NULL)
            break;
        *mark = *end = '\0';
        p->parts[p->part_count++] = at;
        p->parts[p->part_count++] = mark + 1;
        at = end + 1;
    }
    p->parts[p->part_count++] = at;
}

void publisher_open(struct publisher *p, const char *where, const char *file)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    char password[200] = "", text[300];
    const char *port = strchr(where, ':');
    int on = 1, number = 0;

    read_message(p, file);
    if (port == NULL || sscanf(port + 1, "%d:%199s", &number, password) < 1)
        fail(where);
    p->is_http = strncmp(where, "http", 4) == 0;
    address.sin_port = htons((uint16_t)number);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->fd < 0 || connect(p->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        fail("connect");
    (void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (password[0] == '\0')
        return;
    (void)snprintf(text, sizeof(text), "*2\r\n$4\r\nAUTH\r\n$%zu\r\n%s\r\n", strlen(password),
                   password);
    put_text(p, text);
    publisher_flush(p);
}

static size_t size_of(const struct publisher *p, const char *name, const char *seq)
{
    size_t n = 0;

    for (size_t i = 0; i < p->part_count; i++)
        n += strlen(i % 2 == 0 ? p->parts[i] : strcmp(p->parts[i], "SEQ") == 0 ? seq : name);
    return n;
}

void publisher_put(struct publisher *p, const char *name, uint64_t seq)
{
    char head[400], number[24];
    size_t n;

    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)seq);
    n = size_of(p, name, number);
    if (p->is_http)
        (void)snprintf(head, sizeof(head),
                       "POST /pub/%s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", name,
                       n);
    else
        (void)snprintf(head, sizeof(head), "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\ntw:t:%s\r\n$%zu\r\n",
                       strlen(name) + 5, name, n);
    put_text(p, head);
    for (size_t i = 0; i < p->part_count; i++)
        put_text(p, i % 2 == 0 ? p->parts[i] : strcmp(p->parts[i], "SEQ") == 0 ? number : name);
    if (!p->is_http)
        put_text(p, "\r\n");
}

void publisher_flush(struct publisher *p)
{
    size_t done = 0;

    while (done < p->len) {
        ssize_t n = send(p->fd, p->out + done, p->len - done, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n < 0)
            fail("send");
        done += (size_t)n;
    }
    memmove(p->out, p->out + done, p->len - done);
    p->len -= done;
}

void publisher_read(struct publisher *p)
{
    char text[65536];
    ssize_t n = recv(p->fd, text, sizeof(text), MSG_DONTWAIT);

    if (n == 0)
        fail("closed");
    for (ssize_t i = 0; i < n && !p->is_http; i++)
        if (text[i] == '-') {
            fprintf(stderr, "load: %.*s\n", (int)(n - i), text + i);
            exit(1);
        }
}
