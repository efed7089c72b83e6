/* deflate.h - zlib's door: permessage-deflate (RFC 7692), each message by itself.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "common/util/buf.h"
#include "common/util/metrics.h"
#include "common/util/slice.h"

#define GW_DEFLATE_LEAST 1024 /* bytes; shorter messages go plain */

struct gw_deflate_state;

/* No message refers to an earlier one (no context takeover), so one deflating and one inflating
 * state serve all connections of a process. A zeroed one is ready; embedded in the process's
 * state. */
struct gw_deflate {
    struct gw_deflate_state *deflating, *inflating; /* null until they are needed */
    struct tw_metric packed, unpacked;              /* messages */
    struct tw_metric plain_bytes, packed_bytes;     /* of those that were packed */
};

extern const struct tw_metric_table gw_deflate_metrics;

void gw_deflate_done(struct gw_deflate *d);

/* Appends the payload of the compressed message to `out` (RFC 7692 section 7.2.1). False, with
 * `out` of no use, when it does not fit: `out->max` is what it must stay below. */
bool gw_deflate_pack(struct gw_deflate *d, struct tw_slice message, struct tw_buf *out);

/* Appends the message that a compressed payload stands for to `out` (section 7.2.2). 0, or with
 * `out` of no use TW_ETOOBIG when it does not fit, TW_ESYNTAX when the payload is broken. */
int gw_deflate_unpack(struct gw_deflate *d, struct tw_slice payload, struct tw_buf *out);
