/* answer.c - headers, CORS, the dress of refusals.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/answer.h"

#include <stdio.h>

#include "common/net/refusal.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/json_view.h"
#include "common/util/log.h"

/* What a page may send and read in addition to what every page may: the headers of docs/rest.md
 * section 1, to which test/rest/inputs.test.mjs holds this list. */
#define MAY_SEND                                                                               \
    "Content-Type, Authorization, X-API-Key, X-Tenant-ID, X-Device-Id, X-Request-Id, "         \
    "traceparent, Idempotency-Key, X-Idempotency-Key, X-Restaurant-ID, X-Client-Flow, "        \
    "X-CSRF-Token"
#define MAY_READ "X-Request-Id, Retry-After, Idempotent-Replayed, RateLimit, RateLimit-Policy"

static const int statuses[] = { 200, 201, 204, 400, 401, 403, 404, 405, 406, 409,
                                410, 413, 415, 422, 428, 429, 500, 503, 504 };
_Static_assert(TW_COUNT(statuses) == API_STATUSES - 1, "as many as are counted");

/* Method and path of a route by its number; 0: there is none. */
static int put_route(size_t i, char labels[TW_METRIC_LABELS])
{
    const struct api_route *r = i == 0 ? NULL : &api_routes[i - 1];

    return snprintf(labels, TW_METRIC_LABELS, "route=\"%s\",method=\"%s\"",
                    r == NULL ? "none" : r->pattern,
                    r == NULL ? "none" : tw_http_method_name(r->method));
}

static bool second_labels(size_t i, char labels[TW_METRIC_LABELS])
{
    if (i <= API_ROUTES)
        (void)put_route(i, labels);
    return i <= API_ROUTES;
}

static bool answer_labels(size_t i, char labels[TW_METRIC_LABELS])
{
    size_t route = i / API_STATUSES, status = i % API_STATUSES;
    size_t n;

    if (route > API_ROUTES)
        return false;
    n = (size_t)put_route(route, labels);
    if (status < TW_COUNT(statuses))
        (void)snprintf(labels + n, TW_METRIC_LABELS - n, ",status=\"%d\"", statuses[status]);
    else
        (void)snprintf(labels + n, TW_METRIC_LABELS - n, ",status=\"other\"");
    return true;
}

static const struct tw_metric_row answer_rows[] = {
    { "http_requests_total", NULL,
      "HTTP requests that were answered, by the address as docs/rest.md has it, method and "
      "status; "
      "`none`: there is no such address, or it does not take this method.",
      TW_METRIC_AT(struct api_answers, answered[0]) },
};

static const struct tw_metric_row second_rows[] = {
    { "http_request_seconds", NULL,
      "From the end of a request to its answer. Those that waited for an event (long polls) "
      "are left "
      "out.",
      TW_METRIC_AT(struct api_answers, seconds[0]) },
};

const struct tw_metric_table api_answers_metrics = { .rows = answer_rows,
                                                     .count = TW_COUNT(answer_rows),
                                                     .labels_of = answer_labels,
                                                     .label_names =
                                                         "`route`, `method`, `status`" };
const struct tw_metric_table api_seconds_metrics = { .rows = second_rows,
                                                     .count = TW_COUNT(second_rows),
                                                     .labels_of = second_labels,
                                                     .label_names = "`route`, `method`" };

static void count(struct api_answers *all, const struct api_reply *r, int status)
{
    size_t route = r->route == NULL ? 0 : (size_t)(r->route - api_routes) + 1, i = 0;

    while (i < TW_COUNT(statuses) && statuses[i] != status)
        i++;
    all->answered[route * API_STATUSES + i].value++;
    if (!r->has_waited)
        tw_histogram_add(&all->seconds[route], tw_now_us() - r->began_us);
}

void api_answers_start(struct api_answers *all, const struct api_answers_options *options)
{
    all->origins = options->origins;
}

void api_reply_init(struct api_reply *r, struct api_answers *all, struct tw_http_conn *conn,
                    const struct tw_http_request *req)
{
    struct tw_slice origin = tw_http_header(req, "origin");

    *r = (struct api_reply){ .all = all, .conn = conn, .began_us = tw_now_us() };
    if (origin.len > 0 && origin.len <= TW_CORS_ORIGIN)
        memcpy(r->origin, origin.at, origin.len);
    tw_request_id(req, r->request_id);
}

