/* pg_observer.h - who measures the calls of a connection.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "common/net/pg_conn.h"
#include "common/util/clock.h"

/* Told of each call that was sent, before its `done`: what came of it (lent), and after how
 * long.
 */
struct tw_pg_observer {
    void (*answered)(struct tw_pg_observer *o, const struct tw_pg_call *call,
                     const struct tw_pg_result *result, uint64_t us);
};

/* What the connection does with a call that was sent and has its answer. */
static inline void tw_pg_hand_out(struct tw_pg_observer *o, struct tw_pg_call *call,
                                  const struct tw_pg_result *result)
{
    if (o != NULL)
        o->answered(o, call, result, tw_now_us() - call->sent_us);
    call->done(call, result);
}
