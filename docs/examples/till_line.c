/* till_line.c - till_line.h. A till does one thing at a time: it waits for the answers to its requests, and reads no more meanwhile.
 * SPDX-License-Identifier: Apache-2.0 */
#include "till_line.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include <wslay/wslay.h>

static char host[256], port[8] = "80", text[8 << 20], in[65536]; /* text: what is read of an answer */
static const char *key, *accepts = "kUjV+UdUQwFDjx5L9SIijF8Y6IA="; /* the answer to the Sec-WebSocket-Key below */
static size_t in_length, in_read;
static unsigned attempt;
static bool is_up, has_failed;
static uv_tcp_t tcp;
static uv_timer_t timer;
static wslay_event_context_ptr ws;
static bool (*prepare)(char *, size_t), (*heard)(const cJSON *);

void till_quit(const char *why) {
    fprintf(stderr, "%s\n", why);
    exit(1);
}

const char *till_text(const cJSON *object, const char *name) {
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
    return value ? value : "";
}

/* Sends a request on a connection of its own, and reads the answer into `text`, up to `end` or to its end: the socket, or -1. */
static int dial(const char *method, const char *path, const char *more, const char *body, const char *end) {
    struct addrinfo *to = NULL, want = { .ai_socktype = SOCK_STREAM };
    struct timeval most = { .tv_sec = 10 };
    size_t length = 0;
    ssize_t n = -1;
    int fd = getaddrinfo(host, port, &want, &to) ? -1 : socket(to->ai_family, SOCK_STREAM, 0);
    if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most) && !connect(fd, to->ai_addr, to->ai_addrlen) &&
        dprintf(fd, "%s %s HTTP/1.1\r\nHost: %s:%s\r\nX-API-Key: %s\r\nX-Device-Id: till-c\r\n%s\r\n%s", method, path, host, port, key, more, body) > 0)
        do {
            n = read(fd, text + length, end ? 1 : sizeof text - 1 - length);
            text[length += n > 0 ? (size_t)n : 0] = 0;
        } while (n > 0 && length < sizeof text - 1 && !(end && length >= 4 && !strcmp(text + length - 4, end)));
    if (to) freeaddrinfo(to);
    if (fd >= 0 && n < 0) close(fd);
    return n < 0 ? -1 : fd;
}

/* 401 and 403: trying again with this key is no use. */
static int status(void) {
    int code = 0;
    if (sscanf(text, "HTTP/1.1 %d", &code) == 1 && (code == 401 || code == 403)) till_quit(text);
    return code;
}

cJSON *till_ask(const char *path, const char *body) {
    char more[128];
    snprintf(more, sizeof more, "Connection: close\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    int fd = dial(*body ? "POST" : "GET", path, more, body, NULL), code = fd < 0 ? 500 : status();
    char *end = strstr(text, "\r\n\r\n");
    if (fd >= 0) close(fd);
    return code >= 500 || code == 408 || code == 429 || !end ? NULL : cJSON_Parse(end + 4);
}

static void closed(uv_handle_t *handle) {
    (void)handle;
    wslay_event_context_free(ws);
}

static void later(void) {
    unsigned longest = attempt < 6 ? 500u << attempt++ : 30000, part = 0;
    if (is_up) uv_close((uv_handle_t *)&tcp, closed);
    is_up = false;
    uv_random(NULL, NULL, &part, sizeof part, 0, NULL);
    uv_timer_start(&timer, timer.timer_cb, longest / 2 + part % (longest / 2), 0);
}
