/* bounds_test.c - the table of bounds: amounts as people read them, and metrics that there are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/daemon/bounds.h"

#include "common/util/base.h"
#include "test/unit/support/check.h"

struct state {
    struct tw_metric refused;
};

static const struct tw_metric_row rows[] = { { "refused_total", NULL, "Refused.",
                                               TW_METRIC_AT(struct state, refused) } };
static const struct tw_metric_table table = { .rows = rows, .count = TW_COUNT(rows) };
static const struct tw_metric_part parts[] = { { &table, 0, NULL } };

static void each_bound_is_a_row(void **unused)
{
    static const struct tw_bound bounds[] = {
        { "client", "a message", 65536, TW_BOUND_BYTES, NULL, "closed", "refused_total" },
        { "client", "an address", 100, TW_BOUND_BYTES, NULL, "refused", NULL },
        { "restaurant", "all", 3145728, TW_BOUND_BYTES, NULL, "waits", NULL },
        { "process", "keys", 10, TW_BOUND_PER_SECOND, NULL, "refused", NULL },
        { "process", "sessions", 0, TW_BOUND_COUNT, "MAX_SESSIONS", "refused", NULL },
        { 0 },
    };
    struct state state = { 0 };
    struct tw_metrics metrics;
    struct tw_buf out = { .max = 10000 };

    (void)unused;
    tw_metrics_init(&metrics, &state, parts, TW_COUNT(parts));
    assert_true(tw_bounds_reference(bounds, false, &metrics, &out));
    assert_buf(&out, "| of one | what | at most | beyond | metric |\n"
                     "| --- | --- | --- | --- | --- |\n"
                     "| client | a message | 64 KiB | closed | `tillwire_refused_total` |\n"
                     "| client | an address | 100 bytes | refused | |\n"
                     "| restaurant | all | 3 MiB | waits | |\n"
                     "| process | keys | 10 a second | refused | |\n"
                     "| process | sessions | `TILLWIRE_MAX_SESSIONS` | refused | |\n");
    /* A server has more, and this state lacks their metrics. */
    assert_false(tw_bounds_reference(bounds, true, &metrics, &out));
    tw_buf_done(&out);
}

static void a_metric_that_there_is_not_is_a_mistake(void **unused)
{
    static const struct tw_bound bounds[] = {
        { "client", "a message", 65536, TW_BOUND_BYTES, NULL, "closed", "no_such_total" }, { 0 }
    };
    struct state state = { 0 };
    struct tw_metrics metrics;
    struct tw_buf out = { .max = 10000 };

    (void)unused;
    tw_metrics_init(&metrics, &state, parts, TW_COUNT(parts));
    assert_false(tw_bounds_reference(bounds, false, &metrics, &out));
    tw_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bound_is_a_row),
        cmocka_unit_test(a_metric_that_there_is_not_is_a_mistake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
