/* deliveries.c - sends the notes to pos.delivery_write, once a second when there are any.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/deliveries.h"

#include <stdio.h>
#include <string.h>

#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "common/util/log.h"

#define TICK_MS 1000
#define NO_NOTE UINT16_MAX /* the event is one of those that are left out */
#define NOWHERE UINT32_MAX
#define NOTE_TEXT 256 /* bytes that one has, usually */
#define NAME_TEXT 24

#define AT(field) TW_METRIC_AT(struct gw_deliveries, field)

static const struct tw_metric_row metric_rows[] = {
    { "deliveries_noted_total", "result=\"noted\"",
      "Orders' events for the console: noted with the devices that they were given to, or left "
      "out because there were more than that in a second, or the database did not keep up.",
      AT(noted) },
    { "deliveries_noted_total", "result=\"left_out\"", NULL, AT(dropped) },
    { "deliveries_unnamed_total", NULL,
      "Devices that such an event was given to, beyond those whose names are noted.",
      AT(unnamed) },
};

const struct tw_metric_table gw_deliveries_metrics = { .rows = metric_rows,
                                                       .count = TW_COUNT(metric_rows) };

static void begin_round(struct gw_deliveries *d)
{
    d->count = d->record_count = 0;
    d->left_out = 0;
    d->turn_ms = UINT64_MAX;
    tw_buf_clear(&d->names);
    d->round = d->round == UINT32_MAX ? 1 : d->round + 1;
}

void gw_deliveries_start(struct gw_deliveries *d, const struct gw_deliveries_options *options)
{
    d->options = *options;
    d->names.max = GW_NOTED_NAMES;
    d->sending.max = GW_NOTED_TEXT_BYTES;
    begin_round(d);
}

void gw_deliveries_stop(struct gw_deliveries *d)
{
    if (d->options.loop == NULL)
        return;
    d->is_stopped = true;
    tw_after_cancel(d->options.loop, &d->tick);
}

void gw_deliveries_done(struct gw_deliveries *d)
{
    tw_buf_done(&d->names);
    tw_buf_done(&d->sending);
}

/* --- Once a second ---------------------------------------------------------------------------
 */

/* Its device, and its dialect. */
static struct tw_slice describe(const struct gw_deliveries *d, const struct gw_delivered *r,
                                const struct gw_dialect **dialect)
{
    if (!r->has_ended)
        return d->options.describe(r->session, dialect);
    *dialect = r->dialect;
    return tw_slice_from(d->names.at + r->name, r->name_len);
}

static void sort_by_note(struct gw_deliveries *d)
{
    for (size_t i = 0; i < d->count; i++)
        d->notes[i].first = d->notes[i].last = NOWHERE;
    for (uint32_t i = 0; i < d->record_count; i++) {
        struct gw_note *n = &d->notes[d->records[i].note];

        d->records[i].next = NOWHERE;
        if (n->first == NOWHERE)
            n->first = i;
        else
            d->records[n->last].next = i;
        n->last = i;
    }
}

static int64_t delay_of(const struct gw_deliveries *d, const struct gw_note *n,
                        const struct gw_delivered *r)
{
    int64_t ms = d->began_ms + (int64_t)r->sent_ms - n->at_ms;

    return ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : ms;
}

/* `["orderweb",12,false,["till-1",` : devices that heard it alike follow each other. */
static void begin_group(const struct gw_dialect *dialect, int64_t delay_ms, bool is_resumed,
                        struct tw_buf *out)
{
    tw_buf_text(out, "[\"");
    tw_buf_text(out, dialect->name); /* plain letters */
    tw_buf_text(out, "\",");
    tw_buf_i64(out, delay_ms);
    tw_buf_text(out, is_resumed ? ",true,[" : ",false,[");
}

/* The sockets of a console are no devices. The delay of the slowest that was not catching up;
 * -1: there is none. */
static int64_t put_devices(const struct gw_deliveries *d, const struct gw_note *n,
                           struct tw_buf *out)
{
    static const struct tw_slice console = { "console:", 8 };
    const struct gw_dialect *dialect, *dialect_before = NULL;
    const struct gw_delivered *before = NULL;
    int64_t slowest_ms = -1;

    tw_buf_text(out, ",\"devices\":[");
    for (uint32_t i = n->first; i != NOWHERE; i = d->records[i].next) {
        const struct gw_delivered *r = &d->records[i];
        struct tw_slice name = describe(d, r, &dialect);

        if (tw_slice_starts(name, console))
            continue;
        if (before != NULL && dialect == dialect_before && r->sent_ms == before->sent_ms &&
            r->is_resumed == before->is_resumed) {
            tw_buf_char(out, ',');
        } else {
            int64_t delay_ms = delay_of(d, n, r);

            tw_buf_text(out, before == NULL ? "" : "]],");
            begin_group(dialect, delay_ms, r->is_resumed, out);
            if (!r->is_resumed && delay_ms > slowest_ms)
                slowest_ms = delay_ms;
        }
        tw_json_put(out, name);
        before = r;
        dialect_before = dialect;
    }
    tw_buf_text(out, before == NULL ? "]" : "]]]");
    return slowest_ms;
}

static void put_note(const struct gw_deliveries *d, const struct gw_note *n, struct tw_buf *out)
{
    char at[TW_TIME_TEXT];
    int64_t slowest_ms;

    tw_time_text(n->at_ms, at);
    tw_buf_char(out, '{');
    tw_json_member(out, "tenant", tw_slice_of(n->tenant));
    tw_json_member_u64(out, "seq", n->seq);
    if (n->order[0] != '\0')
        tw_json_member_raw(out, "order", tw_slice_of(n->order));
    tw_json_member(out, "at", tw_slice_of(at));
    slowest_ms = put_devices(d, n, out);
    if (slowest_ms >= 0)
        tw_json_member_u64(out, "slowest", (uint64_t)slowest_ms);
    tw_json_member_u64(out, "more", n->more);
    tw_buf_char(out, '}');
}

