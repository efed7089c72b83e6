/* clients.c - sockets, handshakes, frames, and what of it is a delivery.
 * SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/support/clients.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES ((size_t)512 * 1024)
#define HEAD_BYTES 2048
#define MAX_ANSWER 125 /* of a client: the short form of a frame's length */

/* Messages are known by how they begin. */
struct dialect {
    const char *name;
    const char *delivery; /* null: any text of `least` bytes */
    const char *besides;  /* a second message that each event brings; or null */
    bool is_socketio;
};

static const struct dialect dialects[] = {
    { "plain", NULL, NULL, false },
    { "socketio", "42[\"order:", NULL, true },
    { "minipos", "{\"type\":\"UPDATE_ORDER\"", NULL, false },
    { "cloudsync", "{\"type\":\"order_update\"", "{\"type\":\"sync_update\"", false },
};

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static bool starts(const struct client *c, const char *text)
{
    size_t len = strlen(text);

    return c->start_len >= len && memcmp(c->start, text, len) == 0;
}

const struct target *clients_target(const struct clients *all, const struct client *c)
{
    return &all->targets[(size_t)(c - all->all) % all->target_count];
}

/* --- Handshakes ------------------------------------------------------------------------------
 */

/* Each of the addresses 127.0.0.1, 127.0.0.2, … has ports for some twenty thousand. */
static void open_client(struct clients *all, size_t i)
{
    struct client *c = &all->all[i];
    struct sockaddr_in from = { .sin_family = AF_INET };
    int port = all->ports[i / all->target_count % all->port_count];
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct epoll_event event = { .events = EPOLLOUT, .data.u64 = i };
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        fail("socket");
    from.sin_addr.s_addr = htonl(0x7f000001U + (uint32_t)(i / 20000));
    (void)setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (bind(c->fd, (struct sockaddr *)&from, sizeof(from)) != 0)
        fail("bind");
    if (inet_pton(AF_INET, all->host, &to.sin_addr) != 1)
        fail(all->host);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS)
        fail("connect");
    c->answer = malloc(HEAD_BYTES);
    if (c->answer == NULL || epoll_ctl(all->epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0)
        fail("a client");
}

/* The path, with the client's number in place of @I@. */
static void put_path(char *to, size_t cap, const char *path, size_t i)
{
    const char *mark = strstr(path, "@I@");

    if (mark == NULL)
        (void)snprintf(to, cap, "%s", path);
    else
        (void)snprintf(to, cap, "%.*s%zu%s", (int)(mark - path), path, i, mark + 3);
}

static void ask(struct clients *all, size_t i)
{
    struct client *c = &all->all[i];
    const struct target *t = clients_target(all, c);
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = i };
    char text[1024], path[256], key[200] = "";
    int n;

    if (strcmp(t->key, "-") != 0 && !t->dialect->is_socketio)
        (void)snprintf(key, sizeof(key), "X-API-Key: %s\r\n", t->key);
    put_path(path, sizeof(path), t->path, i);
    n = snprintf(text, sizeof(text),
                 "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                 "%s%s\r\n",
                 path, all->host, key,
                 all->offers_deflate
                     ? "Sec-WebSocket-Extensions: permessage-deflate; "
                       "server_no_context_takeover; client_no_context_takeover\r\n"
                     : "");
    if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        fail("a handshake");
    if (epoll_ctl(all->epoll_fd, EPOLL_CTL_MOD, c->fd, &event) != 0)
        fail("epoll");
}

/* A frame of a client is masked; with a mask of zeros that changes nothing. */
static void say(const struct client *c, unsigned opcode, const char *text)
{
    unsigned char frame[6 + MAX_ANSWER] = { 0 };
    size_t len = strlen(text);

    if (len > MAX_ANSWER)
        fail(text);
    frame[0] = (unsigned char)(0x80 | opcode);
    frame[1] = (unsigned char)(0x80 | len);
    memcpy(frame + 6, text, len);
    (void)send(c->fd, frame, 6 + len, MSG_NOSIGNAL);
}

