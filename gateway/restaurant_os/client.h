/* client.h - a Restaurant OS client on Socket.IO: client.c is its life, recovery.c its record
 * in Redis. No file outside this folder includes it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/restaurant_os/screen.h"

#define GW_PID 33 /* with a NUL */

/* A Socket.IO socket of the main namespace; the session's transport. */
struct gw_sio_client {
    struct gw_screen screen;
    struct gw_sio_socket *socket; /* null once it has left; the client stays while `busy` */
    struct gw_transport transport;
    bool is_admitted;    /* its session has started */
    bool wants_recovery; /* from what stands below */
    char sid[GW_SIO_SID], pid[GW_PID];
    char *device; /* its name, until its session has that; owned; null: none */
    struct gw_authentication authentication;

    /* What it wants to be recovered from. */
    struct tw_redis_ask ask;
    uint64_t offset;
    uint64_t turn;              /* how often it was recovered */
    struct tw_deadline refresh; /* of its record; before, of the wait for Redis */
    unsigned patience;          /* how often it has waited for Redis */

    unsigned busy; /* answers that are on their way */
};

/* --- client.c --- */

/* The session of an admitted client starts: in its restaurant's stream, resuming when it wants
 * to be recovered. */
void gw_client_open_session(struct gw_sio_client *c);
void gw_client_release(struct gw_sio_client *c); /* one answer less is on its way */

/* --- recovery.c --- */
void gw_recovery_save(struct gw_sio_client *c);   /* its rooms, and again from time to time */
void gw_recovery_forget(struct gw_sio_client *c); /* it has left on purpose */
void gw_recovery_new_pid(char out[GW_PID]);       /* draws what it will come back with */

/* `pid` and `offset` of its CONNECT, when they are what we once gave. */
void gw_recovery_read_auth(struct gw_sio_client *c, struct tw_slice auth);

/* Open its session: as its record says when it wants to be recovered and there is one. */
void gw_recovery_admit(struct gw_sio_client *c);
