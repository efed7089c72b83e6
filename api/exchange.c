/* exchange.c - route, read, limit, one call of pos.call, publish, answer.
 *
 * The exchange owns its call's parameters. When the client leaves, the transaction still ends
 * and its events are still published; only the answer is dropped.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/exchange.h"

#include <stdlib.h>

#include "api/context.h"
#include "api/router.h"
#include "common/base.h"
#include "common/err.h"
#include "common/json_scan.h"
#include "common/log.h"
#include "common/refusal.h"

#define RETRY_WITHIN_MS 2000
#define PAUSE_MS 50 /* before the next try, when a connection was lost */
#define ATTEMPTS 4  /* the first and three more, for deadlocks */

struct exchange {
    struct tw_http_waiter waiter;
    struct tw_pg_call call;
    struct api_service *service;
    struct tw_http_conn *conn; /* null once the client has left */
    const struct api_route *route;
    struct api_context context;
    char *body;
    int attempts;
    bool is_unsure; /* a try that writes was lost: it may have been carried out */
    uint64_t started_ms;
    struct tw_deadline pause; /* until the next try */
    struct api_parked parked; /* while it waits for an event */
    uint64_t wait_ms;         /* how long it may yet; 0: it does not */
};

/* Columns of the one statement. */
enum { STATUS, BODY, EVENTS, TENANT, REPLAYED };

static const char call_sql[] =
    "select status, body, array_to_string(events, E'\\n'), tenant_id, "
    "replayed from pos.call($1, $2::jsonb, $3)";

static void exchange_free(struct exchange *x)
{
    x->service->under_way.value--;
    api_context_done(&x->context);
    free(x->body);
    free(x);
}

/* A parked request has nothing under way: it ends here. */
static void on_gone(struct tw_http_waiter *w)
{
    struct exchange *x = tw_container_of(w, struct exchange, waiter);

    x->conn = NULL;
    if (tw_list_linked(&x->parked.link)) {
        api_waiting_leave(&x->service->waiting, &x->parked);
        exchange_free(x);
    }
}

static void count_answer(struct api_service *s, int status)
{
    s->answers[status / 100 % 6].value++;
}

static void refuse_with(struct api_service *s, struct tw_http_conn *conn, const char *code,
                        struct tw_slice message, const char *request_id)
{
    const struct tw_refusal *refusal = tw_refusal_of(code);
    struct tw_http_response res = { 0 };
    struct tw_buf body = { .max = 8192 };

    tw_refusal_head(&res, refusal->status);
    tw_refusal_body(&body, refusal, message, tw_slice_of(request_id));
    tw_http_add(&res, "X-Request-Id", tw_slice_of(request_id));
    res.body = tw_buf_view(&body);
    count_answer(s, refusal->status);
    tw_http_answer(conn, &res);
    tw_buf_done(&body);
}

static void refuse(struct api_service *s, struct tw_http_conn *conn, const char *code,
                   const char *request_id)
{
    refuse_with(s, conn, code, (struct tw_slice){ NULL, 0 }, request_id);
}

/* After the commit: one message an event. What Redis does not take, reconciliation finds. */
static void publish(struct api_service *s, struct tw_slice tenant, struct tw_slice events)
{
    struct tw_slice one;

    if (events.len == 0)
        return;
    while (tw_slice_split(&events, '\n', &one)) {
        if (tw_redis_publish_event(&s->publisher, tenant, one) == 0)
            s->published.value++;
        else
            s->publish_failures.value++;
    }
}

static void answer(struct exchange *x, const struct tw_pg_result *result)
{
    struct tw_http_response res = { 0 };
    int64_t status = tw_pg_int(result, 0, STATUS);

    if (status == 204) /* nothing yet; the body says so */
        status = 200;
    tw_refusal_head(&res, (int)status);
    tw_http_add(&res, "X-Request-Id", tw_slice_of(x->context.request_id));
    tw_http_add(&res, "Cache-Control", TW_LIT("no-store"));
    if (tw_slice_is(tw_pg_text(result, 0, REPLAYED), "t")) {
        tw_http_add(&res, "Idempotent-Replayed", TW_LIT("true"));
        x->service->replays.value++;
    }
    res.body = tw_pg_text(result, 0, BODY);
    count_answer(x->service, (int)status);
    tw_http_answer(x->conn, &res);
}