static void opened(struct clients *all, struct client *c)
{
    c->is_open = true;
    all->open_count++;
}

/* Open, connect, join: each waits for the answer to the one before. */
static void greet_socketio(struct clients *all, struct client *c)
{
    const struct target *t = clients_target(all, c);
    char text[200];

    if (starts(c, "0{")) {
        if (strcmp(t->key, "-") == 0)
            (void)snprintf(text, sizeof(text), "40");
        else
            (void)snprintf(text, sizeof(text), "40{\"token\":\"%s\"}", t->key);
        say(c, 1, text);
    } else if (starts(c, "40")) {
        (void)snprintf(text, sizeof(text), "420[\"join:restaurant\",\"%s\"]", t->name);
        say(c, 1, text);
    } else if (starts(c, "430[")) {
        opened(all, c);
    } else if (starts(c, "44")) {
        fprintf(stderr, "load: refused: %.*s\n", (int)c->start_len, c->start);
        exit(1);
    }
}

/* --- Frames ----------------------------------------------------------------------------------
 */

static void lose(struct clients *all, struct client *c)
{
    if (c->is_lost)
        return;
    c->is_lost = true;
    all->lost_count++;
    (void)epoll_ctl(all->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
}

static bool is_delivery(const struct clients *all, const struct client *c,
                        const struct dialect *d)
{
    bool is_compressed = (c->head[0] & 0x40) != 0;

    if (is_compressed || all->offers_deflate)
        return is_compressed;
    return d->delivery == NULL ? c->payload >= all->least : starts(c, d->delivery);
}

static void end_text(struct clients *all, struct client *c)
{
    const struct dialect *d = clients_target(all, c)->dialect;

    if (d->is_socketio && c->payload == 1 && starts(c, "2")) {
        say(c, 1, "3");
        return;
    }
    if (!c->is_open) {
        greet_socketio(all, c);
        return;
    }
    if (all->heard != NULL)
        all->heard(all, c);
    if (is_delivery(all, c, d)) {
        c->got++;
        all->delivered++;
        all->bytes += c->payload;
    } else if (d->besides != NULL && starts(c, d->besides)) {
        c->besides++;
        all->bytes += c->payload;
    }
}

static void end_frame(struct clients *all, struct client *c)
{
    switch (c->head[0] & 15) {
    case 1:
        end_text(all, c);
        break;
    case 9: /* an empty pong answers as well as a full one here */
        say(c, 10, "");
        break;
    case 8:
        lose(all, c);
        break;
    default:
        break;
    }
    c->head_len = 0;
}

/* The bytes of a frame's head, as far as they are known. */
static size_t head_bytes(const struct client *c)
{
    unsigned len = c->head_len < 2 ? 0 : c->head[1] & 127U;

    return len == 126 ? 4 : len == 127 ? 10 : 2;
}

/* A byte of a head; the last one says how long the payload is. */
static void take_head(struct clients *all, struct client *c, uint8_t byte)
{
    c->head[c->head_len++] = byte;
    if (c->head_len < head_bytes(c))
        return;
    c->payload = c->head[1] & 127U;
    if (c->head_len > 2) {
        c->payload = 0;
        for (size_t i = 2; i < c->head_len; i++)
            c->payload = c->payload << 8 | c->head[i];
    }
    c->left = c->payload;
    c->start_len = 0;
    if (c->left == 0)
        end_frame(all, c);
}

static void take_frames(struct clients *all, struct client *c, const uint8_t *at, size_t len)
{
    while (len > 0) {
        size_t n = c->left < len ? (size_t)c->left : len;
        size_t room = CLIENT_START_BYTES - 1 - c->start_len;

        if (c->left == 0) {
            take_head(all, c, *at++);
            len--;
            continue;
        }
        room = room < n ? room : n;
        memcpy(c->start + c->start_len, at, room);
        c->start_len += (unsigned)room;
        c->left -= n;
        at += n;
        len -= n;
        if (c->left == 0)
            end_frame(all, c);
    }
}

static void take_answer(struct clients *all, struct client *c, const char *at, size_t len)
{
    size_t before = c->answer_len, used;
    size_t n = len < HEAD_BYTES - 1 - before ? len : HEAD_BYTES - 1 - before;
    char *end;

    memcpy(c->answer + before, at, n);
    c->answer_len += n;
    c->answer[c->answer_len] = '\0';
    end = strstr(c->answer, "\r\n\r\n");
    if (end == NULL)
        return;
    if (strncmp(c->answer, "HTTP/1.1 101", 12) != 0 ||
        (all->offers_deflate && strstr(c->answer, "permessage-deflate") == NULL)) {
        fprintf(stderr, "load: refused: %.300s\n", c->answer);
        exit(1);
    }
    used = (size_t)(end + 4 - c->answer) - before;
    free(c->answer);
    c->answer = NULL;
    c->is_upgraded = true;
    if (!clients_target(all, c)->dialect->is_socketio)
        opened(all, c);
    take_frames(all, c, (const uint8_t *)at + used, len - used);
}

static void read_client(struct clients *all, struct client *c)
{
    ssize_t n = recv(c->fd, all->buffer, READ_BYTES, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        lose(all, c);
    else if (c->is_upgraded)
        take_frames(all, c, (uint8_t *)all->buffer, (size_t)n);
    else
        take_answer(all, c, all->buffer, (size_t)n);
}

/* --- From the start --------------------------------------------------------------------------
 */

static const struct dialect *dialect_of(const char *name)
{
    for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
        if (strcmp(name, dialects[i].name) == 0)
            return &dialects[i];
    fprintf(stderr, "load: there is no dialect %s\n", name);
    exit(64);
}

static void add_target(struct clients *all, struct target t)
{
    bool is_new =
        all->target_count == 0 || strcmp(t.name, all->targets[all->target_count - 1].name) != 0;

    /* Its size doubles whenever it is a power of two. */
    if ((all->target_count & (all->target_count - 1)) == 0) {
        size_t cap = all->target_count == 0 ? 1 : all->target_count * 2;

        all->targets = realloc(all->targets, cap * sizeof(*all->targets));
        if (all->targets == NULL)
            fail("memory");
    }
    all->tenant_count += is_new;
    t.tenant = all->tenant_count - 1;
    all->targets[all->target_count++] = t;
}

void clients_read_targets(struct clients *all, const char *path)
{
    FILE *f = fopen(path, "r");
    char line[600], dialect[32];

    if (f == NULL)
        fail(path);
    while (fgets(line, sizeof(line), f) != NULL) {
        struct target t = { 0 };
        int n = sscanf(line, "%191s %127s %63s %31s", t.path, t.key, t.name, dialect);

        if (n < 3)
            fail(path);
        t.dialect = dialect_of(n == 4 ? dialect : "plain");
        add_target(all, t);
    }
    (void)fclose(f);
    if (all->target_count == 0)
        fail("no targets");
}

void clients_open(struct clients *all)
{
    all->count = all->target_count * all->sockets;
    all->all = calloc(all->count, sizeof(*all->all));
    all->buffer = malloc(READ_BYTES);
    all->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (all->all == NULL || all->buffer == NULL || all->epoll_fd < 0)
        fail("starting");
}

void clients_connect(struct clients *all)
{
    while (all->begun < all->count && all->begun - all->open_count < all->connecting)
        open_client(all, all->begun++);
}

void clients_event(struct clients *all, size_t i, bool is_writable)
{
    if (all->all[i].is_lost)
        return;
    if (is_writable)
        ask(all, i);
    else
        read_client(all, &all->all[i]);
}

bool clients_have_all(const struct clients *all, const uint64_t *events_by_tenant)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct target *t = &all->targets[i % all->target_count];
        uint64_t due = events_by_tenant[t->tenant];

        if (all->all[i].got != due ||
            (t->dialect->besides != NULL && all->all[i].besides != due))
            return false;
    }
    return true;
}
