/* token.h - whose token is this, and is it valid? The JWT itself is read by jwt.h; here its
 * restaurant is looked up, with the secret that this restaurant may have of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/net/pg_pool.h"
#include "common/util/buf.h"
#include "common/util/jwt.h"
#include "common/util/lru.h"
#include "common/util/metrics.h"
#include "common/util/slice.h"

#define TW_TOKENS_KNOWN 10000

struct tw_tokens_options { /* all are kept */
    struct tw_pg_pool *pool;
    struct tw_jwt_keys keys; /* of the deployment; a restaurant's own secret goes before its */
    uint64_t cache_ms; /* while PostgreSQL is away, a restaurant looked up within it counts */
    /* A token that names no restaurant may be used for the one that its client names, when it
     * is signed with that restaurant's own secret. */
    bool are_bound;
};

/* Embedded in the process's state. */
struct tw_tokens {
    struct tw_tokens_options options;
    struct tw_lru known; /* restaurant as named to what was looked up */
    struct tw_metric good, refused, from_memory;
};

extern const struct tw_metric_table tw_tokens_metrics;

void tw_tokens_start(struct tw_tokens *all, const struct tw_tokens_options *options);
void tw_tokens_forget(struct tw_tokens *all); /* everything that was looked up */
void tw_tokens_done(struct tw_tokens *all);

/* Three parts with dots between them; anything else is an API key. */
bool tw_token_is_jwt(struct tw_slice credential);

/* Who a restaurant is, in text. */
struct tw_token_tenant {
    char id[37];
    char slug[64];
};

/* A valid token; lent during the answering call. */
struct tw_token_grant {
    struct tw_token_tenant tenant;
    struct tw_slice token;       /* itself */
    struct tw_slice context;     /* what pos.call wants as ctx.token: a JSON object */
    struct tw_slice restaurants; /* raw JSON array of further ones, or empty */
    bool is_moving;     /* to another cell: no new sockets; pos.call answers for itself */
    bool is_named;      /* `named` is a name of this restaurant, or empty */
    int64_t expires_ms; /* wall clock */
};

struct tw_token_check;
/* Exactly once, never before tw_token_check has returned. `refusal`: null, or the code of a
 * refusal: AUTH_FAILED, RESTAURANT_REQUIRED, PERMISSION_DENIED, INVALID_RESTAURANT,
 * TENANT_SUSPENDED, UNAVAILABLE. */
typedef void (*tw_token_cb)(struct tw_token_check *check, const char *refusal,
                            const struct tw_token_grant *grant);

/* Embedded in its caller and kept until the answer; zeroed but for the first four. Slices must
 * live until tw_token_check has returned. */
struct tw_token_check {
    struct tw_tokens *all;
    struct tw_slice restaurant; /* another that the token must grant; empty: its own */
    struct tw_slice named;      /* as the client names its restaurant: which of several, or the
                                   one of a token that names none; empty: it does not */
    tw_token_cb answered;
    struct tw_pg_call call; /* the rest is its own */
    struct tw_later later;
    struct tw_buf token, text, name, named_copy, context;
    struct tw_jwt jwt;
    bool is_by_name; /* its restaurant is the one that the client named */
    const char *refusal;
};

void tw_token_check(struct tw_token_check *check,
                    struct tw_slice token); /* `token` is copied */
