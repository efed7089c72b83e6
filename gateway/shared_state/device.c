/* device.c - states: read once, sent to many.
 *
 * Who asks while a reading is under way waits for the next one, since its own last change may
 * not be in this one; unless nothing has happened in the stream, and then the last frame is
 * good.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/device.h"

#include <stdlib.h>

#include "common/net/refusal.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/encode.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/stream/hub.h"
#include "gateway/stream/session.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/transport.h"

#define NAME_BYTES 128
#define CONTEXT_BYTES 32768
#define CROSS_MS 10000
#define BODY_BYTES ((size_t)1200 * 1024)

/* What an operation last answered for a tenant. */
struct state {
    struct gw_shared_state *shared_state;
    const struct gw_snapshot_kind *view;
    char name[NAME_BYTES];
    struct tw_operation operation;
    struct tw_buf context;
    char request_id[37];
    struct gw_frame *frame; /* null: none yet */
    uint64_t seq;           /* of the frame's snapshot */
    bool is_reading;
    struct tw_list waiting; /* for the reading under way */
    struct tw_list later;   /* for the one behind it */
};

void gw_shared_state_start(struct gw_shared_state *h, struct tw_metrics *metrics)
{
    tw_metric_add(metrics, &h->asked, "states_asked_total", NULL,
                  "Times that a client asked for its restaurant's state.");
    tw_metric_add(metrics, &h->read, "states_read_total", NULL,
                  "Readings of a restaurant's state; one serves all who wait.");
}

static void state_free(struct state *s)
{
    gw_frame_unref(s->frame);
    tw_buf_done(&s->context);
    free(s);
}

void gw_shared_state_done(struct gw_shared_state *h)
{
    struct tw_slice name;
    struct state *s;

    while ((s = tw_map_any(&h->states, &name)) != NULL) {
        (void)tw_map_remove(&h->states, name);
        state_free(s);
    }
    tw_map_done(&h->states);
}

struct gw_device *gw_device_new(struct gw_shared_state *h, struct gw_session *s)
{
    struct gw_device *m = tw_new(struct gw_device);
    uint8_t random[16];

    m->shared_state = h;
    m->session = s;
    m->since_ms = tw_wall_ms();
    tw_random(random, sizeof(random));
    tw_hex(random, sizeof(random), m->id);
    gw_commands_init(&m->commands, h->operations);
    if (h->changed != NULL)
        h->changed(h);
    return m;
}

void gw_device_free(struct gw_device *m)
{
    if (m == NULL)
        return;
    if (tw_list_linked(&m->waiting))
        tw_list_remove(&m->waiting);
    gw_commands_leave(&m->commands);
    gw_principal_done(&m->principal);
    tw_buf_done(&m->first);
    if (m->shared_state->changed != NULL)
        m->shared_state->changed(m->shared_state);
    free(m);
}

struct gw_device *gw_device_of(struct gw_commands *q)
{
    return tw_container_of(q, struct gw_device, commands);
}

void gw_device_hear_first(struct gw_device *m)
{
    struct tw_buf first = m->first;
    struct tw_slice rest = tw_buf_view(&first), one;

    m->first = (struct tw_buf){ 0 };
    while (rest.len > 0 && tw_slice_split(&rest, '\x1e', &one))
        gw_session_text(m->session, one);
    tw_buf_done(&first);
}

/* --- States ----------------------------------------------------------------------------------
 */

/* Events have waited for it. */
static void go_on(struct gw_device *m)
{
    m->snapshots_due = 0;
    gw_session_writable(m->session, m->session->all->now_ms);
}

static void serve(struct gw_device *m, struct gw_frame *f)
{
    for (unsigned i = 0; i < m->snapshots_due; i++)
        gw_session_send_frame(m->session, f);
    go_on(m);
}

static bool is_fresh(const struct state *s, const struct gw_device *m)
{
    const struct gw_hub *h = m->session->hub;

    return s->frame != NULL && h->cursor.is_known && s->seq == h->cursor.at &&
           s->seq >= m->own_seq;
}

static void read_state(struct state *s, struct gw_device *m);

static void on_state(struct tw_operation *op, const struct tw_outcome *outcome)
{
    struct state *s = tw_container_of(op, struct state, operation);
    struct tw_slice raw;
    struct tw_list *link;
    bool is_good = outcome->refusal == NULL && outcome->status < 300;

    s->is_reading = false;
    gw_frame_unref(s->frame);
    s->frame = NULL;
    if (is_good && tw_json_get(outcome->body, "seq", &raw) && tw_json_u64(raw, &s->seq))
        s->frame = s->view->render(outcome->body);
    while ((link = tw_list_shift(&s->waiting)) != NULL) {
        struct gw_device *m = tw_container_of(link, struct gw_device, waiting);

        if (s->frame != NULL) {
            serve(m, s->frame);
        } else {
            s->view->refused(m->session, outcome);
            go_on(m);
        }
    }
    tw_list_move_all(&s->waiting, &s->later);
    while (!tw_list_empty(&s->waiting)) {
        struct gw_device *m = tw_container_of(s->waiting.next, struct gw_device, waiting);

        if (!is_fresh(s, m)) {
            read_state(s, m);
            return;
        }
        tw_list_remove(&m->waiting);
        serve(m, s->frame);
    }
}

static void read_state(struct state *s, struct gw_device *m)
{
    tw_random_uuid(s->request_id);
    tw_buf_clear(&s->context);
    gw_principal_context(&m->principal, tw_slice_of(m->session->hub->tenant.id),
                         tw_slice_of(m->session->device), tw_slice_of(m->id),
                         tw_slice_of(s->request_id), &s->context);
    s->operation = (struct tw_operation){ .all = s->shared_state->operations,
                                          .name = s->view->operation,
                                          .context = tw_buf_view(&s->context),
                                          .request_id = s->request_id,
                                          .done = on_state };
    s->is_reading = true;
    s->shared_state->read.value++;
    tw_operation_start(&s->operation);
}

