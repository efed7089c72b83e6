/* revocation_poll.h - asks from time to time whether the keys of open sessions are still valid,
 * and the tenants whose tokens have opened them.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/net/loop.h"
#include "common/net/pg_pool.h"
#include "common/util/buf.h"
#include "gateway/admission/revocation.h"

struct gw_revocation_poll_options { /* all are kept */
    struct tw_loop *loop;
    struct tw_pg_pool *pool;
    struct gw_revocation *revocation;
};

/* News about keys (revocation.h) is fast and can get lost; this finds what was lost. One
 * statement for all keys, and one for all tenants. Embedded in the process's state. */
struct gw_revocation_poll {
    struct gw_revocation_poll_options options;
    struct tw_pg_call call, keyless_call, tenants_call;
    struct tw_buf keys, tenants;
    struct tw_buf keyless; /* tenants that let devices in without a key */
    struct tw_deadline tick;
    bool is_stopped;
};

void gw_revocation_poll_start(struct gw_revocation_poll *k,
                              const struct gw_revocation_poll_options *options);
void gw_revocation_poll_stop(struct gw_revocation_poll *k);
void gw_revocation_poll_done(struct gw_revocation_poll *k);
