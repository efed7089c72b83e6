/* refusal.h - what clients are told when we do not do what they ask: one table.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/http_message.h"
#include "common/util/buf.h"
#include "common/util/slice.h"

struct tw_refusal {
    const char *code;    /* for programs: "BODY_TOO_LARGE" */
    int status;          /* HTTP */
    const char *message; /* for people: what is wrong and what to do about it */
};

/* The row of `code`; an unknown code is a bug of ours and gives the row of INTERNAL. */
const struct tw_refusal *tw_refusal_of(const char *code);

/* The last member of an `error`, onto `out`: where docs/errors.md explains the code. It is a
 * path of the same host (nginx serves the page), and pos.refusal writes the same. */
void tw_refusal_help(struct tw_buf *out, struct tw_slice code);

/* The JSON body of the error contract (docs/rest.md 2) onto `out`. `message` replaces the
 * row's when it is not empty; `request_id` may be empty. */
void tw_refusal_body(struct tw_buf *out, const struct tw_refusal *refusal,
                     struct tw_slice message, struct tw_slice request_id);

/* Status, headers that this status must have (WWW-Authenticate, Retry-After) and the type. */
void tw_refusal_head(struct tw_http_response *res, int status);
/* The same with another Retry-After, in seconds, than 1; lent. */
void tw_refusal_head_later(struct tw_http_response *res, int status, struct tw_slice seconds);