static struct state *state_of(struct gw_device *m, const struct gw_snapshot_kind *view)
{
    struct tw_buf name = { .max = NAME_BYTES - 1 };
    struct state *s;

    tw_buf_text(&name, m->session->hub->tenant.id);
    tw_buf_char(&name, ' ');
    tw_buf_text(&name, view->operation);
    s = tw_map_get(&m->shared_state->states, tw_buf_view(&name));
    if (s == NULL) {
        s = tw_new(struct state);
        s->shared_state = m->shared_state;
        s->view = view;
        s->context.max = CONTEXT_BYTES;
        memcpy(s->name, name.at, name.len);
        tw_list_init(&s->waiting);
        tw_list_init(&s->later);
        (void)tw_map_set(&m->shared_state->states, tw_buf_view(&name), s);
    }
    tw_buf_done(&name);
    return s;
}

static void ask(struct gw_device *m)
{
    struct state *s = state_of(m, m->view);

    if (s->is_reading) {
        tw_list_append(&s->later, &m->waiting);
    } else if (is_fresh(s, m)) {
        serve(m, s->frame);
    } else {
        tw_list_append(&s->waiting, &m->waiting);
        read_state(s, m);
    }
}

void gw_device_want_snapshot(struct gw_device *m, const struct gw_snapshot_kind *view)
{
    m->shared_state->asked.value++;
    m->view = view;
    if (m->snapshots_due++ == 0 && m->commands.count == 0)
        ask(m);
    /* else it waits already, and gets as many answers as it has asked for */
}

/* --- Changes ---------------------------------------------------------------------------------
 */

static void on_changed(struct gw_commands *q, const struct gw_command *c,
                       const struct tw_outcome *outcome)
{
    struct gw_device *m = gw_device_of(q);

    m->answered(q, c, outcome);
    if (q->count == GW_COMMANDS_SOFT - 1) /* it is read from again */
        m->session->transport->ops->begin(m->session->transport);
    if (m->snapshots_due > 0 && q->count == 0 && !tw_list_linked(&m->waiting))
        ask(m);
}

bool gw_device_change(struct gw_device *m, struct tw_slice body, struct tw_slice note,
                      gw_command_cb answered)
{
    struct gw_command *c = gw_command_new("house_change", true, BODY_BYTES, on_changed);

    m->answered = answered;
    tw_buf_append(&c->body, body);
    tw_buf_append(&c->note, note);
    gw_principal_context(&m->principal, tw_slice_of(m->session->hub->tenant.id),
                         tw_slice_of(m->session->device), tw_slice_of(m->id),
                         tw_slice_of(c->request_id), &c->context);
    return gw_commands_add(&m->commands, c);
}

/* A cloud sync device is one on all its connections. */
bool gw_device_is_origin(const struct gw_device *m, const struct tw_event *ev)
{
    struct tw_slice device = tw_slice_of(m->session->device), raw, text;

    if (tw_json_get(ev->origin, "session", &raw) && tw_json_plain(raw, &text) &&
        tw_slice_is(text, m->id))
        return true;
    return m->session->dialect == &gw_cloudsync && device.len > 0 &&
           tw_json_get(ev->origin, "device", &raw) && tw_json_plain(raw, &text) &&
           tw_slice_eq(text, device);
}

/* Of the kind and the id: `order` or `table`, and what follows. */
static uint64_t row_of(const struct tw_event *ev)
{
    struct tw_slice rest = ev->type, thing = ev->type, id = { NULL, 0 };

    (void)tw_slice_split(&rest, '.', &thing);
    if (!tw_json_get(ev->data, "id", &id))
        (void)tw_json_get(ev->data, "orderId", &id);
    return tw_hash(thing) * 31 + tw_hash(id);
}

bool gw_device_needs(struct gw_device *m, const struct tw_event *ev, bool is_own)
{
    uint64_t row = row_of(ev), now_ms = m->session->all->now_ms;

    if (!is_own) {
        m->recent_changes[m->recent_count++ % GW_RECENT_CHANGES] =
            (struct gw_recent_change){ row, now_ms };
        return true;
    }
    for (size_t i = 0; i < GW_RECENT_CHANGES && i < m->recent_count; i++)
        if (m->recent_changes[i].row == row && now_ms - m->recent_changes[i].at_ms < CROSS_MS)
            return true;
    /* So much was told that what is forgotten may have been the same row. */
    return m->recent_count > GW_RECENT_CHANGES &&
           now_ms - m->recent_changes[m->recent_count % GW_RECENT_CHANGES].at_ms < CROSS_MS;
}

void gw_device_put_refusal(struct tw_buf *out, const struct tw_outcome *outcome)
{
    const struct tw_refusal *refusal =
        tw_refusal_of(outcome->refusal == NULL ? "INTERNAL" : outcome->refusal);
    struct tw_slice error, code, message, details;

    if (outcome->refusal == NULL && tw_json_get(outcome->body, "error", &error) &&
        tw_json_get(error, "code", &code) && tw_json_get(error, "message", &message)) {
        tw_json_member_raw(out, "code", code);
        tw_json_member_raw(out, "message", message);
        if (tw_json_get(error, "details", &details))
            tw_json_member_raw(out, "details", details);
        return;
    }
    tw_json_member(out, "code", tw_slice_of(refusal->code));
    tw_json_member(out, "message", tw_slice_of(refusal->message));
}
