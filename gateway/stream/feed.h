/* feed.h - a tenant's hub and what connects it to the world, shared by hubs.c and reconcile.c;
 * nobody else includes it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/loop.h"
#include "common/net/pg_pool.h"
#include "common/util/base.h"
#include "gateway/stream/hub.h"
#include "gateway/stream/hubs.h"

/* A hub with what connects it to the world. */
struct gw_feed {
    struct gw_hub hub;
    struct gw_hubs *hubs;
    struct tw_list link;
    struct tw_later turn;
    struct tw_deadline gap, linger, older;
    struct tw_pg_call call;          /* the head, or a piece of the log */
    struct tw_pg_call older_call;    /* a piece for those who resume */
    char after[24], older_after[24]; /* their parameters */
    uint64_t older_wanted, older_behind, older_upto;
    uint64_t asked_at; /* the cursor when reconciliation asked for the head */
    bool skips_margin; /* large events: the last reading ended before what was wanted */
    bool is_subscribed, is_reading, is_reading_older, is_gap_due, is_asked;
};

static inline struct gw_feed *gw_feed_of(struct gw_hub *h)
{
    return tw_container_of(h, struct gw_feed, hub);
}

static inline struct tw_slice gw_feed_id(const struct gw_feed *p)
{
    return tw_slice_of(p->hub.tenant.id);
}

/* Compare all cursors with the heads of their streams, soon; and again and again. */
void gw_reconcile_plan(struct gw_hubs *hubs);
