/* handshake.h - one HTTP request at the gateway: which dialect, who asks, admitted or refused.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/domain/token.h"
#include "common/net/http_conn.h"
#include "gateway/admission/key_auth.h"
#include "gateway/shared_state/device.h"
#include "gateway/socketio/eio.h"
#include "gateway/stream/hubs.h"
#include "gateway/stream/session.h"
#include "gateway/stream/sync_log.h"
#include "gateway/websocket/conn.h"

/* Embedded in the process's state. */
struct gw_handshakes {
    struct tw_http_server http;
    struct gw_key_auth *auth;
    struct tw_tokens *tokens;
    struct gw_shared_state *shared_state;
    struct gw_eio *engine; /* asked first: its path is its own */
    struct gw_conns *conns;
    struct gw_hubs *hubs;
    struct gw_sessions *sessions;
    struct gw_sync_log *log;
    size_t max_sessions;
    bool is_closed; /* draining */
    struct tw_metric admitted, refused, waiting;
};

void gw_handshakes_start(struct gw_handshakes *all, struct tw_metrics *metrics);

/* The server's handler. */
void gw_handshakes_handle(struct tw_http_server *server, struct tw_http_conn *conn,
                          struct tw_http_request *req);
