/* hub.h - a tenant in this process: its stream's cursor, its backlog, its sessions.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/domain/event.h"
#include "common/util/list.h"
#include "gateway/dialect/dialect.h"
#include "gateway/stream/backlog.h"
#include "gateway/stream/cursor.h"

struct gw_session;
struct gw_sync_log;
struct gw_hub;

/* Something is to be fanned out or read: call gw_hub_fan_out soon, but not from within. */
typedef void (*gw_hub_changed_cb)(struct gw_hub *h);

/* Zeroed but for the tenant, `changed` and the backlog's limit. */
struct gw_hub {
    struct gw_tenant tenant;
    gw_hub_changed_cb changed;
    struct gw_cursor cursor;
    struct gw_backlog backlog;
    struct tw_list sessions;
    size_t session_count;
    uint64_t delivered;
    uint64_t logged; /* deliveries up to this seq are in the log */
    uint64_t oldest; /* the log keeps events from this seq on */

    /* A piece of the log for sessions that resume from before the backlog: it covers what lies
     * behind page.gone up to page_end. */
    struct gw_backlog page;
    uint64_t page_end;
};

void gw_hub_init(struct gw_hub *h, struct gw_tenant tenant, size_t backlog_bytes,
                 gw_hub_changed_cb changed);
void gw_hub_done(struct gw_hub *h); /* no session may be left */

/* Until the head is known, sessions wait to be greeted and events are held. */
void gw_hub_begin(struct gw_hub *h, uint64_t head, uint64_t oldest);

/* A session comes (kept) and goes. */
void gw_hub_join(struct gw_hub *h, struct gw_session *s);
void gw_hub_leave(struct gw_hub *h, struct gw_session *s);

/* Put a session behind what it resumes from. A till may come from another process that was
 * ahead of this one: then it waits (ungreeted, if it is new) until a reading of the log has
 * told whether that event exists; only if it does not, the client has to fetch the state anew.
 */
void gw_hub_position(struct gw_hub *h, struct gw_session *s);

/* A reading of the log behind the cursor begins, and has reached the log's end. */
void gw_hub_log_read(struct gw_hub *h);
void gw_hub_log_end(struct gw_hub *h);

/* An event from Redis, and one read from the log. What the turn was, for the metrics. */
enum gw_admit gw_hub_arrive(struct gw_hub *h, const struct tw_event *ev);
enum gw_admit gw_hub_read(struct gw_hub *h, const struct tw_event *ev);

/* The head as reconciliation saw it. True when the stream went back (a restore): sessions are
 * closed then, to come back and learn the state anew. */
bool gw_hub_saw_head(struct gw_hub *h, uint64_t head);

/* The seq that a resuming session needs and memory does not have, the lowest of all; 0: none.
 */
uint64_t gw_hub_wants_older(const struct gw_hub *h);

/* A piece of the log, for that: `n` events in order that cover what lies behind `after` up to
 * `through`; `reaches_backlog` when nothing is missing between them and the backlog. They
 * extend it then (so that the next till finds them in memory); a piece further back becomes the
 * page. Sessions that wait for what the log has no longer are told to fetch the state anew. */
void gw_hub_older(struct gw_hub *h, uint64_t after, const struct tw_event *events, size_t n,
                  uint64_t through, bool reaches_backlog);

/* Give every session what it has not heard. */
void gw_hub_fan_out(struct gw_hub *h);

/* A message to all sessions of a dialect but the one it is from. */
void gw_hub_relay(struct gw_hub *h, struct tw_slice dialect, struct tw_slice from,
                  struct tw_slice message);

/* One row for each event that was handed out since the last time, with the number of sessions
 * that heard it. */
void gw_hub_log_deliveries(struct gw_hub *h, struct gw_sync_log *log);
