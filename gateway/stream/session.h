/* session.h - a client in its tenant's stream: its position, its phase, what it may hear.
 *
 *     NEW --> AHEAD --> DOUBTED      it resumes after an event that this process has not seen
 *      |        |           |        yet: a reading of the log tells whether it exists
 *      v        v           v
 *     LIVE <--> REPLAYING            greeted; REPLAYING while it catches up. A resume message
 *                                    leads from both to AHEAD
 *      |            |
 *      +--> CLOSING <--+             from any phase; nothing is sent any more
 *
 * A session is embedded in its dialect's own struct (dialect.h: open, closed).
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/base.h"
#include "common/util/buf.h"
#include "common/util/json_view.h"
#include "common/util/list.h"
#include "gateway/dialect/dialect.h"
#include "gateway/stream/sessions.h"
#include "gateway/websocket/close.h"
#include "gateway/websocket/handler.h"

#define GW_DEVICE_NAME 128 /* of the longest name of a device, with a NUL */

struct gw_frame;
struct gw_stream;
struct gw_transport;

enum gw_phase { GW_NEW, GW_AHEAD, GW_DOUBTED, GW_REPLAYING, GW_LIVE, GW_CLOSING };

/* Since when its transport takes nothing, and what it had taken by then. */
struct gw_stall {
    uint64_t since_ms, taken;
};

struct gw_session {
    struct gw_handler handler; /* when a WebSocket is its own */
    struct tw_list among;      /* all sessions */
    const struct gw_dialect *dialect;
    struct gw_transport *transport;
    struct gw_stream *stream; /* null before it has joined */
    struct tw_list link;      /* among the stream's readers; the hub's */
    uint64_t next_seq;        /* the first event that it has not been sent */
    uint64_t since;           /* the seq after which it resumes, when it does */
    union {
        struct tw_buf *early;   /* until it is greeted: messages from before its admission
                                   (early.h); owned; null: none */
        struct gw_stall *stall; /* from then on; owned; null: its transport is writable */
    };
    struct gw_holder *holder; /* what let it in, for revocation; null: not started, or ended */
    struct tw_list held;      /* among the sessions of that */
    int64_t expires_ms;       /* of its token: wall clock; 0: never, or it has none */
    char *device;             /* as it names itself; null: it does not; its own until it ends */
    uint8_t dialect_index;
    enum gw_phase phase : 8; /* only move_to in session.c sets it */
    uint8_t own;             /* flags of its dialect's own, which set them before the start */
    bool is_greeted : 1;
    bool resumes : 1;      /* it has asked to, in the handshake or by a message */
    bool was_sent : 1;     /* an event was sent to it: too late for a resume message */
    bool is_disturbed : 1; /* in a sandbox (faults.h) */
    uint32_t greeted_s;    /* seconds since 1970: when it was; 0: not yet */
};

struct gw_session_options {
    const struct gw_dialect *dialect;
    struct gw_transport *transport; /* kept */
    const struct gw_identity *who;  /* copied */
    struct tw_slice device;         /* copied, when it is not too long */
    bool resumes;                   /* after `since` */
    uint64_t since;
    struct tw_buf *early; /* taken; see early.h; null: none */
};

/* What all sessions share; of one that is started. */
static inline struct gw_sessions *gw_session_all(const struct gw_session *s)
{
    return tw_container_of(s->holder->all, struct gw_sessions, holders);
}

/* Start a session that is zeroed but for `own`. It hears nothing before it joins a hub (hub.h).
 */
void gw_session_start(struct gw_session *s, struct gw_sessions *all,
                      const struct gw_session_options *options);

/* It names its device (copied); false, and nothing changes, when that is empty or too long. */
bool gw_session_name(struct gw_session *s, struct tw_slice device);
struct tw_slice gw_session_device(const struct gw_session *s); /* lent; empty: it has no name */

/* The same, and its dialect: gw_describe_cb of deliveries.h. */
struct tw_slice gw_session_describe(const struct gw_session *s,
                                    const struct gw_dialect **dialect);

/* It leaves its hub; why, for the log. Its memory is its owner's, and it may be started again.
 * Fine on one that was not started. */
void gw_session_end(struct gw_session *s, unsigned code, const char *reason);

/* The same, and its dialect frees it. */
void gw_session_free(struct gw_session *s, unsigned code, const char *reason);

/* `visit` may close the session, which frees nothing yet. */
void gw_sessions_each(struct gw_sessions *all, void (*visit)(struct gw_session *s, void *arg),
                      void *arg);

/* --- For the hub -----------------------------------------------------------------------------
 */

/* The stream's head is known: greet the session when it is new, and let it hear what comes
 * after the head, or after what it resumes from. A till may come from another process that was
 * ahead of this one: then it waits until a reading of the log has told whether that event
 * exists; only if it does not, the client has to fetch the state. */
void gw_session_position(struct gw_session *s);

/* A reading of the log begins, and has reached the log's end. */
void gw_session_log_read(struct gw_session *s);
void gw_session_log_end(struct gw_session *s);

/* The log begins at `begins`: a session that waits for an event after `after` and before that
 * one has to fetch the state. */
void gw_session_give_up(struct gw_session *s, uint64_t after, uint64_t begins);

/* It is told to fetch the state, and goes on where it is: it misses nothing and hears nothing
 * twice. False: it has no position yet, or none any more. */
bool gw_session_refetch(struct gw_session *s);

/* The event that it waits for is no longer in memory and it could take it now: the seq; else 0.
 */
uint64_t gw_session_wants_older(struct gw_session *s);

/* How many bytes of events in memory it has not been sent. */
uint64_t gw_session_lag_bytes(const struct gw_session *s);

/* It has still to read some of its stream's page. */
bool gw_session_reads_page(struct gw_session *s);

/* Send it what it has not heard, as far as its transport is writable; a session that lags too
 * far is closed with 1013. */
void gw_session_pump(struct gw_session *s);

/* --- For dialects ----------------------------------------------------------------------------
 */

const struct gw_tenant *gw_session_tenant(const struct gw_session *s); /* once it has joined */

static inline bool gw_session_is_closing(const struct gw_session *s)
{
    return s->phase == GW_CLOSING;
}

/* Whether the event names its device as one that it is for: in `devices` of its origin. */
static inline bool gw_session_is_addressed(const struct gw_session *s,
                                           const struct tw_event *ev)
{
    struct tw_slice devices;

    return s->device != NULL && tw_json_get(ev->origin, "devices", &devices) &&
           tw_json_lists(devices, tw_slice_of(s->device));
}

/* Whether what it resumes from is still kept. */
bool gw_session_can_resume(const struct gw_session *s);

/* Continue after `since`; false when it has been sent an event already. */
bool gw_session_resume(struct gw_session *s, uint64_t since);

/* Its transport is writable again, or `may_send` may say yes now: pump it, and let the hub read
 * the log when it needs that. */
void gw_session_writable(struct gw_session *s, uint64_t now_ms);

/* `may_read` may say yes again: let the transport ask. */
void gw_session_read_again(struct gw_session *s);

/* A message from the client (lent). */
void gw_session_text(struct gw_session *s, struct tw_slice message);

/* Send one message to this client alone; close. */
void gw_session_send(struct gw_session *s, struct tw_slice message);
void gw_session_send_frame(struct gw_session *s, struct gw_frame *f); /* takes a reference */
void gw_session_close(struct gw_session *s, struct gw_close why);
