/* lobby.h - clients of the restaurant's house that say who they are in their first message
 * (`?auth=message`): connected already, and not yet let in.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/loop.h"
#include "common/util/buf.h"
#include "common/util/slice.h"
#include "gateway/websocket/handler.h"

struct gw_conn;

/* Its first message has a key (lent), or none came in time (empty): the owner checks it and
 * calls gw_lobby_admit or gw_lobby_refuse, once, now or later. */
struct gw_lobby;
typedef void (*gw_lobby_cb)(struct gw_lobby *l, struct tw_slice credential);
/* The connection is over before that. */
typedef void (*gw_lobby_left_cb)(struct gw_lobby *l);

/* Embedded in whoever let it connect; zeroed but for the first three. */
struct gw_lobby {
    struct tw_loop *loop;
    gw_lobby_cb arrived;
    gw_lobby_left_cb left;
    struct gw_talker talker; /* the rest is its own */
    struct gw_conn *conn;
    struct tw_deadline limit;
    struct tw_buf said; /* messages with 0x1e between them; the session hears them */
    bool has_arrived, is_over;
};

/* Wait on this connection; `rest` is what it has sent already. */
void gw_lobby_open(struct gw_lobby *l, struct gw_conn *conn, struct tw_slice rest);

/* Let it in: the connection speaks to `t` from now on. `said` (taken by the caller) is what it
 * has said so far. */
void gw_lobby_admit(struct gw_lobby *l, struct gw_talker *t, struct tw_buf *said);
void gw_lobby_refuse(struct gw_lobby *l, const char *reason); /* closes with 1008 */
