/* snapshots.c - one reading serves all devices that wait for it, and those that come soon
 * after.
 *
 * A device that asks while a reading is under way waits for the next one, since its own last
 * change may not be in this one; unless nothing has happened in the stream meanwhile: then the
 * last frame is still valid.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/snapshots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/loop.h"
#include "common/util/base.h"
#include "common/util/crypto.h"
#include "common/util/json_view.h"
#include "gateway/dialect/command.h"
#include "gateway/dialect/principal.h"
#include "gateway/stream/session.h"
#include "gateway/stream/stream.h"
#include "gateway/websocket/frame.h"

#define NAME_BYTES 160
#define CONTEXT_BYTES 32768

/* What was read is kept for devices that ask soon after. */
#define KEPT_MS 60000

#define PAUSE_MS 1000 /* before what could not be read for now is read again */

/* What an operation last answered for a tenant. */
struct snapshot {
    struct gw_snapshots *all;
    const struct gw_snapshot_kind *kind;
    char name[NAME_BYTES]; /* among all */
    char body[GW_SNAPSHOT_BODY];
    struct tw_operation operation;
    struct tw_buf context;
    char request_id[37];
    struct gw_frame *frame; /* null: none yet */
    struct tw_list used;    /* among all */
    uint64_t used_ms;
    unsigned lists;                         /* that it replaces, as bits */
    uint64_t seq;                           /* the events up to this one are in it */
    bool is_reading;                        /* also while its readers are served */
    const struct gw_snapshot_reader *asker; /* it is read with the rights of this one, which may
                                             * be gone: it is only compared */
    struct tw_list waiting;                 /* for the reading under way */
    struct tw_list later;                   /* for the next one */
    struct tw_deadline pause;               /* is_reading goes on meanwhile */
    unsigned tries;
};

#define AT(field) TW_METRIC_AT(struct gw_snapshots, field)

static const struct tw_metric_row metric_rows[] = {
    { "states_asked_total", NULL,
      "Times that a client asked for a snapshot of its restaurant's shared state.", AT(asked) },
    { "states_read_total", NULL,
      "Snapshots of a restaurant's shared state that were read from PostgreSQL; one reading "
      "serves all "
      "clients that wait for it.",
      AT(read) },
    { "states_kept_bytes", NULL,
      "Bytes of snapshots that are kept for clients that ask soon after.", AT(kept_bytes) },
};

const struct tw_metric_table gw_snapshots_metrics = { .rows = metric_rows,
                                                      .count = TW_COUNT(metric_rows) };

void gw_snapshots_start(struct gw_snapshots *all, struct tw_operations *operations)
{
    all->operations = operations;
    tw_list_init(&all->order);
}

static void set_frame(struct snapshot *s, struct gw_frame *f)
{
    if (s->frame != NULL)
        s->all->kept_bytes.value -= s->frame->len;
    gw_frame_unref(s->frame);
    s->frame = f;
    if (f != NULL)
        s->all->kept_bytes.value += f->len;
}

static void snapshot_free(struct snapshot *s)
{
    set_frame(s, NULL);
    tw_after_cancel(s->all->operations->options.loop, &s->pause);
    tw_list_remove(&s->used);
    tw_buf_done(&s->context);
    free(s);
}

void gw_snapshots_done(struct gw_snapshots *all)
{
    struct tw_slice name;
    struct snapshot *s;

    while ((s = tw_map_any(&all->by_name, &name)) != NULL) {
        (void)tw_map_remove(&all->by_name, name);
        snapshot_free(s);
    }
    tw_map_done(&all->by_name);
}

/* Let the events out that have waited for the snapshot. */
static void resume_events(struct gw_snapshot_reader *r)
{
    r->due = 0;
    gw_session_writable(r->session, gw_session_all(r->session)->now_ms);
}

static void serve(struct gw_snapshot_reader *r, const struct snapshot *s)
{
    for (unsigned i = 0; i < r->due; i++)
        gw_session_send_frame(r->session, s->frame);
    for (unsigned i = 0; i < GW_LISTS; i++)
        if ((s->lists & 1U << i) != 0)
            r->shown[i] = (struct gw_shown){ s->seq, gw_session_all(r->session)->now_ms };
    resume_events(r);
}

