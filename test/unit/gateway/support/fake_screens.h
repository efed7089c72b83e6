/* fake_screens.h - Restaurant OS clients at a gateway without sockets: real Engine.IO and
 * Socket.IO over WebSockets that are the test's.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/restaurant_os/client.h"
#include "gateway/socketio/eio_socket.h"
#include "test/unit/gateway/support/fake_gateway.h"

#define SCREENS 3
#define BAKERY_ID "3f1d0d1e-0000-4000-8000-00000000000b"

/* HS256 until the year 2100; the first is for the kitchen, the second for the bakery too. */
#define TOKEN_SECRET "a secret of thirty-two characters"
#define KITCHEN_TOKEN                                                                          \
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."                                                    \
    "eyJyZXN0YXVyYW50X2lkIjoia2l0Y2hlbiIsImV4cCI6NDEwMjQ0NDgwMCwicm9sZSI6ImtpdGNoZW4ifQ."      \
    "afh2UQSudC6Fr0vXpvYDr8ortjMjdRFLeroDTfBvvc0"
#define TOKEN_FOR_TWO                                                                          \
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."                                                    \
    "eyJyZXN0YXVyYW50cyI6WyJraXRjaGVuIiwiYmFrZXJ5Il0sImV4cCI6NDEwMjQ0NDgwMCwic3ViIjoiZXZlIn0"  \
    ".veu-1uBWQqG-atSeZ91wdojaXTMNTGFVsNiKGa-Wcsg"

/* A screen's end of its WebSocket. */
struct screen {
    struct gw_transport transport;
    struct gw_eio_socket *eio; /* null: not connected, or closed */
    struct gw_eio_ws *ws;
    struct tw_buf heard; /* each Socket.IO packet on a line; sid and pid are taken out */
    char sid[GW_SIO_SID], pid[GW_PID];
    unsigned close_code; /* 0: open */
};

struct screens {
    struct gateway *gateway;
    struct gw_key_auth keys;
    struct tw_tokens tokens;
    struct gw_authenticator authenticator;
    struct tw_redis store;
    struct gw_restaurant_os all;
    struct screen screens[SCREENS];
    struct tw_http_request request; /* with which the next one opens its WebSocket */
};

/* Set-up and teardown of cmocka. */
int open_screens(void **state);
int close_screens(void **state);

/* It opens its WebSocket, and says a Socket.IO packet. */
struct screen *open_screen(struct screens *s, size_t i);
void emit(struct screens *s, struct screen *one, const char *packet);

/* Its WebSocket ends. */
void cut_off(struct screens *s, struct screen *one);

/* PostgreSQL finds the restaurant of a token: the kitchen, active. */
void find_kitchen(struct screens *s);

/* A screen with a token of the kitchen, whose stream has begun at 16, and the same after it has
 * joined the restaurant. What it has heard is forgotten. */
struct screen *connect_screen(struct screens *s, size_t i, const char *token);
struct screen *join_screen(struct screens *s, size_t i);

/* All that it has heard since the last time. */
#define assert_packets(screen, want) check_packets((screen), (want), __FILE__, __LINE__)
void check_packets(struct screen *one, const char *want, const char *file, int line);
