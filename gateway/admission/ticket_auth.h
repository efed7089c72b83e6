/* ticket_auth.h - from a ticket (POST /api/{tenant}/ws-ticket) to an identity: the one that
 * asked for it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/pg_pool.h"
#include "gateway/admission/key_auth.h"
#include "gateway/dialect/dialect.h"

struct gw_ticket_query;
/* Exactly once, never before gw_ticket_take has returned: status 200 with `identity` (lent),
 * else 401, 403, 429 or 503 with the JSON body to send (lent; empty: PostgreSQL was not asked,
 * or did not answer). */
typedef void (*gw_ticket_cb)(struct gw_ticket_query *q, int status,
                             const struct gw_identity *identity, struct tw_slice body);

/* Kept until the answer, with what it points to. Zeroed but for these. Each ticket is asked for
 * by itself, and never answered from memory: the row that PostgreSQL marks as used is what
 * makes it good once, whichever gateway it is shown to. */
struct gw_ticket_query {
    struct gw_key_auth *auth; /* of its pool, and of what it knows of strangers */
    gw_ticket_cb answered;
    struct gw_principal *principal;        /* becomes what asked for the ticket */
    struct tw_slice tenant, tenant_header; /* decoded; copied by the call */
    struct tw_slice address;               /* of its client; empty: not known; copied */
    const char *scope;
    const char *request_id;
    struct tw_pg_call call; /* the rest is its own */
    struct tw_later later;
    int refusal;
    char address_copy[64];
    char hash[TW_SHA256_HEX]; /* of the ticket */
    struct tw_buf context;
};

void gw_ticket_take(struct gw_ticket_query *q, struct tw_slice ticket);
