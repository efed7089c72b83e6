/* hub.c - passes on to its sessions what happens to a stream.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/hub.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/stream/session.h"
#include "gateway/stream/sync_log.h"
#include "gateway/websocket/frame.h"

#define DELIVERIES_MS 60000

static struct gw_session *session_of(struct tw_list *link)
{
    return tw_container_of(link, struct gw_session, link);
}

static void on_changed(struct gw_stream *s)
{
    struct gw_hub *h = gw_hub_of(s);

    h->changed(h);
}

static void on_left(struct gw_stream *s, struct gw_session *session)
{
    struct gw_hub *h = gw_hub_of(s);

    tw_list_remove(&session->link);
    h->session_count--;
    h->changed(h);
}

static const struct gw_stream_events stream_events = { .changed = on_changed, .left = on_left };

void gw_hub_init(struct gw_hub *h, const struct gw_tenant *tenant, struct gw_memory *memory,
                 uint32_t backlog_bytes, gw_hub_changed_cb changed)
{
    *h = (struct gw_hub){ .changed = changed };
    gw_stream_init(&h->stream, tenant, memory, backlog_bytes, &stream_events);
    tw_list_init(&h->sessions);
}

void gw_hub_done(struct gw_hub *h)
{
    TW_ASSERT(h->session_count == 0);
    gw_stream_done(&h->stream);
}

void gw_hub_begin(struct gw_hub *h, uint64_t head, uint64_t oldest)
{
    if (!gw_stream_begin(&h->stream, head, oldest))
        return;
    tw_list_each(&h->sessions, link) gw_session_position(session_of(link));
    gw_stream_release(&h->stream);
}

void gw_hub_join(struct gw_hub *h, struct gw_session *s)
{
    s->stream = &h->stream;
    tw_list_append(&h->sessions, &s->link);
    h->session_count++;
    if (h->stream.cursor.is_known)
        gw_session_position(s);
}

void gw_hub_log_read(struct gw_hub *h)
{
    gw_cursor_log_read(&h->stream.cursor);
    tw_list_each(&h->sessions, link) gw_session_log_read(session_of(link));
}

void gw_hub_log_end(struct gw_hub *h)
{
    gw_cursor_log_end(&h->stream.cursor);
    tw_list_each(&h->sessions, link) gw_session_log_end(session_of(link));
}

bool gw_hub_saw_head(struct gw_hub *h, uint64_t head)
{
    bool went_back = gw_stream_saw_head(&h->stream, head);

    if (went_back)
        tw_list_each(&h->sessions, link)
            gw_session_close(session_of(link), gw_closes.stream_back);
    return went_back;
}

bool gw_hub_saw_oldest(struct gw_hub *h, uint64_t oldest)
{
    if (!gw_stream_saw_oldest(&h->stream, oldest))
        return false;
    tw_list_each(&h->sessions, link) gw_session_give_up(session_of(link), 0, oldest);
    return true;
}

uint64_t gw_hub_wants_older(const struct gw_hub *h)
{
    uint64_t lowest = 0;

    if (!h->stream.cursor.is_known)
        return 0;
    tw_list_each(&h->sessions, link)
    {
        uint64_t seq = gw_session_wants_older(session_of(link));

        if (seq != 0 && (lowest == 0 || seq < lowest))
            lowest = seq;
    }
    return lowest;
}

void gw_hub_drop_page(struct gw_hub *h)
{
    if (h->stream.page == NULL)
        return;
    tw_list_each(&h->sessions, link) if (gw_session_reads_page(session_of(link))) return;
    gw_stream_drop_page(&h->stream);
}

void gw_hub_take_piece(struct gw_hub *h, const struct gw_piece *piece)
{
    uint64_t begins = gw_stream_take_piece(&h->stream, piece);

    if (begins != 0)
        tw_list_each(&h->sessions, link)
            gw_session_give_up(session_of(link), piece->after, begins);
}

void gw_hub_fan_out(struct gw_hub *h)
{
    tw_list_each(&h->sessions, link) gw_session_pump(session_of(link));
}

void gw_hub_log_deliveries(struct gw_hub *h, struct gw_sync_log *log, uint64_t now_ms)
{
    struct gw_stream *s = &h->stream;
    struct gw_sync_log_row row = { .kind = "delivery",
                                   .tenant = tw_slice_of(s->tenant.id),
                                   .seq = s->cursor.at,
                                   .count = s->deliveries };

    if (s->deliveries == 0 || now_ms - h->logged_ms < DELIVERIES_MS)
        return;
    h->logged_ms = now_ms;
    s->deliveries = 0;
    gw_sync_log_add(log, &row);
}

void gw_hub_relay(struct gw_hub *h, struct tw_slice dialect, struct tw_slice from,
                  struct tw_slice message)
{
    struct gw_frame *f = gw_frame_text(message);

    tw_list_each(&h->sessions, link)
    {
        struct gw_session *s = session_of(link);

        if (tw_slice_is(dialect, s->dialect->name) && s->dialect->relayed != NULL)
            s->dialect->relayed(s, from, f);
    }
    gw_frame_unref(f);
}
