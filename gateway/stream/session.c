/* session.c - what a client hears, and in which order.
 *
 * A session has no queue of events: it has a place in its tenant's backlog (`next_seq`) and
 * moves on while its wire has room. One that reads too slowly falls behind there, costs nobody
 * anything, and is closed when it is too far behind.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/session.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/json_scan.h"
#include "gateway/shared_state/device.h"
#include "gateway/stream/backlog.h"
#include "gateway/stream/hub.h"
#include "gateway/stream/sync_log.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/transport.h"

#define CLOSE_UNSUPPORTED 1003
#define CLOSE_TRY_AGAIN 1013
#define SLOW_MS 1000
#define STALL_MS 10000

void gw_sessions_start(struct gw_sessions *all, struct gw_sync_log *log, size_t queue_bytes,
                       size_t message_bytes, struct tw_metrics *metrics)
{
    tw_list_init(&all->list);
    all->log = log;
    all->queue_bytes = queue_bytes;
    all->scratch.max = message_bytes;
    for (size_t i = 0; i < GW_DIALECTS; i++)
        tw_metric_add(metrics, &all->open[i], "ws_sessions", gw_dialect_at(i)->labels,
                      "Open sessions.");
    tw_metric_add(metrics, &all->slow, "ws_slow_consumers_total", NULL,
                  "Sessions closed with 1013 because they did not read.");
    tw_metric_add(metrics, &all->messages_in, "ws_messages_total", "dir=\"in\"",
                  "Messages of clients, and frames to them.");
    tw_metric_add(metrics, &all->messages_out, "ws_messages_total", "dir=\"out\"",
                  "Messages of clients, and frames to them.");
    tw_metric_add(metrics, &all->malformed, "ws_nonsense_total", NULL,
                  "Messages that were no JSON.");
    tw_metric_add(metrics, &all->rendered, "frames_encoded_total", NULL,
                  "Frames encoded for events: once an event and dialect, not once a session.");
    tw_metric_add(metrics, &all->resumed, "resumes_total", "from=\"stream\"",
                  "Sessions that resumed, or had to fetch the state anew.");
    tw_metric_add(metrics, &all->resynced, "resumes_total", "from=\"resync\"",
                  "Sessions that resumed, or had to fetch the state anew.");
}

void gw_sessions_each(struct gw_sessions *all, void (*visit)(struct gw_session *s, void *arg),
                      void *arg)
{
    tw_list_each(&all->list, link) visit(tw_container_of(link, struct gw_session, among), arg);
}

void gw_sessions_done(struct gw_sessions *all)
{
    tw_buf_done(&all->scratch);
}

static struct gw_session *session_of(const struct gw_handler *t)
{
    return tw_container_of((uintptr_t)t, struct gw_session, handler);
}

/* A client may talk before its tenant's stream is ready; it is heard behind the greeting, which
 * is the first thing that it hears. And it is not heard while too many of its changes wait. */
static bool is_ready(const struct gw_handler *t)
{
    const struct gw_session *s = session_of(t);

    return s->next_seq != 0 &&
           (s->device_state == NULL || s->device_state->commands.count < GW_COMMANDS_SOFT);
}

static void on_text(struct gw_handler *t, struct tw_slice message)
{
    gw_session_text(session_of(t), message);
}

static void on_binary(struct gw_handler *t, struct tw_slice message)
{
    (void)message;
    gw_session_close(session_of(t), CLOSE_UNSUPPORTED,
                     "only text messages are understood here");
}

static void on_writable(struct gw_handler *t, uint64_t now_ms)
{
    gw_session_writable(session_of(t), now_ms);
}

static void on_closing(struct gw_handler *t)
{
    session_of(t)->is_closing = true;
}

static void on_farewell(struct gw_handler *t)
{
    (void)t; /* the close frame says it */
}

static void on_ended(struct gw_handler *t, unsigned code, const char *reason)
{
    gw_session_free(session_of(t), code, reason);
}

static const struct gw_handler_ops handler_ops = { is_ready,    on_text,    on_binary,
                                                   on_writable, on_closing, on_farewell,
                                                   on_ended };

