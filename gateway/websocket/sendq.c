/* sendq.c - a ring of references that grows when it must and goes when it is empty.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/sendq.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/websocket/frame.h"

static struct gw_frame *frame_at(const struct gw_sendq *q, size_t i)
{
    return q->ring[(q->first + i) % q->cap];
}

static void grow(struct gw_sendq *q)
{
    size_t cap = q->cap == 0 ? 4 : q->cap * 2;
    struct gw_frame **ring = tw_alloc(cap, sizeof(struct gw_frame *));

    for (size_t i = 0; i < q->count; i++)
        ring[i] = frame_at(q, i);
    free(q->ring);
    q->ring = ring;
    q->cap = cap;
    q->first = 0;
}

void gw_sendq_push(struct gw_sendq *q, struct gw_frame *f)
{
    if (q->count == q->cap)
        grow(q);
    q->ring[(q->first + q->count) % q->cap] = gw_frame_ref(f);
    q->count++;
    q->bytes += f->len;
}

size_t gw_sendq_gather(struct gw_sendq *q, struct tw_slice *parts, size_t most)
{
    TW_ASSERT(q->in_flight == 0);
    q->in_flight = q->count < most ? q->count : most;
    for (size_t i = 0; i < q->in_flight; i++)
        parts[i] = gw_frame_bytes(frame_at(q, i));
    q->in_flight_bytes = 0;
    for (size_t i = 0; i < q->in_flight; i++)
        q->in_flight_bytes += parts[i].len;
    return q->in_flight;
}

static void drop_first(struct gw_sendq *q)
{
    struct gw_frame *f = frame_at(q, 0);

    q->bytes -= f->len;
    q->first = (q->first + 1) % q->cap;
    q->count--;
    gw_frame_unref(f);
}

struct gw_frame *gw_sendq_shift(struct gw_sendq *q)
{
    struct gw_frame *f;

    if (q->count == 0)
        return NULL;
    f = gw_frame_ref(frame_at(q, 0));
    drop_first(q);
    return f;
}

void gw_sendq_written(struct gw_sendq *q)
{
    for (; q->in_flight > 0; q->in_flight--)
        drop_first(q);
    q->in_flight_bytes = 0;
    if (q->count == 0) /* an idle connection owns no ring */
        gw_sendq_done(q);
}

void gw_sendq_done(struct gw_sendq *q)
{
    while (q->count > 0)
        drop_first(q);
    free(q->ring);
    *q = (struct gw_sendq){ 0 };
}
