/* context.h - who asks and for what: headers, path and query as the `ctx` of pos.call.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/router.h"
#include "common/net/http_message.h"
#include "common/net/request_id.h"
#include "common/util/buf.h"
#include "common/util/crypto.h"

struct api_context {
    char request_id[TW_REQUEST_ID];
    struct tw_slice body;    /* strict JSON, lent; may name a restaurant */
    struct tw_slice origins; /* see cors.h; lent */

    struct tw_buf json; /* the ctx; given: api_context_done */
    size_t question_at; /* before it stands what tells this request from any other */
    /* Whose requests these are, for the limits of each: the hash of the key or token that was
     * presented, or of the restaurant's name when there is none. */
    char key_hash[TW_SHA256_HEX];
    bool has_key;        /* a key or a token */
    bool has_nothing;    /* that would be a credential, good or bad */
    bool is_keyless;     /* none, at an address where the restaurant may allow that */
    struct tw_buf token; /* a signed token, to be checked; empty: it was an API key */
    /* As the header X-Restaurant-ID names it, where nothing in the address names a tenant; lent
     * with the request. */
    struct tw_slice restaurant;
};

/* Fill `out` (zeroed but for what stands before the blank line). Null, or the code of a
 * refusal.
 */
const char *api_context_read(const struct tw_http_request *req, const struct api_match *match,
                             struct api_context *out);
/* The token was valid: what it claims, as ctx.token, and when it ends (wall clock; 0: never).
 */
void api_context_set_token(struct api_context *c, struct tw_slice claims, int64_t expires_ms);

/* Who asks and for what, the same for requests that ask the same; lent. */
struct tw_slice api_context_question(const struct api_context *c);

void api_context_done(struct api_context *c);
