/* relay.h - rows of the event log to Redis: those that a NOTIFY named, and those that an outage
 * left unpublished.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "broker-bridge/housekeeping.h"
#include "common/net/loop.h"
#include "common/net/pg_conn.h"
#include "common/net/redis_link.h"
#include "common/util/buf.h"
#include "common/util/metrics.h"

struct br_relay_options { /* all are kept */
    struct tw_loop *loop;
    struct tw_redis_link *redis;
};

/* Embedded in its owner. One statement is under way at a time; notifications that arrive
 * meanwhile are collected and read together. Publishing twice is harmless, so an event in doubt
 * is published again. */
struct br_relay {
    struct tw_loop *loop;
    struct tw_pg_conn *conn; /* null while we are not the active bridge */
    struct tw_redis_link *redis;
    struct tw_pg_call call;
    struct tw_later turn;
    struct tw_deadline tick;
    struct tw_buf tenants, seqs;           /* named since the last statement: array literals */
    struct tw_buf sent_tenants, sent_seqs; /* of the statement under way */
    size_t named;
    bool is_asking, owes_pending, owes_mark, is_stopped;
    struct br_housekeeping housekeeping;
    struct tw_metric notifications, published, failures, overruns;
};

extern const struct tw_metric_table br_relay_metrics;

void br_relay_start(struct br_relay *r, const struct br_relay_options *options);
void br_relay_stop(struct br_relay *r);
void br_relay_done(struct br_relay *r);

/* We are the active bridge on `conn`, or (null) no longer. */
void br_relay_set_active(struct br_relay *r, struct tw_pg_conn *conn);

/* Redis is back: publish what it may have missed. */
void br_relay_again(struct br_relay *r);

/* "<tenant uuid> <seq>" of a NOTIFY; anything else is ignored and counted. */
void br_relay_named(struct br_relay *r, struct tw_slice payload);