static void call(struct exchange *x)
{
    x->attempts++;
    tw_pg_pool_call(&x->service->pool, &x->call);
}

static bool is_state(const struct tw_pg_result *result, const char *sqlstate)
{
    return tw_pg_error(result) == TW_EQUERY && strcmp(tw_pg_sqlstate(result), sqlstate) == 0;
}

/* What can be tried again without the client: nothing was done (a deadlock, a serialization
 * failure), or we do not know: `attempt` in the ctx, or the client's own idempotency key, lets
 * it happen once however often it is sent. */
static bool is_worth_another(const struct exchange *x, const struct tw_pg_result *result)
{
    int err = tw_pg_error(result);

    if (x->service->pool.is_closed ||
        x->service->pool.loop->now_ms - x->started_ms > RETRY_WITHIN_MS)
        return false;
    if (err == TW_ELOST || x->is_unsure)
        return true;
    return x->attempts < ATTEMPTS && (is_state(result, "40001") || is_state(result, "40P01"));
}

/* SQLSTATE classes (PostgreSQL 15, appendix A) as refusals; the rest is a bug of ours. */
static const struct {
    const char *prefix, *code;
} by_sqlstate[] = {
    { "40", "BUSY" },           { "55P03", "BUSY" },        { "57014", "BUSY" },
    { "53", "UNAVAILABLE" },    { "57", "UNAVAILABLE" },    { "08", "UNAVAILABLE" },
    { "25006", "UNAVAILABLE" }, { "42883", "UNAVAILABLE" }, { "3F", "UNAVAILABLE" },
};

static const char *refusal_of(const struct exchange *x, const struct tw_pg_result *result)
{
    const char *state = tw_pg_sqlstate(result);

    if (x->is_unsure)
        return "OUTCOME_UNKNOWN"; /* this try did nothing; an earlier one may have */
    switch (tw_pg_error(result)) {
    case TW_EDOWN:
        return "UNAVAILABLE";
    case TW_ETIMEOUT:
    case TW_EFULL:
        return "OVERLOADED";
    case TW_ELOST:
        return "UNAVAILABLE"; /* it was a reading */
    default:
        for (size_t i = 0; i < TW_COUNT(by_sqlstate); i++)
            if (strncmp(state, by_sqlstate[i].prefix, strlen(by_sqlstate[i].prefix)) == 0)
                return by_sqlstate[i].code;
        return "INTERNAL";
    }
}

static void fail(struct exchange *x, const struct tw_pg_result *result)
{
    const char *code = refusal_of(x, result);

    if (tw_pg_error(result) == TW_EQUERY)
        tw_log_error("api.sql", tw_str("operation", x->route->operation), tw_str("code", code),
                     tw_str("sqlstate", tw_pg_sqlstate(result)),
                     tw_str("message", tw_pg_message(result)),
                     tw_str("req", x->context.request_id));
    if (x->conn != NULL)
        refuse(x->service, x->conn, code, x->context.request_id);
}

static void on_pause(struct tw_deadline *d)
{
    call(tw_container_of(d, struct exchange, pause));
}

/* Ask again: for the news, or for the answer that there is none. */
static void on_wake(struct api_parked *p, bool has_news)
{
    struct exchange *x = tw_container_of(p, struct exchange, parked);

    x->waiter.ends_on_fin = false;
    if (!has_news)
        x->wait_ms = 0;
    x->attempts = 0;
    x->started_ms = x->service->pool.loop->now_ms;
    call(x);
}

/* Whether the exchange is parked now: there is nothing yet, and the client waits. */
static bool park(struct exchange *x, const struct tw_pg_result *result)
{
    struct tw_slice tenant = tw_pg_text(result, 0, TENANT);

    if (tw_pg_int(result, 0, STATUS) != 204 || x->wait_ms == 0 || x->conn == NULL ||
        tenant.len >= sizeof(x->parked.tenant))
        return false;
    memcpy(x->parked.tenant, tenant.at, tenant.len);
    x->parked.wake = on_wake;
    if (x->parked.until_ms == 0)
        x->parked.until_ms = x->service->pool.loop->now_ms + x->wait_ms;
    x->waiter.ends_on_fin = true;
    return api_waiting_park(&x->service->waiting, &x->parked);
}

