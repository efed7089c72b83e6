/* http_message.h - a request and a response as data.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/util/buf.h"
#include "common/util/slice.h"

enum tw_http_method {
    TW_GET,
    TW_HEAD,
    TW_POST,
    TW_PUT,
    TW_PATCH,
    TW_DELETE,
    TW_OPTIONS,
    TW_OTHER_METHOD
};

const char *tw_http_method_name(enum tw_http_method method);

struct tw_http_header {
    struct tw_slice name, value; /* as sent, the value trimmed */
};

#define TW_HTTP_HEADERS 100

/* All slices are lent until the request is answered. */
struct tw_http_request {
    enum tw_http_method method;
    struct tw_slice target; /* origin form; an absolute-form target has lost its host part */
    struct tw_slice path;   /* of the target, still percent-encoded */
    struct tw_slice query;  /* after the `?`, still encoded; empty when there is none */
    struct tw_http_header headers[TW_HTTP_HEADERS];
    size_t header_count;
    struct tw_slice body;
    char *body_at;          /* the same bytes, to be rewritten in place */
    struct tw_slice client; /* the client's address */
    bool wants_upgrade;     /* `Connection: upgrade` with an `Upgrade` header, HTTP/1.1 */
};

/* The value of the first header of that name (ASCII case ignored); an empty slice without. */
struct tw_slice tw_http_header(const struct tw_http_request *req, const char *name);
/* A path without the slash at its end, with which it is the same address; "/" stays. */
struct tw_slice tw_http_address(struct tw_slice path);

/* A copy of that header (gives); null for one that is missing, longer than `max` bytes, or not
 * plain text. */
char *tw_http_copy_line(const struct tw_http_request *req, const char *name, size_t max);

bool tw_http_has_header(const struct tw_http_request *req, const char *name);

/* Whether a comma-separated header has `token` (ASCII case ignored; RFC 9110 section 5.6.1). */
bool tw_http_header_has(const struct tw_http_request *req, const char *name, const char *token);

/* The decoded value of query parameter `name` onto `out`. 1 found, 0 absent, TW_ESYNTAX when
 * it cannot be decoded. */
int tw_http_query(const struct tw_http_request *req, const char *name, struct tw_buf *out);

#define TW_HTTP_EXTRA 12

struct tw_http_response {
    int status;
    const char *content_type; /* null: no body */
    struct tw_slice body;     /* lent during the answering call */
    struct tw_http_header extra[TW_HTTP_EXTRA];
    size_t extra_count;
    bool closes;     /* the connection, once this is written */
    bool is_endless; /* the body follows and ends with the connection: no Content-Length */
};

/* Lends name and value until the response is sent. */
void tw_http_add(struct tw_http_response *res, const char *name, struct tw_slice value);

const char *tw_http_reason(int status); /* "Not Found" */

/* Status line, headers (the Date is `wall_ms`) and (unless `is_head`) body onto `out`. */
void tw_http_write(struct tw_buf *out, const struct tw_http_response *res, int64_t wall_ms,
                   bool is_head, bool keeps_alive);
