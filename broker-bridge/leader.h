/* leader.h - the bridge's connection to PostgreSQL: one bridge is active, the others stand by.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/net/loop.h"
#include "common/net/pg_conn.h"
#include "common/net/pg_outage.h"
#include "common/util/metrics.h"
#include "common/util/slice.h"

struct br_leader;

struct br_leader_events {
    void (*on_active)(struct br_leader *l);  /* the lock is ours and we listen */
    void (*on_passive)(struct br_leader *l); /* the connection broke, and the lock with it */
    void (*on_notify)(struct br_leader *l, struct tw_slice channel, struct tw_slice payload);
};

struct br_leader_options { /* all are kept */
    struct tw_loop *loop;
    const char *url, *url_file; /* of the database */
    const struct br_leader_events *events;
    struct tw_pg_observer *observer; /* of its connection */
};

/* Embedded in its owner. The lock belongs to the connection that listens: a process that
 * loses one loses the other, so there are never two that both believe they are active. */
struct br_leader {
    const struct br_leader_events *events;
    struct tw_loop *loop;
    struct tw_pg_conn *conn;
    struct tw_pg_call lock_call, listen_call, listen_control_call;
    struct tw_deadline again;
    bool is_active, is_up, is_stopped;
    bool is_deaf;               /* its first LISTEN was refused */
    struct tw_pg_outage outage; /* why it is not up */
    struct tw_metric active, connects;
};

extern const struct tw_metric_table br_leader_metrics;

/* Begins to connect: to PostgreSQL itself, since behind a pooler the lock may stay with a
 * server that others use, or be ours and another bridge's at a time. */
void br_leader_start(struct br_leader *l, const struct br_leader_options *options);
void br_leader_stop(struct br_leader *l);

/* Why it is not connected. */
const char *br_leader_problem(const struct br_leader *l);
