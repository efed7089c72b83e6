/* request_id.h - a request's name in answers, ledgers and logs.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/util/slice.h"

struct tw_http_request;

#define TW_REQUEST_ID 65 /* at most 64 characters and a NUL */

/* X-Request-Id when it has the form [A-Za-z0-9._-]{1,64}, else a new one. */
void tw_request_id(const struct tw_http_request *req, char out[TW_REQUEST_ID]);

/* The header `traceparent` (W3C Trace Context, level 1) up to its flags, when it has its form:
 * 00-<32 hex digits>-<16>-<2>, neither id all zeros; a later version may have more behind that.
 * Lent from the request; empty: there is none. */
struct tw_slice tw_request_trace(const struct tw_http_request *req);
