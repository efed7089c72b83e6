/* stream.c - the cursor decides on each event, the backlog keeps what was delivered.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/stream.h"

#include <stdlib.h>

#include "common/util/base.h"

void gw_stream_init(struct gw_stream *s, const struct gw_tenant *tenant,
                    struct gw_memory *memory, uint32_t backlog_bytes,
                    const struct gw_stream_events *events)
{
    s->events = events;
    s->tenant = *tenant;
    s->backlog.memory = memory;
    s->backlog.max_bytes = backlog_bytes;
}

void gw_stream_done(struct gw_stream *s)
{
    gw_cursor_done(&s->cursor);
    gw_backlog_done(&s->backlog);
    gw_stream_drop_page(s);
}

/* The next event. A customer who was erased is still in what is in memory: whoever needs those
 * events again reads them in the log, where the customer is not. */
static void add(struct gw_stream *s, const struct tw_event *ev)
{
    if (tw_slice_is(ev->type, "customer.erased")) {
        gw_backlog_restart(&s->backlog, ev->seq - 1);
        gw_stream_drop_page(s);
    }
    gw_backlog_add(&s->backlog, ev);
}

/* Held events that are next now. Each was read once before it was held. */
static void release(struct gw_stream *s)
{
    struct tw_event ev;
    uint64_t seq;
    char *raw;
    size_t len;

    while (gw_cursor_release(&s->cursor, &seq, &raw, &len)) {
        if (tw_event_read(tw_slice_from(raw, len), &ev) == 0)
            add(s, &ev);
        free(raw);
    }
}

bool gw_stream_begin(struct gw_stream *s, uint64_t head, uint64_t oldest)
{
    if (s->cursor.is_known)
        return false;
    s->oldest = oldest;
    gw_cursor_begin(&s->cursor, head);
    gw_backlog_restart(&s->backlog, head);
    return true;
}

void gw_stream_release(struct gw_stream *s)
{
    release(s);
    s->events->changed(s);
}

enum gw_admit gw_stream_arrive(struct gw_stream *s, const struct tw_event *ev)
{
    enum gw_admit admitted = gw_cursor_arrive(&s->cursor, ev->seq, ev->raw);

    if (admitted == GW_ADMIT_NOW) {
        add(s, ev);
        release(s);
    }
    if (admitted != GW_ADMIT_DUPLICATE)
        s->events->changed(s);
    return admitted;
}

enum gw_admit gw_stream_read(struct gw_stream *s, const struct tw_event *ev)
{
    enum gw_admit admitted = gw_cursor_read(&s->cursor, ev->seq);

    if (admitted == GW_ADMIT_NOW) {
        add(s, ev);
        release(s);
        s->events->changed(s);
    }
    return admitted;
}

bool gw_stream_saw_head(struct gw_stream *s, uint64_t head)
{
    bool went_back;

    if (!s->cursor.is_known)
        return false;
    went_back = gw_cursor_saw_head(&s->cursor, head);
    if (went_back) {
        gw_backlog_restart(&s->backlog, head);
        gw_stream_drop_page(s);
    }
    s->events->changed(s);
    return went_back;
}

bool gw_stream_saw_oldest(struct gw_stream *s, uint64_t oldest)
{
    if (s->cursor.at + 1 >= oldest)
        return false;
    s->oldest = oldest;
    (void)gw_cursor_read(&s->cursor, oldest - 1);
    gw_backlog_restart(&s->backlog, oldest - 1);
    gw_stream_drop_page(s);
    release(s);
    s->events->changed(s);
    return true;
}

/* Extend the backlog by those of the first `n` events that reach it and have room, and make the
 * others the page, as far as memory goes: where the page ends, the log is read again. */
static void keep_piece(struct gw_stream *s, const struct gw_piece *piece, size_t n,
                       uint64_t through, bool reaches_backlog)
{
    while (reaches_backlog && n > 0 && gw_backlog_prepend(&s->backlog, &piece->events[n - 1]))
        n--;
    gw_stream_drop_page(s);
    if (reaches_backlog && n == 0) {
        s->backlog.gone = piece->after;
        return;
    }
    s->page = tw_new(struct gw_backlog);
    s->page->memory = s->backlog.memory;
    s->page->max_bytes = UINT32_MAX; /* bounded by the rows of one reading */
    s->page->gone = piece->after;
    s->page->end = reaches_backlog ? s->backlog.gone : through;
    for (size_t i = 0; i < n && piece->events[i].seq <= s->page->end; i++)
        gw_backlog_add(s->page, &piece->events[i]);
}

void gw_stream_drop_page(struct gw_stream *s)
{
    if (s->page == NULL)
        return;
    gw_backlog_done(s->page);
    free(s->page);
    s->page = NULL;
}

uint64_t gw_stream_take_piece(struct gw_stream *s, const struct gw_piece *piece)
{
    uint64_t gone = s->backlog.gone, through = piece->through;
    bool reaches_backlog = piece->reaches_backlog;
    size_t n = piece->count;

    s->events->changed(s);
    if (piece->after >= gone) /* the stream went back meanwhile */
        return 0;
    while (n > 0 && piece->events[n - 1].seq > gone) /* in memory already */
        n--;
    if (reaches_backlog || through > gone)
        through = gone;
    reaches_backlog = through == gone;
    if (piece->oldest > s->oldest)
        s->oldest = piece->oldest;
    keep_piece(s, piece, n, through, reaches_backlog);
    return piece->oldest > piece->after + 1 ? piece->oldest : 0;
}

struct gw_backlog *gw_stream_source(struct gw_stream *s, uint64_t seq)
{
    if (seq > s->backlog.gone)
        return &s->backlog;
    if (s->page != NULL && seq > s->page->gone && seq <= s->page->end)
        return s->page;
    return NULL;
}

bool gw_stream_keeps(const struct gw_stream *s, uint64_t since)
{
    return since <= s->cursor.at && since + 1 >= s->oldest;
}
