/* first_message.h - clients of the restaurant's house that say who they are in their first
 * message
 * (`?auth=message`): connected already, and not yet let in.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/loop.h"
#include "common/util/buf.h"
#include "common/util/slice.h"
#include "gateway/websocket/handler.h"

struct gw_conn;

/* Its first message has a key (lent), or none came in time (empty): the owner checks it and
 * calls gw_first_message_admit or gw_first_message_refuse, once, now or later. */
struct gw_first_message;
typedef void (*gw_first_message_cb)(struct gw_first_message *l, struct tw_slice credential);
/* The connection is over before that. */
typedef void (*gw_first_message_left_cb)(struct gw_first_message *l);

/* Embedded in whoever let it connect; zeroed but for the first three. */
struct gw_first_message {
    struct tw_loop *loop;
    gw_first_message_cb arrived;
    gw_first_message_left_cb left;
    struct gw_handler handler; /* the rest is its own */
    struct gw_conn *conn;
    struct tw_deadline limit;
    struct tw_buf said; /* messages with 0x1e between them; the session hears them */
    bool has_arrived, is_over;
};

/* Wait on this connection; `rest` is what it has sent already. */
void gw_first_message_open(struct gw_first_message *l, struct gw_conn *conn,
                           struct tw_slice rest);

/* Let it in: the connection speaks to `t` from now on. `said` (taken by the caller) is what it
 * has said so far. */
void gw_first_message_admit(struct gw_first_message *l, struct gw_handler *t,
                            struct tw_buf *said);
void gw_first_message_refuse(struct gw_first_message *l,
                             const char *reason); /* closes with 1008 */
