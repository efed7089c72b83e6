/* stream.h - a tenant's events in this process: in order, once, and the last ones in memory.
 * Pure: no I/O, no clock, no sessions.
 *
 *     Redis, log --> cursor (order, once) --> backlog (the last events)   live sessions read it
 *                                  log -----> page (a piece further back) resuming ones read it
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/domain/event.h"
#include "gateway/dialect/dialect.h"
#include "gateway/stream/backlog.h"
#include "gateway/stream/cursor.h"

struct gw_session;
struct gw_stream;

/* What the owner of a stream hears from it and from the sessions that read it. */
struct gw_stream_events {
    /* There is something to deliver or to read: look at it soon, but not from within. */
    void (*changed)(struct gw_stream *s);
    /* A session goes: take it out of the list of readers. */
    void (*left)(struct gw_stream *s, struct gw_session *session);
};

struct gw_stream {
    const struct gw_stream_events *events;
    struct gw_tenant tenant;
    struct gw_cursor cursor;
    struct gw_backlog backlog;
    uint64_t oldest; /* the log keeps events from this seq on */

    /* A piece of the log for sessions that resume from before the backlog: it covers the events
     * after its `gone` up to its `end`. Owned; null: no session needs one of them. */
    struct gw_backlog *page;

    uint64_t deliveries; /* an event to a session each, since they were logged last */
};

/* `memory` and `events` are kept; `backlog_bytes` is the most that this tenant's events take.
 */
void gw_stream_init(struct gw_stream *s, const struct gw_tenant *tenant,
                    struct gw_memory *memory, uint32_t backlog_bytes,
                    const struct gw_stream_events *events);
void gw_stream_done(struct gw_stream *s);

/* The head of the log is known. True the first time: give the sessions their positions, then
 * call gw_stream_release. False when it was known already. */
bool gw_stream_begin(struct gw_stream *s, uint64_t head, uint64_t oldest);

/* Deliver what was held until the head was known. */
void gw_stream_release(struct gw_stream *s);

/* An event from Redis, and one read from the log. What became of it, for the metrics. */
enum gw_admit gw_stream_arrive(struct gw_stream *s, const struct tw_event *ev);
enum gw_admit gw_stream_read(struct gw_stream *s, const struct tw_event *ev);

/* The head as reconciliation saw it. True when the stream went back (a restore): nothing that
 * is in memory is valid any more. */
bool gw_stream_saw_head(struct gw_stream *s, uint64_t head);

/* The log keeps seqs from `oldest` on, as a reading after the cursor has seen. True when it has
 * not all that comes next: a restore has raised the stream, or days were dropped while it could
 * not be read. Everything continues at `oldest`, and nothing in memory is valid any more. */
bool gw_stream_saw_oldest(struct gw_stream *s, uint64_t oldest);

/* A piece of the log for sessions that resume. */
struct gw_piece {
    uint64_t after; /* the events after this seq */
    const struct tw_event *events;
    size_t count;
    uint64_t through;     /* up to this one, in order */
    bool reaches_backlog; /* nothing is missing between them and the backlog */
    uint64_t oldest;      /* the log has dropped seqs below this one, and none above */
};

/* Take a piece: it extends the backlog when it reaches it (so that the next till finds the
 * events in memory); what is further back, or more than the backlog takes, becomes the page.
 * Gives the seq at which the log begins when it no longer has all that was asked for: sessions
 * that wait for events after piece->after and before that seq have to fetch the state. 0: none.
 * Seqs that are kept and not there never were: a restore may have raised the head. */
uint64_t gw_stream_take_piece(struct gw_stream *s, const struct gw_piece *piece);

/* Where the event `seq` (or the next one) is found: the backlog, the page, or (null) only in
 * the log. */
struct gw_backlog *gw_stream_source(struct gw_stream *s, uint64_t seq);

/* No session needs the page any more. */
void gw_stream_drop_page(struct gw_stream *s);

/* Whether the events after `since` are still kept, and it is not from the future. */
bool gw_stream_keeps(const struct gw_stream *s, uint64_t since);
