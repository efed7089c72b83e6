/* ws.c - RFC 6455's receiving side by wslay; sending is ours (frame.h).
 *
 * wslay reads from `input` through its callback and checks framing, masks, UTF-8 and lengths.
 * It queues pongs and close frames, which are taken out after each piece of input, so that a
 * flood of pings cannot pile up pongs in its heap.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/ws.h"

#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#include "common/util/base.h"
#include "common/util/encode.h"
#include "common/util/err.h"
#include "gateway/websocket/close.h"
#include "gateway/websocket/deflate.h"
#include "gateway/websocket/frame.h"

#define MAX_SPARE 64
#define PIECE_BYTES 4096
#define FRAME_COST 64
#define MAX_SKIPPED                                                                            \
    16 /* a message that is so many times too long is not skipped, but closes                  \
        */

/* What has come of a message, and of the frame under way. */
struct arrival {
    uint64_t fed, framed;    /* bytes given to wslay, and bytes that whole frames account for */
    unsigned fragments;      /* of the message */
    uint64_t received;       /* of its bytes, as they arrive */
    uint64_t held;           /* its part of the pool's */
    bool is_skipping;        /* it is too long */
    bool is_bad_close;       /* the peer's close frame has a payload of one byte */
    bool is_bad_reason;      /* or a reason that is not UTF-8 */
    struct gw_close refusal; /* why it was not taken; its code is 0: it was not refused */
};

struct gw_ws_lease {
    wslay_event_context_ptr context;
    struct gw_ws_lease *next; /* among the spare ones */
    struct gw_ws *ws;         /* its borrower */
    struct tw_slice input;
    struct tw_buf *reply;
    struct arrival now;
};

/* How many bytes a frame's head has (RFC 6455 section 5.2), if its second byte is here. */
static size_t head_bytes(struct tw_slice input)
{
    unsigned length = input.len < 2 ? 0 : (unsigned char)input.at[1] & 127U;
    bool is_masked = input.len >= 2 && ((unsigned char)input.at[1] & 128U) != 0;

    return 2 + (length < 126 ? 0U : length == 126 ? 2U : 8U) + (is_masked ? 4U : 0U);
}

/* wslay is given a head, then that frame's payload: so it stops between frames when it is to.
 */
static size_t allowance(const struct gw_ws_lease *lease)
{
    const struct arrival *now = &lease->now;
    struct gw_ws *ws = lease->ws;
    struct tw_slice input = lease->input;

    if (now->fed < now->framed)
        return (size_t)(now->framed - now->fed);
    if (now->fed >
        now->framed) /* in a head that came in pieces, or at the first of its payload */
        return 1;
    ws->is_paused = input.len > 0 && ws->may_go_on != NULL && !ws->may_go_on(ws);
    return ws->is_paused ? 0 : head_bytes(input);
}

