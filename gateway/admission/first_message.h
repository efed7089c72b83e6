/* first_message.h - a client that gives its credential in its first message (`?auth=message`,
 * or because its dialect does so): connected already, and not admitted yet.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/loop.h"
#include "common/util/buf.h"
#include "common/util/slice.h"
#include "gateway/websocket/close.h"
#include "gateway/websocket/handler.h"

#define GW_STRANGER_BYTES 131072

struct gw_conn;
struct gw_first_message;
struct gw_first_words; /* dialect.h */
struct gw_hello;

/* Its first message has a credential (lent): the owner checks it and calls
 * gw_first_message_admit or gw_first_message_refuse, once, now or later. */
typedef void (*gw_first_message_cb)(struct gw_first_message *f, struct tw_slice credential);
/* The connection has ended before it was admitted. */
typedef void (*gw_first_message_left_cb)(struct gw_first_message *f);

/* Embedded in its owner. */
struct gw_first_message {
    struct gw_handler handler;
    struct tw_loop *loop;
    gw_first_message_cb arrived;
    gw_first_message_left_cb left;
    struct gw_conn *conn; /* null once it is over */
    struct tw_deadline limit;
    struct tw_buf early; /* its messages, with 0x1e between them; the session hears them */
    bool has_arrived, is_over;
    const struct gw_first_words *words; /* of its dialect; null: the form of all others */
    struct gw_hello *hello;             /* kept */
};

struct gw_first_message_options {
    struct tw_loop *loop;
    gw_first_message_cb arrived;
    gw_first_message_left_cb left;
    const struct gw_first_words *words;
    struct gw_hello *hello; /* what the handshake said; the first message may add to it */
};

/* Wait on this connection. */
void gw_first_message_await(struct gw_first_message *f,
                            const struct gw_first_message_options *options,
                            struct gw_conn *conn);

/* Its messages so far, for the session; given. */
struct tw_buf *gw_first_message_take(struct gw_first_message *f);

/* Admit it: the connection has `handler` from now on. */
void gw_first_message_admit(struct gw_first_message *f, struct gw_handler *handler);

/* Close it; first its dialect's words for the refusal `code`, if it has any. Null: the client
 * gave no credential. */
void gw_first_message_refuse(struct gw_first_message *f, const char *code, struct gw_close why);

/* Close it without a word: it may come again. */
void gw_first_message_close(struct gw_first_message *f, struct gw_close why);