/* Devices with the longest names may make more text than is sent. */
void gw_deliveries_put(struct gw_deliveries *d, struct tw_buf *out)
{
    size_t i = 0;

    sort_by_note(d);
    tw_buf_expect(out, d->count * NOTE_TEXT + d->record_count * NAME_TEXT);
    tw_buf_char(out, '[');
    for (; i < d->count; i++) {
        size_t before = out->len;

        if (i > 0)
            tw_buf_char(out, ',');
        put_note(d, &d->notes[i], out);
        if (!out->failed && out->len < out->max)
            continue;
        out->len = before;
        out->failed = false;
        break;
    }
    tw_buf_char(out, ']');
    d->noted.value += i;
    d->dropped.value += d->count - i;
    d->left_out += (uint32_t)(d->count - i);
    (void)snprintf(d->left_out_text, sizeof(d->left_out_text), "%u", d->left_out);
    begin_round(d);
}

static void on_tick(struct tw_deadline *t);

static void plan(struct gw_deliveries *d)
{
    if (!d->is_stopped && !d->is_sending && !tw_deadline_is_set(&d->tick))
        tw_after(d->options.loop, &d->tick, TICK_MS, on_tick);
}

static void on_written(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_deliveries *d = tw_container_of(call, struct gw_deliveries, call);

    (void)result; /* what may or may not be there is not written again */
    d->is_sending = false;
    tw_buf_done(&d->sending);
    if (d->count > 0)
        plan(d);
}

static void on_tick(struct tw_deadline *t)
{
    struct gw_deliveries *d = tw_container_of(t, struct gw_deliveries, tick);

    if (!tw_pg_pool_is_up(d->options.pool)) {
        plan(d);
        return;
    }
    gw_deliveries_put(d, &d->sending);
    d->is_sending = true;
    d->call = (struct tw_pg_call){
        .sql = "select pos.delivery_write($1, $2, $3::int)",
        .function = "delivery_write",
        .params = { { tw_slice_of(d->options.instance), false },
                    { tw_buf_view(&d->sending), true },
                    { tw_slice_of(d->left_out_text), false } },
        .param_count = 3,
        .writes = true,
        .done = on_written,
    };
    tw_pg_pool_call(d->options.pool, &d->call);
}

/* --- While events are given to sessions ------------------------------------------------------
 */

/* Its first session in this second; or it is left out. */
void gw_deliveries_open(struct gw_deliveries *d, const char *tenant_id, struct gw_entry *e)
{
    struct gw_note *n = &d->notes[d->count];
    struct tw_slice order;

    e->noted_in = d->round;
    e->note = NO_NOTE;
    e->note_room = 0;
    if (d->count == GW_NOTED_EVENTS) {
        d->left_out++;
        d->dropped.value++;
        return;
    }
    *n = (struct gw_note){ .seq = e->event.seq };
    if (!tw_time_read(e->event.at, &n->at_ms))
        return;
    if (d->count == 0)
        d->began_ms = tw_wall_ms();
    memcpy(n->tenant, tenant_id, sizeof(n->tenant));
    if (tw_json_get(e->event.data, "orderId", &order) && order.len < sizeof(n->order))
        memcpy(n->order, order.at, order.len);
    e->note = (uint16_t)d->count++;
    e->note_room = GW_NOTED_DEVICES;
    plan(d);
}

/* Where the wall clock went back, it took no time. */
void gw_deliveries_turn(struct gw_deliveries *d, uint64_t now_ms)
{
    int64_t ms = tw_wall_ms() - d->began_ms;

    d->turn_ms = now_ms;
    d->sent_ms = ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : (uint32_t)ms;
}

void gw_deliveries_unnamed(struct gw_deliveries *d, const struct gw_entry *e)
{
    if (e->note == NO_NOTE)
        return;
    d->notes[e->note].more++;
    d->unnamed.value++;
}

void gw_deliveries_ended(struct gw_deliveries *d, const struct gw_session *s)
{
    const struct gw_dialect *dialect;
    struct tw_slice name = d->options.describe(s, &dialect);
    uint32_t at = (uint32_t)d->names.len;
    bool is_kept = false;

    for (size_t i = 0; i < d->record_count; i++) {
        struct gw_delivered *r = &d->records[i];

        if (r->has_ended || r->session != s)
            continue;
        if (!is_kept)
            tw_buf_append(&d->names, name);
        is_kept = true;
        r->has_ended = true;
        r->dialect = dialect;
        r->name = at;
        r->name_len = (uint8_t)(d->names.failed ? 0 : name.len); /* then it has no name */
    }
    d->names.failed = false;
}

void gw_deliveries_trace(const char *tenant, const char *dialect, struct tw_slice device,
                         const struct tw_event *ev)
{
    struct tw_slice request = TW_LIT(""), trace = TW_LIT("");

    (void)tw_json_get_text(ev->origin, "requestId", &request);
    (void)tw_json_get_text(ev->origin, "trace", &trace);
    tw_log_debug("event.sent", tw_str("tenant", tenant), tw_str("dialect", dialect),
                 tw_slc("device", device), tw_u64("seq", ev->seq), tw_slc("type", ev->type),
                 tw_slc("req", request), tw_slc("trace", trace));
}
