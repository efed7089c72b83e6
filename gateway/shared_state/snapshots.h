/* snapshots.h - the whole of a restaurant's shared state, read once for all devices that want
 * it at the time.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/domain/operation.h"
#include "common/util/list.h"
#include "common/util/map.h"
#include "common/util/metrics.h"

struct gw_frame;
struct gw_principal;
struct gw_session;

/* How a dialect shows the state. */
struct gw_snapshot_kind {
    const char *operation;                            /* of pos.dispatch */
    struct gw_frame *(*render)(struct tw_slice body); /* gives one frame for all */
    void (*refused)(struct gw_session *s, const struct tw_outcome *outcome);
};

/* Embedded in the state that devices share. */
struct gw_snapshots {
    struct tw_operations *operations;
    struct tw_map
        by_name; /* "<tenant> <operation>" to the snapshot read last, and its readers */
    struct tw_metric asked, read;
};

extern const struct tw_metric_table gw_snapshots_metrics;

void gw_snapshots_start(struct gw_snapshots *all, struct tw_operations *operations); /* kept */
void gw_snapshots_done(struct gw_snapshots *all);

/* A device's part; embedded in it, and kept until gw_snapshots_leave. Zeroed but for the first
 * four, which are kept. */
struct gw_snapshot_reader {
    struct gw_snapshots *all;
    struct gw_session *session;
    const struct gw_principal *principal;
    const char *connection; /* its id */
    uint64_t own_seq;       /* of its last change: a snapshot must contain it */
    const struct gw_snapshot_kind *kind;
    struct tw_list waiting;
    unsigned due; /* snapshots that it waits for; until then it is sent no events */
};

/* It wants a snapshot, and gets one for each time that it asks: sent after the device's own
 * changes and before all later events, so what it hears afterwards is never older. A reading
 * that is yet to begin, or the last one when nothing has happened since, serves all devices, as
 * long as it contains the device's own changes. `is_busy`: changes of its own are still under
 * way; call gw_snapshots_ready when they have ended. */
void gw_snapshots_want(struct gw_snapshot_reader *r, const struct gw_snapshot_kind *kind,
                       bool is_busy);
void gw_snapshots_ready(struct gw_snapshot_reader *r);

void gw_snapshots_leave(struct gw_snapshot_reader *r); /* it waits no longer */
