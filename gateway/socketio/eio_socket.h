/* eio_socket.h - an Engine.IO client, shared by eio.c (its life), eio_http.c (requests),
 * eio_poll.c and eio_ws.c (transports); no other file includes it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/socketio/eio.h"
#include "gateway/socketio/eio_packet.h"
#include "gateway/websocket/handler.h"
#include "gateway/websocket/sendq.h"

#define GW_EIO_SID_BYTES 96

struct gw_eio_ws;

/* Drawn in eio.c; only gw_eio_socket_move changes it. */
enum gw_eio_state {
    GW_EIO_OPENING,   /* it has no handler yet */
    GW_EIO_POLLING,   /* what it hears goes to polling, and no WebSocket is there */
    GW_EIO_PROBING,   /* the same, and a WebSocket is there that was not answered its probe */
    GW_EIO_PROBED,    /* the same, and the probe was answered: a held GET ends at once */
    GW_EIO_WEBSOCKET, /* what it hears goes to the WebSocket */
    GW_EIO_PARTING,   /* over, but polls still fetch the last words; a WebSocket was probed */
    GW_EIO_ENDING     /* over: the next drive frees it */
};

/* A way to the client, of eio_poll.c and of eio_ws.c. */
struct gw_eio_transport {
    size_t gauge; /* of struct gw_eio: how many sockets use it (offsetof) */
    /* Queue a frame (takes another reference). */
    void (*send)(struct gw_eio_socket *s, struct gw_frame *f);
    /* Whether more may be sent now; after a false the handler hears `writable`. */
    bool (*is_writable)(struct gw_eio_socket *s);
    /* From the loop: bring what waits as far as it can go now. */
    void (*flush)(struct gw_eio_socket *s);
    /* From the loop, when the socket is over: bring what waits, then the end (s->why). False:
     * the client must ask once more for the rest. */
    bool (*close)(struct gw_eio_socket *s);
};

extern const struct gw_eio_transport gw_eio_polling, gw_eio_websocket;

/* What polling keeps of a socket. */
struct gw_eio_poll {
    struct tw_http_conn *conn; /* the GET that is held; null: none */
    struct tw_http_waiter waiter;
    char origin[256];    /* of that GET, for its answer */
    struct gw_sendq out; /* for the next GET */
    uint64_t mark;       /* of the `t` that the last GET had; 0: none */
};

struct gw_eio_socket {
    struct gw_eio *engine;
    struct gw_handler *handler; /* null before its handshake, and once it has ended */
    const struct gw_eio_transport *transport; /* the current one; an upgrade swaps it */
    enum gw_eio_state state;
    struct tw_list link;
    char sid[GW_EIO_SID_BYTES];
    struct gw_eio_poll poll;
    struct gw_eio_ws *ws; /* its WebSocket, or the one that probes; null: none */
    struct tw_deadline tick;
    struct tw_later later;
    struct gw_close why;      /* once it is over */
    struct tw_buf credential; /* of its first request; empty: none */
    char *address, *client;   /* of that, as nginx and it say; null: not known */
    char *device;             /* as that names itself; null: it does not */
    bool is_trusted;          /* its handler has let it in */
    unsigned early;           /* packets that came before that */
};

/* A WebSocket that belongs to a socket, or to none any more. Freed with its connection. */
struct gw_eio_ws {
    struct gw_handler handler;
    struct gw_transport *transport;
    struct gw_eio_socket *socket; /* null: what it brings does not count */
    struct tw_loop *loop;
    struct tw_deadline limit; /* for the upgrade */
};

/* It takes no packets any more, and sends none. */
static inline bool gw_eio_is_over(const struct gw_eio_socket *s)
{
    return s->state >= GW_EIO_PARTING;
}

/* --- eio.c --- */

/* A new socket with a sid of its own; null when there are too many. */
struct gw_eio_socket *gw_eio_socket_new(struct gw_eio *e, const struct tw_http_request *req);

/* Its handshake is answered: it may be spoken to, over this transport. */
void gw_eio_socket_begin(struct gw_eio_socket *s, const struct gw_eio_transport *transport);

void gw_eio_socket_move(struct gw_eio_socket *s, enum gw_eio_state to);
void gw_eio_socket_swap(struct gw_eio_socket *s, const struct gw_eio_transport *transport);

/* Look at it from the loop: flush it, or end it. */
void gw_eio_socket_drive(struct gw_eio_socket *s);

/* A packet has come. False: the socket ends for it. */
bool gw_eio_socket_take(struct gw_eio_socket *s, const struct gw_eio_packet *p);

/* --- eio_poll.c --- */

/* Hold a GET until there is something to send; `origin` is copied. False, and the GET is still
 * to be answered: one is held already, and the socket ends for it. */
bool gw_eio_poll_hold(struct gw_eio_socket *s, struct tw_http_conn *conn,
                      struct tw_slice origin);

/* Answer the held GET with one packet; fine when none is held. */
void gw_eio_poll_end(struct gw_eio_socket *s, enum gw_eio_type type);

/* --- eio_ws.c --- */

/* Take the request's stream for a WebSocket of `s`: a new one, or one that polls. */
void gw_eio_ws_open(struct gw_eio *e, struct gw_eio_socket *s, struct tw_http_conn *conn,
                    struct tw_http_request *req);

/* Close it and let the socket go without it; fine with null. */
void gw_eio_ws_leave(struct gw_eio_ws *ws, struct gw_close why);
