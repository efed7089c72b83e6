/* deliveries.h - which devices an order's event was given to, and after how long: for the
 * console, in batches that nothing waits for.
 *
 * A fan-out must not feel it, so a delivery is a few stores: an event takes one of the notes of
 * this second when its first session hears it, and each session after that is a record. Who
 * these are is read once a second, and from a session that ends before.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/loop.h"
#include "common/net/pg_pool.h"
#include "common/util/buf.h"
#include "common/util/metrics.h"
#include "gateway/stream/backlog.h"

#define GW_NOTED_EVENTS 200                       /* in a second */
#define GW_NOTED_DEVICES 64                       /* of one of them, in a second */
#define GW_NOTED_RECORDS 8192                     /* of all of them */
#define GW_NOTED_NAMES ((size_t)128 * 1024)       /* of sessions that ended, in bytes */
#define GW_NOTED_TEXT_BYTES ((size_t)1024 * 1024) /* of what is sent to PostgreSQL */

struct gw_session;

/* The name of its device (lent), and its dialect. */
typedef struct tw_slice (*gw_describe_cb)(const struct gw_session *s,
                                          const struct gw_dialect **dialect);

struct gw_deliveries_options { /* all are kept */
    struct tw_loop *loop;
    struct tw_pg_pool *pool;
    gw_describe_cb describe; /* a session is not known here */
    const char *instance;    /* the name of this process */
};

/* One event in this second. */
struct gw_note {
    uint64_t seq;
    int64_t at_ms;        /* of the event */
    uint32_t first, last; /* its records, when text is made of them */
    uint32_t more;        /* devices without a record */
    char tenant[37];
    char order[72]; /* raw JSON; "": it has none, or a longer one */
};

/* It was given to a session. */
struct gw_delivered {
    union {
        const struct gw_session *session;
        const struct gw_dialect *dialect; /* of one that has ended, and then its device: */
    };
    uint32_t name; /* where that begins among the names */
    uint8_t name_len;
    bool has_ended;
    bool is_resumed; /* it caught up */
    uint16_t note;
    uint32_t sent_ms; /* since the round began */
    uint32_t next;
};

/* Embedded in the process's state. */
struct gw_deliveries {
    struct gw_deliveries_options options;
    struct gw_note notes[GW_NOTED_EVENTS];
    struct gw_delivered records[GW_NOTED_RECORDS];
    size_t count, record_count;
    uint32_t round;    /* which second it is, from 1: an entry knows when its note was made */
    uint32_t left_out; /* events in this second */
    uint32_t sent_ms;  /* this turn of the loop, since the round began */
    uint64_t turn_ms;  /* which turn that is */
    int64_t began_ms;  /* the wall clock when the round's first note was made */
    struct tw_buf names, sending;
    char left_out_text[16];
    struct tw_pg_call call;
    struct tw_deadline tick;
    bool is_sending, is_stopped;
    struct tw_metric noted, dropped, unnamed;
};

extern const struct tw_metric_table gw_deliveries_metrics;

void gw_deliveries_start(struct gw_deliveries *d, const struct gw_deliveries_options *options);
void gw_deliveries_stop(struct gw_deliveries *d);
void gw_deliveries_done(struct gw_deliveries *d);

/* For gw_deliveries_add: a new note, or none; a new turn of the loop. */
void gw_deliveries_open(struct gw_deliveries *d, const char *tenant_id, struct gw_entry *e);
void gw_deliveries_turn(struct gw_deliveries *d, uint64_t now_ms);
void gw_deliveries_unnamed(struct gw_deliveries *d, const struct gw_entry *e);

/* An order's event of this tenant was just given to a session, in the turn of the loop
 * `now_ms`. */
static inline void gw_deliveries_add(struct gw_deliveries *d, const struct gw_session *s,
                                     const char *tenant_id, struct gw_entry *e, uint64_t now_ms,
                                     bool is_resumed)
{
    struct gw_delivered *r;

    if (e->noted_in != d->round)
        gw_deliveries_open(d, tenant_id, e);
    if (d->turn_ms != now_ms)
        gw_deliveries_turn(d, now_ms);
    if (e->note_room == 0 || d->record_count == GW_NOTED_RECORDS) {
        gw_deliveries_unnamed(d, e);
        return;
    }
    e->note_room--;
    r = &d->records[d->record_count++];
    r->session = s;
    r->has_ended = false;
    r->note = e->note;
    r->is_resumed = is_resumed;
    r->sent_ms = d->sent_ms;
}

/* This session ends: what is noted of it keeps its name. */
void gw_deliveries_ended(struct gw_deliveries *d, const struct gw_session *s);

/* Append what was noted as a JSON array, and begin anew. For `d` itself, and for tests. */
void gw_deliveries_put(struct gw_deliveries *d, struct tw_buf *out);

/* Log that an event was sent to a session, from the request that caused it on: at the level
 * debug, whatever the event. */
void gw_deliveries_trace(const char *tenant, const char *dialect, struct tw_slice device,
                         const struct tw_event *ev);
