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

#define GW_SNAPSHOT_BYTES ((uint64_t)32 * 1024 * 1024)

struct gw_frame;
struct gw_principal;
struct gw_session;

/* The lists of which a dialect may send the whole. */
#define GW_LISTS 5
#define GW_NO_LIST (-1)

/* How a dialect shows the state, or a part of it. */
struct gw_snapshot_kind {
    const char *operation; /* of pos.dispatch */
    /* Gives one frame for all; sets the bits of the lists that replace the device's own. */
    struct gw_frame *(*render)(struct tw_slice body, unsigned *lists);
    /* In place of `render`, for what stays as it is and is different for each device. */
    void (*deliver)(struct gw_session *s, struct tw_slice body);
    void (*refused)(struct gw_session *s, const struct tw_outcome *outcome);
    bool keeps_trying; /* while the database cannot read it: its client asks only once */
};

#define GW_SNAPSHOT_BODY 64

/* A list as a device was last sent it: the events up to `seq` are in it. */
struct gw_shown {
    uint64_t seq, at_ms;
};

/* Embedded in the state that devices share. */
struct gw_snapshots {
    struct tw_operations *operations;
    struct tw_map
        by_name; /* "<tenant> <operation> <body>" to the snapshot read last, and its readers */
    struct tw_list order; /* those that were made, the one used longest ago first */
    struct tw_metric asked, read, kept_bytes;
};

extern const struct tw_metric_table gw_snapshots_metrics;

void gw_snapshots_start(struct gw_snapshots *all, struct tw_operations *operations); /* kept */
void gw_snapshots_done(struct gw_snapshots *all);

/* A device's part; embedded in it, and kept until gw_snapshots_leave. Zeroed but for the first
 * five, which are kept. */
struct gw_snapshot_reader {
    struct gw_snapshots *all;
    struct gw_session *session;
    const struct gw_principal *principal;
    const char *connection; /* its id */
    struct gw_shown *shown; /* of the device, for each list */
    uint64_t own_seq;       /* a snapshot must contain the events up to this one */
    const struct gw_snapshot_kind *kind;
    char body[GW_SNAPSHOT_BODY]; /* of the operation: which part of the state */
    struct tw_list waiting;
    unsigned due; /* snapshots that it waits for; until then it is sent no events */
};

/* It wants a snapshot (`body` is copied, and is the same for all that it waits for), and gets
 * one for each time that it asks: sent after the device's own changes and before all later
 * events, so what it hears afterwards is never older. A reading that is yet to begin, or the
 * last one when nothing has happened since, serves all devices, as long as it contains the
 * device's own changes. `is_busy`: changes of its own are still under way; call
 * gw_snapshots_ready when they have ended. */
void gw_snapshots_want(struct gw_snapshot_reader *r, const struct gw_snapshot_kind *kind,
                       const char *body, bool is_busy);
void gw_snapshots_ready(struct gw_snapshot_reader *r);

void gw_snapshots_leave(struct gw_snapshot_reader *r); /* it waits no longer */
