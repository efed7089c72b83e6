/* limit.c - what the kernel and libuv allow: messages from Redis to WebSockets, and nothing
 * else. No authentication, no order, no log, no resume.
 *
 * usage: limit PORT REDIS_PORT PASSWORD write|coalesce
 *
 * write: one write for each socket and message; coalesce: all messages of a turn of the loop in
 * one.
 * SPDX-License-Identifier: Apache-2.0 */
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <uv.h>

#define MAX_PENDING 256
#define HEAD_BYTES 1024

struct frame {
    unsigned references;
    unsigned len;
    char bytes[];
};

struct room;

struct peer {
    uv_tcp_t tcp;
    struct peer *next; /* in its room */
    struct frame *first[4],
        **pending; /* `first`, or MAX_PENDING of them while there are many */
    unsigned count;
    bool is_touched;
    char *head; /* until the handshake is over */
    unsigned head_len;
};

struct room {
    char name[64];
    struct peer *peers;
    UT_hash_handle hh;
};

/* A write that the kernel did not take at once. */
struct rest {
    uv_write_t request;
    struct frame *frames[MAX_PENDING];
    unsigned count;
};

static struct room *rooms;
static struct peer **touched;
static size_t touched_count, touched_cap;
static bool is_coalescing;
static uv_loop_t *loop;
static redisReader *reader;
static char chunk[256 * 1024];

static void *need(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static void unref(struct frame *f)
{
    if (--f->references == 0)
        free(f);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(chunk, sizeof(chunk));
}

static void on_written(uv_write_t *request, int status)
{
    struct rest *r = (struct rest *)request;

    (void)status;
    for (unsigned i = 0; i < r->count; i++)
        unref(r->frames[i]);
    free(r);
}

static void write_frames(struct peer *p)
{
    uv_buf_t bufs[MAX_PENDING];
    unsigned done = 0;
    struct rest *r;
    int n;

    for (unsigned i = 0; i < p->count; i++)
        bufs[i] = uv_buf_init(p->pending[i]->bytes, p->pending[i]->len);
    n = uv_stream_get_write_queue_size((uv_stream_t *)&p->tcp) > 0
            ? 0
            : uv_try_write((uv_stream_t *)&p->tcp, bufs, p->count);
    while (n > 0 && done < p->count && (size_t)n >= bufs[done].len) {
        n -= (int)bufs[done].len;
        unref(p->pending[done++]);
    }
    if (done < p->count) {
        r = need(calloc(1, sizeof(*r)));
        r->count = p->count - done;
        memcpy(r->frames, p->pending + done, r->count * sizeof(r->frames[0]));
        if (n > 0) {
            bufs[done].base += n;
            bufs[done].len -= (size_t)n;
        }
        if (uv_write(&r->request, (uv_stream_t *)&p->tcp, bufs + done, r->count, on_written) !=
            0)
            abort();
    }
    p->count = 0;
    if (p->pending != p->first)
        free(p->pending);
    p->pending = p->first;
}

static void make_room(struct peer *p)
{
    struct frame **more;

    if (p->count != sizeof(p->first) / sizeof(p->first[0]))
        return;
    more = need(malloc(MAX_PENDING * sizeof(*more)));
    memcpy(more, p->first, sizeof(p->first));
    p->pending = more;
}

static void send_frame(struct peer *p, struct frame *f)
{
    f->references++;
    make_room(p);
    p->pending[p->count++] = f;
    if (!is_coalescing || p->count == MAX_PENDING) {
        write_frames(p);
    } else if (!p->is_touched) {
        p->is_touched = true;
        if (touched_count == touched_cap) {
            touched_cap = touched_cap == 0 ? 1024 : touched_cap * 2;
            touched = need(realloc(touched, touched_cap * sizeof(struct peer *)));
        }
        touched[touched_count++] = p;
    }
}

static void end_turn(void)
{
    for (size_t i = 0; i < touched_count; i++) {
        touched[i]->is_touched = false;
        write_frames(touched[i]);
    }
    touched_count = 0;
}

static struct frame *frame_of(const char *text, size_t len)
{
    struct frame *f = need(malloc(sizeof(*f) + 4 + len));

    if (len < 126 || len > 65535)
        abort();
    f->references = 1;
    f->len = (unsigned)(4 + len);
    f->bytes[0] = (char)0x81;
    f->bytes[1] = 126;
    f->bytes[2] = (char)(len >> 8);
    f->bytes[3] = (char)(len & 255);
    memcpy(f->bytes + 4, text, len);
    return f;
}

/* ["pmessage", pattern, "tw:t:<name>", text] */
static void on_message(const redisReply *reply)
{
    struct room *room;
    struct frame *f;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 4)
        return;
    HASH_FIND(hh, rooms, reply->element[2]->str + 5, reply->element[2]->len - 5, room);
    if (room == NULL)
        return;
    f = frame_of(reply->element[3]->str, reply->element[3]->len);
    for (struct peer *p = room->peers; p != NULL; p = p->next)
        send_frame(p, f);
    unref(f);
}

