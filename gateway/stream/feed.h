/* feed.h - a tenant's hub and its two sources, Redis and the log. For hubs.c (its life), feed.c
 * (readings of the log) and reconcile.c; no other file includes it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/loop.h"
#include "common/net/pg_pool.h"
#include "common/util/base.h"
#include "gateway/stream/hub.h"
#include "gateway/stream/hubs.h"
#include "gateway/stream/readings.h"

struct gw_feed {
    struct gw_hub hub;
    struct gw_hubs *hubs;
    struct tw_list link; /* among all feeds */
    struct tw_later turn;
    struct tw_deadline linger;
    bool is_subscribed;

    /* The reading of the head, or of the events after the cursor. */
    struct tw_deadline gap;
    struct gw_reading reading;
    bool is_reading, is_gap_due;
    bool reads_alone; /* PostgreSQL refused what it asked last: others are not to wait for it */

    /* The reading of a piece for sessions that resume. */
    struct tw_deadline older;
    struct gw_reading older_reading;
    uint64_t older_upto; /* the log reached this far when it began */
    bool is_reading_older;

    /* Reconciliation. */
    uint64_t asked_at; /* the cursor when the head was asked for */
    bool is_asked;
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

void gw_feed_cancel(struct gw_feed *f); /* its timers */

/* Compare all cursors with the heads of their streams, soon and then periodically. */
void gw_reconcile_plan(struct gw_hubs *hubs);
