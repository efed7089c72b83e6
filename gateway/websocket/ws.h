/* ws.h - wslay's door, without I/O: a client's bytes to messages, and the frames to answer
 * with.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/buf.h"
#include "common/util/metrics.h"
#include "common/util/slice.h"
#include "gateway/websocket/close.h"

#define GW_FRAGMENTS 1024

struct gw_deflate;
struct gw_ws;
struct gw_ws_lease;

/* One of wslay's contexts weighs 9 KB, so they are lent: a connection has one only while a
 * frame or a fragmented message that it receives is incomplete. */
struct gw_ws_pool {
    struct gw_ws_lease *spare;
    size_t spare_count;
    struct tw_metric lent;
    size_t max_message;         /* bytes of a message; longer ones close with 1009 */
    uint64_t max_held;          /* bytes of messages that have begun to arrive; 0: no limit */
    uint64_t free_bytes;        /* a message of so many does not count for that */
    struct tw_metric held;      /* so many they are now */
    struct gw_deflate *deflate; /* kept; null when no connection deflates */
    struct tw_buf inflated;     /* the message that is being handed out */
    /* The longest message of a connection, where that is not the pool's (0: it is); a longer
     * one is skipped, and told. Null, both: the pool's is all connections'. */
    size_t (*longest)(const struct gw_ws *ws);
    void (*on_too_long)(struct gw_ws *ws);
};

void gw_ws_pool_done(struct gw_ws_pool *pool);

/* A complete message of the client (lent). */
typedef void (*gw_ws_message_cb)(struct gw_ws *ws, bool is_text, struct tw_slice message);

/* Embedded in the connection; zero but for the first four members. What is known of a message
 * under way is in the lease. */
struct gw_ws {
    struct gw_ws_pool *pool;
    gw_ws_message_cb on_message;
    /* Asked before each frame: whether it is to be read now. Null: always. */
    bool (*may_go_on)(const struct gw_ws *ws);
    uint32_t work; /* what its frames have made us do: bytes of messages, unpacked, and a fixed
                      cost for each frame; its owner sets it back */
    uint32_t unread : 24;  /* bytes at the end of what was fed that are to be fed again */
    bool is_deflating : 1; /* permessage-deflate was agreed on: RSV1 is allowed */
    bool is_deaf : 1;      /* messages are not handed out any more, nor unpacked */
    bool is_paused : 1;    /* may_go_on has said no */
    bool is_over : 1;      /* a close was received or provoked: nothing more is read */
    bool peer_closed : 1;
    struct gw_ws_lease *lease; /* null at a frame's boundary */
};

#define GW_FEED_BYTES 0xffffff /* the most that is fed at once */

/* Read `bytes`; complete messages are handed out meanwhile. When `may_go_on` says no, the rest
 * stays `unread`. Pongs and close frames that must be
 * sent are appended to `reply`, encoded. Returns 0 while the connection is open, else the close
 * code (RFC 6455 section 7.4.1; 1005 when the peer gave none) with the close frame in `reply`.
 */
unsigned gw_ws_feed(struct gw_ws *ws, struct tw_slice bytes, struct tw_buf *reply);

void gw_ws_done(struct gw_ws *ws);