struct gw_session *gw_session_new(struct gw_sessions *all, const struct gw_dialect *dialect,
                                  struct gw_transport *transport)
{
    struct gw_session *s = tw_new(struct gw_session);

    s->handler.ops = &handler_ops;
    s->all = all;
    tw_list_append(&all->list, &s->among);
    s->dialect = dialect;
    s->transport = transport;
    all->open[gw_dialect_index(dialect)].value++;
    return s;
}

static void log_row(struct gw_session *s, const char *kind, unsigned code, const char *reason)
{
    struct gw_sync_log_row row = { .kind = kind,
                                   .tenant = tw_slice_of(s->hub->tenant.id),
                                   .dialect = s->dialect->name,
                                   .device = tw_slice_of(s->device),
                                   .seq = s->next_seq > 0 ? s->next_seq - 1 : 0,
                                   .reason = reason,
                                   .code = code };

    gw_sync_log_add(s->all->log, &row);
}

void gw_session_free(struct gw_session *s, unsigned code, const char *reason)
{
    if (s == NULL)
        return;
    if (s->hub != NULL) {
        log_row(s, "disconnect", code, reason);
        gw_hub_leave(s->hub, s);
    }
    gw_device_free(s->device_state);
    s->all->open[gw_dialect_index(s->dialect)].value--;
    tw_list_remove(&s->among);
    free(s);
}

void gw_session_position(struct gw_session *s, uint64_t head, uint64_t oldest)
{
    s->is_ahead = false;
    if (gw_session_can_resume(s, head, oldest)) {
        s->next_seq = s->since + 1;
        s->is_replaying = true;
        s->all->resumed.value++;
        return;
    }
    s->all->resynced.value++;
    s->next_seq = head + 1;
    s->dialect->resync(s, head, oldest);
}

void gw_session_begin(struct gw_session *s, uint64_t head, uint64_t oldest)
{
    s->next_seq = head + 1;
    s->dialect->greet(s, head, oldest);
    if (s->resumes)
        gw_session_position(s, head, oldest);
    if (s->transport->ops->begin != NULL)
        s->transport->ops->begin(s->transport);
    log_row(s, "connect", 0, NULL);
}

bool gw_session_resume(struct gw_session *s, uint64_t since)
{
    if (s->has_heard || s->resumes)
        return false;
    s->resumes = true;
    s->since = since;
    gw_hub_position(s->hub, s);
    return true;
}

uint64_t gw_session_wants_older(const struct gw_session *s)
{
    if (s->is_closing || s->is_ahead || s->next_seq == 0 ||
        s->next_seq > s->hub->backlog.gone || !s->transport->ops->is_writable(s->transport))
        return 0;
    return s->next_seq;
}

const struct gw_tenant *gw_session_tenant(const struct gw_session *s)
{
    return &s->hub->tenant;
}

static void send_frame(struct gw_session *s, struct gw_frame *f)
{
    s->all->messages_out.value++;
    s->transport->ops->send(s->transport, f);
}

void gw_session_send(struct gw_session *s, struct tw_slice message)
{
    struct gw_frame *f;

    if (s->is_closing)
        return;
    f = gw_frame_text(message);
    send_frame(s, f);
    gw_frame_unref(f);
}

void gw_session_send_frame(struct gw_session *s, struct gw_frame *f)
{
    if (!s->is_closing)
        send_frame(s, f);
}

void gw_session_close(struct gw_session *s, unsigned code, const char *reason)
{
    if (s->is_closing)
        return;
    s->is_closing = true;
    s->transport->ops->close(s->transport, code, reason);
}

/* Rendered for this one client: it calls its restaurant by another name than ours, or its own
 * change comes back to it, and then as nobody's, since it drops what says that it is its own.
 */
static void give_alone(struct gw_session *s, const struct gw_device *m,
                       const struct tw_event *ev, bool is_own)
{
    struct gw_tenant tenant = s->hub->tenant;
    struct gw_batch batch = { 0 };
    struct tw_event nobodys = *ev;

    if (m->named[0] != '\0')
        memcpy(tenant.slug, m->named, sizeof(tenant.slug));
    if (is_own)
        nobodys.origin = TW_LIT("{}");
    s->dialect->render(&tenant, &nobodys, &batch);
    s->all->rendered.value++;
    for (size_t i = 0; i < batch.count; i++)
        send_frame(s, batch.frames[i]);
    gw_batch_done(&batch);
}

