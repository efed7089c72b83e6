/* relay.c - reading events and publishing them, one statement after the other.
 * SPDX-License-Identifier: Apache-2.0 */
#include "broker-bridge/relay.h"

#include "common/domain/publish.h"
#include "common/net/pg_array.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/encode.h"
#include "common/util/err.h"
#include "common/util/log.h"

#define TICK_MS 3000 /* also a sign of life: the role's idle_session_timeout is 15 s */
#define ANSWER_MS 8000
#define MAX_NAMED 2000 /* beyond that the log itself is asked what is left */

static void ask(struct br_relay *r);

static void on_turn(struct tw_later *l)
{
    ask(tw_container_of(l, struct br_relay, turn));
}

static void ask_soon(struct br_relay *r)
{
    tw_later(r->loop, &r->turn, on_turn);
}

/* Rows are tenant, seq, event. False when Redis did not take one. */
static bool publish_rows(struct br_relay *r, const struct tw_pg_result *result)
{
    bool all = true;

    for (size_t i = 0; i < tw_pg_rows(result); i++) {
        if (tw_publish_event(r->redis, tw_pg_text(result, i, 0), tw_pg_text(result, i, 2)) ==
            0) {
            r->published.value++;
        } else {
            r->failures.value++;
            all = false;
        }
    }
    return all;
}

static bool is_good(struct br_relay *r, const struct tw_pg_result *result)
{
    r->is_asking = false;
    if (r->is_stopped)
        return false;
    if (tw_pg_error(result) == 0)
        return true;
    if (tw_pg_error(result) == TW_EQUERY)
        tw_log_error("bridge.sql", tw_str("sqlstate", tw_pg_sqlstate(result)),
                     tw_str("message", tw_pg_message(result)));
    r->owes_pending = true; /* with the next tick: its events are in the log */
    return false;
}

static void on_events(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct br_relay *r = tw_container_of(call, struct br_relay, call);

    if (is_good(r, result) && publish_rows(r, result))
        ask_soon(r);
}

/* What an outage left unpublished comes in one piece; if there is more than that,
 * reconciliation in the gateways is faster than we are. */
static void on_pending(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct br_relay *r = tw_container_of(call, struct br_relay, call);

    if (!is_good(r, result))
        return;
    r->owes_mark = publish_rows(r, result);
    if (tw_pg_rows(result) > 0)
        tw_log_info("bridge.caught_up", tw_u64("events", tw_pg_rows(result)));
    ask_soon(r);
}

static void on_mark(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct br_relay *r = tw_container_of(call, struct br_relay, call);

    if (is_good(r, result))
        ask_soon(r);
}

static void start(struct br_relay *r, const char *sql, int params, tw_pg_done_cb done)
{
    r->is_asking = true;
    r->call = (struct tw_pg_call){
        .sql = sql,
        .params = { { tw_buf_view(&r->sent_tenants), false },
                    { tw_buf_view(&r->sent_seqs), false } },
        .param_count = params,
        .done = done,
        .answer_ms = ANSWER_MS,
    };
    tw_pg_conn_send(r->conn, &r->call);
}

static void swap(struct tw_buf *a, struct tw_buf *b)
{
    struct tw_buf t = *a;

    *a = *b;
    *b = t;
}

static void ask_named(struct br_relay *r)
{
    tw_pg_array_end(&r->tenants);
    tw_pg_array_end(&r->seqs);
    swap(&r->tenants, &r->sent_tenants);
    swap(&r->seqs, &r->sent_seqs);
    tw_buf_clear(&r->tenants);
    tw_buf_clear(&r->seqs);
    r->named = 0;
    start(r, "select tenant_id, seq, event from pos.events_at($1::uuid[], $2::bigint[])", 2,
          on_events);
}

/* One step of a task; what is more urgent comes before the next one. */
static void on_task(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct br_relay *r = tw_container_of(call, struct br_relay, call);

    if (!is_good(r, result)) {
        br_housekeeping_failed(&r->housekeeping, r->loop->now_ms);
        return;
    }
    br_housekeeping_did(&r->housekeeping, tw_pg_int(result, 0, 0), r->loop->now_ms,
                        tw_wall_ms());
    ask_soon(r);
}

