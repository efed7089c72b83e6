/* context.h - who asks and for what: headers, path and query as the `ctx` of pos.call.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/router.h"
#include "common/buf.h"
#include "common/crypto.h"
#include "common/http_message.h"
#include "common/request_id.h"

struct api_context {
    struct tw_buf json;           /* the ctx; given: api_context_done */
    char key_hash[TW_SHA256_HEX]; /* of the key that was presented */
    bool has_key;                 /* a key or a token */
    struct tw_buf token;          /* a signed token, to be checked; empty: it was an API key */
    char request_id[TW_REQUEST_ID];
};

/* Fill `out` (zeroed but for its request_id). Null, or the code of a refusal. */
const char *api_context_read(const struct tw_http_request *req, const struct api_match *match,
                             struct api_context *out);
/* The token was good: what it claims, as ctx.token. */
void api_context_set_token(struct api_context *c, struct tw_slice claims);

void api_context_done(struct api_context *c);
