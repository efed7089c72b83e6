/* event.h - the canonical event: what PostgreSQL stores, Redis carries and dialects render.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/buf.h"
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

#define TW_CHANNEL_BYTES 41 /* "tw:t:" and a UUID */

/* The Redis channel of a tenant; `tenant` is a UUID's text. */
struct tw_slice tw_event_channel(struct tw_slice tenant, char out[TW_CHANNEL_BYTES]);

/* The tenant that a channel belongs to; false for any other channel. */
bool tw_event_tenant(struct tw_slice channel, struct tw_slice *tenant);

/* What is published on a tenant's channel: the tenant's UUID, a blank, the event. So that one
 * wrong PUBLISH cannot show a tenant another one's event. Onto `out`. */
void tw_event_wrap(struct tw_buf *out, struct tw_slice tenant, struct tw_slice event);

/* The event in such a message (it begins at the returned offset); 0 when it is not this
 * tenant's. */
size_t tw_event_unwrap(struct tw_slice message, struct tw_slice tenant);

/* News about keys and tenants that all gateways must hear. */
#define TW_CONTROL_CHANNEL "tw:control"
