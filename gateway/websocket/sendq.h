/* sendq.h - a connection's outgoing frames: in order, counted, gathered into few writes.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/slice.h"

struct gw_frame;

/* Zero is an empty queue. It holds a reference to each of its frames. */
struct gw_sendq {
    union {
        struct gw_frame **ring; /* memory of its own; null while the queue is empty */
        struct gw_frame *only;  /* while `cap` is 1: most queues have one frame, for a moment */
    };
    size_t bytes; /* of all frames */
    size_t in_flight_bytes;
    uint64_t gone; /* bytes of all that were in flight before */
    uint32_t cap, first, count;
    uint16_t in_flight; /* frames at the front that the kernel has been given */
    bool was_full;      /* a sender found it not writable, and waits */
};

void gw_sendq_push(struct gw_sendq *q, struct gw_frame *f); /* takes another reference */

/* Whether a sender should add more now: nothing is in flight, and little waits. A false is
 * remembered for gw_sendq_reopens. */
bool gw_sendq_is_writable(struct gw_sendq *q);

/* True once after a false of gw_sendq_is_writable, when the queue is writable again. */
bool gw_sendq_reopens(struct gw_sendq *q);

/* The frames at the front as parts for one write, at most `max_parts`; they count as in flight
 * until gw_sendq_written drops them. Only when none are. How many parts there are. */
size_t gw_sendq_gather(struct gw_sendq *q, struct tw_slice *parts, size_t max_parts);
void gw_sendq_written(struct gw_sendq *q);

/* The bytes behind the frames that are in flight and the one that goes next. */
size_t gw_sendq_behind_next(const struct gw_sendq *q);

/* The frame at the front, with its reference (gives); null when there is none. Only when none
 * are in flight. */
struct gw_frame *gw_sendq_shift(struct gw_sendq *q);

void gw_sendq_done(struct gw_sendq *q);