static bool is_fresh(const struct snapshot *s, const struct gw_snapshot_reader *r)
{
    const struct gw_cursor *c = &r->session->stream->cursor;

    return s->frame != NULL && c->is_known && s->seq == c->at && s->seq >= r->own_seq;
}

static struct gw_snapshot_reader *reader_of(struct tw_list *link)
{
    return tw_container_of(link, struct gw_snapshot_reader, waiting);
}

static void begin_reading(struct snapshot *s, struct gw_snapshot_reader *r);

static void drop(struct snapshot *s)
{
    (void)tw_map_remove(&s->all->by_name, tw_slice_of(s->name));
    snapshot_free(s);
}

static bool is_success(const struct tw_outcome *outcome)
{
    return outcome->refusal == NULL && outcome->status < 300;
}

/* Whether it says something about who asked, and nothing about the state. */
static bool is_about_asker(const struct tw_outcome *outcome)
{
    return outcome->refusal == NULL && (outcome->status == 401 || outcome->status == 403);
}

static void refuse(struct snapshot *s, struct gw_snapshot_reader *r,
                   const struct tw_outcome *outcome)
{
    s->kind->refused(r->session, outcome);
    resume_events(r);
}

/* The others have keys of their own, so it is asked again in the name of the next one. */
static void refuse_asker(struct snapshot *s, const struct tw_outcome *outcome)
{
    struct gw_snapshot_reader *r;

    if (!tw_list_empty(&s->waiting) && reader_of(s->waiting.next) == s->asker) {
        r = reader_of(tw_list_shift(&s->waiting));
        refuse(s, r, outcome);
    }
    tw_list_move_all(&s->waiting, &s->later);
    if (!tw_list_empty(&s->waiting)) {
        begin_reading(s, reader_of(s->waiting.next));
        return;
    }
    s->is_reading = false;
    if (s->kind->deliver != NULL)
        drop(s);
}

static void take_answer(struct snapshot *s, const struct tw_outcome *outcome)
{
    struct tw_slice raw;

    set_frame(s, NULL);
    s->lists = 0;
    s->tries = 0;
    if (is_success(outcome) && s->kind->render != NULL &&
        tw_json_get(outcome->body, "seq", &raw) && tw_json_u64(raw, &s->seq))
        set_frame(s, s->kind->render(outcome->body, &s->lists));
}

/* Of those that nobody waits for, the ones that nobody has asked for lately go, and further
 * ones while there is too much; but not `mine`. */
static void forget_old(struct gw_snapshots *all, const struct snapshot *mine, uint64_t now_ms)
{
    tw_list_each(&all->order, link)
    {
        struct snapshot *s = tw_container_of(link, struct snapshot, used);

        if (now_ms - s->used_ms < KEPT_MS && all->kept_bytes.value <= GW_SNAPSHOT_BYTES)
            return;
        if (s != mine && !s->is_reading && tw_list_empty(&s->waiting) &&
            tw_list_empty(&s->later))
            drop(s);
    }
}

/* What stays as it is serves those that came late too, and is not kept. */
static void deliver(struct snapshot *s, const struct tw_outcome *outcome)
{
    struct gw_snapshot_reader *r;
    struct tw_list *link;

    while ((link = tw_list_shift(&s->waiting)) != NULL ||
           (link = tw_list_shift(&s->later)) != NULL) {
        r = reader_of(link);
        if (is_success(outcome)) {
            s->kind->deliver(r->session, outcome->body);
            resume_events(r);
        } else {
            refuse(s, r, outcome);
        }
    }
    drop(s);
}

/* One that is too much for the database is not read for ever. */
static bool may_be_read_again(struct snapshot *s, const struct tw_outcome *outcome)
{
    return s->kind->keeps_trying && tw_outcome_is_for_now(outcome) &&
           (strcmp(outcome->refusal, "BUSY") != 0 || s->tries++ < GW_COMMAND_BUSY_TRIES);
}

/* The reading is yet to begin, so it serves all. */
static void on_pause(struct tw_deadline *d)
{
    struct snapshot *s = tw_container_of(d, struct snapshot, pause);

    tw_list_move_all(&s->waiting, &s->later);
    if (tw_list_empty(&s->waiting))
        s->is_reading = false;
    else
        begin_reading(s, reader_of(s->waiting.next));
}

