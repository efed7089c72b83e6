/* ops_get.c - see ops_get.h. One connection for each request: it is closed by the answer's end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy/tillctl/ops_get.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/util/slice.h"

#define STEP_MS 1000 /* to connect, to send, and for each part of the answer */
#define ALL_MS 2000
#define PART_BYTES 65536

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* "host:port", the host perhaps in brackets. */
static struct addrinfo *find_host(const char *address, const char **why)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    const char *colon = strrchr(address, ':');
    struct addrinfo *found = NULL;
    char host[256];
    size_t len;
    int fault;

    *why = "an address is host:port";
    if (colon == NULL)
        return NULL;
    len = (size_t)(colon - address);
    if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof(host))
        return NULL;
    memcpy(host, address, len);
    host[len] = '\0';
    fault = getaddrinfo(host, colon + 1, &hints, &found);
    if (fault != 0)
        *why = gai_strerror(fault);
    return fault == 0 ? found : NULL;
}

/* The limits hold for connecting too. */
static int dial(const struct addrinfo *to)
{
    const struct timeval limit = { .tv_sec = STEP_MS / 1000 };
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 &&
        connect(fd, to->ai_addr, to->ai_addrlen) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static bool send_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

static bool receive_all(int fd, struct tw_buf *answer)
{
    int64_t end = now_ms() + ALL_MS;

    while (now_ms() < end) {
        char *room = tw_buf_room(answer, PART_BYTES);
        ssize_t n = room == NULL ? -1 : recv(fd, room, PART_BYTES, 0);

        if (n < 0 && room != NULL && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        tw_buf_grew(answer, (size_t)n);
    }
    errno = ETIMEDOUT;
    return false;
}

/* "HTTP/1.1 200 OK", headers, an empty line, the body. */
static int take_answer(struct tw_buf *answer)
{
    const char *end = answer->len < 13 ? NULL : memmem(answer->at, answer->len, "\r\n\r\n", 4);
    const char *digits = end == NULL ? NULL : answer->at + 9;
    int status;

    if (end == NULL || memcmp(answer->at, "HTTP/1.", 7) != 0 || digits[0] < '1' ||
        digits[0] > '5')
        return 0;
    status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
    tw_buf_drop(answer, (size_t)(end - answer->at) + 4);
    return status;
}

int ops_get(const char *address, const char *path, struct tw_buf *body, const char **why)
{
    struct addrinfo *found = find_host(address, why);
    char request[512];
    int len =
        snprintf(request, sizeof(request),
                 "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, address);
    int fd = -1, status = 0;

    if (found == NULL || len <= 0 || (size_t)len >= sizeof(request))
        return 0;
    for (const struct addrinfo *to = found; to != NULL && fd < 0; to = to->ai_next)
        fd = dial(to);
    freeaddrinfo(found);
    tw_buf_clear(body);
    if (fd >= 0 && send_all(fd, request, (size_t)len) && receive_all(fd, body)) {
        status = take_answer(body);
        *why = "it answers no HTTP";
    } else {
        *why = errno == EINPROGRESS || errno == EAGAIN ? "it does not answer in time"
                                                       : strerror(errno);
    }
    if (fd >= 0)
        (void)close(fd);
    return status;
}
