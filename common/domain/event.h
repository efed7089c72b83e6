/* event.h - the canonical event: what PostgreSQL stores, Redis carries and dialects render.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/slice.h"

/* {"seq":17,"type":"order.created","at":"2025-10-10T22:00:00.123Z","origin":{…},"data":{…}}
 * All slices point into `raw`. */
struct tw_event {
    uint64_t seq;           /* per tenant, from 1, without gaps, in the order of commits */
    struct tw_slice type;   /* "order.created" */
    struct tw_slice at;     /* RFC 3339, UTC, milliseconds */
    struct tw_slice origin; /* raw JSON object */
    struct tw_slice data;   /* raw JSON object */
    struct tw_slice raw;
};

/* Read an event out of text that tw_json_scan has passed; 0, or TW_ESYNTAX when a part is
 * missing or of another type. */
int tw_event_read(struct tw_slice raw, struct tw_event *out);
