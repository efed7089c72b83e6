/* metrics.h - counters and gauges of a process, printed as Prometheus text.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "common/util/buf.h"

/* One number; embedded in the object that changes it: just write `value`. */
struct tw_metric {
    const char *name;   /* without the prefix `tillwire_`; "_total" ends a counter's */
    const char *labels; /* `dialect="orderweb"`, or null */
    const char *help;
    uint64_t value;
    struct tw_metric *next;
};

struct tw_metrics {
    struct tw_metric *first, *last;
};

/* Name it and list it; `m` is kept. Metrics of one name are added one after the other. */
void tw_metric_add(struct tw_metrics *all, struct tw_metric *m, const char *name,
                   const char *labels, const char *help);

/* Text format 0.0.4, the process's own figures (memory, descriptors, CPU) included. */
void tw_metrics_print(const struct tw_metrics *all, struct tw_buf *out);
