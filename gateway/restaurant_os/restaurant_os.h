/* restaurant_os.h - Restaurant OS: kitchen screens that come over Socket.IO, or over a plain
 * WebSocket. docs/protocols/restaurantos.md, docs/protocols/restaurantos_ws.md
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/domain/operation.h"
#include "common/net/redis.h"
#include "common/util/map.h"
#include "common/util/metrics.h"
#include "gateway/admission/authenticate.h"
#include "gateway/dialect/dialect.h"
#include "gateway/socketio/sio.h"

struct gw_hubs;
struct gw_sessions;

/* The clients of the first come through Engine.IO, so it claims no handshake. The family of the
 * second is a struct gw_restaurant_os. */
extern const struct gw_dialect gw_restaurant_os_dialect, gw_restaurant_os_ws;

struct gw_restaurant_os_options { /* pointers are kept */
    struct tw_loop *loop;
    struct gw_authenticator *authenticator;
    struct gw_hubs *hubs;
    struct gw_sessions *sessions;
    struct tw_operations *operations;
    struct tw_redis *store;       /* where sessions are remembered for their recovery */
    uint64_t connect_ms;          /* for the first CONNECT of a connection */
    struct gw_eio_options engine; /* all but its `open` */
};

/* Embedded in the process's state. */
struct gw_restaurant_os {
    struct gw_restaurant_os_options options;
    struct gw_sio sio;
    struct tw_map rooms; /* dialect and tenant to their room */
    struct tw_metric recovered, started_anew, refused, limited, requests;
};

extern const struct tw_metric_table gw_restaurant_os_metrics;

void gw_restaurant_os_start(struct gw_restaurant_os *all,
                            const struct gw_restaurant_os_options *options);
void gw_restaurant_os_done(struct gw_restaurant_os *all); /* when no client is left */
