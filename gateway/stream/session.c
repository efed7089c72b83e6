/* session.c - what a client hears, and in which order.
 *
 * A session has no queue of events: it has a position in its tenant's stream (`next_seq`) and
 * moves on while its transport is writable. One that reads too slowly falls behind there, costs
 * the others nothing, and is closed when it lags too far.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/session.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/json_scan.h"
#include "common/util/json_view.h"
#include "common/util/log.h"
#include "gateway/stream/backlog.h"
#include "gateway/stream/deliveries.h"
#include "gateway/stream/early.h"
#include "gateway/stream/faults.h"
#include "gateway/stream/session_log.h"
#include "gateway/stream/stream.h"
#include "gateway/stream/sync_log.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/transport.h"

#define SLOW_MS 1000
#define STALL_MS 10000

/* --- Its phases ------------------------------------------------------------------------------
 */

/* Which phases may follow a phase, as bits. */
static const unsigned nexts[] = {
    [GW_NEW] = 1U << GW_AHEAD | 1U << GW_LIVE | 1U << GW_CLOSING,
    [GW_AHEAD] = 1U << GW_DOUBTED | 1U << GW_LIVE | 1U << GW_REPLAYING | 1U << GW_CLOSING,
    [GW_DOUBTED] = 1U << GW_LIVE | 1U << GW_REPLAYING | 1U << GW_CLOSING,
    [GW_REPLAYING] = 1U << GW_AHEAD | 1U << GW_LIVE | 1U << GW_CLOSING,
    [GW_LIVE] = 1U << GW_AHEAD | 1U << GW_REPLAYING | 1U << GW_CLOSING,
    [GW_CLOSING] = 0,
};

/* The only place where a session's phase changes. */
static void move_to(struct gw_session *s, enum gw_phase phase)
{
    TW_ASSERT(phase == s->phase || (nexts[s->phase] & 1U << phase) != 0);
    s->phase = phase;
}

static bool is_ahead(const struct gw_session *s)
{
    return s->phase == GW_AHEAD || s->phase == GW_DOUBTED;
}

/* It has a position, and moves on from there. */
static bool is_reading(const struct gw_session *s)
{
    return s->phase == GW_REPLAYING || s->phase == GW_LIVE;
}

/* --- As a WebSocket's handler ----------------------------------------------------------------
 */

static struct gw_session *session_of(const struct gw_handler *h)
{
    return tw_container_of((uintptr_t)h, struct gw_session, handler);
}

/* A client may send before its tenant's stream is ready; its messages are read after the
 * greeting, which is the first thing that it hears. */
static bool is_ready(const struct gw_handler *h)
{
    const struct gw_session *s = session_of(h);

    return s->is_greeted && (s->dialect->may_read == NULL || s->dialect->may_read(s));
}

static void on_text(struct gw_handler *h, struct tw_slice message)
{
    gw_session_text(session_of(h), message);
}

static void on_binary(struct gw_handler *h, struct tw_slice message)
{
    (void)message;
    gw_session_close(session_of(h), gw_closes.text_only);
}

static size_t longest(const struct gw_handler *h)
{
    const struct gw_session *s = session_of(h);

    return s->dialect->longest == NULL ? 0 : s->dialect->longest(s);
}

static void on_too_long(struct gw_handler *h)
{
    struct gw_session *s = session_of(h);

    if (s->phase != GW_CLOSING)
        s->dialect->too_long(s);
}

static void on_writable(struct gw_handler *h, uint64_t now_ms)
{
    gw_session_writable(session_of(h), now_ms);
}

static void on_closing(struct gw_handler *h)
{
    move_to(session_of(h), GW_CLOSING);
}

static void on_ended(struct gw_handler *h, unsigned code, const char *reason)
{
    gw_session_free(session_of(h), code, reason);
}

static const struct gw_handler_ops handler_ops = {
    .is_ready = is_ready,
    .text = on_text,
    .longest = longest,
    .too_long = on_too_long,
    .binary = on_binary,
    .writable = on_writable,
    .closing = on_closing,
    .ended = on_ended,
};

