/* exchange.c - route, read, limit, one operation, answer.
 *
 * The exchange owns its operation's parameters. When the client leaves, the transaction still
 * completes and its events are published; only the answer is dropped. What is answered out of
 * Redis, in part or as a whole, is asked for last.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/exchange.h"

#include <stdlib.h>

#include "api/context.h"
#include "api/presence.h"
#include "api/router.h"
#include "common/util/base.h"
#include "common/util/clock.h"
#include "common/util/encode.h"
#include "common/util/err.h"
#include "common/util/json_scan.h"
#include "common/util/json_write.h"

#define GO_ON_MS 8000 /* these devices send their list every ten seconds */
#define DEVICES_BYTES ((size_t)9 * 1024 * 1024)

struct exchange {
    struct tw_http_waiter waiter;
    struct tw_operation operation;
    struct tw_token_check check;
    struct api_presence_query presence;
    struct api_service *service;
    struct api_reply reply; /* its `conn` is null once the client has left */
    const struct api_route *route;
    struct api_context context;
    char *body;
    size_t body_len;
    char tenant[37];          /* its UUID, as SQL said; "": it did not */
    struct tw_buf text;       /* an answer that takes several steps */
    struct api_parked parked; /* while it waits for an event */
    uint64_t wait_ms;         /* how long it may yet; 0: it does not */
    uint64_t goes_on_until_ms;
    char address[64]; /* of its client, as nginx says; empty: it does not */
};

#define AT(field) TW_METRIC_AT(struct api_service, field)

static const struct tw_metric_row metric_rows[] = {
    { "exchanges", NULL, "Requests that are being worked on, long polls included.",
      AT(under_way) },
};

const struct tw_metric_table api_exchange_metrics = { .rows = metric_rows,
                                                      .count = TW_COUNT(metric_rows) };

static void note_request(struct exchange *x)
{
    struct api_request_row row = {
        .route = x->route,
        .tenant = tw_slice_of(x->tenant),
        .context = tw_buf_view(&x->context.json),
        .request_id = tw_slice_of(x->reply.request_id),
        .code = tw_slice_of(x->reply.code),
        .body = tw_slice_from(x->body, x->body_len),
        .status = x->reply.status,
        .took_us = tw_now_us() - x->reply.began_us,
    };

    if (x->context.has_key && x->context.token.len == 0)
        row.key_hash = tw_slice_from(x->context.key_hash, TW_SHA256_HEX);
    api_request_log_add(&x->service->requests, &row);
}

static void exchange_free(struct exchange *x)
{
    if (x->reply.status != 0 && x->route->operation != NULL)
        note_request(x);
    x->service->under_way.value--;
    api_context_done(&x->context);
    api_presence_done(&x->presence);
    tw_buf_done(&x->text);
    free(x->body);
    free(x);
}

/* A parked request has nothing under way: it ends here. */
static void on_gone(struct tw_http_waiter *w)
{
    struct exchange *x = tw_container_of(w, struct exchange, waiter);

    x->reply.conn = NULL;
    if (tw_list_linked(&x->parked.link)) {
        api_waiting_leave(&x->service->waiting, &x->parked);
        exchange_free(x);
    }
}

static void refuse(struct exchange *x, const char *code, struct tw_slice message)
{
    api_reply_refuse(&x->reply, code, message);
    exchange_free(x);
}

static void on_presence(struct api_presence_query *q)
{
    struct exchange *x = tw_container_of(q, struct exchange, presence);

    api_presence_put(&q->sum, q->kind, &x->text);
    tw_buf_char(&x->text, '}');
    if (x->text.failed) {
        refuse(x, "OVERLOADED", TW_EMPTY);
        return;
    }
    api_reply_send(&x->reply, 200, tw_buf_view(&x->text), false);
    exchange_free(x);
}

/* Appends who is connected to `text`, an object that is still open. */
static void ask_presence(struct exchange *x, struct tw_slice tenant)
{
    x->presence.redis = &x->service->publisher;
    x->presence.kind = x->route->presence;
    x->presence.answered = on_presence;
    if (tenant.len < sizeof(x->presence.tenant))
        memcpy(x->presence.tenant, tenant.at, tenant.len);
    api_presence_ask(&x->presence);
}

