/* handshake.h - one HTTP request at the gateway: which dialect, which identity, admitted or
 * refused.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/http_conn.h"
#include "gateway/admission/authenticate.h"

#define GW_STRANGERS 100

struct gw_arrivals;
struct gw_conns;
struct gw_dialects;
struct gw_hubs;
struct gw_sessions;
struct gw_sync_log;

struct gw_handshakes_options { /* pointers are kept */
    struct tw_loop *loop;
    struct gw_authenticator *authenticator;
    const struct gw_dialects *dialects;
    struct gw_arrivals *arrivals; /* may be null */
    struct gw_conns *conns;
    struct gw_hubs *hubs;
    struct gw_sessions *sessions;
    struct gw_sync_log *log;
    struct tw_slice origins; /* of pages that may open sockets: see cors.h */
    size_t max_sessions;
};

/* Embedded in the process's state. */
struct gw_handshakes {
    struct gw_handshakes_options options;
    bool is_closed; /* draining: nobody is admitted any more */
    struct tw_metric admitted, refused, waiting;
    struct tw_metric strangers; /* open WebSockets whose credential is still to come */
};

extern const struct tw_metric_table gw_handshakes_metrics;

void gw_handshakes_start(struct gw_handshakes *all,
                         const struct gw_handshakes_options *options);

/* Answer, hold, or take over one request. */
void gw_handshakes_handle(struct gw_handshakes *all, struct tw_http_conn *conn,
                          struct tw_http_request *req);
