/* housekeeping_test.c - each task until nothing is left of it, and a failure keeps nobody
 * waiting.
 * SPDX-License-Identifier: Apache-2.0 */
#include "broker-bridge/housekeeping.h"

#include <string.h>

#include "test/unit/support/check.h"

#define HOUR_MS 3600000
#define WALL_MS INT64_C(1700000000000)

static void do_rest(struct br_housekeeping *h, uint64_t now_ms)
{
    while (br_housekeeping_due(h, now_ms) != NULL)
        br_housekeeping_did(h, 0, now_ms, WALL_MS);
}

static void each_task_goes_on_until_nothing_is_left_of_it(void **state)
{
    struct br_housekeeping h = { 0 };

    (void)state;
    assert_string_equal(br_housekeeping_due(&h, 5), "create_days");
    br_housekeeping_did(&h, 8, 5, WALL_MS);
    assert_string_equal(br_housekeeping_due(&h, 5), "create_days");
    assert_int_equal(h.done_at[0].value, 0);
    br_housekeeping_did(&h, 0, 5, WALL_MS);
    assert_int_equal(h.done_at[0].value, WALL_MS / 1000);
    assert_string_equal(br_housekeeping_due(&h, 5), "keep_from"); /* before drop_days */
    br_housekeeping_did(&h, 0, 5, WALL_MS);
    assert_string_equal(br_housekeeping_due(&h, 5), "drop_days");
}

static void a_round_begins_every_hour(void **state)
{
    struct br_housekeeping h = { 0 };

    (void)state;
    do_rest(&h, 5);
    assert_null(br_housekeeping_due(&h, 5 + HOUR_MS - 1));
    assert_string_equal(br_housekeeping_due(&h, 5 + HOUR_MS), "create_days");
}

static void a_task_that_failed_is_tried_again_in_a_minute_and_the_others_are_done(void **state)
{
    struct br_housekeeping h = { 0 };

    (void)state;
    assert_non_null(br_housekeeping_due(&h, 5));
    br_housekeeping_failed(&h, 5);
    assert_string_equal(br_housekeeping_due(&h, 5), "keep_from");
    do_rest(&h, 5);
    assert_int_equal(h.failures.value, 1);
    assert_int_equal(h.done_at[0].value, 0);
    assert_int_equal(h.done_at[BR_TASKS - 1].value, WALL_MS / 1000);
    assert_null(br_housekeeping_due(&h, 5 + 59999));
    assert_string_equal(br_housekeeping_due(&h, 5 + 60000), "create_days");
    do_rest(&h, 5 + 60000);
    assert_null(br_housekeeping_due(&h, 5 + 120000)); /* it went well this time */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_goes_on_until_nothing_is_left_of_it),
        cmocka_unit_test(a_round_begins_every_hour),
        cmocka_unit_test(a_task_that_failed_is_tried_again_in_a_minute_and_the_others_are_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
