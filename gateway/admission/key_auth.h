/* key_auth.h - from a handshake's credential to an identity: asked of PostgreSQL, remembered
 * for outages.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/domain/strangers.h"
#include "common/net/pg_batch.h"
#include "common/net/pg_pool.h"
#include "common/util/buf.h"
#include "common/util/lru.h"
#include "common/util/map.h"
#include "common/util/metrics.h"
#include "gateway/dialect/dialect.h"

#define GW_WAYS_OF_A_KEY 16 /* one key may ask in as many ways as it likes */
#define GW_KEYS_KNOWN 100000

struct gw_key_auth_options {
    struct tw_pg_pool *pool; /* kept */
    uint64_t cache_ms;       /* how long a valid key is remembered for */
};

/* While PostgreSQL is there, each handshake asks it, so a revoked key is refused at once; those
 * that come at the same time ask together, and those with the same key and the same wish while
 * it is being asked for have its answer: so tills that come back all at once are as many
 * questions as there are keys. While PostgreSQL
 * is away, a key that was valid within the last `cache_ms` still opens sockets. */
struct gw_key_auth {
    struct gw_key_auth_options options;
    struct tw_pg_batch questions;
    struct tw_lru known;  /* the question to its answer */
    struct tw_map by_key; /* a key's id to the oldest answer about it */
    struct tw_map asking; /* the question to the query that has been asked first with it */
    struct tw_strangers strangers;
    struct tw_metric asked, refused, from_memory, shared;
};

extern const struct tw_metric_table gw_key_auth_metrics;

void gw_key_auth_start(struct gw_key_auth *a, const struct gw_key_auth_options *options);
void gw_key_auth_stop(struct gw_key_auth *a); /* it asks nothing more */
void gw_key_auth_done(struct gw_key_auth *a); /* when the pool is closed */

/* Forget everything remembered of a key (its UUID), or of all. */
void gw_key_auth_forget(struct gw_key_auth *a, struct tw_slice key_id);
void gw_key_auth_forget_all(struct gw_key_auth *a);

struct gw_key_auth_query;
/* Exactly once, never before gw_key_auth_ask has returned: status 200 with `identity`, else
 * 401, 403, 429 or 503 with the JSON body to send (lent; empty: PostgreSQL was not asked, or
 * did not answer). */
typedef void (*gw_key_auth_cb)(struct gw_key_auth_query *q, int status,
                               const struct gw_identity *identity, struct tw_slice body);

/* Embedded in the struct that asks, and kept until the answer. Zeroed but for these. */
struct gw_key_auth_query {
    struct gw_key_auth *auth;
    gw_key_auth_cb answered;
    const struct gw_principal *principal;  /* whose key, or keyless device, it is; lent */
    struct tw_slice tenant, tenant_header; /* decoded; copied by the call */
    struct tw_slice address;               /* of its client; empty: not known; copied */
    const char *scope;
    const char *request_id;
    struct tw_pg_question asks; /* the rest is its own */
    struct tw_list same; /* queries that wait for the answer of this one; or where it waits */
    struct tw_later later;
    int refusal;
    char address_copy[64];
    struct tw_buf context, question; /* as PostgreSQL and as the memory is asked */
};

void gw_key_auth_ask(struct gw_key_auth_query *q);