/* --- From its start to its end ---------------------------------------------------------------
 */

bool gw_session_name(struct gw_session *s, struct tw_slice device)
{
    if (device.len == 0 || device.len >= GW_DEVICE_NAME)
        return false;
    free(s->device);
    s->device = tw_copy_text(device.at, device.len);
    return true;
}

struct tw_slice gw_session_device(const struct gw_session *s)
{
    return s->device != NULL ? tw_slice_of(s->device) : TW_EMPTY;
}

struct tw_slice gw_session_describe(const struct gw_session *s,
                                    const struct gw_dialect **dialect)
{
    *dialect = s->dialect;
    return gw_session_device(s);
}

void gw_session_start(struct gw_session *s, struct gw_sessions *all,
                      const struct gw_session_options *options)
{
    *s = (struct gw_session){
        .handler = { &handler_ops },
        .dialect = options->dialect,
        .dialect_index = (uint8_t)gw_dialect_index(all->dialects, options->dialect),
        .phase = GW_NEW,
        .transport = options->transport,
        .resumes = options->resumes,
        .since = options->since,
        .early = options->early,
        .expires_ms = options->who->expires_ms,
        .own = s->own,
    };
    s->holder = gw_holders_join(&all->holders, options->who, &s->held);
    (void)gw_session_name(s, options->device);
    tw_list_append(&all->list, &s->among);
    all->open[s->dialect_index].value++;
}

static struct gw_sync_log_row row_of(const struct gw_session *s)
{
    return (struct gw_sync_log_row){ .tenant = tw_slice_of(s->stream->tenant.id),
                                     .dialect = s->dialect->name,
                                     .device = gw_session_device(s),
                                     .seq = s->next_seq > 0 ? s->next_seq - 1 : 0 };
}

static void log_disconnect(const struct gw_session *s, unsigned code, const char *reason)
{
    struct gw_sync_log_row row = row_of(s);

    row.code = code;
    row.reason = reason;
    row.since = s->greeted_s;
    gw_session_log_disconnect(gw_session_all(s)->log, row, gw_session_all(s)->heartbeat_ms);
}

static void end_stall(struct gw_session *s)
{
    free(s->stall);
    s->stall = NULL;
}

void gw_session_end(struct gw_session *s, unsigned code, const char *reason)
{
    struct gw_sessions *all;

    if (s->holder == NULL)
        return;
    if (s->stream != NULL) {
        log_disconnect(s, code, reason);
        s->stream->events->left(s->stream, s);
        s->stream = NULL;
    }
    if (s->is_greeted)
        end_stall(s);
    else
        gw_early_free(s->early);
    all = gw_session_all(s);
    if (s->was_sent && all->deliveries != NULL)
        gw_deliveries_ended(all->deliveries, s);
    if (s->is_disturbed)
        gw_faults_end(all->faults, s);
    free(s->device);
    s->device = NULL;
    all->open[s->dialect_index].value--;
    gw_sessions_count_end(all, s->dialect_index, code);
    tw_list_remove(&s->among);
    gw_holders_leave(&all->holders, s->holder, &s->held);
    s->holder = NULL;
}

void gw_session_free(struct gw_session *s, unsigned code, const char *reason)
{
    gw_session_end(s, code, reason);
    s->dialect->closed(s);
}

void gw_sessions_each(struct gw_sessions *all, void (*visit)(struct gw_session *s, void *arg),
                      void *arg)
{
    tw_list_each(&all->list, link) visit(tw_container_of(link, struct gw_session, among), arg);
}

/* --- Its position ----------------------------------------------------------------------------
 */

bool gw_session_can_resume(const struct gw_session *s)
{
    return s->resumes && gw_stream_keeps(s->stream, s->since);
}

