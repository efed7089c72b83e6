/* fake_till.h - a tenant's hub with OrderWeb tills whose sockets are counters: for the tests of
 * hub, session and resume.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "gateway/dialect/dialect.h"
#include "gateway/stream/hub.h"
#include "gateway/stream/session.h"
#include "gateway/stream/sync_log.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/transport.h"
#include "test/unit/support/check.h"
#include "test/unit/support/stream_events.h"

#define TILLS 5
#define QUEUE_BYTES 10000
#define MESSAGE_BYTES 1000

/* A client's end: what it was told, and how many frames its socket still takes. */
struct till {
    struct gw_transport transport;
    struct gw_session *session; /* null: not connected */
    struct tw_buf heard;        /* heard_add of each frame */
    uint64_t taken;             /* bytes that its transport says it has passed on */
    uint64_t room;              /* frames that still fit */
    struct gw_frame *last;      /* held */
    unsigned close_code;        /* 0: open */
};

/* A process with one tenant. */
struct tenant {
    struct gw_memory memory;
    struct gw_hub hub;
    struct gw_dialects dialects;
    struct gw_sessions all;
    struct gw_sync_log log; /* stopped; a test may start it */
    struct tw_buf text;     /* of the last event */
    struct till tills[TILLS];
    uint64_t changes; /* times that the hub said it changed */
};

/* Set-up and teardown of cmocka. */
int open_tenant(void **state);
int close_tenant(void **state);

/* A till connects: its session is started, with an empty and open socket. */
struct till *connect_till(struct tenant *t, size_t i);

/* The same, and joins the hub, live or after `since`. */
struct till *join_live(struct tenant *t, size_t i);
struct till *join_since(struct tenant *t, size_t i, uint64_t since);

/* Its connection ends. */
void leave(struct till *till);

/* A turn of the loop, so many milliseconds later. */
void turn(struct tenant *t, uint64_t later_ms);

/* A message from the till, and a turn. */
void say(struct tenant *t, struct till *till, const char *json);

/* An event from Redis, and a turn. */
enum gw_admit arrive(struct tenant *t, uint64_t seq);
enum gw_admit arrive_large(struct tenant *t, uint64_t seq, size_t extra);
void arrive_all(struct tenant *t, uint64_t first, uint64_t last); /* each is delivered */

/* The log's answer to a reading after the cursor: these events, and no more. */
void gap_answer(struct tenant *t, uint64_t first, uint64_t last);
/* The whole reading: it begins, and is answered. */
void gap_read(struct tenant *t, uint64_t first, uint64_t last);
