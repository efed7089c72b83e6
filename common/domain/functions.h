/* functions.h - how long each SQL function takes, and what goes wrong with it.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "common/net/pg_conn.h"
#include "common/util/metrics.h"

#define TW_FUNCTIONS 130
#define TW_SQL_CLASSES 14

/* Embedded in the process's state. Zeroed, and then started. */
struct tw_functions {
    struct tw_pg_observer observer;                /* for the options of a pool or connection */
    struct tw_histogram seconds[TW_FUNCTIONS + 1]; /* the last: of any other function */
    struct tw_metric errors[TW_SQL_CLASSES + 1];   /* the last: of any other class */
};

extern const struct tw_metric_table tw_functions_metrics, tw_functions_errors;

void tw_functions_start(struct tw_functions *f);

/* Which of `seconds` is that of a function, as tw_pg_call names it. */
size_t tw_function_index(const char *name);
