/* batch.h - the 0..n messages that one event becomes in one dialect, as frames.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "common/slice.h"

#define GW_BATCH_MOST 4

struct gw_frame;

/* Zero is an empty batch; it holds a reference to each frame. */
struct gw_batch {
    struct gw_frame *frames[GW_BATCH_MOST];
    size_t count;
    size_t bytes;
};

void gw_batch_add(struct gw_batch *b, struct tw_slice message); /* encodes a copy */
void gw_batch_done(struct gw_batch *b);
