/* device.c - a device's changes, one after the other, and which events it must hear.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/refusal.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/crypto.h"
#include "common/util/encode.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "gateway/websocket/close.h"
#include "gateway/websocket/frame.h"
#include "gateway/websocket/transport.h"

/* What was sent to a device and what it says cross for no longer than a line holds messages
 * back: that a ping is sent after 25 s and answered in 10 s is the bound of both ways. */
#define CROSS_MS 40000
#define BODY_MARGIN ((size_t)64 * 1024) /* what a change has around a message's data */

/* With so many waiting, or so many bytes, no more is read from the device; one read may still
 * bring as many again, and more. */
#define MAX_HELD 4096

static void release_held(struct tw_lru_entry *e)
{
    free(e);
}

void gw_shared_state_start(struct gw_shared_state *all,
                           const struct gw_shared_state_options *options)
{
    all->operations = options->operations;
    all->changed = options->changed;
    all->message_bytes = options->message_bytes;
    tw_lru_start(&all->held, MAX_HELD, release_held);
    gw_staff_keys_read(&all->staff_keys, options->staff_key);
    tw_list_init(&all->devices);
    gw_snapshots_start(&all->snapshots, options->operations);
}

void gw_shared_state_done(struct gw_shared_state *all)
{
    gw_snapshots_done(&all->snapshots);
    tw_lru_done(&all->held);
}

static void tell_changed(struct gw_device *d, bool has_left)
{
    if (d->all->changed != NULL)
        d->all->changed(d->all, d, has_left);
}

struct gw_device *gw_device_of(struct gw_session *s)
{
    return tw_container_of(s, struct gw_device, session);
}

static const struct gw_device *const_device_of(const struct gw_session *s)
{
    return tw_container_of((uintptr_t)s, struct gw_device, session);
}

struct gw_session *gw_device_open(void *family, const struct gw_hello *hello,
                                  const struct gw_identity *who)
{
    struct gw_shared_state *all = family;
    struct gw_device *d = tw_new(struct gw_device);
    uint8_t random[16];

    d->all = all;
    d->since_ms = tw_wall_ms();
    tw_random(random, sizeof(random));
    tw_hex(random, sizeof(random), d->connection);
    gw_principal_copy(&d->principal, who->principal);
    memcpy(d->user, hello->user, sizeof(d->user));
    if (strcmp(hello->restaurant, who->tenant.slug) != 0)
        memcpy(d->restaurant, hello->restaurant, sizeof(d->restaurant));
    gw_commands_init(&d->commands, all->operations, GW_DEVICE_ALL_CHANGES);
    d->snapshots = (struct gw_snapshot_reader){ .all = &all->snapshots,
                                                .session = &d->session,
                                                .principal = &d->principal,
                                                .connection = d->connection,
                                                .shown = d->shown };
    d->follow = d->snapshots;
    tw_list_append(&all->devices, &d->link);
    return &d->session;
}

void gw_device_closed(struct gw_session *s)
{
    struct gw_device *d = gw_device_of(s);

    gw_snapshots_leave(&d->snapshots);
    gw_snapshots_leave(&d->follow);
    gw_commands_outlive(&d->commands); /* its client believes that it was said */
    gw_principal_done(&d->principal);
    tell_changed(d, true);
    tw_list_remove(&d->link);
    free(d);
}

static bool is_full(const struct gw_commands *q)
{
    return q->count >= GW_DEVICE_CHANGES || q->bytes >= GW_DEVICE_CHANGE_BYTES;
}

bool gw_device_may_read(const struct gw_session *s)
{
    return !is_full(&const_device_of(s)->commands);
}

bool gw_device_may_send(const struct gw_session *s)
{
    return const_device_of(s)->snapshots.due == 0 && const_device_of(s)->follow.due == 0;
}

size_t gw_device_longest(const struct gw_session *s)
{
    return const_device_of(s)->all->message_bytes;
}

void gw_device_greet(struct gw_session *s, uint64_t seq, uint64_t oldest)
{
    tell_changed(gw_device_of(s), false);
    (void)seq;
    (void)oldest;
}

void gw_device_relayed(struct gw_session *s, struct tw_slice from, struct gw_frame *f)
{
    if (!tw_slice_is(from, const_device_of(s)->connection) &&
        s->transport->ops->is_writable(s->transport))
        gw_session_send_frame(s, f);
}

