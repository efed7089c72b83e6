/* eio.h - Engine.IO v4: a client that uses long-polling or a WebSocket, or moves from the
 * former to the latter (engine.io-protocol v4). Knows nothing of the messages that it carries.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/http_conn.h"
#include "common/net/loop.h"
#include "common/util/list.h"
#include "common/util/map.h"
#include "common/util/metrics.h"
#include "common/util/slice.h"
#include "gateway/websocket/close.h"

#define GW_EIO_STRANGERS 100

struct gw_arrivals;
struct gw_conns;
struct gw_eio;
struct gw_eio_socket;
struct gw_frame;
struct gw_handler;

struct gw_eio_options { /* pointers and slices are kept */
    struct tw_loop *loop;
    struct gw_arrivals *arrivals; /* may be null */
    struct gw_conns *conns;
    struct tw_slice path;     /* "/socket.io": this, and what is below it */
    struct tw_slice instance; /* what each sid begins with, so that a proxy finds the process */
    struct tw_slice origins;  /* comma-separated list of allowed origins, or "*" */
    uint64_t interval_ms, timeout_ms; /* of pings */
    size_t max_payload;               /* bytes of a POST's body, and of a message */
    size_t queue_bytes;               /* of a socket that polls too slowly */
    size_t max_sockets;
    /* A new client: gives its handler, which is kept until its `ended`. It is given the
     * messages without their `4`. */
    struct gw_handler *(*open)(struct gw_eio *e, struct gw_eio_socket *s);
};

/* Embedded in the process's state. */
struct gw_eio {
    struct gw_eio_options options;
    struct tw_map by_sid;
    struct tw_list all;
    bool is_closed; /* draining: no new sockets */
    struct gw_frame *ping;
    struct tw_metric polling, websocket, opened, upgraded, refused, broken;
    struct tw_metric strangers; /* sockets that were not let in yet */
};

extern const struct tw_metric_table gw_eio_metrics;

void gw_eio_start(struct gw_eio *e, const struct gw_eio_options *options);
void gw_eio_done(struct gw_eio *e); /* when no socket is left */

bool gw_eio_claims(const struct gw_eio *e, const struct tw_http_request *req);

/* A request that it claims: answered, held, or turned into a WebSocket. */
void gw_eio_handle(struct gw_eio *e, struct tw_http_conn *conn, struct tw_http_request *req);

/* Send a frame whose payload is a whole packet ("4…"), or a binary message. */
void gw_eio_send(struct gw_eio_socket *s, struct gw_frame *f);
bool gw_eio_is_writable(struct gw_eio_socket *s);

/* The transport is closed after all that was sent: a client that polls has a moment to fetch
 * it, unless the code is 0 (no client is left to tell). Only noted: nothing is freed before
 * this returns, and the handler hears `ended`. */
void gw_eio_close(struct gw_eio_socket *s, struct gw_close why);

/* The key or token that its first request brought in a header, its query or a cookie; lent,
 * empty when there was none, or none that could be read. */
struct tw_slice gw_eio_credential(const struct gw_eio_socket *s);

/* Where that came from, as nginx names it, and from which program (User-Agent); lent, null: not
 * known. */
const char *gw_eio_address(const struct gw_eio_socket *s);
const char *gw_eio_client(const struct gw_eio_socket *s);

/* What its first request calls the device, in its query (deviceId) or a header; lent, null: it
 * does not say. */
const char *gw_eio_device(const struct gw_eio_socket *s);

/* Its client was let in. One that is not yet is closed after 64 packets. */
void gw_eio_trust(struct gw_eio_socket *s);

struct tw_loop *gw_eio_loop(const struct gw_eio_socket *s);
struct gw_eio *gw_eio_of(const struct gw_eio_socket *s);

/* How many poll: they are not among the connections. */
size_t gw_eio_pollers(const struct gw_eio *e);

/* End up to `max` of those that poll, politely; how many there were. Sockets with a
 * WebSocket end with it (gw_conns_send_home). */
size_t gw_eio_send_home(struct gw_eio *e, size_t max);
void gw_eio_shut(struct gw_eio *e); /* all of them, now */
