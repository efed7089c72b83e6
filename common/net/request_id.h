/* request_id.h - a request's name in answers, ledgers and logs.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct tw_http_request;

#define TW_REQUEST_ID 65 /* at most 64 characters and a NUL */

/* X-Request-Id when it has the form [A-Za-z0-9._-]{1,64}, else a new one. */
void tw_request_id(const struct tw_http_request *req, char out[TW_REQUEST_ID]);
