/* early.h - what a client has said before it was admitted, and where it came from: kept until
 * its session is greeted. Pure.
 *
 * Messages with 0x1e between them, and behind them, when it is known, 0x1e, 0x1f, the address,
 * 0x1f and the client's program.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/util/buf.h"

#define GW_ADDRESS_BYTES 64 /* with a NUL, as the next */
#define GW_CLIENT_BYTES 201

/* Where a client came from: its address as nginx names it, and its User-Agent. */
struct gw_origin {
    char address[GW_ADDRESS_BYTES], client[GW_CLIENT_BYTES]; /* "": not known */
};

/* Adds where it came from; takes and gives `early`, which may be null, as the texts may.
 * Without memory for it, it is left out. */
struct tw_buf *gw_early_with_origin(struct tw_buf *early, const char *address,
                                    const char *client);

/* Takes that off again; empty texts when it is not there. `early` may be null. */
void gw_early_take_origin(struct tw_buf *early, struct gw_origin *out);

void gw_early_free(struct tw_buf *early); /* may be null */
