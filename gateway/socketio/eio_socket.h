/* eio_socket.h - an Engine.IO client, shared by eio.c (its life), eio_poll.c (requests) and
 * eio_ws.c (WebSockets); nobody else includes it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/socketio/eio.h"
#include "gateway/socketio/eio_packet.h"
#include "gateway/websocket/handler.h"
#include "gateway/websocket/sendq.h"

#define GW_EIO_SID_BYTES 96

struct gw_eio_ws;

struct gw_eio_socket {
    struct gw_eio *engine;
    struct gw_handler *handler; /* null before its handshake, and once it has ended */
    struct tw_list link;
    char sid[GW_EIO_SID_BYTES];
    struct gw_eio_ws *ws;      /* its WebSocket, or the one that probes; null: none */
    bool is_websocket;         /* what it hears goes to `ws` */
    bool is_probed;            /* `ws` has been answered its probe: polls end at once */
    struct tw_http_conn *poll; /* the GET that is held; null: none */
    struct tw_http_waiter waiter;
    char poll_origin[256]; /* of the GET that is held, for its answer */
    struct gw_sendq out;   /* for the next GET */
    struct tw_deadline tick;
    struct tw_later later; /* answer the GET, or end */
    bool was_full, is_closing;
    bool is_parting;       /* is_closing, and polls still bring the last words */
    struct gw_close close; /* why, once it is closing */
};

/* A WebSocket that belongs to a socket, or to none any more. Freed with its connection. */
struct gw_eio_ws {
    struct gw_handler handler;
    struct gw_transport *transport;
    struct gw_eio_socket *socket; /* null: what it says does not count */
    struct tw_loop *loop;
    struct tw_deadline limit; /* for the upgrade */
};

/* A new socket with a sid of its own; null when there are too many. */
struct gw_eio_socket *gw_eio_socket_new(struct gw_eio *e);
/* Look at it from the loop: answer its GET, or end it. */
void gw_eio_socket_drive(struct gw_eio_socket *s);

/* It may be spoken to from now on. */
void gw_eio_socket_begin(struct gw_eio_socket *s);

/* A packet has come. False: the socket ends for it. */
bool gw_eio_socket_take(struct gw_eio_socket *s, const struct gw_eio_packet *p);

/* Flush the queue to a WebSocket that has taken over. */
void gw_eio_socket_move(struct gw_eio_socket *s);

/* The held GET: answer it with what is queued, or with one packet; forget it. */
void gw_eio_poll_flush(struct gw_eio_socket *s);
void gw_eio_poll_end(struct gw_eio_socket *s, char type);

/* Take the request's stream for a WebSocket of `s`: a new one, or one that polls. */
void gw_eio_ws_open(struct gw_eio *e, struct gw_eio_socket *s, struct tw_http_conn *conn,
                    struct tw_http_request *req);
void gw_eio_ws_leave(struct gw_eio_ws *ws, struct gw_close why);
