/* device.h - what MiniPOS and cloud sync share: a client of the restaurant's state, which is
 * asked for once for all who want it, and changed by one operation.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/domain/event.h"
#include "common/domain/operation.h"
#include "common/util/list.h"
#include "common/util/map.h"
#include "common/util/metrics.h"
#include "gateway/dialect/command.h"
#include "gateway/dialect/principal.h"

#define GW_RECENT_CHANGES 32

struct gw_frame;
struct gw_session;
struct gw_snapshot_kind;

/* Embedded in the process's state; zeroed but for the first two. */
struct gw_shared_state {
    struct tw_operations *operations;
    void (*changed)(struct gw_shared_state *h); /* a member came or goes; may be null */
    struct tw_map states; /* "<tenant> <operation>" to what was read last, and who waits */
    struct tw_metric asked, read;
};

void gw_shared_state_start(struct gw_shared_state *h, struct tw_metrics *metrics);
void gw_shared_state_done(struct gw_shared_state *h);

/* What a session of these dialects has besides. */
struct gw_device {
    struct gw_shared_state *shared_state;
    struct gw_session *session;
    struct gw_principal principal;
    struct gw_commands commands;
    char id[33];         /* of this connection: origin.session of what it changes */
    char user[64];       /* as it named itself; may be empty */
    char named[64];      /* the restaurant as it wrote it; empty: as we do */
    int64_t since_ms;    /* wall clock */
    struct tw_buf first; /* what it said before it was let in, with 0x1e between */
    uint64_t own_seq;    /* its last change: a state must have it */
    const struct gw_snapshot_kind *view; /* that it waits for */
    struct tw_list waiting;
    unsigned snapshots_due; /* answers that it waits for; meanwhile it is given no events */
    gw_command_cb answered; /* the dialect's */
    struct gw_recent_change {
        uint64_t row; /* a hash */
        uint64_t at_ms;
    } recent_changes[GW_RECENT_CHANGES]; /* changes of others that it was told of, a ring */
    size_t recent_count;
};

struct gw_device *gw_device_new(struct gw_shared_state *h, struct gw_session *s);
void gw_device_free(struct gw_device *m); /* waits no longer; fine with null */

/* For a dialect's greeting: hear what it said before it was let in. */
void gw_device_hear_first(struct gw_device *m);

/* How a dialect shows the state. */
struct gw_snapshot_kind {
    const char *operation;
    struct gw_frame *(*render)(struct tw_slice body); /* gives one frame for all */
    void (*refused)(struct gw_session *s, const struct tw_outcome *outcome);
};

/* Send the state, behind the client's own changes and before all that comes later: what it
 * hears behind it is never older. A reading that is yet to begin, or the last one when nothing
 * has happened since, serves all who ask, as long as it has the client's own changes in it. */
void gw_device_want_snapshot(struct gw_device *m, const struct gw_snapshot_kind *view);

/* Change something: `body` is that of house_change. `answered` hears how it went; `note` is
 * kept with it. False when too many changes wait. */
bool gw_device_change(struct gw_device *m, struct tw_slice body, struct tw_slice note,
                      gw_command_cb answered);

struct gw_device *gw_device_of(struct gw_commands *q);

/* Whether an event comes from this connection, or from this cloud sync device. */
bool gw_device_is_origin(const struct gw_device *m, const struct tw_event *ev);

/* Whether a client must hear an event. All of others; its own only when it was told of another
 * change of the same row shortly before: the two may have crossed, and it would keep what is
 * older. */
bool gw_device_needs(struct gw_device *m, const struct tw_event *ev, bool is_own);

/* Append the members code, message and (where there are any) details of a refused outcome: the
 * operation's own, or those of refusal.h. */
void gw_device_put_refusal(struct tw_buf *out, const struct tw_outcome *outcome);
