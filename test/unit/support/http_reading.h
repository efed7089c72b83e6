/* http_reading.h - reading HTTP requests in pieces: each cut must come to the same.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/http_parse.h"
#include "test/unit/support/check.h"

/* What became of a text. */
struct reading {
    enum tw_http_progress progress;
    size_t used;
    bool was_told_to_continue;
    struct tw_buf text; /* the request as text, or the refusal's code */
};

/* Read `text` with a first piece of `first` bytes (0: like the others) and others of `step`.
 * tw_buf_done() its text. */
struct reading reading_of(const struct tw_http_limits *l, struct tw_slice text, size_t first,
                          size_t step);

/* Reading `text` comes to `want` however it is cut: a request as text, a refusal's code, or
 * "more". Of the text `used` bytes belong to the request. */
void check_reading(const struct tw_http_limits *l, struct tw_slice text, const char *want,
                   size_t used);

/* The request that is complete: "GET /path?query|Host=a|body", with "|upgrade" and "|closes".
 */
void reading_put_request(struct tw_buf *out, struct tw_http_parser *p);