static void on_done(struct tw_pg_call *done, const struct tw_pg_result *result)
{
    struct exchange *x = tw_container_of(done, struct exchange, call);
    struct api_service *s = x->service;
    uint64_t now_ms = s->pool.loop->now_ms;

    x->is_unsure = x->is_unsure || (tw_pg_error(result) == TW_ELOST && x->call.writes);
    if (tw_pg_error(result) != 0 && is_worth_another(x, result)) {
        s->retries.value++;
        if (x->is_unsure || tw_pg_error(result) == TW_ELOST)
            tw_after(s->pool.loop, &x->pause, PAUSE_MS, on_pause);
        else
            call(x);
        return;
    }
    if (tw_pg_error(result) != 0 || tw_pg_rows(result) != 1) {
        fail(x, result);
    } else {
        publish(s, tw_pg_text(result, 0, TENANT), tw_pg_text(result, 0, EVENTS));
        if (x->context.has_key && tw_pg_int(result, 0, STATUS) != 401)
            api_limiter_know(&s->limiter, tw_slice_from(x->context.key_hash, TW_SHA256_HEX),
                             now_ms);
        if (park(x, result))
            return;
        if (x->conn != NULL)
            answer(x, result);
    }
    exchange_free(x);
}

/* `application/json`, with or without parameters, or any `+json`; none at all is taken too. */
static bool is_json_type(struct tw_slice type)
{
    struct tw_slice rest = type, essence = type;

    if (type.len == 0)
        return true;
    (void)tw_slice_split(&rest, ';', &essence);
    essence = tw_slice_trim(essence);
    return tw_slice_is_nocase(essence, "application/json") ||
           (essence.len > 5 &&
            tw_slice_is_nocase(tw_slice_skip(essence, essence.len - 5), "+json"));
}

/* Scan the body in place and keep a copy; null, or the refusal's code with `why` filled. */
static const char *read_body(struct exchange *x, struct tw_http_request *req,
                             struct tw_buf *why)
{
    struct tw_json_fault fault;
    size_t len = req->body.len;
    int r;

    if (x->route->numbers == NULL)
        return NULL; /* a body that comes all the same means nothing (RFC 9110 section 9.3.1) */
    if (!is_json_type(tw_http_header(req, "content-type")))
        return "UNSUPPORTED_MEDIA_TYPE";
    if (len == 0)
        return "INVALID_JSON";
    r = tw_json_scan(req->body_at, &len, x->route->numbers, &fault);
    if (r < 0) {
        tw_buf_text(why, "The body is not acceptable JSON: ");
        tw_buf_text(why, fault.why);
        tw_buf_text(why, ", at byte ");
        tw_buf_u64(why, fault.at);
        tw_buf_text(why, ". Nothing was done.");
        return r == TW_EDUPLICATE ? "DUPLICATE_FIELD" : "INVALID_JSON";
    }
    if (r != '{')
        return "INVALID_JSON";
    x->body = tw_copy_text(req->body_at, len);
    x->call.params[2] = (struct tw_pg_param){ tw_slice_from(x->body, len), true };
    return NULL;
}

/* ?after= and ?wait= (seconds), which SQL checks: here they only say how to wait. */
static void read_wait(struct exchange *x, const struct tw_http_request *req)
{
    struct tw_buf text = { .max = 32 };
    uint64_t seconds = 0;

    if (tw_http_query(req, "wait", &text) == 1 && tw_slice_u64(tw_buf_view(&text), &seconds))
        x->wait_ms = seconds > 30 ? 30000 : seconds * 1000;
    tw_buf_clear(&text);
    if (tw_http_query(req, "after", &text) == 1)
        (void)tw_slice_u64(tw_buf_view(&text), &x->parked.after); /* SQL refuses what is none */
    tw_buf_done(&text);
}

static void start_call(struct exchange *x, const struct api_match *match)
{
    x->call.sql = call_sql;
    x->call.params[0].bytes = tw_slice_of(x->route->operation);
    x->call.params[1].bytes = tw_buf_view(&x->context.json);
    x->call.params[2].is_json = true;
    x->call.param_count = 3;
    x->call.writes = x->route->method != TW_GET;
    x->call.done = on_done;
    if (x->route->affinity != NULL) /* 0 would mean none */
        x->call.affinity = tw_hash(api_match_param(match, x->route->affinity)) | 1;
    tw_http_wait(x->conn, &x->waiter);
    call(x);
}

