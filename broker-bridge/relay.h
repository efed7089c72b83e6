/* relay.h - events of plain SQL writers: they get their seqs, and go to Redis.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "broker-bridge/housekeeping.h"
#include "broker-bridge/lookout.h"
#include "common/net/loop.h"
#include "common/net/pg_conn.h"
#include "common/net/redis.h"
#include "common/util/metrics.h"

#define BR_EVENTS 1000 /* of a statement */
#define BR_SERVED                                                                              \
    16 /* statements; then the housekeeping, which is never long, has its turn                 \
        */

struct br_relay_options { /* all are kept */
    struct tw_loop *loop;
    struct tw_redis *redis;
};

/* Embedded in its owner. One statement is under way at a time: pos.outbox_relay, which numbers
 * what waits and answers it, tenant after tenant, until nothing waits any more. It is asked
 * when PostgreSQL notifies, and ten times a second for those that do not, or whose stream was
 * busy. What Redis does not take, and what is numbered when we die, is found by reconciliation.
 */
struct br_relay {
    struct tw_loop *loop;
    struct tw_pg_conn *conn; /* null while we are not the active bridge */
    struct tw_redis *redis;
    struct tw_pg_call call;
    struct tw_later turn;
    struct tw_deadline tick;
    char after[37];  /* the tenant whose events came last in this round; empty: it begins */
    unsigned served; /* statements since the last one of the housekeeping */
    bool is_asking, has_work, is_stopped;
    struct br_housekeeping housekeeping;
    struct br_lookout lookout;
    uint64_t
        notified_us; /* since when a notification has not been looked into; 0: there is none */
    uint64_t since_us; /* when that came which is being looked into; 0: nobody has told */
    struct tw_metric notifications, published, failures;
    struct tw_histogram delay;
};

extern const struct tw_metric_table br_relay_metrics;

void br_relay_start(struct br_relay *r, const struct br_relay_options *options);
void br_relay_stop(struct br_relay *r);

/* We are the active bridge on `conn`, or (null) no longer. */
void br_relay_set_active(struct br_relay *r, struct tw_pg_conn *conn);

/* PostgreSQL has notified: something waits. */
void br_relay_notified(struct br_relay *r);