/* The same in the shape of the published client's server, and with its 503. */
static void answer_services(struct exchange *x)
{
    bool is_up = tw_pg_pool_is_up(&x->service->pool);
    char now[TW_TIME_TEXT];

    tw_time_text(tw_wall_ms(), now);
    x->text.max = 1024;
    tw_buf_char(&x->text, '{');
    tw_json_member(&x->text, "status", is_up ? TW_LIT("healthy") : TW_LIT("unhealthy"));
    tw_json_member(&x->text, "timestamp", tw_slice_of(now));
    tw_json_member(&x->text, "version", TW_LIT(TILLWIRE_VERSION));
    tw_json_member_raw(&x->text, "services",
                       is_up ? TW_LIT("{\"server\":{\"status\":\"ok\"},\"database\":{"
                                      "\"status\":\"ok\"}}")
                             : TW_LIT("{\"server\":{\"status\":\"ok\"},\"database\":{"
                                      "\"status\":\"error\"}}"));
    tw_buf_char(&x->text, '}');
    api_reply_send(&x->reply, is_up ? 200 : 503, tw_buf_view(&x->text), false);
    exchange_free(x);
}

/* No tenant and no data: for clients that only want to know whether we are there. */
static void answer_health(struct exchange *x)
{
    char now[TW_TIME_TEXT];

    tw_time_text(tw_wall_ms(), now);
    x->text.max = 1024;
    tw_buf_char(&x->text, '{');
    tw_json_member(&x->text, "status",
                   x->route->presence == API_TABLETS ? TW_LIT("healthy") : TW_LIT("ok"));
    tw_json_member(&x->text, "timestamp", tw_slice_of(now));
    tw_http_wait(x->reply.conn, &x->waiter);
    ask_presence(x, (struct tw_slice){ "", 0 });
}

/* Without a credential: that we and the database are there, and nothing about the tenant, not
 * even whether there is one. */
static void answer_alive(struct exchange *x, const struct api_match *match)
{
    char now[TW_TIME_TEXT];
    struct tw_buf name = { .max = 256 };

    (void)tw_percent_decode(&name, api_match_param(match, "tenant"), false);
    if (!tw_pg_pool_is_up(&x->service->pool)) {
        refuse(x, "UNAVAILABLE", TW_EMPTY);
    } else {
        tw_time_text(tw_wall_ms(), now);
        x->text.max = 1024;
        tw_buf_char(&x->text, '{');
        tw_json_member(&x->text, "status", TW_LIT("ok"));
        tw_json_member(&x->text, "tenant", tw_buf_view(&name));
        tw_json_member(&x->text, "timestamp", tw_slice_of(now));
        tw_json_member(&x->text, "version", TW_LIT(TILLWIRE_VERSION));
        tw_buf_char(&x->text, '}');
        api_reply_send(&x->reply, 200, tw_buf_view(&x->text), false);
        exchange_free(x);
    }
    tw_buf_done(&name);
}

static void answer_devices(struct exchange *x, const struct tw_outcome *outcome)
{
    TW_ASSERT(tw_slice_starts(outcome->body, TW_LIT("{")));
    x->text.max = DEVICES_BYTES;
    tw_buf_append(&x->text, tw_slice_from(outcome->body.at, outcome->body.len - 1));
    ask_presence(x, outcome->tenant);
}

static void answer(struct exchange *x, const struct tw_outcome *outcome)
{
    int status = outcome->status;

    if (status == 204) /* nothing yet */
        status = 200;
    else if (status == 102) /* not settled yet */
        status = 503;
    api_reply_send(&x->reply, status, outcome->body, outcome->replayed);
    exchange_free(x);
}

/* What is answered when there is nothing newer. */
static void keep_text(struct exchange *x, struct tw_slice body)
{
    tw_buf_clear(&x->text);
    x->text.max = body.len;
    tw_buf_append(&x->text, body);
}

/* A list that is longer than one transaction takes is settled piece by piece, as long as its
 * client is there and for a while: what is left is its client's to send again. Each answer is
 * the next piece's body. */
static bool goes_on(struct exchange *x, const struct tw_outcome *outcome)
{
    uint64_t now_ms = x->service->pool.loop->now_ms;

    if (x->goes_on_until_ms == 0)
        x->goes_on_until_ms = now_ms + GO_ON_MS;
    if (outcome->status != 102 || x->reply.conn == NULL || now_ms >= x->goes_on_until_ms)
        return false;
    keep_text(x, outcome->body);
    if (x->text.failed)
        return false;
    x->operation.body = tw_buf_view(&x->text);
    tw_operation_start(&x->operation);
    return true;
}

/* Whether a piece of it has been settled before: then it is not true that nothing was done. */
static bool has_gone_on(struct exchange *x)
{
    if (x->goes_on_until_ms == 0 || x->text.len == 0)
        return false;
    api_reply_send(&x->reply, 503, tw_buf_view(&x->text), false);
    exchange_free(x);
    return true;
}

/* Ask again for the news. That there is none was answered before it waited, and holds: many
 * wait for the same moment, and would all ask at once. */
static void on_wake(struct api_parked *p, bool has_news)
{
    struct exchange *x = tw_container_of(p, struct exchange, parked);

    x->waiter.ends_on_fin = false;
    if (!has_news)
        x->wait_ms = 0;
    if (has_news || x->text.len == 0) {
        tw_operation_start(&x->operation);
        return;
    }
    api_waiting_asked(&x->service->waiting, p);
    api_reply_send(&x->reply, 200, tw_buf_view(&x->text), false);
    exchange_free(x);
}

