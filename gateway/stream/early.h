/* early.h - what a client has said before it was admitted, and where it connected from: kept
 * until its session is greeted. Pure.
 *
 * Messages with 0x1e between them, and behind them, when it is known, 0x1e, 0x1f and the
 * address.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/util/buf.h"

#define GW_ADDRESS_BYTES 64

/* Adds where it connected from; takes and gives `early`, which may be null. Without memory for
 * it, it is left out. */
struct tw_buf *gw_early_with_address(struct tw_buf *early, const char *address);

/* Takes that off again; "" when it is not there. `early` may be null. */
void gw_early_take_address(struct tw_buf *early, char out[GW_ADDRESS_BYTES]);

void gw_early_free(struct tw_buf *early); /* may be null */
