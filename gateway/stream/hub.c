/* hub.c - events in, in their order, once; sessions pumped.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/hub.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/shared_state/device.h"
#include "gateway/stream/session.h"
#include "gateway/stream/sync_log.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/transport.h"

#define CLOSE_TRY_AGAIN 1013

void gw_hub_init(struct gw_hub *h, struct gw_tenant tenant, size_t backlog_bytes,
                 gw_hub_changed_cb changed)
{
    h->tenant = tenant;
    h->changed = changed;
    h->backlog.max_bytes = backlog_bytes;
    h->page.max_bytes = SIZE_MAX; /* bounded by the rows of one reading */
    tw_list_init(&h->sessions);
}

void gw_hub_done(struct gw_hub *h)
{
    TW_ASSERT(h->session_count == 0);
    gw_cursor_done(&h->cursor);
    gw_backlog_done(&h->backlog);
    gw_backlog_done(&h->page);
}

static void deliver(struct gw_hub *h, const struct tw_event *ev)
{
    gw_backlog_add(&h->backlog, ev);
    h->delivered++;
}

/* What was held and whose turn has come now. Each was read once before it was held. */
static void release(struct gw_hub *h)
{
    struct tw_event ev;
    uint64_t seq;
    char *raw;
    size_t len;

    while (gw_cursor_release(&h->cursor, &seq, &raw, &len)) {
        if (tw_event_read(tw_slice_from(raw, len), &ev) == 0)
            deliver(h, &ev);
        free(raw);
    }
}

void gw_hub_begin(struct gw_hub *h, uint64_t head, uint64_t oldest)
{
    if (h->cursor.is_known)
        return;
    h->oldest = oldest;
    h->logged = head;
    gw_cursor_begin(&h->cursor, head);
    gw_backlog_restart(&h->backlog, head);
    tw_list_each(&h->sessions, link)
        gw_hub_position(h, tw_container_of(link, struct gw_session, link));
    release(h);
    h->changed(h);
}

void gw_hub_join(struct gw_hub *h, struct gw_session *s)
{
    s->hub = h;
    tw_list_append(&h->sessions, &s->link);
    h->session_count++;
    if (h->cursor.is_known)
        gw_hub_position(h, s);
}

/* The log has been asked, or need not be: greet it when it is new, and give it its place. */
static void settle(struct gw_hub *h, struct gw_session *s)
{
    if (s->next_seq == 0)
        gw_session_begin(s, h->cursor.at, h->oldest);
    else
        gw_session_position(s, h->cursor.at, h->oldest);
}

void gw_hub_position(struct gw_hub *h, struct gw_session *s)
{
    if (s->resumes && s->since > h->cursor.at) {
        s->is_ahead = true;
        s->is_doubted = false;
        gw_cursor_expect(&h->cursor, s->since);
    } else {
        settle(h, s);
    }
    h->changed(h);
}

void gw_hub_log_read(struct gw_hub *h)
{
    gw_cursor_log_read(&h->cursor);
    tw_list_each(&h->sessions, link)
    {
        struct gw_session *s = tw_container_of(link, struct gw_session, link);

        s->is_doubted = s->is_ahead;
    }
}

void gw_hub_log_end(struct gw_hub *h)
{
    gw_cursor_log_end(&h->cursor);
    tw_list_each(&h->sessions, link)
    {
        struct gw_session *s = tw_container_of(link, struct gw_session, link);

        if (s->is_ahead && (s->is_doubted || s->since <= h->cursor.at))
            settle(h, s);
        else if (s->is_ahead) /* it came while the log was read: ask again */
            gw_cursor_expect(&h->cursor, s->since);
    }
}

void gw_hub_leave(struct gw_hub *h, struct gw_session *s)
{
    tw_list_remove(&s->link);
    s->hub = NULL;
    h->session_count--;
    h->changed(h);
}

enum gw_admit gw_hub_arrive(struct gw_hub *h, const struct tw_event *ev)
{
    enum gw_admit admitted = gw_cursor_arrive(&h->cursor, ev->seq, ev->raw);

    if (admitted == GW_ADMIT_NOW) {
        deliver(h, ev);
        release(h);
    }
    if (admitted != GW_ADMIT_DUPLICATE)
        h->changed(h);
    return admitted;
}

enum gw_admit gw_hub_read(struct gw_hub *h, const struct tw_event *ev)
{
    enum gw_admit admitted = gw_cursor_read(&h->cursor, ev->seq);