static bool wait_for_news(struct exchange *x, const struct tw_outcome *outcome)
{
    memcpy(x->parked.tenant, outcome->tenant.at, outcome->tenant.len);
    keep_text(x, outcome->body);
    x->waiter.ends_on_fin = true;
    x->reply.has_waited = true;
    return api_waiting_park(&x->service->waiting, &x->parked);
}

/* Whether the exchange is parked now: there is nothing yet, and the client waits. Those in line
 * that would ask the same need not: if there is news for them meanwhile, the next look at the
 * heads finds it. */
static bool park(struct exchange *x, const struct tw_outcome *outcome)
{
    struct api_parked *same;

    if (outcome->status != 204 || x->wait_ms == 0 || x->reply.conn == NULL ||
        outcome->tenant.len >= sizeof(x->parked.tenant) || !wait_for_news(x, outcome))
        return false;
    while ((same = api_waiting_take_same(&x->service->waiting, &x->parked)) != NULL)
        if (!wait_for_news(tw_container_of(same, struct exchange, parked), outcome))
            tw_operation_start(&tw_container_of(same, struct exchange, parked)->operation);
    return true;
}

static struct tw_slice key_hash_of(const struct exchange *x)
{
    return tw_slice_from(x->context.key_hash, TW_SHA256_HEX);
}

static void note_key(struct exchange *x, bool is_good, struct tw_slice tenant)
{
    uint64_t now_ms = x->service->pool.loop->now_ms;

    if (is_good)
        api_limiter_know(&x->service->limiter, key_hash_of(x), tenant, now_ms);
    else if (x->context.has_key)
        tw_strangers_refused(&x->service->strangers, key_hash_of(x), tw_slice_of(x->address),
                             now_ms);
}

