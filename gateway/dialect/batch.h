/* batch.h - the 0..n messages that one event becomes in one dialect, as frames.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "common/util/slice.h"

#define GW_MAX_BATCH 4

struct gw_frame;

/* Zero is an empty batch; it holds a reference to each frame. */
struct gw_batch {
    struct gw_frame *frames[GW_MAX_BATCH];
    size_t count;
    size_t bytes; /* when they were last weighed */
};

void gw_batch_add(struct gw_batch *b, struct tw_slice message);
/* The same for an event stream: the bytes as they are. */
void gw_batch_add_raw(struct gw_batch *b, struct tw_slice bytes); /* encodes a copy */

/* How many bytes it has gained by frames that were compressed since it was last weighed. */
size_t gw_batch_weigh(struct gw_batch *b);

void gw_batch_done(struct gw_batch *b);
