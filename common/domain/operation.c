/* operation.c - call, try again, publish.
 *
 * A deadlock, a serialization failure or a server that takes no writes any more has done
 * nothing, so it is tried again. When a connection breaks it is not known whether it was done;
 * but the `attempt` in the ctx, or the client's own idempotency key, makes it happen once
 * however often it is sent, so that is tried again too. Once a try was lost, no later refusal
 * claims that nothing was done.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/operation.h"

#include <string.h>

#include "common/domain/publish.h"
#include "common/util/base.h"
#include "common/util/err.h"
#include "common/util/json_view.h"
#include "common/util/json_write.h"
#include "common/util/log.h"
#include "common/util/map.h"

#define RETRY_WITHIN_MS 2000
#define PAUSE_MS 50       /* before the next try, when a connection was lost */
#define ATTEMPTS 4        /* the first and three more, for deadlocks */
#define READ_ONLY "25006" /* a failover: another server takes writes, or will in a moment */

/* Columns of the statement of one operation, and of that which brief ones share. */
enum { STATUS, BODY, EVENTS, TENANT, REPLAYED };
enum { BRIEF_STATUS, BRIEF_BODY, BRIEF_TENANT };

static const char call_sql[] =
    "select status, body, array_to_string(events, E'\\n'), tenant_id, "
    "replayed from pos.call($1, $2::jsonb, $3)";

#define AT(field) TW_METRIC_AT(struct tw_operations, field)

static const struct tw_metric_row metric_rows[] = {
    { "published_total", NULL, "Events of committed operations that were published to Redis.",
      AT(published) },
    { "publish_failures_total", NULL,
      "Events that Redis did not take; gateways read them from the log.",
      AT(publish_failures) },
    { "idempotent_replays_total", NULL,
      "Answers that were given again because the Idempotency-Key was known.", AT(replays) },
    { "pg_retries_total", NULL,
      "Operations that were sent to PostgreSQL again after a deadlock or a lost connection.",
      AT(retries) },
};

const struct tw_metric_table tw_operations_metrics = { .rows = metric_rows,
                                                       .count = TW_COUNT(metric_rows) };

static void send_call(struct tw_operation *op)
{
    op->attempts++;
    if (op->is_brief)
        tw_pg_ask(&op->all->brief, &op->asks);
    else
        tw_pg_pool_call(op->all->options.pool, &op->call);
}

static void on_pause(struct tw_deadline *d)
{
    send_call(tw_container_of(d, struct tw_operation, pause));
}

/* Why there is no answer. `result` is null when nothing was sent. */
struct failure {
    int error;
    const struct tw_pg_result *result;
};

static const char *sqlstate_of(struct failure why)
{
    return why.error == TW_EQUERY ? tw_pg_sqlstate(why.result) : "";
}

static bool is_worth_another(const struct tw_operation *op, struct failure why)
{
    const char *state = sqlstate_of(why);

    if (op->all->options.pool->is_closed ||
        op->all->options.loop->now_ms - op->started_ms > RETRY_WITHIN_MS)
        return false;
    if (why.error == TW_ELOST || op->is_unsure)
        return true;
    return strcmp(state, READ_ONLY) == 0 ||
           (op->attempts < ATTEMPTS &&
            (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0));
}

static void try_again(struct tw_operation *op, struct failure why)
{
    op->all->retries.value++;
    if (op->is_unsure || why.error == TW_ELOST || strcmp(sqlstate_of(why), READ_ONLY) == 0)
        tw_after(op->all->options.loop, &op->pause, PAUSE_MS, on_pause);
    else
        send_call(op);
}

/* SQLSTATE classes (PostgreSQL 15, appendix A) as refusals; the rest is a bug of ours. */
static const struct {
    const char *prefix, *code;
} by_sqlstate[] = {
    { "40", "BUSY" },           { "55P03", "BUSY" },        { "57014", "BUSY" },
    { "53", "UNAVAILABLE" },    { "57", "UNAVAILABLE" },    { "08", "UNAVAILABLE" },
    { "25006", "UNAVAILABLE" }, { "42883", "UNAVAILABLE" }, { "3F", "UNAVAILABLE" },
};

static const char *refusal_of(const struct tw_operation *op, struct failure why)
{
    const char *state = sqlstate_of(why);

    if (op->is_unsure)
        return "OUTCOME_UNKNOWN"; /* this try did nothing; an earlier one may have */
    switch (why.error) {
    case TW_EDOWN:
        return "UNAVAILABLE";
    case TW_ETIMEOUT:
    case TW_EFULL:
        return "OVERLOADED";
    case TW_ELOST:
        return "UNAVAILABLE"; /* it was a read */
    default:
        for (size_t i = 0; i < TW_COUNT(by_sqlstate); i++)
            if (strncmp(state, by_sqlstate[i].prefix, strlen(by_sqlstate[i].prefix)) == 0)
                return by_sqlstate[i].code;
        return "INTERNAL";
    }
}

bool tw_outcome_is_for_now(const struct tw_outcome *outcome)
{
    static const char *const codes[] = { "BUSY", "UNAVAILABLE", "OVERLOADED",
                                         "OUTCOME_UNKNOWN" };

    for (size_t i = 0; outcome->refusal != NULL && i < TW_COUNT(codes); i++)
        if (strcmp(outcome->refusal, codes[i]) == 0)
            return true;
    return false;
}

