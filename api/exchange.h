/* exchange.h - one request from its arrival to its answer.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/answer.h"
#include "api/limiter.h"
#include "api/request_log.h"
#include "api/waiting.h"
#include "common/domain/operation.h"
#include "common/domain/strangers.h"
#include "common/domain/token.h"
#include "common/net/http_conn.h"
#include "common/net/pg_pool.h"
#include "common/net/redis.h"

/* What exchanges work with; embedded in the process's state. */
struct api_service {
    struct tw_http_server http;
    struct tw_pg_pool pool;
    struct tw_redis publisher;
    struct api_limiter limiter;
    struct tw_strangers strangers;
    struct api_waiting waiting;
    struct api_request_log requests;
    struct tw_operations operations;
    struct tw_tokens tokens;
    struct api_answers answers;
    struct tw_metric under_way;
};

extern const struct tw_metric_table api_exchange_metrics;

/* The server's handler: answers at once or starts an exchange that will. */
void api_handle(struct tw_http_server *server, struct tw_http_conn *conn,
                struct tw_http_request *req);
