/* ops.c - what an operator's tools ask a process.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon/ops.h"

#include "common/net/stream.h"
#include "common/util/base.h"

/* Some ten times what a gateway's or an api's can be. */
#define METRICS_BYTES ((size_t)4 * 1024 * 1024)

static const struct tw_http_server_limits limits = {
    .request = { .target_bytes = 1024, .head_bytes = 8192, .body_bytes = 1024 },
    .head_ms = 5000,
    .body_ms = 5000,
    .idle_ms = 75000,
    .connections = 64,
};

static void answer(struct tw_http_conn *conn, int status, const char *type,
                   const struct tw_buf *body)
{
    struct tw_http_response res = { .status = status, .content_type = type };

    res.body = tw_buf_view(body);
    tw_http_answer(conn, &res);
}

static void healthz(struct tw_ops *ops, struct tw_http_conn *conn)
{
    struct tw_buf body = { .max = 64 };

    (void)ops; /* it is enough that the loop turns */
    tw_buf_text(&body, "{\"status\":\"ok\"}");
    answer(conn, 200, "application/json", &body);
    tw_buf_done(&body);
}

static void judge(struct tw_ops *ops, struct tw_buf *missing, struct tw_buf *degraded)
{
    ops->missing(ops, missing, degraded);
    ops->ready.value = missing->len == 0;
    ops->degraded.value = degraded->len > 0;
}

static void readyz(struct tw_ops *ops, struct tw_http_conn *conn)
{
    struct tw_buf missing = { .max = 4096 }, degraded = { .max = 4096 },
                  body = { .max = 16384 };
    bool is_ready;

    judge(ops, &missing, &degraded);
    is_ready = missing.len == 0;
    tw_buf_text(&body, is_ready ? "{\"status\":\"ready\"" : "{\"status\":\"not ready\"");
    tw_buf_text(&body, ",\"missing\":[");
    tw_buf_append(&body, tw_buf_view(&missing));
    tw_buf_text(&body, "],\"degraded\":[");
    tw_buf_append(&body, tw_buf_view(&degraded));
    tw_buf_text(&body, "]}");
    answer(conn, is_ready ? 200 : 503, "application/json", &body);
    tw_buf_done(&missing);
    tw_buf_done(&degraded);
    tw_buf_done(&body);
}

static void metrics(struct tw_ops *ops, struct tw_http_conn *conn)
{
    struct tw_buf missing = { .max = 4096 }, degraded = { .max = 4096 };
    struct tw_buf body = { .max = METRICS_BYTES };

    judge(ops, &missing, &degraded);
    tw_buf_done(&missing);
    tw_buf_done(&degraded);
    tw_metrics_print(ops->metrics, &body);
    answer(conn, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
    tw_buf_done(&body);
}

static const struct tw_metric_row metric_rows[] = {
    { "ready", NULL,
      "1 while the process can do its work, else 0: /readyz says what is missing.",
      TW_METRIC_AT(struct tw_ops, ready) },
    { "degraded", NULL,
      "1 while it does its work without something that it should have: /readyz says what.",
      TW_METRIC_AT(struct tw_ops, degraded) },
};

const struct tw_metric_table tw_ops_metrics = { .rows = metric_rows,
                                                .count = TW_COUNT(metric_rows) };

static const struct {
    const char *path;
    void (*show)(struct tw_ops *ops, struct tw_http_conn *conn);
} pages[] = { { "/healthz", healthz }, { "/readyz", readyz }, { "/metrics", metrics } };

static void handle(struct tw_http_server *server, struct tw_http_conn *conn,
                   struct tw_http_request *req)
{
    struct tw_ops *ops = tw_container_of(server, struct tw_ops, http);
    const struct tw_http_header allow = { TW_LIT("Allow"), TW_LIT("GET, HEAD") };

    for (size_t i = 0; i < TW_COUNT(pages); i++) {
        if (!tw_slice_is(req->path, pages[i].path))
            continue;
        if (req->method == TW_GET || req->method == TW_HEAD)
            pages[i].show(ops, conn);
        else
            tw_http_refuse_with(conn, "METHOD_NOT_ALLOWED", TW_EMPTY, &allow, 1);
        return;
    }
    tw_http_refuse(conn, "NOT_FOUND", TW_EMPTY);
}

static void on_accept(struct tw_listener *l, struct tw_stream *stream)
{
    tw_http_serve(&tw_container_of(l, struct tw_ops, listener)->http, stream);
}

int tw_ops_start(struct tw_ops *ops, const struct tw_ops_options *options)
{
    struct tw_slice which;

    ops->metrics = options->metrics;
    ops->missing = options->missing;
    tw_http_server_start(
        &ops->http, &(struct tw_http_server_options){ .limits = limits, .handle = handle });
    return tw_listener_start(
        &ops->listener,
        &(struct tw_listener_options){ .loop = options->loop,
                                       .addresses = options->address,
                                       .handed_over = options->handed_over,
                                       .listens_for = TW_LISTENS_FOR_OPERATORS,
                                       .accept = on_accept },
        &which);
}

void tw_ops_stop(struct tw_ops *ops)
{
    tw_listener_stop(&ops->listener);
    tw_http_server_close(&ops->http);
}