static void send(struct api_reply *r, struct tw_http_response *res)
{
    struct tw_http_conn *conn = r->conn;

    if (conn == NULL)
        return;
    r->conn = NULL;
    count(r->all, r, res->status);
    tw_log_debug("http.answer", tw_i64("status", res->status), tw_str("req", r->request_id));
    tw_http_add(res, "X-Request-Id", tw_slice_of(r->request_id));
    tw_cors_add(res, r->all->origins, tw_slice_of(r->origin));
    tw_http_answer(conn, res);
}

/* Their clients know no further ones, and a retry would change nothing. */
static bool is_bad_request(int status)
{
    return status == 409 || status == 415 || status == 422;
}

static struct tw_slice dress(struct tw_slice body, struct tw_buf *text)
{
    tw_buf_text(text, "{\"status\":\"error\",");
    tw_buf_append(text, tw_slice_skip(body, 1));
    return text->failed ? body : tw_buf_view(text);
}

/* What an answer says of its client's limits; lent until it is sent. */
struct said {
    struct tw_buf policy, left, again;
};

static void put_seconds(struct tw_buf *out, uint64_t ms)
{
    tw_buf_u64(out, ms < 1000 ? 1 : (ms + 999) / 1000);
}

static void say_limits(const struct api_reply *r, struct said *said,
                       struct tw_http_response *res)
{
    said->policy.max = said->left.max = 256;
    api_allowance_policy(&r->allowance, &said->policy);
    api_allowance_left(&r->allowance, &said->left);
    if (said->policy.len == 0)
        return;
    tw_http_add(res, "RateLimit-Policy", tw_buf_view(&said->policy));
    tw_http_add(res, "RateLimit", tw_buf_view(&said->left));
}

static void said_done(struct said *said)
{
    tw_buf_done(&said->policy);
    tw_buf_done(&said->left);
    tw_buf_done(&said->again);
}

/* For the list of requests. */
static void note_answer(struct api_reply *r, int status, struct tw_slice body)
{
    struct tw_slice error, code;

    r->status = status;
    if (status >= 400 && tw_json_get(body, "error", &error) &&
        tw_json_get_text(error, "code", &code) && code.len < sizeof(r->code))
        memcpy(r->code, code.at, code.len);
}

void api_reply_send(struct api_reply *r, int status, struct tw_slice body, bool is_replayed)
{
    bool is_dressed = r->manner == API_DEVICE && status >= 400;
    struct tw_buf text = { .max = body.len + 64 };
    struct tw_http_response res = { .body = body };
    struct said said = { .again = { .max = 32 } };

    note_answer(r, is_dressed && is_bad_request(status) ? 400 : status, body);
    put_seconds(&said.again, r->allowance.again_in_ms);
    tw_refusal_head_later(&res, is_dressed && is_bad_request(status) ? 400 : status,
                          tw_buf_view(&said.again));
    say_limits(r, &said, &res);
    if (is_dressed && tw_slice_starts(body, TW_LIT("{")))
        res.body = dress(body, &text);
    tw_http_add(&res, "Cache-Control", TW_LIT("no-store"));
    if (is_replayed)
        tw_http_add(&res, "Idempotent-Replayed", TW_LIT("true"));
    if (r->origin[0] != '\0')
        tw_http_add(&res, "Access-Control-Expose-Headers", TW_LIT(MAY_READ));
    send(r, &res);
    tw_buf_done(&text);
    said_done(&said);
}

void api_reply_refuse(struct api_reply *r, const char *code, struct tw_slice message)
{
    const struct tw_refusal *refusal = tw_refusal_of(code);
    struct tw_buf body = { .max = 8192 };

    tw_refusal_body(&body, refusal, message, tw_slice_of(r->request_id));
    api_reply_send(r, refusal->status, tw_buf_view(&body), false);
    tw_buf_done(&body);
}

void api_reply_methods(struct api_reply *r, enum tw_http_method method, const char *allow)
{
    const struct tw_refusal *refusal = tw_refusal_of("METHOD_NOT_ALLOWED");
    struct tw_http_response res = { .status = 204 };
    struct tw_buf body = { .max = 4096 }, text = { .max = 4096 };

    if (method != TW_OPTIONS) {
        tw_refusal_head(&res, refusal->status);
        tw_refusal_body(&body, refusal, TW_EMPTY, tw_slice_of(r->request_id));
        res.body =
            r->manner == API_DEVICE ? dress(tw_buf_view(&body), &text) : tw_buf_view(&body);
    } else if (r->origin[0] != '\0') {
        tw_cors_add_preflight(&res, tw_slice_of(allow), TW_LIT(MAY_SEND));
    }
    tw_http_add(&res, "Allow", tw_slice_of(allow));
    send(r, &res);
    tw_buf_done(&body);
    tw_buf_done(&text);
}
