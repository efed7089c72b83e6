/* relay.h - what devices say to each other, and we only pass on: neither stored nor logged.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/util/slice.h"

#define GW_RELAY_BYTES ((size_t)1024 * 1024)
#define GW_RELAYS_AT_ONCE 100
#define GW_RELAYS_PER_SECOND 10

struct gw_session;

/* What gw_device_relay_refusal says of each of its codes. */
#define GW_RELAY_REFUSED                                                                       \
    "Messages that are only passed on have at most 1 MiB, and there may be 10 a second. This " \
    "one was not passed on."

/* Each goes to all devices of the restaurant by Redis, which has a bound of its own for all
 * restaurants together. Null: it may be passed on, and counts; or the refusal's code,
 * MESSAGE_TOO_LARGE or RATE_LIMIT. */
const char *gw_device_relay_refusal(struct gw_session *s, struct tw_slice message);

/* Pass it on to the restaurant's other devices of this dialect. */
void gw_device_relay(struct gw_session *s, struct tw_slice message);
