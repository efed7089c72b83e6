/* arrivals.h - how many new clients a gateway takes in a second, of all kinds together: when
 * tens of thousands come back at once, those that are in already are served meanwhile.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/metrics.h"
#include "common/util/ratelimit.h"

#define GW_ARRIVALS_SECONDS 2 /* so many seconds' worth at once */
/* Seconds after which, at most, one that is refused comes again. */
#define GW_ARRIVALS_PAUSE 5

/* Embedded in the process's state; zeroed but for the rate. */
struct gw_arrivals {
    uint32_t per_second;
    struct tw_bucket bucket;
    struct tw_metric refused;
};

extern const struct tw_metric_table gw_arrivals_metrics;

/* Whether one more may come in now; `a` may be null: always. */
bool gw_arrivals_take(struct gw_arrivals *a, uint64_t now_ms);

/* For the Retry-After of one that may not: another one each time, so that they spread. It is
 * static. */
const char *gw_arrivals_pause(void);
