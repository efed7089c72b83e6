/* credential.h - where a request may carry its key or token.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/router.h"
#include "common/net/http_message.h"
#include "common/util/buf.h"
#include "common/util/slice.h"

/* What the request presents, appended to `out`, whose limit is the caller's; nothing when it
 * presents none. Null, or the code of a refusal. Every address takes X-API-Key and
 * Authorization: Bearer, both together only when they say the same. Those of MiniPOS and cloud
 * sync, whose clients cannot all set a header, take then: the path's prefix /k/<key>, the
 * query's apiKey, api_key or token, and the cookie tillwire_key, unless somebody else's page
 * makes the browser send it (`origins`: see cors.h). */
const char *api_credential_read(const struct tw_http_request *req,
                                const struct api_match *match, struct tw_slice origins,
                                struct tw_buf *out);
