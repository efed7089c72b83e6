/* http_conn.h - an HTTP/1.1 connection on a stream: requests in, answers out, in order.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/net/http_message.h"
#include "common/net/http_parse.h"
#include "common/util/list.h"
#include "common/util/metrics.h"

#define TW_HTTP_ANSWER_BYTES ((size_t)64 * 1024 * 1024)
#define TW_HTTP_SMALL_BODY_BYTES 65536 /* of those there is always room for one more */
#define TW_HTTP_PIPELINE_BYTES 65536

struct tw_stream;
struct tw_http_conn;
struct tw_http_server;

/* For answering later: embedded in the object that will answer. */
struct tw_http_waiter {
    /* The client left before the answer: `conn` is gone with this call, do not answer. */
    void (*gone)(struct tw_http_waiter *w);
    bool ends_on_fin; /* a half close counts as leaving: for long waits */
};

struct tw_http_server_limits {
    struct tw_http_limits request;
    uint64_t head_ms;   /* for a head that has begun */
    uint64_t body_ms;   /* for a body */
    uint64_t idle_ms;   /* between requests */
    uint64_t last_ms;   /* the same in a drain; 0: no more requests are waited for */
    size_t connections; /* more are closed at once */
    /* Of all bodies that are arriving at once; beyond it a body of more than 64 KiB is refused
     * with 503. 0: no limit. */
    uint64_t bodies_bytes;
};

/* One request (lent). The handler answers now, or waits, or takes the stream; exactly one. */
typedef void (*tw_http_handler_cb)(struct tw_http_server *server, struct tw_http_conn *conn,
                                   struct tw_http_request *req);

struct tw_http_server_options {
    struct tw_http_server_limits limits;
    tw_http_handler_cb handle;
};

/* Embedded in its owner. */
struct tw_http_server {
    struct tw_http_server_limits limits;
    tw_http_handler_cb handle;
    struct tw_list conns;
    bool is_draining; /* every answer is then the connection's last */
    struct tw_metric connections, refused, requests, bodies;
};

extern const struct tw_metric_table tw_http_server_metrics;

void tw_http_server_start(struct tw_http_server *server,
                          const struct tw_http_server_options *options);

/* Serve a new connection; takes the stream. */
void tw_http_serve(struct tw_http_server *server, struct tw_stream *stream);

/* Close connections after their answer, and those without a request when none has come for
 * `last_ms`: what was just sent on one would be cut off, and its client could not know whether
 * it had an effect. */
void tw_http_server_drain(struct tw_http_server *server);
void tw_http_server_close(struct tw_http_server *server); /* all of them, now */

/* For handlers: answer the request; `req` and all that was lent with it end with this. */
void tw_http_answer(struct tw_http_conn *conn, const struct tw_http_response *res);

/* Answer with a refusal of refusal.h; `request_id` may be empty. */
void tw_http_refuse(struct tw_http_conn *conn, const char *code, struct tw_slice request_id);

/* The same with headers that this refusal must have: Allow, Upgrade. */
void tw_http_refuse_with(struct tw_http_conn *conn, const char *code,
                         struct tw_slice request_id, const struct tw_http_header *extra,
                         size_t n);

/* The memory of the request's body, at `body_at` (gives: free): for who needs it longer than
 * the client stays. */
char *tw_http_take_body(struct tw_http_conn *conn);

/* Answer later: `w` (kept until the answer) is told when the client leaves earlier. */
void tw_http_wait(struct tw_http_conn *conn, struct tw_http_waiter *w);

/* Of the request, and of all that was lent with it, nothing is needed any more, though it is
 * not answered yet: a request is large. */
void tw_http_drop_request(struct tw_http_conn *conn);

/* Give the stream away, for a protocol upgrade: the connection is gone with this, and so is all
 * that was lent. `rest` receives the bytes after the request (they are added to it). */
struct tw_stream *tw_http_take_stream(struct tw_http_conn *conn, struct tw_buf *rest);
