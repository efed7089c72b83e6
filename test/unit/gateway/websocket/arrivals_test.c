/* arrivals_test.c - so many new clients a second, and a pause for the others.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/arrivals.h"

#include "common/util/slice.h"
#include "test/unit/support/check.h"

static int come(struct gw_arrivals *a, int n, uint64_t now_ms)
{
    int taken = 0;

    for (int i = 0; i < n; i++)
        taken += gw_arrivals_take(a, now_ms) ? 1 : 0;
    return taken;
}

static void two_seconds_worth_come_at_once_and_then_so_many_a_second(void **state)
{
    struct gw_arrivals a = { .per_second = 10 };

    (void)state;
    assert_int_equal(come(&a, 100, 1000), 20);
    assert_int_equal(a.refused.value, 80);
    assert_int_equal(come(&a, 100, 2000), 10);
    assert_int_equal(come(&a, 100, 2500), 5);
    assert_int_equal(come(&a, 100, 60000), 20);
}

static void without_a_limit_all_come(void **state)
{
    (void)state;
    assert_true(gw_arrivals_take(NULL, 0));
}

static void the_others_come_again_at_different_times(void **state)
{
    int seen[GW_ARRIVALS_PAUSE + 1] = { 0 };

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t pause = 0;

        assert_true(tw_slice_u64(tw_slice_of(gw_arrivals_pause()), &pause));
        assert_in_range(pause, 1, GW_ARRIVALS_PAUSE);
        seen[pause]++;
    }
    for (int pause = 1; pause <= GW_ARRIVALS_PAUSE; pause++)
        assert_in_range(seen[pause], 100, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_seconds_worth_come_at_once_and_then_so_many_a_second),
        cmocka_unit_test(without_a_limit_all_come),
        cmocka_unit_test(the_others_come_again_at_different_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
