/* waiting.h - long polls: requests that wait until their tenant's stream has new events.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/loop.h"
#include "common/net/pg_pool.h"
#include "common/util/buf.h"
#include "common/util/list.h"
#include "common/util/map.h"
#include "common/util/metrics.h"

#define API_LONG_POLLS_AWAKE 8 /* of one tenant */
#define API_LONG_POLLS 10000

struct api_parked;
struct api_waiting_group; /* the requests of one tenant */
/* There are new events, or (`has_news` false) its time is over. Never before the parking call
 * has returned. */
typedef void (*api_wake_cb)(struct api_parked *p, bool has_news);

/* Embedded in the waiting request; zeroed but for these. */
struct api_parked {
    char tenant[37];   /* UUID text */
    uint64_t after;    /* the last seq that it has */
    uint64_t until_ms; /* of the loop's clock */
    api_wake_cb wake;
    struct tw_slice question; /* what it asks, kept: who asks the same gets the same answer */
    struct tw_list link;
    struct api_waiting_group *awake; /* it was let in or woken, and asks now; null: neither */
};

struct api_waiting_options { /* all are kept */
    struct tw_loop *loop;
    struct tw_pg_pool *pool;
};

/* One statement every so often compares the heads of all tenants that are waited for; so a
 * thousand waiting requests cost PostgreSQL what one costs. A thousand that come at once and
 * ask the same share one answer. When there is news, a few of a tenant at a time are woken:
 * they all ask, and others want to be answered meanwhile. */
struct api_waiting {
    struct api_waiting_options options;
    struct tw_map by_tenant;
    struct tw_list groups;
    struct tw_pg_call call;
    struct tw_buf tenants;
    struct tw_deadline tick;
    bool is_asking, is_stopped;
    struct tw_metric count;
};

extern const struct tw_metric_table api_waiting_metrics;

void api_waiting_start(struct api_waiting *w, const struct api_waiting_options *options);
void api_waiting_stop(struct api_waiting *w); /* wakes everybody, without news */
void api_waiting_done(struct api_waiting *w);

/* Ask for the first time: false when the request has to wait (kept until the wake) for others
 * with this key, who ask just now. Its `until_ms` and `wake` are set. */
bool api_waiting_enter(struct api_waiting *w, struct api_parked *p, struct tw_slice key_hash);

/* Wait (kept until the wake); false when too many wait already. */
bool api_waiting_park(struct api_waiting *w, struct api_parked *p);
void api_waiting_leave(struct api_waiting *w, struct api_parked *p); /* fine when not parked */

/* Of those whom `p`, which asks, keeps waiting: one with the same question, which leaves the
 * line; null: none is near. Its answer is that of `p`. */
struct api_parked *api_waiting_take_same(struct api_waiting *w, const struct api_parked *p);

/* What it asked has been answered: the next one's turn. Fine on one that was neither let in nor
 * woken. */
void api_waiting_asked(struct api_waiting *w, struct api_parked *p);