static void start_task(struct br_relay *r, const char *task)
{
    r->is_asking = true;
    r->call = (struct tw_pg_call){ .sql = "select pos.maintain($1)",
                                   .params = { { tw_slice_of(task), false } },
                                   .param_count = 1,
                                   .done = on_task,
                                   .answer_ms = ANSWER_MS };
    tw_pg_conn_send(r->conn, &r->call);
}

/* The next statement, the most urgent first. */
static void ask(struct br_relay *r)
{
    const char *task;

    if (r->is_asking || r->conn == NULL || !tw_pg_conn_is_up(r->conn))
        return;
    if (r->named > 0) {
        ask_named(r);
    } else if (r->owes_pending && tw_redis_is_up(r->redis)) {
        r->owes_pending = false;
        start(r, "select tenant_id, seq, event from pos.relay_pending(1000)", 0, on_pending);
    } else if (r->owes_mark && tw_redis_is_up(r->redis)) {
        r->owes_mark = false;
        start(r, "select pos.relay_done(clock_timestamp())", 0, on_mark);
    } else if ((task = br_housekeeping_due(&r->housekeeping, r->loop->now_ms)) != NULL) {
        start_task(r, task);
    }
}

static void on_tick(struct tw_deadline *d)
{
    struct br_relay *r = tw_container_of(d, struct br_relay, tick);

    r->owes_mark = !r->owes_pending;
    ask_soon(r);
    tw_after(r->loop, &r->tick, TICK_MS, on_tick);
}

void br_relay_set_active(struct br_relay *r, struct tw_pg_conn *conn)
{
    r->conn = conn;
    r->is_asking = false;
    r->named = 0;
    tw_buf_clear(&r->tenants);
    tw_buf_clear(&r->seqs);
    r->owes_pending = true;
    r->owes_mark = false;
    if (conn == NULL) {
        tw_after_cancel(r->loop, &r->tick);
        return;
    }
    tw_after(r->loop, &r->tick, TICK_MS, on_tick);
    ask_soon(r);
}

void br_relay_again(struct br_relay *r)
{
    r->owes_pending = true;
    if (r->conn != NULL)
        ask_soon(r);
}

void br_relay_named(struct br_relay *r, struct tw_slice payload)
{
    struct tw_slice rest = payload, tenant;
    uint64_t seq;

    r->notifications.value++;
    if (!tw_slice_split(&rest, ' ', &tenant) || !tw_is_uuid(tenant) ||
        !tw_slice_u64(rest, &seq))
        return;
    if (r->named >= MAX_NAMED) {
        r->overruns.value++;
        r->owes_pending = true;
        return;
    }
    tw_pg_array_next(&r->tenants);
    tw_buf_append(&r->tenants, tenant);
    tw_pg_array_next(&r->seqs);
    tw_buf_u64(&r->seqs, seq);
    r->named++;
    ask_soon(r);
}

#define AT(field) TW_METRIC_AT(struct br_relay, field)

static const struct tw_metric_row metric_rows[] = {
    { "bridge_notifications_total", NULL,
      "Notifications from PostgreSQL about other writers' events.", AT(notifications) },
    { "bridge_published_total", NULL, "Events that the bridge published to Redis.",
      AT(published) },
    { "publish_failures_total", NULL,
      "Events that Redis did not take; they are published again.", AT(failures) },
    { "bridge_overruns_total", NULL,
      "Notifications that were too many to remember; their events are read from the log.",
      AT(overruns) },
};

const struct tw_metric_table br_relay_metrics = { .rows = metric_rows,
                                                  .count = TW_COUNT(metric_rows) };

void br_relay_start(struct br_relay *r, const struct br_relay_options *options)
{
    r->loop = options->loop;
    r->redis = options->redis;
    r->tenants.max = r->sent_tenants.max = (size_t)MAX_NAMED * 40;
    r->seqs.max = r->sent_seqs.max = (size_t)MAX_NAMED * 22;
}

void br_relay_stop(struct br_relay *r)
{
    if (r->loop == NULL)
        return;
    r->is_stopped = true;
    r->conn = NULL;
    tw_after_cancel(r->loop, &r->tick);
    tw_later_cancel(&r->turn);
}

void br_relay_done(struct br_relay *r)
{
    tw_buf_done(&r->tenants);
    tw_buf_done(&r->seqs);
    tw_buf_done(&r->sent_tenants);
    tw_buf_done(&r->sent_seqs);
}
