/* client_state.h - a guest and its room, shared by guest.c (its life), requests.c (what it
 * asks) and rooms.c (batches); nobody else includes it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/util/crypto.h"
#include "gateway/restaurant_os/client.h"
#include "gateway/restaurant_os/restaurant_os.h"
#include "gateway/websocket/transport.h"

#define GW_PID 33   /* with a NUL */
#define GW_EVENTS 6 /* rows of the table of client events, and one for all others */

enum gw_station { GW_KITCHEN = 1, GW_EXPO = 2, GW_BAR = 4, GW_POS = 8 };

/* Allowed so often within a second, counted from the first (section 4 of the protocol page). */
struct gw_window {
    uint64_t since_ms;
    unsigned count;
};

struct command; /* requests.c */
struct gw_room;

/* A Socket.IO socket of the main namespace; the session's transport. */
struct gw_sio_client {
    struct gw_restaurant_os *all;
    struct gw_sio_socket *k; /* null once it has left; the guest stays while `busy` */
    struct gw_transport transport;
    struct gw_session *session; /* null before it is admitted */
    char sid[GW_SIO_SID], pid[GW_PID];

    /* Who it is. A JWT is kept: it may grant further restaurants. */
    struct gw_key_auth_query key_query;
    struct tw_token_check check; /* when it comes, then of the restaurant that it joins */
    struct tw_buf token;         /* empty for an API key */
    struct tw_buf token_claim;   /* ctx.token */
    char key_hash[TW_SHA256_HEX];
    struct gw_identity identity;
    int64_t expires_ms;

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
    struct command *under_way; /* one at a time, */
    struct tw_list commands;   /* the others wait, in order */
    size_t command_count;
    unsigned busy; /* answers that are on their way */
};

/* --- guest.c --- */
struct gw_sio_client *gw_client_of(const struct gw_session *s);
void gw_client_release(struct gw_sio_client *g); /* one answer less is on its way */
void gw_client_save(struct gw_sio_client *g);    /* its rooms, for its recovery */
/* Go on in another restaurant, whose claim and identity are set already. */
void gw_client_move(struct gw_sio_client *g, const struct tw_token_grant *grant);

/* --- requests.c --- */
void gw_client_request(struct gw_sio_client *g, const struct gw_sio_packet *p);
void gw_client_drop_commands(struct gw_sio_client *g);

/* --- rooms.c --- */
void gw_room_enter(struct gw_sio_client *g); /* fine when it is there already */
void gw_room_leave(struct gw_sio_client *g);
