/* house.h - what MiniPOS and cloud sync share: a client of the restaurant's state, which is
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

#define GW_TOLD 32

struct gw_frame;
struct gw_session;
struct gw_view;

/* Embedded in the process's state; zeroed but for the first two. */
struct gw_house {
    struct tw_operations *operations;
    void (*changed)(struct gw_house *h); /* a member came or goes; may be null */
    struct tw_map states; /* "<tenant> <operation>" to what was read last, and who waits */
    struct tw_metric asked, read;
};

void gw_house_start(struct gw_house *h, struct tw_metrics *metrics);
void gw_house_done(struct gw_house *h);

/* What a session of these dialects has besides. */
struct gw_member {
    struct gw_house *house;
    struct gw_session *session;
    struct gw_caller caller;
    struct gw_commands commands;
    char id[33];                /* of this connection: origin.session of what it changes */
    char user[64];              /* as it named itself; may be empty */
    char named[64];             /* the restaurant as it wrote it; empty: as we do */
    int64_t since_ms;           /* wall clock */
    struct tw_buf first;        /* what it said before it was let in, with 0x1e between */
    uint64_t own_seq;           /* its last change: a state must have it */
    const struct gw_view *view; /* that it waits for */
    struct tw_list waiting;
    unsigned asks;          /* answers that it waits for; meanwhile it is given no events */
    gw_command_cb answered; /* the dialect's */
    struct gw_told {
        uint64_t row; /* a hash */
        uint64_t at_ms;
    } told[GW_TOLD]; /* changes of others that it was told of, a ring */
    size_t told_count;
};

struct gw_member *gw_member_new(struct gw_house *h, struct gw_session *s);
void gw_member_free(struct gw_member *m); /* waits no longer; fine with null */

/* For a dialect's greeting: hear what it said before it was let in. */
void gw_member_hear_first(struct gw_member *m);

/* How a dialect shows the state. */
struct gw_view {
    const char *operation;
    struct gw_frame *(*render)(struct tw_slice body); /* gives one frame for all */
    void (*refused)(struct gw_session *s, const struct tw_outcome *outcome);
};

/* Send the state, behind the client's own changes and before all that comes later: what it
 * hears behind it is never older. A reading that is yet to begin, or the last one when nothing
 * has happened since, serves all who ask, as long as it has the client's own changes in it. */
void gw_member_ask(struct gw_member *m, const struct gw_view *view);

/* Change something: `body` is that of house_change. `answered` hears how it went; `note` is
 * kept with it. False when too many changes wait. */
bool gw_member_change(struct gw_member *m, struct tw_slice body, struct tw_slice note,
                      gw_command_cb answered);

struct gw_member *gw_member_of(struct gw_commands *q);

/* Whether an event comes from this connection, or from this cloud sync device. */
bool gw_member_is_origin(const struct gw_member *m, const struct tw_event *ev);

/* Whether a client must hear an event. All of others; its own only when it was told of another
 * change of the same row shortly before: the two may have crossed, and it would keep what is
 * older. */
bool gw_member_needs(struct gw_member *m, const struct tw_event *ev, bool is_own);

/* Append the members code, message and (where there are any) details of a refused outcome: the
 * operation's own, or those of refusal.h. */
void gw_house_put_refusal(struct tw_buf *out, const struct tw_outcome *outcome);
