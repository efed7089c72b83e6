/* liveness.h - whether the peer of a connection is still there: silence is answered with a
 * ping, and silence after that with the end. Without I/O and without a clock.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct gw_liveness {
    uint64_t heard_ms : 63; /* the last sign of life */
    bool is_pinged : 1;     /* since then */
};

enum gw_liveness_verdict { GW_LIVENESS_WAIT, GW_LIVENESS_PING, GW_LIVENESS_SILENT };

void gw_liveness_heard(struct gw_liveness *l, uint64_t now_ms);

/* Look at it: a ping is due after `ping_ms` of silence, and the peer is gone when `pong_ms`
 * more have passed. `*again_ms` is in how many milliseconds to look again; at a peer that is
 * silent, never. Nothing is moved for each byte: what was heard meanwhile is found out here. */
enum gw_liveness_verdict gw_liveness_look(struct gw_liveness *l, uint64_t now_ms,
                                          uint64_t ping_ms, uint64_t pong_ms,
                                          uint64_t *again_ms);
