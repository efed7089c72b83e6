/* relay.c - a bound for each device.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/relay.h"

#include "gateway/dialect/dialect.h"
#include "gateway/shared_state/device.h"
#include "gateway/stream/hubs.h"
#include "gateway/stream/session.h"

#define RELAYS_PER_SECOND 10
#define RELAYS_AT_ONCE 100
#define RELAY_BYTES ((size_t)1024 * 1024)

const char *gw_device_relay_refusal(struct gw_session *s, struct tw_slice message)
{
    struct gw_device *d = gw_device_of(s);

    if (message.len > RELAY_BYTES)
        return "MESSAGE_TOO_LARGE";
    if (!tw_bucket_take(&d->relays, s->all->now_ms, RELAYS_PER_SECOND, RELAYS_AT_ONCE))
        return "RATE_LIMIT";
    return NULL;
}

void gw_device_relay(struct gw_session *s, struct tw_slice message)
{
    gw_hubs_relay(s->stream, s->dialect->name, gw_device_of(s)->connection, message);
}
