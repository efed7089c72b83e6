/* schema_version.h - which schema a binary needs, and which one the database has.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/net/pg_pool.h"

#define TW_SCHEMA_NEEDED 58 /* the newest migration that this code relies on */

struct tw_schema_options {
    struct tw_pg_pool *pool; /* kept */
};

/* Embedded in the process's state. */
struct tw_schema {
    struct tw_pg_call call;
    struct tw_pg_pool *pool;
    struct tw_deadline again;
    bool is_asking, is_stopped;
    struct tw_metric version; /* 0 while unknown */
};

extern const struct tw_metric_table tw_schema_metrics;

void tw_schema_start(struct tw_schema *s, const struct tw_schema_options *options);
void tw_schema_stop(struct tw_schema *s);
bool tw_schema_is_good(const struct tw_schema *s);