static void begin(struct api_service *s, struct tw_http_conn *conn, struct tw_http_request *req,
                  const struct api_match *match, const char *request_id)
{
    struct exchange *x = tw_new(struct exchange);
    struct tw_buf why = { .max = 1024 };
    const char *code;

    s->under_way.value++;
    x->service = s;
    x->conn = conn;
    x->route = match->route;
    x->waiter.gone = on_gone;
    x->started_ms = s->pool.loop->now_ms;
    memcpy(x->context.request_id, request_id, sizeof(x->context.request_id));
    code = read_body(x, req, &why);
    if (code == NULL)
        code = api_context_read(req, match, &x->context);
    if (code == NULL && !x->context.has_key) /* it would cost a place to hear the same of SQL */
        code = "UNAUTHORIZED";
    if (code == NULL && x->context.has_key &&
        !api_limiter_allows(&s->limiter, tw_slice_from(x->context.key_hash, TW_SHA256_HEX),
                            s->pool.loop->now_ms))
        code = "RATE_LIMITED";
    if (code == NULL) {
        read_wait(x, req);
        start_call(x, match);
    } else {
        refuse_with(s, conn, code, tw_buf_view(&why), request_id);
        exchange_free(x);
    }
    tw_buf_done(&why);
}

/* A path without this method: OPTIONS tells what there is, 405 all others. */
static void answer_methods(struct api_service *s, struct tw_http_conn *conn,
                           enum tw_http_method method, const struct api_match *match,
                           const char *request_id)
{
    const struct tw_refusal *refusal = tw_refusal_of("METHOD_NOT_ALLOWED");
    struct tw_http_response res = { .status = 204 };
    struct tw_buf body = { .max = 4096 };

    if (method != TW_OPTIONS) {
        tw_refusal_head(&res, refusal->status);
        tw_refusal_body(&body, refusal, (struct tw_slice){ NULL, 0 }, tw_slice_of(request_id));
        res.body = tw_buf_view(&body);
    }
    tw_http_add(&res, "Allow", tw_slice_of(match->allow));
    tw_http_add(&res, "X-Request-Id", tw_slice_of(request_id));
    count_answer(s, res.status);
    tw_http_answer(conn, &res);
    tw_buf_done(&body);
}

void api_handle(struct tw_http_server *server, struct tw_http_conn *conn,
                struct tw_http_request *req)
{
    struct api_service *s = tw_container_of(server, struct api_service, http);
    char request_id[TW_REQUEST_ID];
    struct api_match match;

    tw_request_id(req, request_id);
    api_route_find(req->method, req->path, &match);
    if (match.route != NULL)
        begin(s, conn, req, &match, request_id);
    else if (match.allow[0] != '\0')
        answer_methods(s, conn, req->method, &match, request_id);
    else
        refuse(s, conn, "NOT_FOUND", request_id);
}

void api_service_metrics(struct api_service *s, struct tw_metrics *metrics)
{
    static const char *const classes[] = {
        NULL,           "class=\"1xx\"", "class=\"2xx\"", "class=\"3xx\"", "class=\"4xx\"",
        "class=\"5xx\""
    };

    for (size_t i = 1; i < TW_COUNT(classes); i++)
        tw_metric_add(metrics, &s->answers[i], "http_answers_total", classes[i],
                      "Answers to requests, by class of status.");
    tw_metric_add(metrics, &s->under_way, "exchanges", NULL, "Requests being worked on.");
    tw_metric_add(metrics, &s->published, "published_total", NULL, "Events published.");
    tw_metric_add(metrics, &s->publish_failures, "publish_failures_total", NULL,
                  "Events that Redis did not take.");
    tw_metric_add(metrics, &s->replays, "idempotent_replays_total", NULL,
                  "Answers repeated for a known Idempotency-Key.");
    tw_metric_add(metrics, &s->retries, "pg_retries_total", NULL,
                  "Statements tried again after a deadlock or a lost connection.");
}
