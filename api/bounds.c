/* bounds.c - the table of an api process's bounds.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/bounds.h"

#include "api/limiter.h"
#include "api/redact.h"
#include "api/request_log.h"
#include "api/routes.h"
#include "api/waiting.h"

const struct tw_bound api_bounds[] = {
    { "client", "the address of a request", API_TARGET_BYTES, TW_BOUND_BYTES, NULL,
      "414 `URI_TOO_LONG`", "http_rejects_total" },
    { "client", "its headers together", API_HEAD_BYTES, TW_BOUND_BYTES, NULL,
      "431 `HEADERS_TOO_LARGE`", "http_rejects_total" },
    { "client", "its body", API_BODY_BYTES, TW_BOUND_BYTES, NULL, "413 `BODY_TOO_LARGE`",
      "http_rejects_total" },
    { "client", "a list (`POST /api/sync`, `POST /api/{tenant}/batch`)", API_LIST_BYTES,
      TW_BOUND_BYTES, NULL, "413 `BODY_TOO_LARGE`", "http_rejects_total" },
    { "process", "bodies that are arriving", API_BODIES_BYTES, TW_BOUND_BYTES, NULL,
      "503 `OVERLOADED` for those over 64 KiB", "http_body_bytes" },
    { "client", "requests with one key in a second", 0, TW_BOUND_PER_SECOND, "RATE_PER_SECOND",
      "429 `RATE_LIMITED`", "rate_limited_total" },
    { "client", "of these at once", 0, TW_BOUND_COUNT, "RATE_BURST", "429 `RATE_LIMITED`",
      "rate_limited_total" },
    { "restaurant", "requests in a second", 0, TW_BOUND_PER_SECOND, "TENANT_RATE_PER_SECOND",
      "429 `RATE_LIMITED`", "rate_limited_total" },
    { "restaurant", "of these at once", 0, TW_BOUND_COUNT, "TENANT_RATE_BURST",
      "429 `RATE_LIMITED`", "rate_limited_total" },
    { "process", "keys whose rate is remembered", API_KEYS_KNOWN, TW_BOUND_COUNT, NULL,
      "those that have not asked for longest are forgotten", NULL },
    { "process", "requests that wait for an event", API_LONG_POLLS, TW_BOUND_COUNT, NULL,
      "answered at once, with nothing", "long_polls" },
    { "restaurant", "of these that ask at the same time", API_LONG_POLLS_AWAKE, TW_BOUND_COUNT,
      NULL, "the others follow", "long_polls" },
    { "process", "requests that are written down for the console in a second",
      API_LOGGED_PER_SECOND, TW_BOUND_COUNT, NULL,
      "reads that succeeded are left out first, and all are counted",
      "request_log_rows_total" },
    { "client", "the body of one, as it is written down", API_REDACTED_BYTES, TW_BOUND_BYTES,
      NULL, "it ends with an ellipsis", NULL },
    { 0 },
};
