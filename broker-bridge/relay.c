/* relay.c - numbering and publishing, one statement after the other.
 * SPDX-License-Identifier: Apache-2.0 */
#include "broker-bridge/relay.h"

#include <string.h>

#include "common/domain/publish.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/err.h"
#include "common/util/log.h"

#define TICK_MS 100 /* also a sign of life: the role's idle_session_timeout is 15 s */
#define ANSWER_MS 8000
#define TEXT_OF(number) #number
#define NUMBER_TEXT(number) TEXT_OF(number)
#define EVENTS_TEXT NUMBER_TEXT(BR_EVENTS)

static void ask(struct br_relay *r);

static void on_turn(struct tw_later *l)
{
    ask(tw_container_of(l, struct br_relay, turn));
}

static void ask_soon(struct br_relay *r)
{
    tw_later(r->loop, &r->turn, on_turn);
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
    return false; /* it is asked again with the next tick */
}

/* Rows are tenant, event. */
static void publish_rows(struct br_relay *r, const struct tw_pg_result *result)
{
    uint64_t now_us = tw_now_us();

    for (size_t i = 0; r->since_us != 0 && i < tw_pg_rows(result); i++)
        tw_histogram_add(&r->delay, now_us - r->since_us);
    for (size_t i = 0; i < tw_pg_rows(result); i++)
        if (tw_publish_event(r->redis, tw_pg_text(result, i, 0), tw_pg_text(result, i, 1)) == 0)
            r->published.value++;
        else if (!tw_redis_is_none(r->redis))
            r->failures.value++;
}

static void note_last(struct br_relay *r, struct tw_slice tenant)
{
    size_t n = tenant.len < sizeof(r->after) - 1 ? tenant.len : sizeof(r->after) - 1;

    memcpy(r->after, tenant.at, n);
    r->after[n] = '\0';
}

/* The next piece comes behind the last tenant; a round that ends with a tenant begins again,
 * for what that one still had and for what came meanwhile. */
static void on_events(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct br_relay *r = tw_container_of(call, struct br_relay, call);

    if (!is_good(r, result))
        return;
    publish_rows(r, result);
    if (tw_pg_rows(result) > 0) {
        note_last(r, tw_pg_text(result, tw_pg_rows(result) - 1, 0));
        r->has_work = true;
    } else if (r->after[0] != '\0') {
        r->after[0] = '\0';
        r->has_work = true;
    } else {
        r->since_us = 0;
    }
    ask_soon(r);
}

static void ask_events(struct br_relay *r)
{
    r->has_work = false;
    r->is_asking = true;
    r->served++;
    if (r->since_us == 0)
        r->since_us = r->notified_us;
    r->notified_us = 0;
    r->call = (struct tw_pg_call){
        .sql = "select tenant_id, event from pos.outbox_relay(nullif($1, '')::uuid, $2::int)",
        .function = "outbox_relay",
        .params = { { tw_slice_of(r->after), false }, { tw_slice_of(EVENTS_TEXT), false } },
        .param_count = 2,
        .done = on_events,
        .answer_ms = ANSWER_MS,
    };
    tw_pg_conn_send(r->conn, &r->call);
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
    r->served = 0;
    r->call = (struct tw_pg_call){ .sql = "select pos.maintain($1)",
                                   .function = "maintain",
                                   .params = { { tw_slice_of(task), false } },
                                   .param_count = 1,
                                   .done = on_task,
                                   .answer_ms = ANSWER_MS };
    tw_pg_conn_send(r->conn, &r->call);
}

static void on_looked(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct br_relay *r = tw_container_of(call, struct br_relay, call);

    if (is_good(r, result))
        br_lookout_take(&r->lookout, result);
}

/* The next statement, the most urgent first. */
static void ask(struct br_relay *r)
{
    const char *task;

    if (r->is_asking || r->conn == NULL || !tw_pg_conn_is_up(r->conn))
        return;
    task = br_housekeeping_due(&r->housekeeping, r->loop->now_ms);
    if (r->has_work && (task == NULL || r->served < BR_SERVED))
        ask_events(r);
    else if (task != NULL)
        start_task(r, task);
    else if (br_lookout_due(&r->lookout, r->loop->now_ms, &r->call)) {
        r->is_asking = true;
        r->call.answer_ms = ANSWER_MS;
        r->call.done = on_looked;
        tw_pg_conn_send(r->conn, &r->call);
    }
}

static void on_tick(struct tw_deadline *d)
{
    struct br_relay *r = tw_container_of(d, struct br_relay, tick);

    r->has_work = true;
    ask_soon(r);
    tw_after(r->loop, &r->tick, TICK_MS, on_tick);
}

void br_relay_set_active(struct br_relay *r, struct tw_pg_conn *conn)
{
    r->conn = conn;
    r->is_asking = false;
    r->has_work = true;
    r->served = 0;
    r->after[0] = '\0';
    r->notified_us = r->since_us = 0;
    if (conn == NULL) {
        br_lookout_forget(&r->lookout);
        tw_after_cancel(r->loop, &r->tick);
        return;
    }
    tw_after(r->loop, &r->tick, TICK_MS, on_tick);
    ask_soon(r);
}

void br_relay_notified(struct br_relay *r)
{
    r->notifications.value++;
    if (r->notified_us == 0)
        r->notified_us = tw_now_us();
    r->has_work = true;
    ask_soon(r);
}

#define AT(field) TW_METRIC_AT(struct br_relay, field)

static const struct tw_metric_row metric_rows[] = {
    { "bridge_notifications_total", NULL,
      "Notifications from PostgreSQL that events of other writers wait.", AT(notifications) },
    { "bridge_published_total", NULL,
      "Events that the bridge gave their place in the stream and published to Redis.",
      AT(published) },
    { "bridge_delay_seconds", NULL,
      "From the notification that events of other writers wait to their publishing, for each "
      "event; "
      "what the bridge found without one is left out.",
      AT(delay) },
    { "publish_failures_total", NULL,
      "Events that Redis did not take; gateways read them from the log.", AT(failures) },
};

const struct tw_metric_table br_relay_metrics = { .rows = metric_rows,
                                                  .count = TW_COUNT(metric_rows) };

void br_relay_start(struct br_relay *r, const struct br_relay_options *options)
{
    r->loop = options->loop;
    r->redis = options->redis;
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
