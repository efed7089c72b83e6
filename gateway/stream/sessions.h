/* sessions.h - what all sessions of a process share.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/util/buf.h"
#include "common/util/list.h"
#include "common/util/metrics.h"
#include "gateway/dialect/dialect.h"
#include "gateway/stream/holders.h"

#define GW_CLOSE_CODES 11 /* that are told apart, and all others together */

struct gw_session;
struct gw_deliveries;
struct gw_faults;
struct gw_sync_log;

struct gw_sessions_options {
    const struct gw_dialects *dialects; /* kept */
    struct gw_sync_log *log;            /* kept */
    struct gw_deliveries *deliveries;   /* kept; null: nothing is noted */
    struct gw_faults *faults;           /* kept; null: no session is ever disturbed */
    size_t queue_bytes;                 /* how far a session may lag, in bytes of events */
    uint64_t heartbeat_ms;              /* at most so long nothing is heard of a client */
    size_t message_bytes;               /* the largest message from a client */
};

/* Embedded in the process's state. */
struct gw_sessions {
    struct tw_list list;
    struct gw_holders holders;
    const struct gw_dialects *dialects;
    struct gw_sync_log *log;
    struct gw_deliveries *deliveries;
    struct gw_faults *faults;
    size_t queue_bytes;
    uint64_t heartbeat_ms;
    struct tw_buf scratch; /* a message while it is scanned */
    struct tw_metric open[GW_MAX_DIALECTS];
    struct tw_metric ends[GW_MAX_DIALECTS * GW_CLOSE_CODES];
    struct tw_metric slow, messages_in, messages_out, malformed, rendered, resumed, resynced;
    uint64_t now_ms; /* of this turn of the loop; the hub's owner sets it */
};

/* All but `open` and `ends`, which are counted by dialect: dialect_metrics.h has them. */
extern const struct tw_metric_table gw_sessions_metrics;

void gw_sessions_start(struct gw_sessions *all, const struct gw_sessions_options *options);
void gw_sessions_done(struct gw_sessions *all);

/* The close code, in words for a label, that the element `i` of a dialect's `ends` counts. */
const char *gw_sessions_close_code(size_t i);
void gw_sessions_count_end(struct gw_sessions *all, size_t dialect_index, unsigned code);