void gw_device_set_user(struct gw_device *d, struct tw_slice user)
{
    size_t n = user.len < sizeof(d->user) ? user.len : 0;

    if (tw_slice_is(user, d->user))
        return;
    (void)snprintf(d->user, sizeof(d->user), "%.*s", (int)n, n > 0 ? user.at : "");
    if (d->session.is_greeted)
        tell_changed(d, false);
}

/* --- Changes ---------------------------------------------------------------------------------
 */

struct device_command {
    struct gw_command command; /* first: it is freed with it */
    gw_command_cb answered;    /* the dialect's */
};

struct gw_device *gw_device_of_commands(struct gw_commands *q)
{
    return tw_container_of(q, struct gw_device, commands);
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* It was stored: what the device asks for from now on contains it. */
static void note_own(struct gw_device *d, uint64_t said_ms, const struct tw_outcome *outcome)
{
    struct tw_slice raw;
    uint64_t seq;

    if (outcome->refusal != NULL || outcome->status >= 300 ||
        !tw_json_get(outcome->body, "seq", &raw) || !tw_json_u64(raw, &seq))
        return;
    d->own_changes[d->own_count++ % GW_OWN_CHANGES] = (struct gw_own_change){ seq, said_ms };
    d->snapshots.own_seq = later(d->snapshots.own_seq, seq);
    d->follow.own_seq = later(d->follow.own_seq, seq);
}

static void on_changed(struct gw_commands *q, const struct gw_command *c,
                       const struct tw_outcome *outcome)
{
    struct gw_device *d = gw_device_of_commands(q);

    note_own(d, c->said_ms, outcome);
    tw_container_of((uintptr_t)c, struct device_command, command)->answered(q, c, outcome);
    if (!is_full(q)) /* it may be read from again */
        gw_session_read_again(&d->session);
    if (q->count == 0) {
        d->full_ms = 0;
        gw_snapshots_ready(&d->snapshots);
        gw_snapshots_ready(&d->follow);
    }
}

bool gw_device_operate(struct gw_device *d, const char *operation, bool writes,
                       struct tw_slice body, struct tw_slice note, gw_command_cb answered)
{
    struct device_command *own = tw_new(struct device_command);
    struct gw_command *c = &own->command;

