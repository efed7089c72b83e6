/* feed.h - a tenant's hub and its two sources, Redis and the log. For hubs.c (its life), feed.c
 * (readings of the log) and reconcile.c; no other file includes it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/loop.h"
#include "common/net/pg_pool.h"
#include "common/util/base.h"
#include "gateway/stream/delay.h"
#include "gateway/stream/hub.h"
#include "gateway/stream/hubs.h"
#include "gateway/stream/readings.h"

struct gw_feed_reading; /* of the log; feed.c */

struct gw_feed {
    struct gw_hub hub;
    struct gw_hubs *hubs;
    struct tw_list link; /* among all feeds */
    struct tw_later turn, written;
    struct gw_delay delay;
    struct tw_deadline linger;

    /* Of the head, or of the events after the cursor. Null: none is under way. */
    struct gw_feed_reading *reading;
    struct tw_deadline gap;

    /* Of a piece for sessions that resume. */
    struct gw_feed_reading *older_reading;
    struct tw_deadline older;

    /* Reconciliation. */
    uint64_t asked_at; /* the cursor when the head was asked for */
    bool is_asked;

    bool is_subscribed, is_gap_due;
    size_t told_sessions; /* online.c's: of which the database was told; SIZE_MAX: anew */
    bool reads_alone; /* PostgreSQL refused what it asked last: others are not to wait for it */
};

static inline struct gw_feed *gw_feed_of(struct gw_hub *h)
{
    return tw_container_of(h, struct gw_feed, hub);
}

static inline struct tw_slice gw_feed_id(const struct gw_feed *f)
{
    return tw_slice_of(f->hub.stream.tenant.id);
}

/* Read the head when it is unknown, else the events after the cursor when one is missing. One
 * reading at a time. */
void gw_feed_read_log(struct gw_feed *f);

/* Something has changed: read from the log what is missing, now or when its time has come. */
void gw_feed_look(struct gw_feed *f);

/* Its timers, and its readings, of which none must be under way while the loop runs. */
void gw_feed_cancel(struct gw_feed *f);

/* Compare all cursors with the heads of their streams, soon and then periodically. */
void gw_reconcile_plan(struct gw_hubs *hubs);
