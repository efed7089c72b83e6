/* line.c - the WebSocket, on libuv and wslay: one line, which comes back by itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "till.h"

#include <uv.h>
#include <wslay/wslay.h>

#define SILENCE_MS 45000 /* the server pings after 25 s */
static char in[65536];   /* what was read of the socket, and how much of it wslay has taken */
static size_t length, taken;
static unsigned attempt;
static bool is_up, has_failed;
static uv_tcp_t tcp;
static uv_timer_t timer; /* while the line is up: until it has been silent for too long; else until the next attempt */
static wslay_event_context_ptr ws;
static bool (*prepare)(char *, size_t), (*heard)(const cJSON *);
static void ring(uv_timer_t *handle);

static ssize_t take(wslay_event_context_ptr context, uint8_t *to, size_t room, int flags, void *user) {
    (void)flags, (void)user;
    size_t n = length - taken < room ? length - taken : room;
    memcpy(to, in + taken, n);
    taken += n;
    if (n == 0) wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
    return n > 0 ? (ssize_t)n : -1;
}
static ssize_t give(wslay_event_context_ptr context, const uint8_t *from, size_t n, int flags, void *user) {
    (void)flags, (void)user;
    uv_buf_t part = uv_buf_init((char *)from, (unsigned)n);
    int sent = uv_try_write((uv_stream_t *)&tcp, &part, 1);
    if (sent < 0) wslay_event_set_error(context, sent == UV_EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return sent < 0 ? -1 : sent;
}
static int mask(wslay_event_context_ptr context, uint8_t *to, size_t n, void *user) {
    (void)context, (void)user;
    return uv_random(NULL, NULL, to, n, 0, NULL);
}
static void message(wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *arg, void *user) {
    (void)context, (void)user;
    if (arg->opcode != WSLAY_TEXT_FRAME || has_failed) return;
    cJSON *json = cJSON_ParseWithLength((const char *)arg->msg, arg->msg_length);
    has_failed = !json || !heard(json);
    cJSON_Delete(json);
}
static void closed(uv_handle_t *handle) { (void)handle; }
static void later(void) {
    unsigned longest = attempt < 6 ? 500u << attempt++ : 30000, part = 0;
    if (is_up) uv_close((uv_handle_t *)&tcp, closed), wslay_event_context_free(ws), ws = NULL;
    is_up = false;
    uv_random(NULL, NULL, &part, sizeof part, 0, NULL);
    uv_timer_start(&timer, ring, longest / 2 + part % (longest / 2), 0);
}
static void room(uv_handle_t *handle, size_t size, uv_buf_t *buf) { (void)handle, (void)size, *buf = uv_buf_init(in, sizeof in); }
static void came(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    (void)stream, (void)buf;
    length = n > 0 ? (size_t)n : 0, taken = 0;
    if (n < 0 || wslay_event_recv(ws) || wslay_event_send(ws) || has_failed || wslay_event_get_close_received(ws)) later();
    else uv_timer_start(&timer, ring, SILENCE_MS, 0);
}
static void ring(uv_timer_t *handle) {
    static const struct wslay_event_callbacks calls = { take, give, mask, NULL, NULL, NULL, message };
    char path[256];
    (void)handle;
    int fd = is_up || !prepare(path, sizeof path) ? -1 : till_upgrade(path, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGlsbHdpcmUgc2FtcGxlIQ==\r\n", "kUjV+UdUQwFDjx5L9SIijF8Y6IA=");
    if (fd < 0) return later();
    has_failed = uv_tcp_init(uv_default_loop(), &tcp) || uv_tcp_open(&tcp, fd) || uv_read_start((uv_stream_t *)&tcp, room, came) || wslay_event_context_client_init(&ws, &calls, NULL);
    is_up = true, attempt = 0;
    uv_timer_start(&timer, ring, has_failed ? 1 : SILENCE_MS, 0);
}
void till_run(bool (*prepares)(char *, size_t), bool (*hears)(const cJSON *)) {
    prepare = prepares, heard = hears;
    uv_timer_init(uv_default_loop(), &timer);
    uv_timer_start(&timer, ring, 0, 0);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
