/* delay.h - how long events take from their commit to the sockets.
 * Pure: the time of day is told.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/histogram.h"
#include "gateway/stream/stream.h"

/* How far a stream's events have been noted. */
struct gw_delay {
    uint64_t next; /* the first seq that has not been; 0: not begun */
};

/* Whether there are events behind what was noted. What is there at the beginning, and what a
 * stream that went back has, counts as noted: nobody knows when those were sent. */
bool gw_delay_is_due(struct gw_delay *d, const struct gw_cursor *c);

/* Note these, when what the sessions were given of them has been written. One of which no
 * session heard is left out. The moment of an event is the database's, `wall_ms` ours: where
 * our clock is behind, it took no time. */
void gw_delay_note(struct gw_delay *d, const struct gw_stream *s, int64_t wall_ms,
                   struct tw_histogram *delays);
