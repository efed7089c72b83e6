/* bounds.h - what one client, one restaurant, one address and the process may hold, or make us
 * do. Each process has one table of its bounds, made of the constants and settings that the
 * code compares with; docs/limits.md is printed from it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/util/buf.h"
#include "common/util/metrics.h"

enum tw_bound_unit { TW_BOUND_BYTES, TW_BOUND_COUNT, TW_BOUND_PER_SECOND };

struct tw_bound {
    const char *of;   /* whose: "client", "restaurant", "address", "process" */
    const char *what; /* is bounded */
    uint64_t most;    /* 0: the setting says it */
    enum tw_bound_unit unit;
    const char *setting; /* without the prefix `TILLWIRE_`, or null */
    const char *beyond;  /* what happens to more */
    const char *metric;  /* that shows it, without the prefix `tillwire_`; null: none */
};

/* Append the rows, up to one without an `of`, as a table in Markdown, for docs/limits.md;
 * `is_server`: with those of every process that speaks HTTP and asks PostgreSQL. False when a
 * row names a metric that `metrics` does not have. */
bool tw_bounds_reference(const struct tw_bound *rows, bool is_server,
                         const struct tw_metrics *metrics, struct tw_buf *out);