/* After `since` when that is still kept; else the client is told, and continues at the head. */
static void resume_or_resync(struct gw_session *s)
{
    const struct gw_stream *st = s->stream;

    if (gw_session_can_resume(s)) {
        s->next_seq = s->since + 1;
        gw_session_all(s)->resumed.value++;
        move_to(s, GW_REPLAYING);
        return;
    }
    gw_session_all(s)->resynced.value++;
    s->next_seq = st->cursor.at + 1;
    if (s->phase != GW_REPLAYING) /* else until it has caught up: it has more time that long */
        move_to(s, GW_LIVE);
    s->dialect->resync(s, st->cursor.at, st->oldest);
}

/* What it said before it was admitted, in its order. */
static void hear_early(struct gw_session *s, const struct tw_buf *early)
{
    struct tw_slice rest = tw_buf_view(early), one;

    while (rest.len > 0 && tw_slice_split(&rest, '\x1e', &one))
        gw_session_text(s, one);
}

static void greet(struct gw_session *s)
{
    struct tw_buf *early = s->early;
    struct gw_origin from;

    s->is_greeted = true;
    s->stall = NULL;
    s->next_seq = s->stream->cursor.at + 1;
    move_to(s, GW_LIVE);
    s->dialect->greet(s, s->stream->cursor.at, s->stream->oldest);
    if (s->resumes && s->phase != GW_CLOSING)
        resume_or_resync(s);
    gw_session_read_again(s);
    gw_early_take_origin(early, &from);
    gw_session_log_connect(gw_session_all(s)->log, row_of(s), s->holder, &from);
    s->greeted_s = (uint32_t)(gw_session_all(s)->log->newest_ms / 1000);
    if (early != NULL)
        hear_early(s, early);
    gw_early_free(early);
}

/* The log has been asked, or need not be. */
static void settle(struct gw_session *s)
{
    if (s->is_greeted)
        resume_or_resync(s);
    else
        greet(s);
}

void gw_session_position(struct gw_session *s)
{
    struct gw_stream *st = s->stream;

    if (s->phase == GW_CLOSING)
        return;
    if (s->resumes && s->since > st->cursor.at) {
        move_to(s, GW_AHEAD);
        gw_cursor_expect(&st->cursor, s->since);
    } else {
        settle(s);
    }
    st->events->changed(st);
}

void gw_session_log_read(struct gw_session *s)
{
    if (s->phase == GW_AHEAD)
        move_to(s, GW_DOUBTED);
}

void gw_session_log_end(struct gw_session *s)
{
    struct gw_cursor *c = &s->stream->cursor;

    if (s->phase == GW_DOUBTED || (s->phase == GW_AHEAD && s->since <= c->at))
        settle(s);
    else if (s->phase == GW_AHEAD) /* it joined while the log was read: ask again */
        gw_cursor_expect(c, s->since);
}

void gw_session_give_up(struct gw_session *s, uint64_t after, uint64_t begins)
{
    if (!is_reading(s) || s->next_seq <= after || s->next_seq >= begins)
        return;
    s->since = s->next_seq - 1;
    resume_or_resync(s);
}

bool gw_session_refetch(struct gw_session *s)
{
    if (!is_reading(s))
        return false;
    gw_session_all(s)->resynced.value++;
    s->dialect->resync(s, s->next_seq - 1, s->stream->oldest);
    return true;
}

bool gw_session_resume(struct gw_session *s, uint64_t since)
{
    if (s->was_sent || s->resumes)
        return false;
    s->resumes = true;
    s->since = since;
    gw_session_position(s);
    return true;
}

uint64_t gw_session_wants_older(struct gw_session *s)
{
    if (!is_reading(s) || s->next_seq > s->stream->backlog.gone ||
        (s->is_disturbed && gw_faults_is_silent(gw_session_all(s)->faults, s)) ||
        !s->transport->ops->is_writable(s->transport))
        return 0;
    return s->next_seq;
}

bool gw_session_reads_page(struct gw_session *s)
{
    const struct gw_backlog *page = s->stream->page;

    return is_reading(s) && page != NULL && gw_stream_source(s->stream, s->next_seq) == page &&
           !(s->is_disturbed && gw_faults_is_silent(gw_session_all(s)->faults, s));
}

