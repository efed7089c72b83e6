/* http_parse.h - llhttp's door: bytes to requests, within limits.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/net/http_message.h"
#include "common/util/slice.h"

struct tw_http_limits {
    size_t target_bytes; /* longer: 414 */
    size_t head_bytes;   /* all headers together; longer: 431 */
    size_t body_bytes;   /* longer: 413 */
    /* The same for the request that has this head (lent); null: body_bytes for all. */
    size_t (*body_bytes_of)(const struct tw_http_request *req);
};

struct tw_http_parser; /* one request at a time, again and again */

/* Gives; `limits` is kept. */
struct tw_http_parser *tw_http_parser_new(const struct tw_http_limits *limits);
void tw_http_parser_free(struct tw_http_parser *p);

enum tw_http_progress {
    TW_HTTP_MORE,     /* all bytes are used, the request is not complete */
    TW_HTTP_CONTINUE, /* the same, and the client waits for "100 Continue" (told once) */
    TW_HTTP_REQUEST,  /* a request is complete */
    TW_HTTP_BAD,      /* refused; see tw_http_parser_refusal */
};

/* Read of `bytes` as much as belongs to the current request; `*used` says how much that was.
 * The caller keeps what comes after it (pipelined requests, WebSocket frames). */
enum tw_http_progress tw_http_parse(struct tw_http_parser *p, struct tw_slice bytes,
                                    size_t *used);

size_t tw_http_parser_body_bytes(const struct tw_http_parser *p); /* that it holds */

/* The complete request; lent until tw_http_parser_next. */
struct tw_http_request *tw_http_parser_request(struct tw_http_parser *p);

/* The memory of the request's body (gives: free), which is the request's no more; null when it
 * has none. */
char *tw_http_parser_take_body(struct tw_http_parser *p);

/* Whether the connection may carry another request after this one. */
bool tw_http_parser_keeps_alive(const struct tw_http_parser *p);

bool tw_http_parser_is_idle(
    const struct tw_http_parser *p); /* nothing of a request is here yet */
bool tw_http_parser_has_head(const struct tw_http_parser *p); /* and the body is awaited */

/* Why it was refused: the code of a refusal (refusal.h). */
const char *tw_http_parser_refusal(const struct tw_http_parser *p);

/* Forget the request and get ready for the next one; gives its body's memory back. */
void tw_http_parser_next(struct tw_http_parser *p);
