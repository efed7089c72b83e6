/* request.c - requests, each on a connection of its own. A till does one thing at a time: it waits for the answer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "till.h"

#include <netdb.h>
#include <sys/time.h>

static char host[256], port[8] = "80", key[256];
static char text[8 << 20]; /* what was read of an answer; a list of orders has up to 4 MiB */

void till_quit(const char *why) {
    fprintf(stderr, "%s\n", why);
    exit(1);
}

const char *till_text(const cJSON *object, const char *name) {
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
    return value ? value : "";
}

double till_number(const cJSON *object, const char *name) {
    const cJSON *value = cJSON_GetObjectItem(object, name);
    return cJSON_IsNumber(value) ? value->valuedouble : -1;
}

bool till_server(const char *url, const char *our_key) {
    snprintf(key, sizeof key, "%s", our_key);
    return sscanf(url, "http://%255[^:/]:%7[0-9]", host, port) >= 1;
}

/* Sends a request and reads the answer, to `end` or to its own end: the socket, or -1. */
static int dial(const char *method, const char *path, const char *headers, const char *body, const char *end) {
    static const char form[] = "%s %s HTTP/1.1\r\nHost: %s:%s\r\nX-API-Key: %s\r\nX-Device-Id: till-c\r\n%s\r\n%s";
    struct addrinfo *to = NULL, want = { .ai_socktype = SOCK_STREAM };
    struct timeval most = { .tv_sec = 10 };
    size_t length = 0;
    ssize_t n = -1;
    int fd = getaddrinfo(host, port, &want, &to) ? -1 : socket(to->ai_family, SOCK_STREAM, 0);
    text[0] = 0;
    if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most) && !connect(fd, to->ai_addr, to->ai_addrlen)
        && dprintf(fd, form, method, path, host, port, key, headers, body) > 0)
        do {
            n = read(fd, text + length, end ? 1 : sizeof text - 1 - length);
            text[length += n > 0 ? (size_t)n : 0] = 0;
        } while (n > 0 && length < sizeof text - 1 && !(end && length >= 4 && !strcmp(text + length - 4, end)));
    if (to) freeaddrinfo(to);
    if (fd >= 0 && n < 0) close(fd);
    return n < 0 ? -1 : fd;
}

static int status(void) {
    int code = 0;
    if (sscanf(text, "HTTP/1.1 %d", &code) == 1 && (code == 401 || code == 403)) till_quit(text); /* this key is of no use */
    return code;
}

cJSON *till_ask(const char *path, const char *body) {
    char headers[128];
    snprintf(headers, sizeof headers, "Connection: close\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    int fd = dial(*body ? "POST" : "GET", path, headers, body, NULL), code = fd < 0 ? 0 : status();
    const char *end = strstr(text, "\r\n\r\n");
    if (fd >= 0) close(fd);
    return code < 200 || code >= 500 || code == 408 || code == 429 || !end ? NULL : cJSON_Parse(end + 4);
}

int till_upgrade(const char *path, const char *headers, const char *wanted) {
    int fd = dial("GET", path, headers, "", "\r\n\r\n");
    if (fd < 0 || (status() == 101 && strstr(text, wanted))) return fd;
    fprintf(stderr, "%.60s\n", text);
    close(fd);
    return -1;
}
