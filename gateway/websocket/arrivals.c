/* arrivals.c - a token bucket in front of the handshakes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/arrivals.h"

#include "common/util/base.h"
#include "common/util/crypto.h"

#define AT(field) TW_METRIC_AT(struct gw_arrivals, field)

static const struct tw_metric_row metric_rows[] = {
    { "arrivals_refused_total", NULL,
      "New clients that were refused, because more came than TILLWIRE_HANDSHAKES_PER_SECOND.",
      AT(refused) },
};

const struct tw_metric_table gw_arrivals_metrics = { .rows = metric_rows,
                                                     .count = TW_COUNT(metric_rows) };

bool gw_arrivals_take(struct gw_arrivals *a, uint64_t now_ms)
{
    if (a == NULL ||
        tw_bucket_take(&a->bucket, now_ms, a->per_second, GW_ARRIVALS_SECONDS * a->per_second))
        return true;
    a->refused.value++;
    return false;
}

const char *gw_arrivals_pause(void)
{
    static const char *const pauses[GW_ARRIVALS_PAUSE] = { "1", "2", "3", "4", "5" };
    uint8_t random;

    tw_random(&random, sizeof(random));
    return pauses[random % GW_ARRIVALS_PAUSE];
}
