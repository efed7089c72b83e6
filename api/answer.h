/* answer.h - how an answer leaves: its headers, what pages of other origins may read of it, and
 * the form that each family of clients expects of a refusal.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/limiter.h"
#include "api/routes.h"
#include "common/net/cors.h"
#include "common/net/http_conn.h"
#include "common/net/request_id.h"
#include "common/util/metrics.h"

#define API_STATUSES 20 /* that are told apart, and all others together */

struct api_answers_options {
    struct tw_slice origins; /* that may read answers, see cors.h; kept */
};

/* What all answers of a process share; embedded in its state. */
struct api_answers {
    struct tw_slice origins;
    /* By route; the first is of requests for which there is none. */
    struct tw_metric answered[(API_ROUTES + 1) * API_STATUSES];
    struct tw_histogram seconds[API_ROUTES + 1];
};

extern const struct tw_metric_table api_answers_metrics, api_seconds_metrics;

void api_answers_start(struct api_answers *all, const struct api_answers_options *options);

/* An answer that is due; plain values, so that it may be copied. */
struct api_reply {
    struct api_answers *all;
    struct tw_http_conn *conn; /* null once the client has left: nothing is sent then */
    enum api_manner manner;
    struct api_allowance allowance; /* of its key; zero: it is not known */
    const struct api_route *route;  /* null: there is none */
    uint64_t began_us;
    bool has_waited; /* for an event: how long it took is not how long we take */
    int status;      /* that was answered; 0: none was */
    char code[48];   /* of a refusal; "": it has none */
    char request_id[TW_REQUEST_ID];
    char origin[TW_CORS_ORIGIN + 1]; /* of the page that asks; "": none */
};

/* The reply to `req`, which may be gone when it is given. */
void api_reply_init(struct api_reply *r, struct api_answers *all, struct tw_http_conn *conn,
                    const struct tw_http_request *req);

/* Each answers, and must be the last.
 *
 * To a client of API_DEVICE a refusal also says "status":"error", and what is wrong with the
 * request itself is always 400. */
void api_reply_send(struct api_reply *r, int status, struct tw_slice body, bool is_replayed);
/* A refusal of refusal.h; `message` replaces the table's when it is not empty. */
void api_reply_refuse(struct api_reply *r, const char *code, struct tw_slice message);
/* A path that does not have this method: 204 with those that it has to OPTIONS, else 405. */
void api_reply_methods(struct api_reply *r, enum tw_http_method method, const char *allow);
