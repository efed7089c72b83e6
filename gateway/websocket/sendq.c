/* sendq.c - a ring of references that grows when it must and goes when it is empty. One frame
 * needs no memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/sendq.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/websocket/frame.h"

#define WRITABLE_BYTES 131072
#define WRITABLE_FRAMES 128 /* a burst of a hundred events is one write */

/* Where the frame `i` from the front is, or belongs. */
static struct gw_frame **slot(struct gw_sendq *q, uint32_t i)
{
    return q->cap == 1 ? &q->only : &q->ring[(q->first + i) % q->cap];
}

static struct gw_frame *frame_at(const struct gw_sendq *q, uint32_t i)
{
    return q->cap == 1 ? q->only : q->ring[(q->first + i) % q->cap];
}

static void free_ring(struct gw_sendq *q)
{
    if (q->cap > 1)
        free(q->ring);
    q->ring = NULL;
    q->cap = q->first = 0;
}

static void grow(struct gw_sendq *q)
{
    uint32_t cap = q->cap < 2 ? 4 : q->cap * 2;
    struct gw_frame **ring;

    if (q->cap == 0) {
        q->cap = 1;
        return;
    }
    ring = tw_alloc(cap, sizeof(struct gw_frame *));
    for (uint32_t i = 0; i < q->count; i++)
        ring[i] = frame_at(q, i);
    free_ring(q);
    q->ring = ring;
    q->cap = cap;
}

void gw_sendq_push(struct gw_sendq *q, struct gw_frame *f)
{
    if (q->count == q->cap)
        grow(q);
    *slot(q, q->count) = gw_frame_ref(f);
    q->count++;
    q->bytes += f->len;
}

static bool is_writable(const struct gw_sendq *q)
{
    return q->in_flight == 0 && q->bytes < WRITABLE_BYTES && q->count < WRITABLE_FRAMES;
}

bool gw_sendq_is_writable(struct gw_sendq *q)
{
    q->was_full = q->was_full || !is_writable(q);
    return is_writable(q);
}

bool gw_sendq_reopens(struct gw_sendq *q)
{
    bool reopens = q->was_full && is_writable(q);

    if (reopens)
        q->was_full = false;
    return reopens;
}

size_t gw_sendq_gather(struct gw_sendq *q, struct tw_slice *parts, size_t max_parts)
{
    TW_ASSERT(q->in_flight == 0 && max_parts <= UINT16_MAX);
    q->in_flight = (uint16_t)(q->count < max_parts ? q->count : max_parts);
    q->in_flight_bytes = 0;
    for (uint16_t i = 0; i < q->in_flight; i++) {
        parts[i] = gw_frame_bytes(frame_at(q, i));
        q->in_flight_bytes += parts[i].len;
    }
    return q->in_flight;
}

static void drop_first(struct gw_sendq *q)
{
    struct gw_frame *f = frame_at(q, 0);

    q->bytes -= f->len;
    q->first = q->cap == 1 ? 0 : (q->first + 1) % q->cap;
    q->count--;
    gw_frame_unref(f);
}

/* A queue that is empty owns no ring: most connections are idle. */
static void shrink(struct gw_sendq *q)
{
    if (q->count == 0)
        free_ring(q);
}

size_t gw_sendq_behind_next(const struct gw_sendq *q)
{
    size_t next = q->in_flight < q->count ? frame_at(q, q->in_flight)->len : 0;

    return q->bytes - q->in_flight_bytes - next;
}

struct gw_frame *gw_sendq_shift(struct gw_sendq *q)
{
    struct gw_frame *f;

    if (q->count == 0)
        return NULL;
    f = gw_frame_ref(frame_at(q, 0));
    drop_first(q);
    shrink(q);
    return f;
}

void gw_sendq_written(struct gw_sendq *q)
{
    q->gone += q->in_flight_bytes;
    for (; q->in_flight > 0; q->in_flight--)
        drop_first(q);
    q->in_flight_bytes = 0;
    shrink(q);
}

void gw_sendq_done(struct gw_sendq *q)
{
    while (q->count > 0)
        drop_first(q);
    free_ring(q);
    *q = (struct gw_sendq){ 0 };
}