static void give(struct gw_session *s, struct gw_backlog *b, struct gw_entry *e)
{
    struct gw_device *m = s->device_state;
    const struct gw_batch *batch;
    bool is_own;

    if (!s->dialect->hears(s, &e->event))
        return;
    is_own = m != NULL && gw_device_is_origin(m, &e->event);
    if (m != NULL && !gw_device_needs(m, &e->event, is_own))
        return;
    s->has_heard = true;
    e->heard++;
    if (m != NULL && (is_own || m->named[0] != '\0')) {
        give_alone(s, m, &e->event, is_own);
        return;
    }
    batch = gw_backlog_render(b, e, s->dialect, &s->hub->tenant, &s->all->rendered.value);
    for (size_t i = 0; i < batch->count; i++)
        send_frame(s, batch->frames[i]);
    if (s->dialect->given != NULL)
        s->dialect->given(s, &e->event, batch);
}

/* A session that takes nothing any more: for a second while it is far behind, for ten in any
 * case. A burst alone closes nobody: being far behind costs no memory, and what has left memory
 * is read from the log. */
static void check_stall(struct gw_session *s, bool is_far)
{
    uint64_t most = is_far && !s->is_replaying ? SLOW_MS : STALL_MS;

    if (s->blocked_ms == 0)
        s->blocked_ms = s->all->now_ms;
    if (s->all->now_ms - s->blocked_ms <= most)
        return;
    s->all->slow.value++;
    gw_session_close(s, CLOSE_TRY_AGAIN, "reading too slowly; connect again and resume");
}

/* Where its next event is: in memory, on the page that is being replayed, or (null) neither. */
static struct gw_backlog *source_of(const struct gw_session *s)
{
    struct gw_hub *h = s->hub;

    if (s->next_seq > h->backlog.gone)
        return &h->backlog;
    if (s->next_seq > h->page.gone && s->next_seq <= h->page_end)
        return &h->page;
    return NULL;
}

void gw_session_pump(struct gw_session *s)
{
    struct gw_backlog *b;
    struct gw_entry *e;

    while (!s->is_closing && !s->is_ahead && s->next_seq != 0 &&
           (s->device_state == NULL || s->device_state->snapshots_due == 0)) {
        b = source_of(s);
        if (b == NULL) {
            if (!s->transport->ops->is_writable(s->transport))
                check_stall(s, true);
            else
                s->is_replaying = true; /* the hub reads it from the log */
            return;
        }
        e = gw_backlog_from(b, s->next_seq);
        if (e == NULL && b == &s->hub->page) {
            s->next_seq = s->hub->page_end + 1;
            continue;
        }
        if (e == NULL) {
            s->is_replaying = false;
            return;
        }
        if (!s->transport->ops->is_writable(s->transport)) {
            check_stall(s, b->total - e->offset > (int64_t)s->all->queue_bytes);
            return;
        }
        s->blocked_ms = 0;
        s->next_seq = e->event.seq + 1;
        give(s, b, e);
    }
}

void gw_session_writable(struct gw_session *s, uint64_t now_ms)
{
    s->all->now_ms = now_ms;
    if (s->hub == NULL)
        return;
    gw_session_pump(s);
    if (gw_session_wants_older(s) != 0)
        s->hub->changed(s->hub);
}

void gw_session_text(struct gw_session *s, struct tw_slice message)
{
    struct tw_buf *scratch = &s->all->scratch;
    struct tw_json_fault fault;
    size_t len = message.len;

    if (s->is_closing)
        return;
    s->all->messages_in.value++;
    tw_buf_clear(scratch);
    tw_buf_append(scratch, message);
    if (scratch->failed || tw_json_scan(scratch->at, &len, &tw_json_wide, &fault) < 0) {
        s->all->malformed.value++;
        s->dialect->malformed(s, scratch->failed ? "too long" : fault.why);
        return;
    }
    s->dialect->message(s, tw_slice_from(scratch->at, len));
}
