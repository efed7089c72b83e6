/* restaurant_os.h - Restaurant OS: what Socket.IO clients may ask for, and who they are.
 * docs/protocols/restaurantos.md
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/domain/operation.h"
#include "common/domain/token.h"
#include "common/net/redis_link.h"
#include "common/util/map.h"
#include "common/util/metrics.h"
#include "gateway/admission/key_auth.h"
#include "gateway/socketio/sio.h"

struct gw_hubs;
struct gw_sessions;

/* Embedded in the process's state; zeroed but for what stands before the blank line (kept). The
 * engine of `sio` is set up by its owner. */
struct gw_restaurant_os {
    struct tw_loop *loop;
    struct gw_key_auth *auth;
    struct tw_tokens *tokens;
    struct gw_hubs *hubs;
    struct gw_sessions *sessions;
    struct tw_operations *operations;
    struct tw_redis_link *store; /* where sessions are remembered for their recovery */
    struct gw_sio sio;

    struct tw_map rooms; /* tenant id to its room */
    struct tw_metric recovered, started_anew, refused, limited, requests;
};

void gw_restaurant_os_start(struct gw_restaurant_os *all, struct tw_metrics *metrics);
void gw_restaurant_os_done(struct gw_restaurant_os *all); /* when no client is left */
