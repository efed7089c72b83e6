/* batch.c - a handful of frames.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dialect/batch.h"

#include "common/util/base.h"
#include "gateway/websocket/frame.h"

static void add(struct gw_batch *b, struct gw_frame *f)
{
    TW_ASSERT(b->count < GW_MAX_BATCH);
    b->frames[b->count++] = f;
    b->bytes += f->len;
}

void gw_batch_add(struct gw_batch *b, struct tw_slice message)
{
    add(b, gw_frame_text(message));
}

void gw_batch_add_raw(struct gw_batch *b, struct tw_slice bytes)
{
    add(b, gw_frame_raw(bytes));
}

size_t gw_batch_weigh(struct gw_batch *b)
{
    size_t before = b->bytes;

    b->bytes = 0;
    for (size_t i = 0; i < b->count; i++)
        b->bytes += gw_frame_weight(b->frames[i]);
    return b->bytes - before;
}

void gw_batch_done(struct gw_batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        gw_frame_unref(b->frames[i]);
    *b = (struct gw_batch){ 0 };
}
