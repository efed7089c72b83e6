/* histogram_test.c - each duration is in the range that Prometheus expects it in.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/histogram.h"

#include <stdio.h>
#include <stdlib.h>

#include "test/unit/support/check.h"

/* The first bound that it does not exceed, looked for in the plain way. */
static int range_of(uint64_t us)
{
    int i = 0;

    while (us > tw_histogram_bounds_us[i])
        i++;
    return i;
}

static void is_in_its_range(uint64_t us)
{
    struct tw_histogram h = { 0 };
    char what[32];

    (void)snprintf(what, sizeof(what), "%llu us", (unsigned long long)us);
    tw_histogram_add(&h, us);
    assert_row(h.counts[range_of(us)] == 1, what);
    assert_row(tw_histogram_count(&h) == 1 && h.sum_us == us, what);
}

static void a_duration_is_in_the_first_range_that_it_does_not_exceed(void **state)
{
    (void)state;
    for (int i = 0; i < TW_HISTOGRAM_BOUNDS; i++) {
        is_in_its_range(tw_histogram_bounds_us[i] - 1);
        is_in_its_range(tw_histogram_bounds_us[i]);
        is_in_its_range(tw_histogram_bounds_us[i] + 1);
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        is_in_its_range((UINT64_C(1) << bit) - 1);
        is_in_its_range(UINT64_C(1) << bit);
    }
    is_in_its_range(UINT64_MAX);
}

static void the_bounds_are_written_as_they_are(void **state)
{
    (void)state;
    for (int i = 0; i < TW_HISTOGRAM_BOUNDS; i++)
        assert_row((uint64_t)(strtold(tw_histogram_bounds[i], NULL) * 1000000 + 0.5L) ==
                       tw_histogram_bounds_us[i],
                   tw_histogram_bounds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_duration_is_in_the_first_range_that_it_does_not_exceed),
        cmocka_unit_test(the_bounds_are_written_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
