/* cors.h - which browser pages of other origins may read our answers (the CORS protocol of
 * https://fetch.spec.whatwg.org), and which may use the cookies that their browser has of us.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/net/http_message.h"
#include "common/util/slice.h"

/* `list` is the setting: origins with commas between them, or "*" for any. */

/* A longer Origin header is ignored. */
#define TW_CORS_ORIGIN 255

/* Whether a page of `origin` may ask. True without one: then the client is no page of another
 * origin. */
bool tw_cors_allows(struct tw_slice list, struct tw_slice origin);

/* Whether the page that asks may open a socket, which the CORS protocol does not keep it from:
 * of an origin that may ask, or of our own host, on any port. */
bool tw_cors_admits(struct tw_slice list, const struct tw_http_request *req);

/* Tell the browser that it may; nothing for an origin that may not. At most three headers,
 * which lend `origin`. Cookies are allowed only for origins that the list names. */
void tw_cors_add(struct tw_http_response *res, struct tw_slice list, struct tw_slice origin);

/* What a preflight asks for in addition: the methods of this address, and the headers that may
 * be sent. Three headers, which lend both. */
void tw_cors_add_preflight(struct tw_http_response *res, struct tw_slice methods,
                           struct tw_slice headers);

/* Whether the request's cookies count. A browser adds them to the requests of any page; so they
 * count for pages of our own host, on any port, and for origins that the list names. "*" names
 * none. */
bool tw_cors_trusts_cookies(struct tw_slice list, const struct tw_http_request *req);
