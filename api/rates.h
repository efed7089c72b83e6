/* rates.h - tells PostgreSQL every few seconds that this api serves, and hears how many do and
 * which tenants have a rate of their own: what the limiter must know, and no request waits for.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "api/limiter.h"
#include "common/net/loop.h"
#include "common/net/pg_pool.h"

struct api_rates_options { /* all are kept */
    struct tw_loop *loop;
    struct tw_pg_pool *pool;
    struct api_limiter *limiter;
};

/* Embedded in the process's state. While PostgreSQL is away, what was heard last holds. */
struct api_rates {
    struct api_rates_options options;
    struct tw_pg_call call, farewell;
    struct tw_deadline tick;
    char id[37]; /* of this process, made at its start */
    bool is_stopped;
};

void api_rates_start(struct api_rates *r, const struct api_rates_options *options);
void api_rates_leave(struct api_rates *r); /* it takes no new requests: the others need not wait
                                              until it is missed */
void api_rates_stop(struct api_rates *r);
