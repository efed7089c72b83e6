/* exchange.c - route, read, limit, one operation, answer.
 *
 * The exchange owns its operation's parameters. When the client leaves, the transaction still
 * ends and its events are still published; only the answer is dropped.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/exchange.h"

#include <stdlib.h>

#include "api/context.h"
#include "api/router.h"
#include "common/base.h"
#include "common/err.h"
#include "common/json_scan.h"
#include "common/refusal.h"

struct exchange {
    struct tw_http_waiter waiter;
    struct tw_operation operation;
    struct tw_token_check check;
    struct api_service *service;
    struct tw_http_conn *conn; /* null once the client has left */
    const struct api_route *route;
    struct api_context context;
    char *body;
    struct api_parked parked; /* while it waits for an event */
    uint64_t wait_ms;         /* how long it may yet; 0: it does not */
};

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

static void answer(struct exchange *x, const struct tw_outcome *outcome)
{
    struct tw_http_response res = { 0 };
    int status = outcome->status == 204 ? 200 : outcome->status; /* 204: nothing yet */

    tw_refusal_head(&res, status);
    tw_http_add(&res, "X-Request-Id", tw_slice_of(x->context.request_id));
    tw_http_add(&res, "Cache-Control", TW_LIT("no-store"));
    if (outcome->replayed)
        tw_http_add(&res, "Idempotent-Replayed", TW_LIT("true"));
    res.body = outcome->body;
    count_answer(x->service, status);
    tw_http_answer(x->conn, &res);
}

/* Ask again: for the news, or for the answer that there is none. */
static void on_wake(struct api_parked *p, bool has_news)
{
    struct exchange *x = tw_container_of(p, struct exchange, parked);

    x->waiter.ends_on_fin = false;
    if (!has_news)
        x->wait_ms = 0;
    tw_operation_start(&x->operation);
}

/* Whether the exchange is parked now: there is nothing yet, and the client waits. */
static bool park(struct exchange *x, const struct tw_outcome *outcome)
{
    struct tw_slice tenant = outcome->tenant;

    if (outcome->status != 204 || x->wait_ms == 0 || x->conn == NULL ||
        tenant.len >= sizeof(x->parked.tenant))
        return false;
    memcpy(x->parked.tenant, tenant.at, tenant.len);
    x->parked.wake = on_wake;
    if (x->parked.until_ms == 0)
        x->parked.until_ms = x->service->pool.loop->now_ms + x->wait_ms;
    x->waiter.ends_on_fin = true;
    return api_waiting_park(&x->service->waiting, &x->parked);
}

static void on_done(struct tw_operation *op, const struct tw_outcome *outcome)
{
    struct exchange *x = tw_container_of(op, struct exchange, operation);
    struct api_service *s = x->service;

    if (outcome->refusal != NULL) {
        if (x->conn != NULL)
            refuse(s, x->conn, outcome->refusal, x->context.request_id);
        exchange_free(x);
        return;
    }
    if (x->context.has_key && outcome->status != 401)
        api_limiter_know(&s->limiter, tw_slice_from(x->context.key_hash, TW_SHA256_HEX),
                         s->pool.loop->now_ms);
    if (park(x, outcome))
        return;
    if (x->conn != NULL)
        answer(x, outcome);
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
    x->operation.body = tw_slice_from(x->body, len);
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

static void start_operation(struct exchange *x)
{
    x->operation.all = &x->service->operations;
    x->operation.name = x->route->operation;
    x->operation.context = tw_buf_view(&x->context.json);
    x->operation.request_id = x->context.request_id;
    x->operation.writes = x->route->method != TW_GET;
    x->operation.done = on_done;
    tw_operation_start(&x->operation);
}

static void on_token(struct tw_token_check *check, const char *refusal,
                     const struct tw_token_grant *grant)
{
    struct exchange *x = tw_container_of(check, struct exchange, check);

    if (refusal == NULL) {
        api_context_set_token(&x->context, grant->context);
        start_operation(x);
        return;
    }
    if (x->conn != NULL)
        refuse(x->service, x->conn,
               strcmp(refusal, "AUTH_FAILED") == 0 ? "UNAUTHORIZED" : refusal,
               x->context.request_id);
    exchange_free(x);
}

/* A key is checked by the operation itself, a token before it. */
static void start(struct exchange *x, const struct api_match *match)
{
    if (x->route->affinity != NULL) /* 0 would mean none */
        x->operation.affinity = tw_hash(api_match_param(match, x->route->affinity)) | 1;
    tw_http_wait(x->conn, &x->waiter);
    if (x->context.token.len == 0) {
        start_operation(x);
        return;
    }
    x->check = (struct tw_token_check){ .all = &x->service->tokens, .answered = on_token };
    tw_token_check(&x->check, tw_buf_view(&x->context.token));
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
        start(x, match);
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
}