uint64_t gw_session_lag_bytes(const struct gw_session *s)
{
    const struct gw_backlog *b = &s->stream->backlog;
    const struct gw_entry *e = gw_backlog_from(b, s->next_seq);

    return e == NULL ? 0 : (uint64_t)(b->total - e->offset);
}

/* --- What it is sent -------------------------------------------------------------------------
 */

const struct gw_tenant *gw_session_tenant(const struct gw_session *s)
{
    return &s->stream->tenant;
}

static void send_frame(struct gw_session *s, struct gw_frame *f)
{
    gw_session_all(s)->messages_out.value++;
    s->transport->ops->send(s->transport, f);
}

void gw_session_send(struct gw_session *s, struct tw_slice message)
{
    struct gw_frame *f;

    if (s->phase == GW_CLOSING)
        return;
    f = gw_frame_text(message);
    send_frame(s, f);
    gw_frame_unref(f);
}

void gw_session_send_frame(struct gw_session *s, struct gw_frame *f)
{
    if (s->phase != GW_CLOSING)
        send_frame(s, f);
}

void gw_session_close(struct gw_session *s, struct gw_close why)
{
    if (s->phase == GW_CLOSING)
        return;
    move_to(s, GW_CLOSING);
    gw_transport_close(s->transport, why);
}

static void send_batch(struct gw_session *s, const struct gw_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        send_frame(s, batch->frames[i]);
}

/* In another form than its dialect's: its own, or that of all with the same variant, which is
 * kept for them. */
static void send_form(struct gw_session *s, struct gw_backlog *b, struct gw_entry *e,
                      const char *variant)
{
    const struct gw_batch *kept =
        variant == NULL ? NULL : gw_backlog_variant(b, e, s->dialect_index, variant);
    struct gw_batch batch = { 0 };

    if (kept == NULL) {
        s->dialect->render_private(s, &e->event, &batch);
        gw_session_all(s)->rendered.value += batch.count;
    }
    if (kept == NULL && variant != NULL)
        kept = gw_backlog_keep_variant(b, e, s->dialect_index, variant, &batch);
    send_batch(s, kept == NULL ? &batch : kept);
    gw_batch_done(&batch);
}

static void send_heard(struct gw_session *s, struct gw_backlog *b, struct gw_entry *e,
                       enum gw_hearing hearing)
{
    const struct gw_batch *batch;

    if (hearing != GW_SHARED) {
        send_form(s, b, e, hearing == GW_VARIANT ? s->dialect->variant(s) : NULL);
        return;
    }
    batch = gw_backlog_render(b, e, s->dialect_index, s->dialect, &s->stream->tenant,
                              &gw_session_all(s)->rendered.value);
    send_batch(s, batch);
    if (s->dialect->sent != NULL)
        s->dialect->sent(s, &e->event, batch);
}

static void send_event(struct gw_session *s, struct gw_backlog *b, struct gw_entry *e)
{
    enum gw_hearing hearing =
        s->dialect->hears(s, &e->event, gw_backlog_audience(e, s->dialect_index, s->dialect));

    if (hearing == GW_SKIP || (s->is_disturbed && gw_faults_drop(gw_session_all(s)->faults, s)))
        return;
    s->was_sent = e->was_sent = true;
    s->stream->deliveries++;
    if (e->is_order && gw_session_all(s)->deliveries != NULL)
        gw_deliveries_add(gw_session_all(s)->deliveries, s, s->stream->tenant.id, e,
                          gw_session_all(s)->now_ms, s->phase != GW_LIVE);
    if (tw_log_shows(TW_LOG_DEBUG))
        gw_deliveries_trace(s->stream->tenant.slug, s->dialect->name, gw_session_device(s),
                            &e->event);
    send_heard(s, b, e, hearing);
    if (s->is_disturbed && gw_faults_repeat(gw_session_all(s)->faults, s))
        send_heard(s, b, e, hearing);
}