static ssize_t on_recv(wslay_event_context_ptr context, uint8_t *buf, size_t len, int flags,
                       void *arg)
{
    struct gw_ws_lease *lease = arg;
    size_t n = lease->input.len < len ? lease->input.len : len;
    size_t allowed = allowance(lease);

    (void)flags;
    n = n < allowed ? n : allowed;
    if (n == 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(buf, lease->input.at, n);
    lease->input = tw_slice_skip(lease->input, n);
    lease->now.fed += n;
    return (ssize_t)n;
}

/* Always takes everything; a reply that overflows is noticed afterwards. */
static ssize_t on_send(wslay_event_context_ptr context, const uint8_t *data, size_t len,
                       int flags, void *arg)
{
    struct gw_ws_lease *lease = arg;

    (void)context;
    (void)flags;
    tw_buf_append(lease->reply, tw_slice_from((const char *)data, len));
    return (ssize_t)len;
}

/* 0: it has no limit of its own. */
static size_t own_longest(const struct gw_ws *ws)
{
    return ws->pool->longest == NULL ? 0 : ws->pool->longest(ws);
}

static size_t longest(const struct gw_ws *ws)
{
    size_t own = own_longest(ws);

    return own > 0 ? own : ws->pool->max_message;
}

/* wslay's limit is for bytes as they arrive, and a message that does not compress arrives with
 * some more than it has. */
static size_t longest_on_wire(const struct gw_ws *ws)
{
    size_t max = longest(ws);

    return ws->is_deflating ? max + max / 8 + 64 : max;
}

/* wslay asks for the memory of a frame as soon as its head is here. */
static void hold(struct gw_ws_lease *lease, uint64_t n)
{
    struct gw_ws_pool *pool = lease->ws->pool;

    if (pool->max_held > 0 && pool->held.value + n > pool->max_held) {
        lease->now.refusal = gw_closes.full;
        wslay_event_config_set_no_buffering(lease->context, 1);
        wslay_event_shutdown_read(lease->context);
        return;
    }
    lease->now.held += n;
    pool->held.value += n;
}

static void let_go(struct gw_ws_lease *lease)
{
    lease->ws->pool->held.value -= lease->now.held;
    lease->now.held = 0;
}

/* From the frame that is too long on, the message is not kept. */
static void look_for_length(struct gw_ws_lease *lease, uint64_t n)
{
    struct arrival *now = &lease->now;

    now->received = now->fragments == 0 ? n : now->received + n;
    if (own_longest(lease->ws) > 0 && !now->is_skipping &&
        now->received > longest_on_wire(lease->ws)) {
        now->is_skipping = true;
        wslay_event_config_set_no_buffering(lease->context, 1);
    }
    if (!now->is_skipping && now->received > lease->ws->pool->free_bytes)
        hold(lease, n);
}

static void on_frame_start(wslay_event_context_ptr context,
                           const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
    struct gw_ws_lease *lease = arg;
    struct arrival *now = &lease->now;
    uint64_t n = frame->payload_length;

    (void)context;
    now->framed += 6 + n + (n < 126 ? 0 : n < 65536 ? 2 : 8);
    lease->ws->work += FRAME_COST;
    now->is_bad_close = frame->opcode == WSLAY_CONNECTION_CLOSE && n == 1;
    if (wslay_is_ctrl_frame(frame->opcode))
        return;
    look_for_length(lease, n);
    now->fragments = frame->fin ? 0 : now->fragments + 1;
}

/* Puts the message in place of its compressed payload: 0, or the close code. wslay checks the
 * UTF-8 of plain messages only. Data that are not deflate blocks are 1007 and not 1002: the
 * frames are sound, but the message is not what it claims to be (RFC 6455 section 7.4.1; RFC
 * 7692 leaves the choice). */
static unsigned inflate(struct gw_ws *ws, bool is_text, struct tw_slice *message)
{
    struct gw_ws_pool *pool = ws->pool;
    int r;

    tw_buf_clear(&pool->inflated);
    pool->inflated.max = longest(ws);
    r = gw_deflate_unpack(pool->deflate, *message, &pool->inflated);
    *message = tw_buf_view(&pool->inflated);
    if (r == TW_ETOOBIG)
        return GW_CLOSE_TOO_BIG;
    if (r != 0 || (is_text && !tw_is_utf8(*message)))
        return GW_CLOSE_INVALID_TEXT;
    return 0;
}

static void take_message(struct gw_ws_lease *lease,
                         const struct wslay_event_on_msg_recv_arg *msg)
{
    struct tw_slice message = tw_slice_from((const char *)msg->msg, msg->msg_length);
    bool is_text = msg->opcode == WSLAY_TEXT_FRAME;
    struct gw_ws *ws = lease->ws;
    unsigned *code = &lease->now.refusal.code;

    if (ws->is_deaf)
        return;
    if (wslay_get_rsv1(msg->rsv))
        *code = inflate(ws, is_text, &message);
    else if (message.len > longest(ws))
        *code = GW_CLOSE_TOO_BIG;
    if (*code == GW_CLOSE_TOO_BIG && own_longest(ws) > 0) {
        *code = 0;
        ws->pool->on_too_long(ws);
    } else if (*code == 0) {
        ws->work += (uint32_t)message.len;
        ws->on_message(ws, is_text, message);
    } else {
        wslay_event_shutdown_read(lease->context); /* nothing after it is read */
    }
}

static void on_msg(wslay_event_context_ptr context,
                   const struct wslay_event_on_msg_recv_arg *msg, void *arg)
{
    struct gw_ws_lease *lease = arg;

    if (msg->opcode == WSLAY_CONNECTION_CLOSE && msg->msg_length > 2)
        lease->now.is_bad_reason =
            !tw_is_utf8(tw_slice_from((const char *)msg->msg + 2, msg->msg_length - 2));
    if (msg->opcode != WSLAY_TEXT_FRAME && msg->opcode != WSLAY_BINARY_FRAME)
        return;
    let_go(lease);
    if (!lease->now.is_skipping) {
        take_message(lease, msg);
        return;
    }
    lease->now.is_skipping = false;
    wslay_event_config_set_no_buffering(context, 0);
    lease->ws->pool->on_too_long(lease->ws);
}

static const struct wslay_event_callbacks callbacks = {
    .recv_callback = on_recv,
    .send_callback = on_send,
    .on_frame_recv_start_callback = on_frame_start,
    .on_msg_recv_callback = on_msg,
};

static struct gw_ws_lease *lease_new(void)
{
    struct gw_ws_lease *lease = tw_new(struct gw_ws_lease);
    int r = wslay_event_context_server_init(&lease->context, &callbacks, lease);

    TW_ASSERT(r == 0); /* fails only when memory is out */
    return lease;
}

static void lease_free(struct gw_ws_lease *lease)
{
    wslay_event_context_free(lease->context);
    free(lease);
}

static void configure(const struct gw_ws *ws)
{
    size_t max = longest_on_wire(ws);

    wslay_event_config_set_max_recv_msg_length(ws->lease->context,
                                               own_longest(ws) > 0 ? MAX_SKIPPED * max : max);
    wslay_event_config_set_no_buffering(ws->lease->context, 0);
    wslay_event_config_set_allowed_rsv_bits(ws->lease->context,
                                            ws->is_deflating ? WSLAY_RSV1_BIT : WSLAY_RSV_NONE);
}

static void borrow(struct gw_ws *ws)
{
    struct gw_ws_pool *pool = ws->pool;

    if (ws->lease != NULL)
        return;
    if (pool->spare == NULL) {
        ws->lease = lease_new();
    } else {
        ws->lease = pool->spare;
        pool->spare = ws->lease->next;
        pool->spare_count--;
    }
    pool->lent.value++;
    ws->lease->ws = ws;
    ws->lease->now = (struct arrival){ 0 };
    configure(ws);
}

/* A context that failed or was closed is of no more use. */
static void give_back(struct gw_ws *ws)
{
    struct gw_ws_pool *pool = ws->pool;
    struct gw_ws_lease *lease = ws->lease;

    if (lease == NULL)
        return;
    ws->lease = NULL;
    pool->lent.value--;
    let_go(lease);
    if (ws->is_over || pool->spare_count >= MAX_SPARE) {
        lease_free(lease);
        return;
    }
    lease->ws = NULL;
    lease->next = pool->spare;
    pool->spare = lease;
    pool->spare_count++;
}

void gw_ws_done(struct gw_ws *ws)
{
    ws->is_over = true;
    give_back(ws);
}

void gw_ws_pool_done(struct gw_ws_pool *pool)
{
    while (pool->spare != NULL) {
        struct gw_ws_lease *lease = pool->spare;

        pool->spare = lease->next;
        lease_free(lease);
    }
    pool->spare_count = 0;
    tw_buf_done(&pool->inflated);
}

/* Pongs make way for it when both do not fit. */
static void put_close(struct tw_buf *reply, unsigned code, const char *reason)
{
    struct gw_frame *f = gw_frame_close(code, tw_slice_of(reason));

    tw_buf_append(reply, gw_frame_bytes(f));
    if (reply->failed) {
        tw_buf_clear(reply);
        tw_buf_append(reply, gw_frame_bytes(f));
    }
    gw_frame_unref(f);
}

/* What wslay has decided: 0 while open, else the code that ends it. */
static unsigned read_outcome(struct gw_ws *ws, int r, struct tw_buf *reply)
{
    wslay_event_context_ptr context = ws->lease->context;
    const struct arrival *now = &ws->lease->now;

    if (now->is_bad_close || now->is_bad_reason) { /* section 5.5.1; wslay would echo them */
        tw_buf_clear(reply);
        put_close(reply, now->is_bad_close ? GW_CLOSE_PROTOCOL : GW_CLOSE_INVALID_TEXT, "");
        return now->is_bad_close ? GW_CLOSE_PROTOCOL : GW_CLOSE_INVALID_TEXT;
    }
    if (now->refusal.code != 0) {
        put_close(reply, now->refusal.code,
                  now->refusal.reason == NULL ? "" : now->refusal.reason);
        return now->refusal.code;
    }
    if (wslay_event_get_close_received(context)) {
        ws->peer_closed = true;
        return wslay_event_get_status_code_received(context) == 0
                   ? GW_CLOSE_NO_CODE
                   : wslay_event_get_status_code_received(context);
    }
    if (wslay_event_get_close_sent(context) && wslay_event_get_status_code_sent(context) != 0)
        return wslay_event_get_status_code_sent(context);
    if (r != 0 || !wslay_event_get_read_enabled(context)) {
        put_close(reply, GW_CLOSE_PROTOCOL, ""); /* wslay's own would carry no code */
        return GW_CLOSE_PROTOCOL;
    }
    if (reply->failed || now->fragments > GW_FRAGMENTS) {
        tw_buf_clear(reply);
        put_close(reply, gw_closes.flood.code, gw_closes.flood.reason);
        return gw_closes.flood.code;
    }
    return 0;
}

/* `*piece` becomes what is left of it. */
static unsigned feed_piece(struct gw_ws *ws, struct tw_slice *piece, struct tw_buf *reply)
{
    struct gw_ws_lease *lease = ws->lease;
    unsigned code;
    int r;

    lease->input = *piece;
    lease->reply = reply;
    do {
        r = wslay_event_recv(lease->context);
        if (r == 0)
            r = wslay_event_send(lease->context);
        code = read_outcome(ws, r, reply);
    } while (code == 0 && lease->input.len > 0 && !ws->is_paused);
    *piece = lease->input;
    return code;
}

static bool is_between_messages(const struct arrival *now)
{
    return now->fed == now->framed && now->fragments == 0;
}

unsigned gw_ws_feed(struct gw_ws *ws, struct tw_slice bytes, struct tw_buf *reply)
{
    unsigned code = 0;

    TW_ASSERT(bytes.len <= GW_FEED_BYTES);
    ws->is_paused = false;
    while (bytes.len > 0 && code == 0 && !ws->is_over && !ws->is_paused) {
        size_t n = bytes.len < PIECE_BYTES ? bytes.len : PIECE_BYTES;
        struct tw_slice piece = tw_slice_from(bytes.at, n);

        borrow(ws);
        code = feed_piece(ws, &piece, reply);
        bytes = tw_slice_skip(bytes, n - piece.len);
        ws->is_over = ws->is_over || code != 0;
        if (ws->is_over || is_between_messages(&ws->lease->now))
            give_back(ws);
    }
    ws->unread = ws->is_over ? 0 : bytes.len & GW_FEED_BYTES;
    return code;
}
