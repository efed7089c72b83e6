/* acks.h - what an OrderWeb till says about orders: {"type":"order_ack"},
 * docs/protocols/orderweb.md 3.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/dialect/command.h"
#include "gateway/stream/session.h"

#define GW_TILL_ACKS 16       /* that wait; with so many, no more is read from the till */
#define GW_TILL_ALL_ACKS 4096 /* one read may bring more */

/* What all tills of a process share; embedded in its state. */
struct gw_tills {
    struct tw_operations *operations; /* kept */
};

struct gw_till {
    struct gw_session session; /* first: gw_till_of is a cast */
    struct gw_tills *all;
    struct gw_commands
        *commands; /* from its first acknowledgement on; owned; null: it only listens */
};

struct gw_till *gw_till_of(struct gw_session *s);

/* A till's own flags (gw_session.own). */
enum gw_till_flag {
    GW_TILL_HEARS_ALL = 1,      /* it asked for events that its documents do not name */
    GW_TILL_SINCE_IS_EMPTY = 2, /* which its greeting says */
    GW_TILL_ONLY_LISTENS = 4,   /* its ticket has fewer rights than the key */
    GW_TILL_ACKS_ORDERS = 8,    /* on this connection: it may be offered one again */
};

/* An order_ack (strict JSON, lent): its answer, or an error, follows. */
void gw_till_ack(struct gw_session *s, struct tw_slice json);

/* Whether more may be read from it: not while too many wait. */
bool gw_till_may_read(const struct gw_session *s);

/* It has gone: what it has said is carried out. */
void gw_till_acks_leave(struct gw_till *t);

/* Append an error's members, up to an object that stays open. */
void gw_till_put_error(struct tw_buf *out, struct tw_slice code, struct tw_slice message);

/* Append the member `timestamp`. */
void gw_till_put_time(struct tw_buf *out);
