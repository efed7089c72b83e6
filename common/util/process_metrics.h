/* process_metrics.h - what every process says of itself; it is found out when it is printed.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "common/util/buf.h"

struct tw_process_metric {
    const char *name; /* the whole of it */
    const char *type;
    const char *labels; /* for the reference; "": none */
    const char *help;
    /* Onto `out`: a line for each combination of labels. */
    void (*put)(const struct tw_process_metric *m, struct tw_buf *out);
};

extern const struct tw_process_metric tw_process_metrics[];
extern const size_t tw_process_metrics_count;
