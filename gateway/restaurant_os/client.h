/* client.h - a Restaurant OS client: what its four files share. client.c is its life,
 * recovery.c its record in Redis, requests.c what it asks for, batches.c its room's batches;
 * the dialect's row in events.c calls the hooks. No file outside this folder includes it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/dialect/command.h"
#include "gateway/restaurant_os/restaurant_os.h"
#include "gateway/stream/session.h"
#include "gateway/websocket/transport.h"

#define GW_PID 33   /* with a NUL */
#define GW_EVENTS 6 /* rows of the table of client events, and one for all others */

enum gw_station { GW_KITCHEN = 1, GW_EXPO = 2, GW_BAR = 4, GW_POS = 8 };

/* Allowed so often within a second, counted from the first (section 4 of the protocol page). */
struct gw_window {
    uint64_t since_ms;
    unsigned count;
};

struct gw_room;

/* A Socket.IO socket of the main namespace; the session's transport. */
struct gw_sio_client {
    struct gw_restaurant_os *all;
    struct gw_sio_socket *socket; /* null once it has left; the client stays while `busy` */
    struct gw_transport transport;
    struct gw_session session; /* started once it is admitted */
    bool is_admitted;
    char sid[GW_SIO_SID], pid[GW_PID];

    /* Who it is. A token is kept: it may grant further restaurants. */
    struct gw_authentication authentication;
    struct gw_principal principal;
    struct gw_identity identity;
    struct tw_buf token; /* empty for an API key */

    /* What it wants to be recovered from. */
    struct tw_redis_ask ask;
    bool wants_recovery;
    uint64_t offset;
    uint64_t turn;              /* how often it was recovered */
    struct tw_deadline refresh; /* of its record; before, of the wait for Redis */
    unsigned patience;          /* how often it has waited for Redis */

    bool has_joined;
    unsigned stations; /* of enum gw_station */
    struct gw_room *room;
    struct tw_list in_room;
    uint64_t entered_seq; /* the last event that the room had heard then */

    struct gw_window windows[GW_EVENTS];
    struct gw_commands commands;
    struct gw_command *joining; /* it waits for the stream of the restaurant that it joins */
    unsigned busy;              /* answers that are on their way */
};

/* --- client.c --- */
struct gw_sio_client *gw_client_of(const struct gw_session *s);

/* The session of an admitted client starts: in its restaurant's stream, resuming when it wants
 * to be recovered. */
void gw_client_open_session(struct gw_sio_client *c);
void gw_client_release(struct gw_sio_client *c); /* one answer less is on its way */

/* The client continues in another restaurant, which its token grants too. */
void gw_client_move(struct gw_sio_client *c, const struct gw_identity *who);

/* The bit of a station's name; 0: there is no such station. */
unsigned gw_station_of(struct tw_slice name);

/* Hooks of the dialect's row. */
void gw_client_greet(struct gw_session *s, uint64_t seq, uint64_t oldest);
void gw_client_resync(struct gw_session *s, uint64_t seq, uint64_t oldest);

/* Whether it has joined the restaurant and, when one is named, that station. */
bool gw_client_hears(const struct gw_session *s, struct tw_slice station);

/* --- recovery.c --- */
void gw_recovery_save(struct gw_sio_client *c);   /* its rooms, and again from time to time */
void gw_recovery_forget(struct gw_sio_client *c); /* it has left on purpose */
void gw_recovery_new_pid(char out[GW_PID]);       /* draws what it will come back with */

/* `pid` and `offset` of its CONNECT, when they are what we once gave. */
void gw_recovery_read_auth(struct gw_sio_client *c, struct tw_slice auth);

/* Open its session: as its record says when it wants to be recovered and there is one. */
void gw_recovery_admit(struct gw_sio_client *c);

/* --- requests.c --- */
void gw_client_request(struct gw_sio_client *c, const struct gw_sio_packet *p);

/* The client is in its restaurant's stream, or has left: the join that waited for that, if any,
 * is acknowledged, and ends. */
void gw_client_joined(struct gw_sio_client *c);

/* --- batches.c --- */
void gw_room_enter(struct gw_sio_client *c); /* fine when it is there already */
void gw_room_leave(struct gw_sio_client *c);

/* Hook: an event was sent to it; the room's next orders:batch_update may contain it. */
void gw_room_sent(struct gw_session *s, const struct tw_event *ev,
                  const struct gw_batch *batch);
