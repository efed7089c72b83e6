/* routes.h - the table of what can be asked: method, path, SQL operation. What a key needs
 * for it stands with the operation, in schema/functions/core/operations.sql.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/net/http_message.h"
#include "common/util/json_scan.h"

/* API_TENANT_CREDENTIAL: nothing in the address names the tenant; it is the key's or token's
 * own. Where the path still names a restaurant ({id}), the operation compares it.
 * API_TENANT_GIVEN: the query or the body may name it (`tenant`), else it is the credential's.
 */
enum api_tenant_from {
    API_TENANT_PATH,
    API_TENANT_QUERY,
    API_TENANT_CREDENTIAL,
    API_TENANT_GIVEN
};

/* API_OPEN: without a credential the answer is only that we are there. API_PAGE: for pages,
 * whose credential may be in a cookie. API_DEVICE: for MiniPOS and cloud sync. Credentials may
 * be in more places or, where the restaurant allows that, missing (credential.h, context.h);
 * refusals have the members and the few statuses that these clients know (answer.h). */
enum api_manner { API_STRICT, API_OPEN, API_PAGE, API_DEVICE };

/* What of the gateways' records about who is connected goes into the answer (presence.h). */
enum api_presence { API_NOBODY, API_TABLETS, API_TOTALS, API_DEVICES };

#define API_BODY_BYTES ((size_t)1024 * 1024)
#define API_LIST_BYTES ((size_t)8 * 1024 * 1024)

/* What a body may be. */
struct api_body {
    size_t bytes; /* longer: 413 */
    const struct tw_json_limits *numbers;
    bool may_be_missing;
};

struct api_route {
    enum tw_http_method method;
    const char *pattern;   /* "/api/{tenant}/orders/{id}"; {tenant} names the tenant */
    const char *operation; /* that pos.call runs; null: it says whether we are there, and all
                              else is in `presence` */
    enum api_tenant_from tenant_from;
    const char *affinity; /* path parameter whose requests run one after the other; or null */
    const struct api_body *body; /* null: it takes no body */
    enum api_manner manner;
    enum api_presence presence;
    bool is_brief; /* a read with a short answer (operation.h) */
};

#define API_ROUTES 101

extern const struct api_route api_routes[];
extern const size_t api_route_count;

/* Query parameters that are passed to SQL; all others are ignored. */
extern const char *const api_query_names[];
extern const size_t api_query_count;
