/* schema_version.c - asks the database for its schema version until it is new enough.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/domain/schema_version.h"

#include "common/util/base.h"

#define AGAIN_MS 500

static void ask(struct tw_schema *s);

static void on_again(struct tw_deadline *d)
{
    ask(tw_container_of(d, struct tw_schema, again));
}

static void on_answer(struct tw_pg_call *call, const struct tw_pg_result *result)
{
    struct tw_schema *s = tw_container_of(call, struct tw_schema, call);

    s->is_asking = false;
    if (s->is_stopped)
        return;
    if (tw_pg_error(result) == 0 && tw_pg_rows(result) == 1)
        s->version.value = (uint64_t)tw_pg_int(result, 0, 0);
    if (!tw_schema_is_good(s))
        tw_after(s->pool->loop, &s->again, AGAIN_MS, on_again);
}

static void ask(struct tw_schema *s)
{
    if (s->is_asking)
        return;
    s->is_asking = true;
    s->call = (struct tw_pg_call){ .sql = "select pos.schema_version()",
                                   .function = "schema_version",
                                   .done = on_answer };
    tw_pg_pool_call(s->pool, &s->call);
}

#define AT(field) TW_METRIC_AT(struct tw_schema, field)

static const struct tw_metric_row metric_rows[] = {
    { "schema_version", NULL,
      "Number of the newest migration that the database has; 0 while it is not known.",
      AT(version) },
};

const struct tw_metric_table tw_schema_metrics = { .rows = metric_rows,
                                                   .count = TW_COUNT(metric_rows) };

void tw_schema_start(struct tw_schema *s, const struct tw_schema_options *options)
{
    s->pool = options->pool;
    ask(s);
}

void tw_schema_stop(struct tw_schema *s)
{
    if (s->pool == NULL)
        return;
    s->is_stopped = true;
    tw_after_cancel(s->pool->loop, &s->again);
}

bool tw_schema_is_good(const struct tw_schema *s)
{
    return s->version.value >= TW_SCHEMA_NEEDED;
}