    own->answered = answered;
    gw_command_init(c, operation, writes, d->all->message_bytes + BODY_MARGIN, on_changed);
    c->said_ms = d->full_ms != 0 ? d->full_ms : gw_session_all(&d->session)->now_ms;
    c->keeps_trying = d->keeps_trying;
    tw_buf_append(&c->body, body);
    tw_buf_append(&c->note, note);
    gw_principal_context(&d->principal, tw_slice_of(gw_session_tenant(&d->session)->id),
                         gw_session_device(&d->session), tw_slice_of(d->connection),
                         tw_slice_of(c->request_id), &c->context);
    if (!gw_commands_add(&d->commands, c)) {
        d->all->refusals.value++;
        return false;
    }
    if (d->full_ms == 0 && is_full(&d->commands))
        d->full_ms = gw_session_all(&d->session)->now_ms;
    return true;
}

bool gw_device_change(struct gw_device *d, struct tw_slice body, struct tw_slice note,
                      gw_command_cb answered)
{
    return gw_device_operate(d, "shared_state_change", true, body, note, answered);
}

void gw_device_want_snapshot(struct gw_device *d, const struct gw_snapshot_kind *kind,
                             const char *body)
{
    gw_snapshots_want(&d->snapshots, kind, body, d->commands.count > 0);
}

/* Its tenant and its name; false when it has none, or is in no restaurant yet. */
static bool put_full_name(const struct gw_device *d, struct tw_buf *out)
{
    if (d->session.device == NULL || d->session.stream == NULL)
        return false;
    tw_buf_text(out, gw_session_tenant(&d->session)->id);
    tw_buf_char(out, ' ');
    tw_buf_text(out, d->session.device);
    return !out->failed;
}

void gw_device_hold(struct gw_device *d)
{
    struct tw_buf name = { .max = 256 };

    d->is_held = true;
    if (put_full_name(d, &name))
        tw_lru_put(&d->all->held, tw_buf_view(&name), tw_new(struct tw_lru_entry));
    tw_buf_done(&name);
}

void gw_device_named(struct gw_device *d)
{
    struct tw_buf name = { .max = 256 };

    if (put_full_name(d, &name) && tw_lru_get(&d->all->held, tw_buf_view(&name)) != NULL)
        d->is_held = true;
    tw_buf_done(&name);
}

void gw_device_follow(struct gw_device *d, const struct gw_snapshot_kind *kind,
                      const char *body, uint64_t seq)
{
    d->session.was_sent = true;
    d->follow.own_seq = later(d->follow.own_seq, seq);
    gw_snapshots_want(&d->follow, kind, body, d->commands.count > 0);
}

/* --- Events ----------------------------------------------------------------------------------
 */

/* What it knows of: it was made on this connection, or posted by this device. */
static bool is_own(const struct gw_device *d, const struct tw_event *ev)
{
    struct tw_slice device = gw_session_device(&d->session), text;

    if (tw_json_get_text(ev->origin, "session", &text))
        return tw_slice_is(text, d->connection);
    return d->is_one_by_name && device.len > 0 &&
           tw_json_get_text(ev->origin, "device", &text) && tw_slice_eq(text, device);
}

bool gw_device_made(const struct gw_session *s, const struct tw_event *ev)
{
    return is_own(const_device_of(s), ev);
}

/* Its client drops what names it as the origin; so may one that has not said yet how it is
 * called, whose changes on an earlier connection are still being stored. */
static bool is_named(const struct gw_device *d, const struct tw_event *ev)
{
    struct tw_slice device = gw_session_device(&d->session), text;

    return tw_json_get_text(ev->origin, "device", &text) &&
           (device.len > 0 ? tw_slice_eq(text, device) : !d->has_spoken);
}

/* A hash of the kind (`order`, `table`) and the id. */
static uint64_t row_of(const struct tw_event *ev)
{
    struct tw_slice rest = ev->type, thing = ev->type, id = { NULL, 0 };

    (void)tw_slice_split(&rest, '.', &thing);
    if (!tw_json_get(ev->data, "id", &id))
        (void)tw_json_get(ev->data, "orderId", &id);
    return tw_hash(thing) * 31 + tw_hash(id);
}

static void note_change(struct gw_device *d, uint64_t row, uint64_t now_ms)
{
    d->recent_changes[d->recent_count++ % GW_RECENT_CHANGES] =
        (struct gw_recent_change){ row, now_ms };
}

/* When the device said what this event is about, or a later moment. 0: it is not known any
 * more. Its changes are stored one after the other, so the first one after which the stream was
 * so far has made it. */
static uint64_t said_ms(const struct gw_device *d, const struct tw_event *ev)
{
    size_t oldest = d->own_count > GW_OWN_CHANGES ? d->own_count - GW_OWN_CHANGES : 0;

    if (!tw_json_get(ev->origin, "session", &(struct tw_slice){ 0 }))
        return gw_session_all(&d->session)->now_ms; /* it was posted */
    for (size_t i = oldest; i < d->own_count; i++) {
        const struct gw_own_change *own = &d->own_changes[i % GW_OWN_CHANGES];

        if (own->seq >= ev->seq)
            return i == oldest && oldest > 0 ? 0 : own->said_ms;
    }
    return d->commands.under_way != NULL ? d->commands.under_way->said_ms : 0;
}

/* Whether what was sent at this time may have arrived after the device said what is asked
 * about. */
static bool may_have_crossed(uint64_t sent_ms, uint64_t said)
{
    return sent_ms + CROSS_MS > said;
}

/* Whether another change of this row was sent to it so late. */
static bool has_crossed_row(const struct gw_device *d, uint64_t row, uint64_t said)
{
    const struct gw_recent_change *oldest =
        &d->recent_changes[d->recent_count % GW_RECENT_CHANGES];

    for (size_t i = 0; i < GW_RECENT_CHANGES && i < d->recent_count; i++)
        if (d->recent_changes[i].row == row &&
            may_have_crossed(d->recent_changes[i].at_ms, said))
            return true;
    /* The ring is full of late ones: what it has forgotten may have been the same row. */
    return d->recent_count > GW_RECENT_CHANGES && may_have_crossed(oldest->at_ms, said);
}

static bool has_crossed_list(const struct gw_device *d, int list, uint64_t said)
{
    return list != GW_NO_LIST && d->shown[list].seq > 0 &&
           may_have_crossed(d->shown[list].at_ms, said);
}

enum gw_hearing gw_device_hears(struct gw_session *s, const struct tw_event *ev, int list)
{
    struct gw_device *d = gw_device_of(s);
    uint64_t row = row_of(ev), said;