/* After the commit: one message an event. What Redis does not take, reconciliation finds. */
static void publish(struct tw_operations *all, struct tw_slice tenant, struct tw_slice events)
{
    struct tw_slice one;

    if (events.len == 0)
        return;
    while (tw_slice_split(&events, '\n', &one)) {
        if (one.len == 0) /* its own event waits (schema: log/emit) */
            continue;
        if (tw_publish_event(all->options.publisher, tenant, one) == 0)
            all->published.value++;
        else if (!tw_redis_is_none(all->options.publisher))
            all->publish_failures.value++;
    }
}

static void fail(struct tw_operation *op, struct failure why)
{
    struct tw_outcome outcome = { 0 };

    op->is_unsure = op->is_unsure || (why.error == TW_ELOST && op->writes);
    if (why.error != 0 && is_worth_another(op, why)) {
        try_again(op, why);
        return;
    }
    outcome.refusal = refusal_of(op, why);
    if (why.error == TW_EQUERY)
        tw_log_error("operation.sql", tw_str("operation", op->name),
                     tw_str("code", outcome.refusal), tw_str("sqlstate", sqlstate_of(why)),
                     tw_str("message", tw_pg_message(why.result)),
                     tw_str("req", op->request_id));
    op->done(op, &outcome);
}

static void on_done(struct tw_pg_call *done, const struct tw_pg_result *result)
{
    struct tw_operation *op = tw_container_of(done, struct tw_operation, call);
    struct tw_outcome outcome = { 0 };

    if (tw_pg_error(result) != 0 || tw_pg_rows(result) != 1) {
        fail(op, (struct failure){ tw_pg_error(result), result });
        return;
    }
    outcome.status = (int)tw_pg_int(result, 0, STATUS);
    outcome.body = tw_pg_text(result, 0, BODY);
    outcome.tenant = tw_pg_text(result, 0, TENANT);
    outcome.replayed = tw_slice_is(tw_pg_text(result, 0, REPLAYED), "t");
    op->all->replays.value += outcome.replayed ? 1 : 0;
    publish(op->all, outcome.tenant, tw_pg_text(result, 0, EVENTS));
    op->done(op, &outcome);
}

static void put_brief(const struct tw_pg_question *q, struct tw_buf *const lists[])
{
    const struct tw_operation *op = tw_container_of((uintptr_t)q, struct tw_operation, asks);

    tw_buf_char(lists[0], '{');
    tw_json_member(lists[0], "operation", tw_slice_of(op->name));
    tw_json_member_raw(lists[0], "ctx", op->context);
    if (op->body.len > 0)
        tw_json_member_raw(lists[0], "body", op->body);
    tw_buf_char(lists[0], '}');
}

static void on_brief(struct tw_pg_question *q, const struct tw_pg_rows *rows)
{
    struct tw_operation *op = tw_container_of(q, struct tw_operation, asks);
    struct tw_outcome outcome = { 0 };

    if (rows->count != 1) {
        fail(op, (struct failure){ rows->error, rows->result });
        return;
    }
    outcome.status = (int)tw_pg_rows_int(rows, 0, BRIEF_STATUS);
    outcome.body = tw_pg_rows_text(rows, 0, BRIEF_BODY);
    outcome.tenant = tw_pg_rows_text(rows, 0, BRIEF_TENANT);
    op->done(op, &outcome);
}

static const struct tw_pg_batch_kind brief = {
    .function = "call",
    .sql = "select q.n, a.status, a.body, a.tenant_id "
           "from json_array_elements($1::json) with ordinality q(asked, n), "
           "pos.call(q.asked ->> 'operation', (q.asked -> 'ctx')::jsonb, q.asked -> 'body') a "
           "order by q.n",
    .param_count = 1,
    .brackets = "[]",
    .put = put_brief,
    .done = on_brief,
    .is_urgent = true,
};

void tw_operations_start(struct tw_operations *all, const struct tw_operations_options *options)
{
    all->options = *options;
    tw_pg_batch_start(&all->brief, &brief, options->pool);
}

void tw_operations_stop(struct tw_operations *all)
{
    tw_pg_batch_stop(&all->brief);
}

void tw_operations_done(struct tw_operations *all)
{
    tw_pg_batch_done(&all->brief);
}

/* Whose share of the pool it takes: the tenant as the context names it, else who asks. */
static uint64_t share_of(struct tw_slice context)
{
    struct tw_slice token, who;

    if (tw_json_get(context, "tenant", &who) || tw_json_get(context, "keyless", &who) ||
        (tw_json_get(context, "token", &token) && tw_json_get(token, "restaurant_id", &who)) ||
        tw_json_get(context, "keyHash", &who))
        return tw_hash(who) | 1;
    return 0;
}

void tw_operation_start(struct tw_operation *op)
{
    op->call = (struct tw_pg_call){
        .sql = call_sql,
        .function = op->name,
        .params = { { tw_slice_of(op->name), false },
                    { op->context, false },
                    { op->body, true } },
        .param_count = 3,
        .writes = op->writes,
        .affinity = op->affinity,
        .share = share_of(op->context),
        .done = on_done,
    };
    op->asks = (struct tw_pg_question){ .share = op->call.share };
    op->attempts = 0;
    op->is_unsure = false;
    op->started_ms = op->all->options.loop->now_ms;
    send_call(op);
}
