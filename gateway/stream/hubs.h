/* hubs.h - which tenants are here: create, subscribe, read, linger, remove.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/loop.h"
#include "common/net/pg_pool.h"
#include "common/net/redis.h"
#include "common/util/list.h"
#include "common/util/map.h"
#include "common/util/metrics.h"
#include "gateway/dialect/dialect.h"
#include "gateway/stream/backlog.h"
#include "gateway/stream/readings.h"

struct gw_hub;
struct gw_session;
struct gw_sessions;
struct gw_stream;
struct gw_sync_log;
struct gw_hubs;

/* A message on the control channel: lent, and may be rewritten in place. */
typedef void (*gw_control_cb)(struct gw_hubs *hubs, char *at, size_t len);

struct gw_hubs_options { /* pointers are kept */
    struct tw_loop *loop;
    struct tw_pg_pool *pool;
    struct tw_redis *publisher; /* for relays */
    struct gw_sessions *sessions;
    gw_control_cb control;
    const char *redis_url, *redis_url_file;
    uint32_t backlog_bytes; /* of events in memory, per tenant */
    uint64_t events_bytes;  /* of all tenants */
};

/* Embedded in the process's state. */
struct gw_hubs {
    struct tw_loop *loop;
    struct tw_pg_pool *pool;
    struct tw_redis *publisher;
    struct gw_sessions *sessions;
    gw_control_cb control;
    uint32_t backlog_bytes;
    bool is_stopped;
    struct tw_redis subscriber;
    struct tw_map by_tenant; /* tenant id to its feed */
    struct tw_list all;
    struct gw_memory memory;
    struct gw_readings readings;
    struct tw_pg_call reconcile_call;
    struct tw_buf reconcile_ids;
    struct tw_deadline reconcile_timer;
    struct tw_histogram delay;
    struct tw_metric lag, hub_count, from_redis, from_log, duplicates, garbage, held, rejected,
        log_reads, older_reads, log_failures, reconciliations, lags, went_back;
};

extern const struct tw_metric_table gw_hubs_metrics; /* without its subscriber's */

/* Connects to Redis. 0, or TW_ECONFIG for an invalid URL. */
int gw_hubs_start(struct gw_hubs *hubs, const struct gw_hubs_options *options);
void gw_hubs_stop(struct gw_hubs *hubs);
void gw_hubs_done(struct gw_hubs *hubs); /* when no session is left */

/* Put a started session into its tenant's hub, which is made when it is the first. */
void gw_hubs_join(struct gw_hubs *hubs, const struct gw_tenant *tenant, struct gw_session *s);

/* The hub of a tenant (its UUID); null: it has no session here, and had none for a while. */
const struct gw_hub *gw_hubs_find(const struct gw_hubs *hubs, struct tw_slice tenant);

/* Pass a message on to the other sessions of this dialect, at all gateways: not stored, not
 * logged, and lost when Redis is away. `from` names the connection that it comes from. */
void gw_hubs_relay(struct gw_stream *stream, const char *dialect, const char *from,
                   struct tw_slice message);

/* gw_hub_log_deliveries of all hubs. */
void gw_hubs_log_deliveries(struct gw_hubs *hubs, struct gw_sync_log *log);
