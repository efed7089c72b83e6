/* reports.c - sends them to pos.gateway_report_write, those of all restaurants together.
 *
 * A restaurant without a session here is reported too: only so can it be said that what no
 * gateway names is not connected. What the console itself has connected is left out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/reports.h"

#include <string.h>

#include "common/util/base.h"
#include "common/util/json_write.h"
#include "gateway/stream/hub.h"
#include "gateway/stream/hubs.h"
#include "gateway/stream/session.h"

#define TICK_MS 1000

#define AT(field) TW_METRIC_AT(struct gw_reports, field)

static const struct tw_metric_row metric_rows[] = {
    { "console_watched", NULL, "Restaurants that a console looks at now.", AT(watching) },
    { "console_reports_total", NULL,
      "Times that the sessions of such restaurants were written to PostgreSQL.", AT(written) },
};

const struct tw_metric_table gw_reports_metrics = { .rows = metric_rows,
                                                    .count = TW_COUNT(metric_rows) };

void gw_reports_start(struct gw_reports *r, const struct gw_reports_options *options)
{
    r->options = *options;
    r->text.max = GW_REPORTS_BYTES;
}

void gw_reports_stop(struct gw_reports *r)
{
    if (r->options.loop == NULL)
        return;
    r->is_stopped = true;
    tw_after_cancel(r->options.loop, &r->tick);
}

void gw_reports_done(struct gw_reports *r)
{
    tw_buf_done(&r->text);
}

/* --- What is said of one ---------------------------------------------------------------------
 */

static bool is_device(const struct gw_session *s)
{
    static const struct tw_slice console = { "console:", 8 };

    return s->is_greeted && !gw_session_is_closing(s) &&
           !tw_slice_starts(gw_session_device(s), console);
}

static void put_session(struct tw_buf *out, const struct gw_session *s)
{
    struct tw_slice device = gw_session_device(s);

    tw_buf_char(out, '{');
    if (device.len > 0)
        tw_json_member(out, "device", device);
    tw_json_member(out, "dialect", tw_slice_of(s->dialect->name));
    tw_json_member_u64(out, "since", s->greeted_s);
    tw_json_member_u64(out, "seq", s->next_seq > 0 ? s->next_seq - 1 : 0);
    tw_json_member_u64(out, "queued", gw_session_lag_bytes(s));
    tw_buf_char(out, '}');
}

/* The sessions' text, in bounds of its own. */
static void put_sessions(struct tw_buf *out, const struct gw_hub *hub)
{
    size_t begin = out->len, count = 0;

    tw_buf_char(out, '[');
    tw_list_each(&hub->sessions, link)
    {
        const struct gw_session *s = tw_container_of(link, struct gw_session, link);
        size_t before = out->len;

        if (count == GW_REPORTED_SESSIONS || !is_device(s))
            continue;
        if (count > 0)
            tw_buf_char(out, ',');
        put_session(out, s);
        count++;
        if (out->len - begin > GW_REPORT_BYTES) {
            out->len = before;
            break;
        }
    }
    tw_buf_char(out, ']');
}

static void put_dialects(struct tw_buf *out, const struct gw_dialects *all,
                         const uint64_t *counts)
{
    tw_buf_char(out, '{');
    for (size_t i = 0; i < all->count; i++)
        if (counts[i] > 0)
            tw_json_member_u64(out, all->rows[i].dialect->name, counts[i]);
    tw_buf_char(out, '}');
}

void gw_report_put(struct tw_buf *out, struct tw_slice tenant, const struct gw_hub *hub)
{
    uint64_t counts[GW_MAX_DIALECTS] = { 0 }, total = 0;
    const struct gw_dialects *dialects = NULL;

    if (hub != NULL)
        tw_list_each(&hub->sessions, link)
        {
            const struct gw_session *s = tw_container_of(link, struct gw_session, link);

            if (!is_device(s))
                continue;
            dialects = gw_session_all(s)->dialects;
            counts[s->dialect_index]++;
            total++;
        }
    tw_buf_char(out, '{');
    tw_json_member(out, "tenant", tenant);
    tw_json_member_u64(out, "total", total);
    tw_buf_text(out, ",\"dialects\":");
    if (dialects == NULL) {
        tw_buf_text(out, "{},\"sessions\":[]}");
        return;
    }
    put_dialects(out, dialects, counts);
    tw_buf_text(out, ",\"sessions\":");
    put_sessions(out, hub);
    tw_buf_char(out, '}');
}

