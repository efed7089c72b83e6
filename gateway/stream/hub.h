/* hub.h - a tenant in this process: its stream, and the sessions that read it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/domain/event.h"
#include "common/util/base.h"
#include "common/util/list.h"
#include "gateway/stream/stream.h"

struct gw_session;
struct gw_sync_log;
struct gw_hub;

/* Something is to be fanned out or read: call gw_hub_fan_out soon, but not from within. */
typedef void (*gw_hub_changed_cb)(struct gw_hub *h);

struct gw_hub {
    struct gw_stream stream;
    gw_hub_changed_cb changed;
    struct tw_list sessions;
    size_t session_count;
    uint64_t logged_ms; /* when deliveries were written to the sync log */
};

/* See gw_stream_init. */
void gw_hub_init(struct gw_hub *h, const struct gw_tenant *tenant, struct gw_memory *memory,
                 uint32_t backlog_bytes, gw_hub_changed_cb changed);
void gw_hub_done(struct gw_hub *h); /* no session may be left */

static inline struct gw_hub *gw_hub_of(struct gw_stream *s)
{
    return tw_container_of(s, struct gw_hub, stream);
}

/* The head of the log was read: sessions are greeted, what was held is delivered. Until then
 * sessions wait and events are held. */
void gw_hub_begin(struct gw_hub *h, uint64_t head, uint64_t oldest);

/* A started session joins (kept until it ends). */
void gw_hub_join(struct gw_hub *h, struct gw_session *s);

/* A reading of the log after the cursor begins, and has reached the log's end. */
void gw_hub_log_read(struct gw_hub *h);
void gw_hub_log_end(struct gw_hub *h);

/* The head as reconciliation saw it. True when the stream went back (a restore): the sessions
 * are closed, so that they connect again and fetch the state. */
bool gw_hub_saw_head(struct gw_hub *h, uint64_t head);

/* The log keeps seqs from `oldest` on (gw_stream_saw_oldest). True when it has not what comes
 * next: sessions that wait for it are told to fetch the state. */
bool gw_hub_saw_oldest(struct gw_hub *h, uint64_t oldest);

/* The lowest seq that a resuming session needs and memory does not have; 0: none. */
uint64_t gw_hub_wants_older(const struct gw_hub *h);

/* Drop the page when no session reads it any more. */
void gw_hub_drop_page(struct gw_hub *h);

/* A piece of the log for that (gw_stream_take_piece). Sessions that wait for what the log no
 * longer has are told to fetch the state. */
void gw_hub_take_piece(struct gw_hub *h, const struct gw_piece *piece);

/* Send every session what it has not heard. */
void gw_hub_fan_out(struct gw_hub *h);

/* Hand a message to all sessions of a dialect (gw_dialect.relayed); `from` names the connection
 * that it comes from. */
void gw_hub_relay(struct gw_hub *h, struct tw_slice dialect, struct tw_slice from,
                  struct tw_slice message);

/* Add a row with the number of deliveries, when there were any and the last row is a minute
 * old: one for each event would outgrow the events. */
void gw_hub_log_deliveries(struct gw_hub *h, struct gw_sync_log *log, uint64_t now_ms);
