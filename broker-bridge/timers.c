/* timers.c - one statement after the other, at the time that the last one has named.
 * SPDX-License-Identifier: Apache-2.0 */
#include "broker-bridge/timers.h"

#include "common/domain/publish.h"
#include "common/util/base.h"
#include "common/util/err.h"
#include "common/util/log.h"

#define POLL_MS 250 /* what is set meanwhile is late by no more than that */
#define ANSWER_MS 8000
#define TEXT_OF(number) #number
#define NUMBER_TEXT(number) TEXT_OF(number)

static void ask(struct br_timers *t);

static void on_again(struct tw_deadline *d)
{
    ask(tw_container_of(d, struct br_timers, again));
}

static void ask_in(struct br_timers *t, uint64_t ms)
{
    if (t->conn != NULL && !t->is_stopped)
        tw_after(t->loop, &t->again, ms, on_again);
}

/* Columns: tenant, event, and in the last row: ms until the next, how many, failed, late by. */
static void take_last(struct br_timers *t, const struct tw_pg_result *result, size_t row)
{
    int64_t next_ms = tw_pg_is_null(result, row, 2) ? POLL_MS : tw_pg_int(result, row, 2);

    t->ran.value += (uint64_t)tw_pg_int(result, row, 3);
    t->failed.value += (uint64_t)tw_pg_int(result, row, 4);
    if (!tw_pg_is_null(result, row, 5))
        tw_histogram_add(&t->late, (uint64_t)tw_pg_int(result, row, 5) * 1000);
    ask_in(t, next_ms < 0 ? 0 : next_ms > POLL_MS ? POLL_MS : (uint64_t)next_ms);
}

static void on_ran(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct br_timers *t = tw_container_of(call, struct br_timers, call);
    size_t rows = tw_pg_error(result) == 0 ? tw_pg_rows(result) : 0;

    t->is_asking = false;
    if (t->is_stopped)
        return;
    if (tw_pg_error(result) == TW_EQUERY)
        tw_log_error("bridge.sql", tw_str("sqlstate", tw_pg_sqlstate(result)),
                     tw_str("message", tw_pg_message(result)));
    for (size_t i = 0; i + 1 < rows; i++)
        if (tw_publish_event(t->redis, tw_pg_text(result, i, 0), tw_pg_text(result, i, 1)) !=
                0 &&
            !tw_redis_is_none(t->redis))
            t->unpublished.value++;
    if (rows > 0)
        take_last(t, result, rows - 1);
    else
        ask_in(t, POLL_MS);
}

static void ask(struct br_timers *t)
{
    if (t->is_asking || t->conn == NULL || !tw_pg_conn_is_up(t->conn))
        return;
    t->is_asking = true;
    t->call = (struct tw_pg_call){
        .sql = "select tenant_id, event, next_ms, ran, failed, late_ms "
               "from pos.timers_run($1::int)",
        .function = "timers_run",
        .params = { { TW_LIT(NUMBER_TEXT(BR_TIMERS)), false } },
        .param_count = 1,
        .done = on_ran,
        .answer_ms = ANSWER_MS,
    };
    tw_pg_conn_send(t->conn, &t->call);
}

/* A statement that is still under way belongs to the connection that is gone: its answer asks
 * again. */
void br_timers_set_active(struct br_timers *t, struct tw_pg_conn *conn)
{
    t->conn = conn;
    tw_after_cancel(t->loop, &t->again);
    ask_in(t, 0);
}

#define AT(field) TW_METRIC_AT(struct br_timers, field)

static const struct tw_metric_row metric_rows[] = {
    { "timers_run_total", NULL,
      "Timers whose time had come (an order that nobody has acknowledged, ...) and that this "
      "bridge has dealt with.",
      AT(ran) },
    { "timers_failed_total", NULL, "Of these, those that failed; they are tried again.",
      AT(failed) },
    { "timers_publish_failures_total", NULL,
      "Events of timers that Redis did not take; gateways read them from the log.",
      AT(unpublished) },
    { "timers_late_seconds", NULL,
      "By how much the latest of the timers that were dealt with together was late.",
      AT(late) },
};

const struct tw_metric_table br_timers_metrics = { .rows = metric_rows,
                                                   .count = TW_COUNT(metric_rows) };

void br_timers_start(struct br_timers *t, const struct br_timers_options *options)
{
    t->loop = options->loop;
    t->redis = options->redis;
}

void br_timers_stop(struct br_timers *t)
{
    if (t->loop == NULL)
        return;
    t->is_stopped = true;
    t->conn = NULL;
    tw_after_cancel(t->loop, &t->again);
}
