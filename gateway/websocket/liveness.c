/* liveness.c - comparing silence with its two limits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/liveness.h"

void gw_liveness_heard(struct gw_liveness *l, uint64_t now_ms)
{
    l->heard_ms = now_ms & (UINT64_MAX >> 1);
    l->is_pinged = false;
}

enum gw_liveness_verdict gw_liveness_look(struct gw_liveness *l, uint64_t now_ms,
                                          uint64_t ping_ms, uint64_t pong_ms,
                                          uint64_t *again_ms)
{
    uint64_t silent_ms = now_ms > l->heard_ms ? now_ms - l->heard_ms : 0;

    if (silent_ms < ping_ms) {
        *again_ms = ping_ms - silent_ms;
        return GW_LIVENESS_WAIT;
    }
    if (!l->is_pinged) { /* also when this look comes late: the peer has its time to answer */
        l->is_pinged = true;
        *again_ms = pong_ms;
        return GW_LIVENESS_PING;
    }
    if (silent_ms < ping_ms + pong_ms) {
        *again_ms = ping_ms + pong_ms - silent_ms;
        return GW_LIVENESS_WAIT;
    }
    return GW_LIVENESS_SILENT;
}