static void on_read(struct tw_operation *op, const struct tw_outcome *outcome)
{
    struct snapshot *s = tw_container_of(op, struct snapshot, operation);
    struct gw_snapshot_reader *r;
    struct tw_list *link;

    if (is_about_asker(outcome)) {
        refuse_asker(s, outcome);
        return;
    }
    if (may_be_read_again(s, outcome)) {
        tw_after(op->all->options.loop, &s->pause, PAUSE_MS, on_pause);
        return;
    }
    if (s->kind->deliver != NULL) {
        deliver(s, outcome);
        return;
    }
    take_answer(s, outcome);
    /* Who is served goes on, and may ask again at once: that waits for the next reading. */
    while ((link = tw_list_shift(&s->waiting)) != NULL) {
        r = reader_of(link);
        if (s->frame != NULL)
            serve(r, s);
        else
            refuse(s, r, outcome);
    }
    while (!tw_list_empty(&s->later)) {
        r = reader_of(s->later.next);
        if (!is_fresh(s, r)) {
            tw_list_move_all(&s->waiting, &s->later);
            begin_reading(s, r);
            return;
        }
        tw_list_remove(&r->waiting);
        serve(r, s);
    }
    s->is_reading = false;
}

static void begin_reading(struct snapshot *s, struct gw_snapshot_reader *r)
{
    tw_random_uuid(s->request_id);
    tw_buf_clear(&s->context);
    gw_principal_context(r->principal, tw_slice_of(gw_session_tenant(r->session)->id),
                         gw_session_device(r->session), tw_slice_of(r->connection),
                         tw_slice_of(s->request_id), &s->context);
    s->operation = (struct tw_operation){ .all = s->all->operations,
                                          .name = s->kind->operation,
                                          .context = tw_buf_view(&s->context),
                                          .body = s->body[0] != '\0' ? tw_slice_of(s->body)
                                                                     : (struct tw_slice){ 0 },
                                          .request_id = s->request_id,
                                          .done = on_read };
    s->is_reading = true;
    s->asker = r;
    s->all->read.value++;
    tw_operation_start(&s->operation);
}

static struct snapshot *snapshot_of(struct gw_snapshot_reader *r)
{
    struct tw_buf name = { .max = NAME_BYTES - 1 };
    struct snapshot *s;

    tw_buf_text(&name, gw_session_tenant(r->session)->id);
    tw_buf_char(&name, ' ');
    tw_buf_text(&name, r->kind->operation);
    tw_buf_char(&name, ' ');
    tw_buf_text(&name, r->body);
    s = tw_map_get(&r->all->by_name, tw_buf_view(&name));
    if (s == NULL) {
        s = tw_new(struct snapshot);
        s->all = r->all;
        s->kind = r->kind;
        memcpy(s->name, name.at, name.len);
        memcpy(s->body, r->body, sizeof(s->body));
        s->context.max = CONTEXT_BYTES;
        tw_list_init(&s->waiting);
        tw_list_init(&s->later);
        (void)tw_map_set(&r->all->by_name, tw_buf_view(&name), s);
    }
    tw_buf_done(&name);
    s->used_ms = gw_session_all(r->session)->now_ms;
    tw_list_remove(&s->used);
    tw_list_append(&r->all->order, &s->used);
    return s;
}

static void ask(struct gw_snapshot_reader *r)
{
    struct snapshot *s = snapshot_of(r);

    forget_old(r->all, s, s->used_ms);
    if (s->is_reading) {
        tw_list_append(&s->later, &r->waiting);
    } else if (is_fresh(s, r)) {
        serve(r, s);
    } else {
        tw_list_append(&s->waiting, &r->waiting);
        begin_reading(s, r);
    }
}

void gw_snapshots_want(struct gw_snapshot_reader *r, const struct gw_snapshot_kind *kind,
                       const char *body, bool is_busy)
{
    r->all->asked.value++;
    r->kind = kind;
    (void)snprintf(r->body, sizeof(r->body), "%s", body);
    if (r->due++ == 0 && !is_busy)
        ask(r);
    /* else it waits already, and gets as many answers as it has asked for */
}

void gw_snapshots_ready(struct gw_snapshot_reader *r)
{
    if (r->due > 0 && !tw_list_linked(&r->waiting))
        ask(r);
}

void gw_snapshots_leave(struct gw_snapshot_reader *r)
{
    tw_list_remove(&r->waiting);
}
