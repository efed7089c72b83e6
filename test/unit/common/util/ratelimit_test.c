/* ratelimit_test.c - token buckets.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/ratelimit.h"

#include "common/util/base.h"
#include "test/unit/support/check.h"

static int take_all(struct tw_bucket *b, uint64_t now_ms, uint32_t per_second, uint32_t burst)
{
    int n = 0;

    while (n < 100000 && tw_bucket_take(b, now_ms, per_second, burst))
        n++;
    return n;
}

static void a_new_bucket_is_full(void **state)
{
    struct tw_bucket b = { 0 };

    (void)state;
    assert_true(tw_bucket_is_full(&b, 0));
    assert_int_equal(take_all(&b, 0, 10, 5), 5);
    assert_false(tw_bucket_is_full(&b, 0));
}

static void an_empty_one_gains_a_token_at_a_time(void **state)
{
    struct tw_bucket b = { 0 };

    (void)state;
    assert_int_equal(take_all(&b, 1000, 10, 5), 5);
    assert_int_equal(take_all(&b, 1099, 10, 5), 0);
    assert_int_equal(take_all(&b, 1100, 10, 5), 1);
    assert_int_equal(take_all(&b, 1199, 10, 5), 0);
    assert_int_equal(take_all(&b, 1350, 10, 5), 2);
    assert_int_equal(take_all(&b, 1400, 10, 5), 1); /* half a token was there already */
}

static void several_are_taken_or_none(void **state)
{
    struct tw_bucket b = { 0 };

    (void)state;
    assert_int_equal(tw_bucket_left(&b, 1000, 10, 5), 5);
    assert_int_equal(tw_bucket_until_ms(&b, 1000, 5, 10, 5), 0);
    assert_true(tw_bucket_take_n(&b, 1000, 3, 10, 5));
    assert_int_equal(tw_bucket_left(&b, 1000, 10, 5), 2);
    assert_false(tw_bucket_take_n(&b, 1000, 3, 10, 5));
    assert_int_equal(tw_bucket_left(&b, 1000, 10, 5), 2);
    assert_int_equal(tw_bucket_until_ms(&b, 1000, 2, 10, 5), 0);
    assert_int_equal(tw_bucket_until_ms(&b, 1000, 3, 10, 5), 100);
    assert_int_equal(tw_bucket_until_ms(&b, 1000, 5, 10, 5), 300);
    assert_false(tw_bucket_take_n(&b, 1099, 3, 10, 5));
    assert_true(tw_bucket_take_n(&b, 1100, 3, 10, 5));
    assert_int_equal(tw_bucket_left(&b, 1100, 10, 5), 0);
}

static void more_than_it_holds_is_taken_of_a_full_one(void **state)
{
    struct tw_bucket b = { 0 };

    (void)state;
    assert_true(tw_bucket_take_n(&b, 1000, 20, 10, 5));
    assert_int_equal(tw_bucket_left(&b, 1000, 10, 5), 0);
    assert_int_equal(tw_bucket_until_ms(&b, 1000, 20, 10, 5), 2000);
    assert_false(tw_bucket_take_n(&b, 2999, 20, 10, 5));
    assert_true(tw_bucket_take_n(&b, 3000, 20, 10, 5));
}

static void a_refusal_takes_nothing(void **state)
{
    struct tw_bucket b = { 0 };

    (void)state;
    assert_int_equal(take_all(&b, 0, 1, 3), 3);
    for (uint64_t now_ms = 1; now_ms < 1000; now_ms++)
        assert_false(tw_bucket_take(&b, now_ms, 1, 3));
    assert_true(tw_bucket_take(&b, 1000, 1, 3));
}

static void a_pause_fills_it_and_no_more_than_that(void **state)
{
    struct tw_bucket b = { 0 };

    (void)state;
    assert_int_equal(take_all(&b, 0, 10, 5), 5);
    assert_false(tw_bucket_is_full(&b, 499));
    assert_true(tw_bucket_is_full(&b, 500));
    assert_int_equal(take_all(&b, 86400000, 10, 5), 5);
}

static void over_a_long_time_the_rate_is_kept(void **state)
{
    static const uint32_t rates[] = { 1, 3, 7, 500, 999, 100000 };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(rates); i++) {
        struct tw_bucket b = { 0 };
        int64_t taken = 0, most;

        for (uint64_t now_ms = 0; now_ms < 60000; now_ms++)
            taken += take_all(&b, now_ms, rates[i], 1000);
        most = (int64_t)rates[i] * 60 + 1000;
        assert_in_range(taken, most * 99 / 100 - 2, most * 101 / 100 + 2);
    }
}

static void a_burst_of_one_is_a_steady_pace(void **state)
{
    struct tw_bucket b = { 0 };

    (void)state;
    for (uint64_t now_ms = 0; now_ms < 1000; now_ms += 100) {
        assert_true(tw_bucket_take(&b, now_ms, 10, 1));
        assert_false(tw_bucket_take(&b, now_ms + 99, 10, 1));
    }
}

/* What was done is counted afterwards, however much it was; it is paid back in time. */
static void what_is_spent_may_be_more_than_there_is(void **state)
{
    struct tw_bucket b = { 0 };

    (void)state;
    assert_false(tw_bucket_is_overdrawn(&b, 5000, 1000, 4000));
    tw_bucket_spend(&b, 5000, 4000, 1000);
    assert_false(tw_bucket_is_overdrawn(&b, 5000, 1000, 4000));
    tw_bucket_spend(&b, 5000, 2500, 1000);
    assert_true(tw_bucket_is_overdrawn(&b, 7499, 1000, 4000));
    assert_false(tw_bucket_is_overdrawn(&b, 7500, 1000, 4000));
    assert_true(tw_bucket_is_full(&b, 11500));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_bucket_is_full),
        cmocka_unit_test(an_empty_one_gains_a_token_at_a_time),
        cmocka_unit_test(several_are_taken_or_none),
        cmocka_unit_test(more_than_it_holds_is_taken_of_a_full_one),
        cmocka_unit_test(a_refusal_takes_nothing),
        cmocka_unit_test(a_pause_fills_it_and_no_more_than_that),
        cmocka_unit_test(over_a_long_time_the_rate_is_kept),
        cmocka_unit_test(a_burst_of_one_is_a_steady_pace),
        cmocka_unit_test(what_is_spent_may_be_more_than_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