/* --- Of all that are looked at ---------------------------------------------------------------
 */

static void forget_old(struct gw_reports *r)
{
    uint64_t now_ms = tw_loop_age_ms(r->options.loop);

    for (size_t i = 0; i < r->count;) {
        if (r->watched[i].until_ms > now_ms)
            i++;
        else
            r->watched[i] = r->watched[--r->count];
    }
    r->watching.value = r->count;
}

static void put_all(struct gw_reports *r)
{
    struct tw_buf *out = &r->text;
    size_t done = 0;

    tw_buf_clear(out);
    tw_buf_char(out, '[');
    for (; done < r->count; done++) {
        const struct gw_watched *w = &r->watched[(r->next + done) % r->count];
        struct tw_slice tenant = tw_slice_of(w->tenant);

        if (out->len + GW_REPORT_BYTES + 4096 > out->max)
            break;
        if (done > 0)
            tw_buf_char(out, ',');
        gw_report_put(out, tenant, gw_hubs_find(r->options.hubs, tenant));
    }
    tw_buf_char(out, ']');
    r->next = (r->next + done) % r->count;
}

static void on_tick(struct tw_deadline *d);

static void plan(struct gw_reports *r, uint64_t after_ms)
{
    if (!r->is_stopped && !r->is_sending && !tw_deadline_is_set(&r->tick))
        tw_after(r->options.loop, &r->tick, after_ms, on_tick);
}

static void on_written(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct gw_reports *r = tw_container_of(call, struct gw_reports, call);

    if (tw_pg_error(result) == 0)
        r->written.value++;
    r->is_sending = false;
    plan(r, TICK_MS);
}

static void on_tick(struct tw_deadline *d)
{
    struct gw_reports *r = tw_container_of(d, struct gw_reports, tick);

    forget_old(r);
    if (r->count == 0) {
        tw_buf_done(&r->text);
        return;
    }
    if (!tw_pg_pool_is_up(r->options.pool)) {
        plan(r, TICK_MS);
        return;
    }
    put_all(r);
    r->is_sending = true;
    r->call = (struct tw_pg_call){
        .sql = "select pos.gateway_report_write($1::uuid, $2, $3)",
        .function = "gateway_report_write",
        .params = { { tw_slice_of(r->options.process_id), false },
                    { tw_slice_of(r->options.instance), false },
                    { tw_buf_view(&r->text), true } },
        .param_count = 3,
        .writes = true,
        .done = on_written,
    };
    tw_pg_pool_call(r->options.pool, &r->call);
}

void gw_reports_watch(struct gw_reports *r, struct tw_slice tenant, uint64_t for_ms)
{
    uint64_t until_ms;
    size_t i = 0;

    if (r->options.loop == NULL || r->is_stopped || tenant.len != 36)
        return;
    until_ms = tw_loop_age_ms(r->options.loop) + (for_ms > GW_WATCH_MS ? GW_WATCH_MS : for_ms);
    while (i < r->count && !tw_slice_is(tenant, r->watched[i].tenant))
        i++;
    if (i == GW_WATCHED)
        return;
    if (i == r->count) {
        r->watched[i] = (struct gw_watched){ .until_ms = 0 };
        memcpy(r->watched[i].tenant, tenant.at, tenant.len);
        r->count++;
    }
    if (r->watched[i].until_ms < until_ms)
        r->watched[i].until_ms = until_ms;
    r->watching.value = r->count;
    plan(r, 0);
}

void gw_reports_watch_all(struct gw_reports *r, struct tw_slice list)
{
    struct tw_slice tenant, ms;
    uint64_t for_ms;

    while (tw_slice_split(&list, ' ', &tenant) && tw_slice_split(&list, ' ', &ms))
        if (tw_slice_u64(ms, &for_ms))
            gw_reports_watch(r, tenant, for_ms);
}