    if (is_own(d, ev)) {
        said = said_ms(d, ev);
        return has_crossed_row(d, row, said) || has_crossed_list(d, list, said) ? GW_PRIVATE
                                                                                : GW_SKIP;
    }
    note_change(d, row, gw_session_all(s)->now_ms);
    if (is_named(d, ev))
        return GW_PRIVATE;
    return d->restaurant[0] != '\0' ? GW_VARIANT : GW_SHARED;
}

const char *gw_device_variant(const struct gw_session *s)
{
    return const_device_of(s)->restaurant;
}

/* An origin without its device. */
static void copy_nameless(struct tw_buf *out, struct tw_slice origin)
{
    struct tw_slice name, raw;
    const char *before = "";

    tw_buf_char(out, '{');
    while (tw_json_pair(&origin, &name, &raw)) {
        if (tw_slice_is(name, "\"device\""))
            continue;
        tw_buf_text(out, before);
        tw_buf_append(out, name);
        tw_buf_char(out, ':');
        tw_buf_append(out, raw);
        before = ",";
    }
    tw_buf_char(out, '}');
}

void gw_device_render_private(struct gw_session *s, const struct tw_event *ev,
                              struct gw_batch *out)
{
    const struct gw_device *d = gw_device_of(s);
    struct gw_tenant tenant = *gw_session_tenant(s);
    struct tw_buf origin = { .max = ev->origin.len + 2 };
    struct tw_event copy = *ev;

    if (d->restaurant[0] != '\0')
        memcpy(tenant.slug, d->restaurant, sizeof(tenant.slug));
    if (is_own(d, ev) || is_named(d, ev)) {
        copy_nameless(&origin, ev->origin);
        copy.origin = tw_buf_view(&origin);
    }
    s->dialect->render(&tenant, &copy, out);
    tw_buf_done(&origin);
}

/* --- Pictures --------------------------------------------------------------------------------
 *
 * A picture is kept once; rows and events have its name (schema: shared_state/pictures). */

#define PICTURE TW_LIT("tillwire-picture:")

/* It would miss a change: it has to come again and load the state. */
void gw_device_lost(struct gw_session *s, const struct tw_outcome *outcome)
{
    (void)outcome;
    gw_session_close(s, gw_closes.state_unread);
}

static void deliver_event(struct gw_session *s, struct tw_slice body)
{
    struct gw_batch batch = { 0 };
    struct tw_slice raw;
    struct tw_event ev;

    if (!tw_json_get(body, "event", &raw) || tw_event_read(raw, &ev) < 0) {
        gw_device_lost(s, NULL);
        return;
    }
    note_change(gw_device_of(s), row_of(&ev), gw_session_all(s)->now_ms);
    gw_device_render_private(s, &ev, &batch);
    for (size_t i = 0; i < batch.count; i++)
        gw_session_send_frame(s, batch.frames[i]);
    gw_batch_done(&batch);
}

static const struct gw_snapshot_kind event_kind = { .operation = "event_shown",
                                                    .deliver = deliver_event,
                                                    .refused = gw_device_lost };

enum gw_hearing gw_device_hears_pictures(struct gw_device *d, const struct tw_event *ev,
                                         enum gw_hearing hearing)
{
    char body[GW_SNAPSHOT_BODY];

    if (hearing == GW_SKIP ||
        memmem(ev->data.at, ev->data.len, PICTURE.at, PICTURE.len) == NULL)
        return hearing;
    (void)snprintf(body, sizeof(body), "{\"seq\":%llu}", (unsigned long long)ev->seq);
    gw_device_follow(d, &event_kind, body, ev->seq);
    return GW_SKIP;
}

void gw_device_put_too_long(struct tw_buf *out, const struct gw_session *s)
{
    tw_buf_text(out, "A message has at most ");
    tw_buf_u64(out, gw_device_longest(s));
    tw_buf_append(out, TW_LIT(" bytes. This one was not stored; send smaller pictures.\0"));
}

void gw_device_put_refusal(struct tw_buf *out, const struct tw_outcome *outcome)
{
    const struct tw_refusal *refusal =
        tw_refusal_of(outcome->refusal == NULL ? "INTERNAL" : outcome->refusal);
    struct tw_slice error, code, message, details, help;

    if (outcome->refusal == NULL && tw_json_get(outcome->body, "error", &error) &&
        tw_json_get(error, "code", &code) && tw_json_get(error, "message", &message)) {
        tw_json_member_raw(out, "code", code);
        tw_json_member_raw(out, "message", message);
        if (tw_json_get(error, "details", &details))
            tw_json_member_raw(out, "details", details);
        if (tw_json_get(error, "help", &help))
            tw_json_member_raw(out, "help", help);
        return;
    }
    tw_json_member(out, "code", tw_slice_of(refusal->code));
    tw_json_member(out, "message", tw_slice_of(refusal->message));
    tw_refusal_help(out, tw_slice_of(refusal->code));
}
