/* relay.c - a bound for each device.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared_state/relay.h"

#include "common/util/base.h"

#include "gateway/dialect/dialect.h"
#include "gateway/shared_state/device.h"
#include "gateway/stream/hubs.h"
#include "gateway/stream/session.h"

static const struct tw_metric_row metric_rows[] = {
    { "device_refusals_total", NULL,
      "Messages of tablets and cloud sync devices that were refused because there were too "
      "many, or "
      "too much in one.",
      TW_METRIC_AT(struct gw_shared_state, refusals) },
};

const struct tw_metric_table gw_shared_state_metrics = { .rows = metric_rows,
                                                         .count = TW_COUNT(metric_rows) };

const char *gw_device_relay_refusal(struct gw_session *s, struct tw_slice message)
{
    struct gw_device *d = gw_device_of(s);
    const char *code = NULL;

    if (message.len > GW_RELAY_BYTES)
        code = "MESSAGE_TOO_LARGE";
    else if (!tw_bucket_take(&d->relays, gw_session_all(s)->now_ms, GW_RELAYS_PER_SECOND,
                             GW_RELAYS_AT_ONCE))
        code = "RATE_LIMIT";
    d->all->refusals.value += code != NULL;
    return code;
}

void gw_device_relay(struct gw_session *s, struct tw_slice message)
{
    gw_hubs_relay(s->stream, s->dialect->name, gw_device_of(s)->connection, message);
}
