/* credential.h - where a handshake may carry its key or token.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/net/http_message.h"
#include "common/util/buf.h"

/* Cut a leading /k/<key> off the request's path: for clients whose URL is all that can be
 * configured. The key, still encoded; empty without. */
struct tw_slice gw_credential_cut(struct tw_http_request *req);

/* The first that is given: X-API-Key, Authorization: Bearer, the path's, the query's apiKey,
 * api_key or token, the cookie tillwire_key. Headers go before the query, which gets into logs;
 * a cookie counts only for pages of the same host, or of an allowed origin, since browsers send
 * it unasked. False when there is none. */
bool gw_credential_read(const struct tw_http_request *req, struct tw_slice path_key,
                        struct tw_slice origins, struct tw_buf *out);
