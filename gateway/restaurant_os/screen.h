/* screen.h - a Restaurant OS client, whatever carries its words: what the files of this folder
 * share. screen.c is its place in a restaurant, requests.c what it asks for, batches.c its
 * room's batches, events.c what it is shown. Two framings stand on it: Socket.IO (client.h) and
 * plain messages over a WebSocket (ws_client.c). No file outside this folder includes it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/dialect/command.h"
#include "gateway/restaurant_os/restaurant_os.h"
#include "gateway/stream/session.h"
#include "gateway/websocket/transport.h"

#define GW_SCREEN_REQUESTS_A_SECOND 10
#define GW_SCREEN_REQUESTS 65 /* that one client may have waiting, and one under way */
#define GW_EVENTS 7           /* rows of the table of client events, and one for all others */

enum gw_station { GW_KITCHEN = 1, GW_EXPO = 2, GW_BAR = 4, GW_POS = 8 };

/* Allowed so often within a second, counted from the first (section 4 of the protocol page). */
struct gw_window {
    uint64_t since_ms;
    unsigned count;
};

struct gw_room;
struct gw_screen;

/* How events are written for a client, and read from it. */
struct gw_framing {
    const struct gw_dialect *dialect;
    /* Append a message: an event's name and its payload (raw JSON). */
    void (*put)(struct tw_buf *out, const char *event, struct tw_slice payload);
    /* The name and the payload of a message of the log, raw and lent. */
    bool (*cut)(const struct gw_frame *f, struct tw_slice *name, struct tw_slice *payload);
    /* Answer the request that came with `ack`. Null: requests carry none. */
    void (*acknowledge)(struct gw_screen *c, struct tw_slice ack, struct tw_slice object);
    /* Its rooms have changed. Null: no matter. */
    void (*changed)(struct gw_screen *c);
};

/* Embedded in the framing's own struct. */
struct gw_screen {
    struct gw_restaurant_os *all;
    const struct gw_framing *framing;
    struct gw_session session; /* started once it is admitted */

    /* Who it is. A token is kept: it may grant further restaurants. */
    struct gw_principal principal;
    struct gw_identity identity;
    struct tw_buf token; /* empty for an API key */

    bool has_joined;
    bool acks_orders;  /* on this connection: it may be offered one again */
    unsigned stations; /* of enum gw_station */
    struct gw_room *room;
    struct tw_list in_room;
    uint64_t entered_seq; /* the last event that the room had heard then */

    struct gw_window windows[GW_EVENTS];
    struct gw_commands commands;
    struct gw_command *joining; /* it waits for the stream of the restaurant that it joins */
};

/* --- screen.c --- */
struct gw_screen *gw_screen_of(const struct gw_session *s);

/* A zeroed one. */
void gw_screen_init(struct gw_screen *c, struct gw_restaurant_os *all,
                    const struct gw_framing *framing);

/* Who it is, copied. */
void gw_screen_identify(struct gw_screen *c, const struct gw_identity *who);

/* Its session has ended: it leaves its room, and its requests. */
void gw_screen_leave(struct gw_screen *c);
void gw_screen_done(struct gw_screen *c); /* release the memory */

/* The client continues in another restaurant, which its token grants too. */
void gw_screen_move(struct gw_screen *c, const struct gw_identity *who);

/* One event to this client alone; `payload` is raw JSON. */
void gw_screen_emit(struct gw_screen *c, const char *event, struct tw_slice payload);

/* The bit of a station's name; 0: there is no such station. */
unsigned gw_station_of(struct tw_slice name);

/* Hooks of both rows: a targeted alert goes to its station, everything else to the whole
 * restaurant, once the client has joined it. */
unsigned gw_screen_audience(const struct tw_event *ev);
enum gw_hearing gw_screen_hears(struct gw_session *s, const struct tw_event *ev,
                                unsigned audience);

/* --- requests.c --- */

/* What came with an event. Slices are lent. */
struct gw_request {
    struct tw_slice name;    /* of the event; empty: none that could be read */
    struct tw_slice payload; /* raw; empty: none */
    struct tw_slice ack;     /* for `acknowledge`; empty: none is asked for */
};

void gw_screen_request(struct gw_screen *c, const struct gw_request *request);

/* Refuse what is no request at all. */
void gw_screen_refuse(struct gw_screen *c, const char *code, const char *message);

/* The client is in its restaurant's stream, or has left: the join that waited for that, if any,
 * is acknowledged, and ends. */
void gw_screen_joined(struct gw_screen *c);

/* --- batches.c --- */
void gw_room_enter(struct gw_screen *c); /* fine when it is there already */
void gw_room_leave(struct gw_screen *c);

/* Hook: an event was sent to it; the room's next orders:batch_update may contain it. */
void gw_room_sent(struct gw_session *s, const struct tw_event *ev,
                  const struct gw_batch *batch);

/* --- events.c --- */

/* The name on the wire of an event that clients are shown; else null. */
const char *gw_event_name(const struct tw_event *ev);

/* Append the payload of such an event. In a published client's own server an order that is new
 * `is_wrapped` in a member `order`, as all others are. */
void gw_event_put(struct tw_buf *out, const struct gw_tenant *tenant, const struct tw_event *ev,
                  bool is_wrapped);
