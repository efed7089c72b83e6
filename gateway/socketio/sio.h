/* sio.h - Socket.IO v5 over Engine.IO: namespaces, events, acknowledgements, attachments
 * (socket.io-protocol v5). Knows nothing of restaurants.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/loop.h"
#include "common/util/buf.h"
#include "common/util/list.h"
#include "gateway/socketio/eio.h"
#include "gateway/socketio/sio_packet.h"

struct gw_frame;
struct gw_sio;
struct gw_sio_connection;
struct gw_sio_client; /* the app defines it */
struct gw_sio_socket;

#define GW_SIO_SID 21 /* with a NUL */

/* The application above, with the namespaces that it serves. */
struct gw_sio_app {
    const char *const *namespaces; /* ended by a null */
    /* A client connects; `auth` is its raw JSON object, or empty. Answered by gw_sio_accept or
     * gw_sio_refuse, now or later. */
    void (*connect)(struct gw_sio_socket *k, struct tw_slice auth);
    /* An event; the attachments of a binary one (packet->attachments of them) are lent too. */
    void (*event)(struct gw_sio_socket *k, const struct gw_sio_packet *packet,
                  const struct tw_buf *attachments);
    void (*writable)(struct gw_sio_socket *k, uint64_t now_ms); /* more may be sent again */
    void (*farewell)(struct gw_sio_socket *k); /* this process ends: the last words */
    /* The last call for each socket that `connect` was called for, accepted or not. `is_left`:
     * on purpose, so it does not want to be recovered. */
    void (*left)(struct gw_sio_socket *k, bool is_left, unsigned code, const char *reason);
};

struct gw_sio_options {
    const struct gw_sio_app *app; /* kept */
    uint64_t connect_ms;          /* for the first CONNECT of a connection */
    struct gw_eio_options engine; /* all but its `open` */
};

/* Embedded in the process's state. */
struct gw_sio {
    struct gw_eio engine;
    const struct gw_sio_app *app;
    uint64_t connect_ms;
};

/* One client in one namespace. */
struct gw_sio_socket {
    struct gw_sio_connection *connection;
    struct tw_list link;
    const char *nsp;
    char sid[GW_SIO_SID];
    bool is_accepted;
    struct gw_sio_client *client; /* the app's own; it keeps and frees it */
};

void gw_sio_start(struct gw_sio *s, const struct gw_sio_options *options);

/* Draw a sid for a new session. */
void gw_sio_new_sid(char out[GW_SIO_SID]);

/* Accept it under `sid`; with `pid` (not empty) it may come back and be recovered. */
void gw_sio_accept(struct gw_sio_socket *k, struct tw_slice sid, struct tw_slice pid);

/* CONNECT_ERROR with the JSON object {"message":…[,"data":…]}; the app hears `left` at once. */
void gw_sio_refuse(struct gw_sio_socket *k, struct tw_slice json);

/* What the connection's first request brought as a credential; lent, empty without one. */
struct tw_slice gw_sio_credential(const struct gw_sio_socket *k);

/* Where that came from, from which program, and from which device; lent, null: not known. */
const char *gw_sio_address(const struct gw_sio_socket *k);
const char *gw_sio_program(const struct gw_sio_socket *k);
const char *gw_sio_device(const struct gw_sio_socket *k);

struct gw_sio *gw_sio_of(const struct gw_sio_socket *k);

/* Send a frame that is a whole packet of this namespace; whether more may be sent now. */
void gw_sio_send(struct gw_sio_socket *k, struct gw_frame *f);
bool gw_sio_is_writable(const struct gw_sio_socket *k);

/* One event to this client alone: the JSON array ["name",…]. */
void gw_sio_emit(struct gw_sio_socket *k, struct tw_slice json);

/* Answer an event that carried an ack id with a JSON array. */
void gw_sio_ack(struct gw_sio_socket *k, struct tw_slice ack, struct tw_slice json);

/* Say DISCONNECT (the client does not come back by itself) and close the transport. */
void gw_sio_expel(struct gw_sio_socket *k, struct gw_close why);
/* Close the transport alone: the client comes back. */
void gw_sio_close(struct gw_sio_socket *k, struct gw_close why);