    if (admitted == GW_ADMIT_NOW) {
        deliver(h, ev);
        release(h);
        h->changed(h);
    }
    return admitted;
}

bool gw_hub_saw_head(struct gw_hub *h, uint64_t head)
{
    bool went_back;

    if (!h->cursor.is_known)
        return false;
    went_back = gw_cursor_saw_head(&h->cursor, head);
    if (went_back) {
        gw_backlog_restart(&h->backlog, head);
        gw_backlog_restart(&h->page, head);
        h->page_end = head;
        tw_list_each(&h->sessions, link)
            gw_session_close(tw_container_of(link, struct gw_session, link), CLOSE_TRY_AGAIN,
                             "the stream went back; connect again and fetch the state");
    }
    h->changed(h);
    return went_back;
}

uint64_t gw_hub_wants_older(const struct gw_hub *h)
{
    uint64_t lowest = 0;

    if (!h->cursor.is_known)
        return 0;
    tw_list_each(&h->sessions, link)
    {
        uint64_t seq = gw_session_wants_older(tw_container_of(link, struct gw_session, link));

        if (seq != 0 && (lowest == 0 || seq < lowest))
            lowest = seq;
    }
    return lowest;
}

/* The log begins later than they need: whoever waits for what lies before `seq`. */
static void give_up_before(struct gw_hub *h, uint64_t after, uint64_t seq)
{
    if (h->oldest < seq)
        h->oldest = seq;
    tw_list_each(&h->sessions, link)
    {
        struct gw_session *s = tw_container_of(link, struct gw_session, link);

        if (s->next_seq <= after || s->next_seq >= seq || s->is_ahead)
            continue;
        s->since = s->next_seq - 1;
        gw_session_position(s, h->cursor.at, h->oldest);
    }
}

void gw_hub_older(struct gw_hub *h, uint64_t after, const struct tw_event *events, size_t n,
                  uint64_t through, bool reaches_backlog)
{
    uint64_t gone = h->backlog.gone;

    h->changed(h);
    if (after >= gone) /* the stream went back meanwhile */
        return;
    while (n > 0 && events[n - 1].seq > gone) /* in memory already */
        n--;
    if (reaches_backlog || through > gone)
        through = gone;
    reaches_backlog = through == gone;
    if (n > 0 && events[0].seq > after + 1)
        give_up_before(h, after, events[0].seq);
    else if (n == 0 && reaches_backlog)
        give_up_before(h, after, gone + 1);
    gw_backlog_restart(&h->page, after);
    for (size_t i = 0; i < n; i++)
        gw_backlog_add(&h->page, &events[i]);
    h->page.gone = after;
    h->page_end = through;
    while (reaches_backlog && n > 0 && gw_backlog_prepend(&h->backlog, &events[n - 1]))
        n--;
    if (reaches_backlog && n == 0)
        h->backlog.gone = after;
}

void gw_hub_fan_out(struct gw_hub *h)
{
    tw_list_each(&h->sessions, link)
    {
        struct gw_session *s = tw_container_of(link, struct gw_session, link);

        if (s->is_ahead && s->since <= h->cursor.at)
            settle(h, s);
        gw_session_pump(s);
    }
}

void gw_hub_log_deliveries(struct gw_hub *h, struct gw_sync_log *log)
{
    struct gw_entry *e;

    if (h->logged < h->backlog.gone) /* it went out of memory before its row was written */
        h->logged = h->backlog.gone;
    while ((e = gw_backlog_from(&h->backlog, h->logged + 1)) != NULL) {
        struct gw_sync_log_row row = { .kind = "delivery",
                                       .tenant = tw_slice_of(h->tenant.id),
                                       .seq = e->event.seq,
                                       .count = e->heard };

        h->logged = e->event.seq;
        if (e->heard > 0)
            gw_sync_log_add(log, &row);
    }
}

void gw_hub_relay(struct gw_hub *h, struct tw_slice dialect, struct tw_slice from,
                  struct tw_slice message)
{
    struct gw_frame *f = gw_frame_text(message);

    tw_list_each(&h->sessions, link)
    {
        struct gw_session *s = tw_container_of(link, struct gw_session, link);

        if (tw_slice_is(dialect, s->dialect->name) && s->device_state != NULL &&
            !tw_slice_is(from, s->device_state->id) &&
            s->transport->ops->is_writable(s->transport))
            gw_session_send_frame(s, f);
    }
    gw_frame_unref(f);
}
