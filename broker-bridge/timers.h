/* timers.h - what is due happens: pos.timers_run, by the active bridge alone.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/net/loop.h"
#include "common/net/pg_conn.h"
#include "common/net/redis.h"
#include "common/util/metrics.h"

#define BR_TIMERS 200 /* of a statement */

struct br_timers_options { /* all are kept */
    struct tw_loop *loop;
    struct tw_redis *redis;
};

/* Embedded in its owner. One statement is under way at a time; it says when the next timer is
 * due, and others may be set meanwhile: so it is asked then, and a few times a second. A timer
 * and its events are one transaction: what we do not publish any more, because we die, gateways
 * find in the log. */
struct br_timers {
    struct tw_loop *loop;
    struct tw_pg_conn *conn; /* null while we are not the active bridge */
    struct tw_redis *redis;
    struct tw_pg_call call;
    struct tw_deadline again;
    bool is_asking, is_stopped;
    struct tw_metric ran, failed, unpublished;
    struct tw_histogram late;
};

extern const struct tw_metric_table br_timers_metrics;

void br_timers_start(struct br_timers *t, const struct br_timers_options *options);
void br_timers_stop(struct br_timers *t);

/* We are the active bridge on `conn`, or (null) no longer. */
void br_timers_set_active(struct br_timers *t, struct tw_pg_conn *conn);