static void on_done(struct tw_operation *op, const struct tw_outcome *outcome)
{
    struct exchange *x = tw_container_of(op, struct exchange, operation);
    bool is_parked = false;

    if (outcome->tenant.len > 0 && outcome->tenant.len < sizeof(x->tenant))
        memcpy(x->tenant, outcome->tenant.at, outcome->tenant.len);
    if (outcome->refusal == NULL) {
        note_key(x, outcome->status != 401, outcome->tenant);
        is_parked = park(x, outcome);
    }
    api_waiting_asked(&x->service->waiting, &x->parked);
    if (is_parked)
        return;
    if (outcome->refusal != NULL) {
        if (!has_gone_on(x))
            refuse(x, outcome->refusal, TW_EMPTY);
        return;
    }
    if (goes_on(x, outcome))
        return;
    if (x->route->presence != API_NOBODY && outcome->status == 200)
        answer_devices(x, outcome);
    else
        answer(x, outcome);
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

/* Scan the body in place and keep it; null, or the refusal's code with `why` filled. */
static const char *read_body(struct exchange *x, struct tw_http_request *req,
                             struct tw_buf *why)
{
    struct tw_slice encoding = tw_http_header(req, "content-encoding");
    struct tw_json_fault fault;
    size_t len = req->body.len;
    int r;

    if (x->route->body == NULL)
        return NULL; /* a body sent anyway has no meaning (RFC 9110 section 9.3.1) */
    if (!is_json_type(tw_http_header(req, "content-type")))
        return "UNSUPPORTED_MEDIA_TYPE";
    if (encoding.len > 0 && !tw_slice_is_nocase(encoding, "identity")) {
        tw_buf_text(why, "Send the body as it is: of all Content-Encodings only identity is "
                         "accepted. Nothing was done.");
        return "UNSUPPORTED_MEDIA_TYPE";
    }
    if (len == 0)
        return x->route->body->may_be_missing ? NULL : "INVALID_JSON";
    r = tw_json_scan(req->body_at, &len, x->route->body->numbers, &fault);
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
    x->body = tw_http_take_body(x->reply.conn); /* not a copy: it may have a megabyte */
    x->body_len = len;
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
    x->operation.is_brief = x->route->is_brief;
    x->operation.done = on_done;
    if (x->wait_ms > 0) {
        x->parked.wake = on_wake;
        x->parked.question = api_context_question(&x->context);
        x->parked.until_ms = x->service->pool.loop->now_ms + x->wait_ms;
        if (!api_waiting_enter(&x->service->waiting, &x->parked, key_hash_of(x)))
            return;
    }
    tw_operation_start(&x->operation);
}

static void on_token(struct tw_token_check *check, const char *refusal,
                     const struct tw_token_grant *grant)
{
    struct exchange *x = tw_container_of(check, struct exchange, check);

    if (refusal == NULL) {
        api_context_set_token(&x->context, grant->context, grant->expires_ms);
        start_operation(x);
        return;
    }
    refuse(x, strcmp(refusal, "AUTH_FAILED") == 0 ? "UNAUTHORIZED" : refusal, TW_EMPTY);
}

/* A key is checked by the operation itself, a token before it. */
static void start(struct exchange *x, const struct api_match *match)
{
    if (x->route->affinity != NULL) /* 0 would mean none */
        x->operation.affinity = tw_hash(api_match_param(match, x->route->affinity)) | 1;
    tw_http_wait(x->reply.conn, &x->waiter);
    if (x->context.token.len == 0) {
        start_operation(x);
        return;
    }
    x->check = (struct tw_token_check){ .all = &x->service->tokens,
                                        .named = x->context.restaurant,
                                        .answered = on_token };
    tw_token_check(&x->check, tw_buf_view(&x->context.token));
}

static const char *check_rates(struct exchange *x, uint64_t now_ms, struct tw_buf *why)
{
    struct api_allowance *allowance = &x->reply.allowance;

    if (api_limiter_allows(&x->service->limiter, key_hash_of(x), now_ms, allowance))
        return NULL;
    if (allowance->is_of_tenant)
        tw_buf_text(why, "Too many requests of this restaurant; nothing was done. Wait as long "
                         "as Retry-After says.");
    return "RATE_LIMITED";
}

/* Whether its key may ask now; null, or the refusal's code. */
static const char *check_key(struct exchange *x, struct tw_buf *why)
{
    struct api_limiter *limiter = &x->service->limiter;
    uint64_t now_ms = x->service->pool.loop->now_ms;

    if (!x->context.has_key || api_limiter_knows(limiter, key_hash_of(x)))
        return check_rates(x, now_ms, why);
    switch (tw_strangers_look(&x->service->strangers, key_hash_of(x), tw_slice_of(x->address),
                              now_ms)) {
    case TW_STRANGER_REFUSED:
        return "UNAUTHORIZED";
    case TW_STRANGER_LIMITED:
        return "RATE_LIMITED";
    case TW_STRANGER_ASKS:
        break;
    }
    return NULL;
}

/* What is wrong with a request before anybody is asked; null, or the refusal's code. */
static const char *check(struct exchange *x, struct tw_http_request *req,
                         const struct api_match *match, struct tw_buf *why)
{
    const char *code = read_body(x, req, why);

    x->context.body = x->operation.body;
    x->context.origins = x->service->answers.origins;
    memcpy(x->context.request_id, x->reply.request_id, sizeof(x->context.request_id));
    if (code == NULL)
        code = api_context_read(req, match, &x->context);
    if (code != NULL)
        return code;
    if (!x->context.has_key && !x->context.is_keyless)
        return "UNAUTHORIZED"; /* it would cost a connection to hear the same from SQL */
    return check_key(x, why);
}

static void read_address(struct exchange *x, const struct tw_http_request *req)
{
    struct tw_slice text = tw_http_header(req, "x-forwarded-for");

    if (text.len > 0 && text.len < sizeof(x->address))
        memcpy(x->address, text.at, text.len);
}

static void begin(struct api_service *s, struct api_reply *reply, struct tw_http_request *req,
                  const struct api_match *match)
{
    struct exchange *x = tw_new(struct exchange);
    struct tw_buf why = { .max = 1024 };
    const char *code;

    s->under_way.value++;
    x->service = s;
    x->reply = *reply;
    x->route = match->route;
    x->waiter.gone = on_gone;
    if (x->route->operation == NULL) {
        if (x->route->presence == API_NOBODY)
            answer_services(x);
        else
            answer_health(x);
        return;
    }
    read_address(x, req);
    code = check(x, req, match, &why);
    if (code == NULL) {
        read_wait(x, req);
        start(x, match);
    } else if (x->route->manner == API_OPEN && x->context.has_nothing &&
               strcmp(code, "UNAUTHORIZED") == 0) {
        answer_alive(x, match);
    } else {
        refuse(x, code, tw_buf_view(&why));
    }
    tw_buf_done(&why);
}

void api_handle(struct tw_http_server *server, struct tw_http_conn *conn,
                struct tw_http_request *req)
{
    struct api_service *s = tw_container_of(server, struct api_service, http);
    struct api_match match;
    struct api_reply reply;

    api_reply_init(&reply, &s->answers, conn, req);
    api_route_find(req->method, req->path, &match);
    reply.manner = match.manner;
    reply.route = match.route;
    if (match.route != NULL)
        begin(s, &reply, req, &match);
    else if (match.allow[0] != '\0')
        api_reply_methods(&reply, req->method, match.allow);
    else
        api_reply_refuse(&reply, "NOT_FOUND", TW_EMPTY);
}
