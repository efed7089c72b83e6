/* socket_site.h - an HTTP server whose requests become WebSockets, Engine.IO sockets and
 * Socket.IO sockets, with handlers that note what they hear; and its clients.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/socketio/sio.h"
#include "gateway/websocket/conn.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/handler.h"
#include "gateway/websocket/transport.h"
#include "test/unit/support/check.h"
#include "test/unit/support/http_site.h"
#include "test/unit/support/ws_frames.h"

#define SITE_QUEUE_BYTES 10000
#define SITE_PING_MS 25000
#define SITE_PONG_MS 10000
#define SITE_HEARTBEAT "beat\n"

/* A handler, and the connection below it. `heard` is what it was called for, in its order, with
 * blanks between: "text(hello) writable closing farewell ended(1001 shut down)". */
struct speaker {
    struct gw_handler handler;
    struct gw_transport *transport; /* of a WebSocket */
    struct gw_conn *conn;
    struct gw_eio_socket *eio;
    struct tw_buf heard;
    bool is_busy; /* it is not ready */
    bool tires;   /* each message makes it busy */
    bool has_ended;
};

/* `/ws` is a WebSocket, `/stream` an event stream, /engine.io/ is `engine`, /socket.io/ is
 * `sio`. */
struct socket_site {
    struct site *http;
    struct tw_loop *loop;
    struct gw_conns conns;
    struct gw_eio engine;
    struct gw_sio sio;
    struct speaker speaker;       /* of the last /ws, or the last engine socket */
    struct speaker other;         /* for tests that want a second one */
    struct gw_sio_socket *socket; /* the last of `sio` that has connected; null once it left */
    struct tw_buf said;           /* what the app of `sio` heard */
    uint64_t later_ms;            /* how far socket_site_pass has gone */
};

/* Set-up and teardown of cmocka. */
int open_socket_site(void **state);
int close_socket_site(void **state);

/* Let the time limits of the loop run out that lie within so many milliseconds. */
void socket_site_pass(struct socket_site *s, uint64_t ms);

/* A client's WebSocket to this target; `more` goes with the request. Answered when it returns.
 */
struct end *visit_websocket(struct socket_site *s, const char *target, struct tw_slice more);

/* A message of a client over its WebSocket. */
void end_say_text(struct end *e, const char *text);

/* What a WebSocket has been sent after its 101, as ws_read_server shows it. */
void assert_frames(const struct end *e, const char *want);

/* A client's HTTP request; `body` may be null. Each visit has a connection of its own. */
struct end *request(struct socket_site *s, const char *method, const char *target,
                    const char *body);
void await_answer(struct socket_site *s,
                  struct end *e); /* a whole head, and what came with it */
void assert_answer(const struct end *e, const char *status, const char *body);

/* A handshake by polling at /engine.io/ or /socket.io/; `target` is where its requests go. */
void open_polling(struct socket_site *s, const char *path, char target[160]);

void speaker_send(struct speaker *p, const char *text); /* a text frame */