/* Ask only when there is something to send: a transport that says no calls back later. */
static bool is_writable(const struct gw_session *s)
{
    return s->transport->ops->is_writable(s->transport);
}

/* A session whose transport takes nothing any more is closed: after a second while it lags far,
 * after ten in any case. A burst alone closes nobody: lagging costs no memory, and what has
 * left memory is read from the log. */
static void check_stall(struct gw_session *s, bool is_far)
{
    uint64_t limit_ms = is_far && s->phase != GW_REPLAYING ? SLOW_MS : STALL_MS;
    uint64_t taken =
        s->transport->ops->taken == NULL ? 0 : s->transport->ops->taken(s->transport);
    uint64_t now_ms = gw_session_all(s)->now_ms;

    if (s->stall == NULL) {
        s->stall = tw_new(struct gw_stall);
        *s->stall = (struct gw_stall){ now_ms, taken };
    } else if (taken != s->stall->taken) {
        *s->stall = (struct gw_stall){ now_ms, taken };
    }
    if (now_ms - s->stall->since_ms <= limit_ms)
        return;
    gw_session_all(s)->slow.value++;
    gw_session_close(s, gw_closes.lags);
}

/* Send the next event, if there is one and it may be sent. True: look for another one. */
static bool advance(struct gw_session *s)
{
    struct gw_backlog *b = gw_stream_source(s->stream, s->next_seq);
    struct gw_entry *e;

    if (s->is_disturbed && gw_faults_is_silent(gw_session_all(s)->faults, s))
        return false;
    if (b == NULL) {
        if (is_writable(s))
            move_to(s, GW_REPLAYING); /* the hub reads it from the log */
        else
            check_stall(s, true);
        return false;
    }
    e = gw_backlog_from(b, s->next_seq);
    if (e == NULL && b == s->stream->page) {
        s->next_seq = b->end + 1;
        return true;
    }
    if (e == NULL) {
        move_to(s, GW_LIVE);
        return false;
    }
    if (s->is_disturbed && gw_faults_hold(gw_session_all(s)->faults, s, e->event.at))
        return false;
    if (!is_writable(s)) {
        check_stall(s, b->total - e->offset > (int64_t)gw_session_all(s)->queue_bytes);
        return false;
    }
    if (s->stall != NULL)
        end_stall(s);
    s->next_seq = e->event.seq + 1;
    send_event(s, b, e);
    return true;
}

void gw_session_pump(struct gw_session *s)
{
    if (is_ahead(s) && s->since <= s->stream->cursor.at)
        settle(s);
    while (is_reading(s) && (s->dialect->may_send == NULL || s->dialect->may_send(s)) &&
           advance(s))
        ;
}

void gw_session_writable(struct gw_session *s, uint64_t now_ms)
{
    gw_session_all(s)->now_ms = now_ms;
    if (s->stream == NULL)
        return;
    gw_session_pump(s);
    if (gw_session_wants_older(s) != 0)
        s->stream->events->changed(s->stream);
}

/* --- What it says ----------------------------------------------------------------------------
 */

void gw_session_read_again(struct gw_session *s)
{
    if (s->transport->ops->begin != NULL)
        s->transport->ops->begin(s->transport);
}

void gw_session_text(struct gw_session *s, struct tw_slice message)
{
    struct tw_buf *scratch = &gw_session_all(s)->scratch;
    struct tw_json_fault fault;
    size_t len = message.len;

    if (s->phase == GW_CLOSING)
        return;
    gw_session_all(s)->messages_in.value++;
    tw_buf_clear(scratch);
    tw_buf_append(scratch, message);
    if (scratch->failed || tw_json_scan(scratch->at, &len, &tw_json_wide, &fault) < 0) {
        gw_session_all(s)->malformed.value++;
        s->dialect->malformed(s, scratch->failed ? "too long" : fault.why);
        return;
    }
    s->dialect->message(s, tw_slice_from(scratch->at, len));
}
