/* publish.h - events on their way through Redis: the channels, and what is sent on them.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/util/buf.h"
#include "common/util/slice.h"

struct tw_redis;

/* News about keys and tenants that all gateways must hear. */
#define TW_CONTROL_CHANNEL "tw:control"

#define TW_CHANNEL_BYTES 41 /* "tw:t:" and a UUID */

/* The Redis channel of a tenant's events; `tenant` is a UUID's text. */
struct tw_slice tw_event_channel(struct tw_slice tenant, char out[TW_CHANNEL_BYTES]);

/* The tenant that a channel belongs to; false for any other channel. */
bool tw_event_tenant(struct tw_slice channel, struct tw_slice *tenant);

/* What is published on a tenant's channel: the tenant's UUID, a blank, the event. So one wrong
 * PUBLISH cannot show a tenant another one's event. Onto `out`. */
void tw_event_wrap(struct tw_buf *out, struct tw_slice tenant, struct tw_slice event);

/* The offset at which the event in such a message begins; 0 when it is not this tenant's. */
size_t tw_event_unwrap(struct tw_slice message, struct tw_slice tenant);

/* Publish an event on its tenant's channel. 0, or the errors of tw_redis_publish; TW_EFULL also
 * when the event is too large, so that gateways read it from the log instead. */
int tw_publish_event(struct tw_redis *l, struct tw_slice tenant, struct tw_slice event);
