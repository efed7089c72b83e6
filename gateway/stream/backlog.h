/* backlog.h - a tenant's last events and their frames, what blocked and returning sessions
 * read; and what all tenants' together may take.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/domain/event.h"
#include "common/util/list.h"
#include "common/util/metrics.h"
#include "gateway/dialect/batch.h"
#include "gateway/dialect/dialect.h"

#define GW_BACKLOG_EVENTS 4096
#define GW_MAX_VARIANTS 8 /* of one event, that are kept */

/* What one dialect has made of it for some of its sessions. */
struct gw_variant {
    struct gw_variant *next;
    struct gw_batch batch;
    size_t index; /* of the dialect */
    char name[];
};

/* One event, with what each dialect has made of it so far. */
struct gw_entry {
    struct tw_event event; /* its slices point into `text` */
    struct gw_batch rendered[GW_MAX_DIALECTS];
    bool is_rendered[GW_MAX_DIALECTS], has_audience[GW_MAX_DIALECTS];
    bool was_sent;            /* to a session at least */
    bool is_order;            /* that it is an order's is asked for each session */
    uint16_t note, note_room; /* its note in the second `noted_in`, and how many sessions that
                                 still takes; for deliveries.h alone */
    uint32_t noted_in;
    unsigned audience[GW_MAX_DIALECTS];
    struct gw_variant *variants;
    int64_t offset; /* bytes of all events before it, from some point on; may be negative */
    char text[];
};

/* What all backlogs of a process have in memory. When it is too much, the oldest events go of
 * that backlog which has got none for longest; of a page the newest. One event of each may
 * stay, so the sum may be that much greater. */
struct gw_memory {
    uint64_t max_bytes;
    struct tw_list backlogs; /* with events; that which has got one last is at the end */
    uint64_t most_bytes;     /* since the last time that memory was returned */
    struct tw_metric bytes, evicted;
};

void gw_memory_init(struct gw_memory *m, uint64_t max_bytes);

/* Return to the system what events took, when much of it is free: the allocator keeps it
 * otherwise. For the moments when tenants go. True: it did, which took a while. */
bool gw_memory_return(struct gw_memory *m);

/* Zeroed but for `max_bytes` and `memory`. */
struct gw_backlog {
    struct gw_memory *memory;
    struct tw_list in_memory; /* among its backlogs */
    struct gw_entry **ring;
    uint32_t cap, first, count;
    uint32_t max_bytes;
    size_t bytes;
    int64_t total; /* bytes of all events ever added after that point */
    uint64_t gone; /* events up to this seq are not here: dropped, or never were */
    uint64_t end;  /* of a page (stream.h): up to this seq they are; 0: it is none */
};

/* Adds a copy of an event whose seq is above all before; the oldest make room, here and in
 * other backlogs. */
void gw_backlog_add(struct gw_backlog *b, const struct tw_event *ev);

/* Puts a copy of an event that lies before all others in front, when there is room without that
 * another one has to go: true, and nothing between it and them is missing. */
bool gw_backlog_prepend(struct gw_backlog *b, const struct tw_event *ev);

/* The first entry with a seq of at least `seq`; null when there is none. Lent until the next
 * addition to any backlog. */
struct gw_entry *gw_backlog_from(const struct gw_backlog *b, uint64_t seq);

/* The dialect's audience of an entry, asked for once. */
unsigned gw_backlog_audience(struct gw_entry *e, size_t index, const struct gw_dialect *d);

/* The frames of an entry in a dialect (`index` among the process's rows), rendered when they
 * are first asked for; lent. */
const struct gw_batch *gw_backlog_render(struct gw_backlog *b, struct gw_entry *e, size_t index,
                                         const struct gw_dialect *d,
                                         const struct gw_tenant *tenant, uint64_t *renderings);

/* The same in a form that only sessions with this variant have: null when it is not kept. */
const struct gw_batch *gw_backlog_variant(struct gw_backlog *b, struct gw_entry *e,
                                          size_t index, const char *name);

/* Keep it (takes the frames of `batch`); null, and nothing is taken, when there are enough. */
const struct gw_batch *gw_backlog_keep_variant(struct gw_backlog *b, struct gw_entry *e,
                                               size_t index, const char *name,
                                               struct gw_batch *batch);

/* Empty it: the stream continues after `seq`. */
void gw_backlog_restart(struct gw_backlog *b, uint64_t seq);
void gw_backlog_done(struct gw_backlog *b);
