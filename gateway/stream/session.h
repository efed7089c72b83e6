/* session.h - a client: its dialect, its tenant's stream, its place in it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/buf.h"
#include "common/util/list.h"
#include "common/util/metrics.h"
#include "gateway/dialect/dialect.h"
#include "gateway/websocket/handler.h"

struct gw_frame;
struct gw_hub;
struct gw_device;
struct gw_sync_log;
struct gw_transport;

/* What all sessions of a process share. */
struct gw_sessions {
    struct tw_list list;
    size_t queue_bytes;      /* how far a session may lag, in bytes of events */
    struct gw_sync_log *log; /* kept */
    struct tw_buf scratch;   /* a message while it is scanned */
    struct tw_metric open[GW_DIALECTS];
    struct tw_metric slow, messages_in, messages_out, malformed, rendered, resumed, resynced;
    uint64_t now_ms; /* of this turn; the hub's owner sets it */
};

struct gw_session {
    struct gw_handler handler; /* when a WebSocket is its own */
    struct gw_sessions *all;
    struct tw_list among; /* all sessions */
    const struct gw_dialect *dialect;
    struct gw_transport *transport;
    struct gw_hub *hub;
    struct tw_list link; /* in its hub */
    uint64_t next_seq;   /* the first event that it has not been given; 0 before the greeting */
    uint64_t since;      /* what it resumes behind, when it does */
    uint64_t blocked_ms; /* when its wire was first found full; 0: it has room */
    bool resumes;
    bool is_replaying; /* it has not caught up yet: it may lag as far as it does */
    bool is_ahead;     /* it knows of a later event than this process: the log will tell */
    bool is_doubted;   /* a reading of the log that will tell has begun */
    bool has_heard;    /* an event was given to it: too late for a resume message */
    bool hears_all;
    bool is_closing;
    char key_id[37];                /* of the API key, for revocation */
    int64_t expires_ms;             /* wall clock; 0: never */
    char device[128];               /* as it named itself; may be empty */
    struct gw_device *device_state; /* of the restaurant's house; null in dialects without */
};

void gw_sessions_start(struct gw_sessions *all, struct gw_sync_log *log, size_t queue_bytes,
                       size_t message_bytes, struct tw_metrics *metrics);
void gw_sessions_done(struct gw_sessions *all);

/* `visit` may close the session, which frees nothing yet. */
void gw_sessions_each(struct gw_sessions *all, void (*visit)(struct gw_session *s, void *arg),
                      void *arg);

/* Gives; `wire` is kept. It hears nothing before it joins a hub (hub.h). */
struct gw_session *gw_session_new(struct gw_sessions *all, const struct gw_dialect *dialect,
                                  struct gw_transport *transport);
/* It leaves its hub; why, for the log. Fine with null. */
void gw_session_free(struct gw_session *s, unsigned code, const char *reason);

/* The hub is at `head`, and events from `oldest` on are kept: greet, and hear what comes behind
 * the head, or behind what it resumes from. */
void gw_session_begin(struct gw_session *s, uint64_t head, uint64_t oldest);

/* Whether what it resumes behind is still kept. */
static inline bool gw_session_can_resume(const struct gw_session *s, uint64_t head,
                                         uint64_t oldest)
{
    return s->resumes && s->since <= head && s->since + 1 >= oldest;
}

/* Behind `since` when that is still kept; else the client is told, and goes on at the head. */
void gw_session_position(struct gw_session *s, uint64_t head, uint64_t oldest);

/* Go to behind `since`; false when it has been given an event already. */
bool gw_session_resume(struct gw_session *s, uint64_t since);

/* What it waits for is older than what is in memory and it could take it now: the seq, else 0.
 */
uint64_t gw_session_wants_older(const struct gw_session *s);

/* Give it what it has not heard, as far as there is room; a session that lags too far is closed
 * with 1013. */
void gw_session_pump(struct gw_session *s);

/* Its wire has room again: the same, and the hub hears when the log must be read for it. */
void gw_session_writable(struct gw_session *s, uint64_t now_ms);

/* A message from the client (lent). */
void gw_session_text(struct gw_session *s, struct tw_slice message);

const struct gw_tenant *gw_session_tenant(const struct gw_session *s); /* once it has joined */

/* For dialects: send one message to this client alone; close. */
void gw_session_send(struct gw_session *s, struct tw_slice message);
void gw_session_send_frame(struct gw_session *s, struct gw_frame *f); /* takes a reference */
void gw_session_close(struct gw_session *s, unsigned code, const char *reason);