static void on_redis(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    void *reply;

    (void)stream;
    if (n < 0)
        exit(1);
    if (redisReaderFeed(reader, buf->base, (size_t)n) != REDIS_OK)
        abort();
    while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL) {
        on_message(reply);
        freeReplyObject(reply);
    }
    end_turn();
}

/* "GET /<name> HTTP/1.1": the key of the handshake is always the RFC's example. */
static void on_peer(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    static char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                           "Connection: Upgrade\r\n"
                           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    struct peer *p = (struct peer *)stream;
    uv_buf_t out = uv_buf_init(answer, sizeof(answer) - 1);
    struct room *room;
    char name[64];

    if (n < 0) {
        (void)uv_read_stop(stream);
        return;
    }
    if (p->head == NULL)
        return;
    if ((size_t)n > HEAD_BYTES - 1 - p->head_len)
        abort();
    memcpy(p->head + p->head_len, buf->base, (size_t)n);
    p->head_len += (unsigned)n;
    p->head[p->head_len] = '\0';
    if (strstr(p->head, "\r\n\r\n") == NULL || sscanf(p->head, "GET /%63s", name) != 1)
        return;
    HASH_FIND_STR(rooms, name, room);
    if (room == NULL) {
        room = need(calloc(1, sizeof(*room)));
        memcpy(room->name, name, sizeof(name));
        HASH_ADD_STR(rooms, name, room);
    }
    p->next = room->peers;
    room->peers = p;
    free(p->head);
    p->head = NULL;
    if (uv_try_write(stream, &out, 1) != (int)out.len)
        abort();
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct peer *p = need(calloc(1, sizeof(*p)));

    p->pending = p->first;
    p->head = need(malloc(HEAD_BYTES));
    if (status != 0 || uv_tcp_init(loop, &p->tcp) != 0 ||
        uv_accept(listener, (uv_stream_t *)&p->tcp) != 0 || uv_tcp_nodelay(&p->tcp, 1) != 0 ||
        uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_peer) != 0)
        abort();
}

static void on_redis_connected(uv_connect_t *request, int status)
{
    static char text[400];
    uv_buf_t out;

    if (status != 0)
        abort();
    (void)snprintf(
        text, sizeof(text),
        "*2\r\n$4\r\nAUTH\r\n$%zu\r\n%s\r\n*2\r\n$10\r\nPSUBSCRIBE\r\n$6\r\ntw:t:*\r\n",
        strlen(request->data), (char *)request->data);
    out = uv_buf_init(text, (unsigned)strlen(text));
    if (uv_try_write(request->handle, &out, 1) != (int)out.len ||
        uv_read_start(request->handle, on_alloc, on_redis) != 0)
        abort();
}

int main(int argc, char **argv)
{
    static uv_tcp_t listener, redis;
    static uv_connect_t request;
    struct sockaddr_in address;

    if (argc != 5) {
        fprintf(stderr, "usage: limit PORT REDIS_PORT PASSWORD write|coalesce\n");
        return 64;
    }
    loop = uv_default_loop();
    reader = need(redisReaderCreate());
    is_coalescing = strcmp(argv[4], "coalesce") == 0;
    request.data = argv[3];
    if (uv_ip4_addr("127.0.0.1", (int)strtol(argv[2], NULL, 10), &address) != 0 ||
        uv_tcp_init(loop, &redis) != 0 ||
        uv_tcp_connect(&request, &redis, (struct sockaddr *)&address, on_redis_connected) !=
            0 ||
        uv_ip4_addr("127.0.0.1", (int)strtol(argv[1], NULL, 10), &address) != 0 ||
        uv_tcp_init(loop, &listener) != 0 ||
        uv_tcp_bind(&listener, (struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&listener, 4096, on_connection) != 0)
        abort();
    return uv_run(loop, UV_RUN_DEFAULT);
}
