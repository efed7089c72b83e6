/* deadline_test.c - the wheel of time limits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/deadline.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

#define TICK TW_DEADLINE_TICK_MS
#define ONE_TURN ((uint64_t)TW_DEADLINE_SLOTS * TW_DEADLINE_TICK_MS)
#define START 1000007 /* not on a tick */

/* Callbacks get nothing but the limit, so the wheel and the time are here. */
static struct tw_deadlines wheel;
static uint64_t now_ms;

struct limit {
    struct tw_deadline d;
    uint64_t wanted_ms;  /* what it was set to */
    uint64_t expired_ms; /* when it last expired */
    int expired;         /* how often */
    struct limit *other;
};

static struct limit *limit_of(struct tw_deadline *d)
{
    return tw_container_of(d, struct limit, d);
}

static int begin(void **state)
{
    (void)state;
    now_ms = START;
    tw_deadlines_init(&wheel, now_ms);
    return 0;
}

static void note(struct tw_deadline *d)
{
    struct limit *l = limit_of(d);

    assert_false(tw_deadline_is_set(d));
    l->expired++;
    l->expired_ms = now_ms;
}

static void set(struct limit *l, uint64_t at_ms, tw_deadline_cb expired)
{
    l->wanted_ms = at_ms;
    tw_deadline_set(&wheel, &l->d, at_ms, expired);
}

static void run_to(uint64_t until_ms)
{
    now_ms = until_ms;
    tw_deadlines_run(&wheel, now_ms);
}

static void a_limit_expires_once_not_early_and_at_most_a_tick_late(void **state)
{
    (void)state;
    for (uint64_t after = 0; after < 3 * TICK; after++) {
        struct limit l = { 0 };

        begin(state);
        set(&l, START + after, note);
        assert_true(tw_deadline_is_set(&l.d));
        assert_int_equal(wheel.count, 1);
        for (uint64_t t = START; t <= START + after + TICK; t++)
            run_to(t);
        assert_int_equal(l.expired, 1);
        assert_true(l.expired_ms >= START + after && l.expired_ms <= START + after + TICK);
        assert_int_equal(wheel.count, 0);
        run_to(START + 3 * ONE_TURN);
        assert_int_equal(l.expired, 1);
    }
}

static void a_limit_in_the_past_expires_with_the_next_tick(void **state)
{
    struct limit l = { 0 };

    (void)state;
    set(&l, 5, note);
    run_to(START);
    assert_int_equal(l.expired, 0);
    run_to(START + TICK);
    assert_int_equal(l.expired, 1);
}

static void a_limit_of_several_turns_is_passed_over_until_its_own(void **state)
{
    struct limit l = { 0 };
    uint64_t at = START + 3 * ONE_TURN + 5;

    (void)state;
    set(&l, at, note);
    for (uint64_t t = START; t < at; t += TICK / 2)
        run_to(t);
    assert_int_equal(l.expired, 0);
    run_to(at + TICK);
    assert_int_equal(l.expired, 1);
}

static void after_a_long_pause_all_that_is_due_expires_and_nothing_else(void **state)
{
    struct limit due[40] = { 0 }, later[40] = { 0 };
    uint64_t pause = START + 7 * ONE_TURN + 3;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(due); i++) {
        set(&due[i], START + i * (6 * ONE_TURN / TW_COUNT(due)), note);
        set(&later[i], pause + 1 + i * (2 * ONE_TURN / TW_COUNT(due)), note);
    }
    run_to(pause);
    for (size_t i = 0; i < TW_COUNT(due); i++) {
        assert_int_equal(due[i].expired, 1);
        assert_int_equal(later[i].expired, 0);
    }
    assert_int_equal(wheel.count, TW_COUNT(later));
    run_to(pause + 2 * ONE_TURN + 2 * TICK);
    for (size_t i = 0; i < TW_COUNT(due); i++)
        assert_int_equal(later[i].expired, 1);
    assert_int_equal(wheel.count, 0);
}

static void after_a_long_pause_new_limits_keep_their_time(void **state)
{
    struct limit l = { 0 };
    uint64_t pause = START + 7 * ONE_TURN + 3;

    (void)state;
    run_to(pause);
    set(&l, pause + 100, note);
    run_to(pause + 99);
    assert_int_equal(l.expired, 0);
    run_to(pause + 100 + TICK);
    assert_int_equal(l.expired, 1);
}

static void setting_again_replaces_the_limit(void **state)
{
    struct limit l = { 0 };

    (void)state;
    set(&l, START + 100, note);
    set(&l, START + 500, note);
    assert_int_equal(wheel.count, 1);
    run_to(START + 400);
    assert_int_equal(l.expired, 0);
    set(&l, START + 440, note); /* and to an earlier time */
    run_to(START + 480);
    assert_int_equal(l.expired, 1);
    run_to(START + 600);
    assert_int_equal(l.expired, 1);
}

static void a_cleared_limit_does_not_expire(void **state)
{
    struct limit l = { 0 };

    (void)state;
    tw_deadline_clear(&wheel, &l.d); /* never set */
    assert_int_equal(wheel.count, 0);
    set(&l, START + 100, note);
    tw_deadline_clear(&wheel, &l.d);
    tw_deadline_clear(&wheel, &l.d);
    assert_false(tw_deadline_is_set(&l.d));
    assert_int_equal(wheel.count, 0);
    run_to(START + ONE_TURN);
    assert_int_equal(l.expired, 0);
}

static void clear_other(struct tw_deadline *d)
{
    note(d);
    tw_deadline_clear(&wheel, &limit_of(d)->other->d);
}

static void a_callback_may_clear_one_that_is_due_in_the_same_moment(void **state)
{
    struct limit a = { 0 }, b = { 0 }, c = { 0 };

    (void)state;
    a.other = &b;
    b.other = &a; /* whichever comes first clears the other */
    set(&a, START + 100, clear_other);
    set(&b, START + 100, clear_other);
    set(&c, START + 100, note);
    run_to(START + 200);
    assert_int_equal(a.expired + b.expired, 1);
    assert_int_equal(c.expired, 1);
    assert_int_equal(wheel.count, 0);
}

static void postpone_other(struct tw_deadline *d)
{
    note(d);
    set(limit_of(d)->other, now_ms + 1000, note);
}

static void a_callback_may_postpone_one_that_is_due_in_the_same_moment(void **state)
{
    struct limit a = { 0 }, b = { 0 };

    (void)state;
    a.other = &b;
    set(&a, START + 100, postpone_other);
    set(&b, START + 100, note);
    run_to(START + 200);
    assert_int_equal(a.expired, 1);
    assert_int_equal(b.expired, 0);
    assert_int_equal(wheel.count, 1);
    run_to(START + 200 + 1000 + TICK);
    assert_int_equal(b.expired, 1);
}

static void set_again(struct tw_deadline *d)
{
    note(d);
    set(limit_of(d), now_ms, set_again);
}

static void a_limit_that_sets_itself_again_expires_once_a_tick(void **state)
{
    struct limit l = { 0 };

    (void)state;
    set(&l, START, set_again);
    for (uint64_t t = START; t <= START + 100 * TICK; t += TICK)
        run_to(t);
    assert_in_range(l.expired, 50, 100);
    assert_int_equal(wheel.count, 1);
    tw_deadline_clear(&wheel, &l.d);
}

static void set_in_the_past(struct tw_deadline *d)
{
    note(d);
    set(limit_of(d), 0, note);
}

static void a_limit_set_into_the_past_by_a_callback_still_expires(void **state)
{
    struct limit l = { 0 };

    (void)state;
    set(&l, START + 50, set_in_the_past);
    run_to(START + 50 + TICK);
    run_to(START + 50 + 3 * TICK);
    assert_int_equal(l.expired, 2);
    assert_int_equal(wheel.count, 0);
}

static void free_owner(struct tw_deadline *d)
{
    free(limit_of(d));
}

/* As tw_after does when no other limit is set. */
static void turn_and_set(struct tw_deadline *d)
{
    note(d);
    tw_deadlines_run(&wheel, now_ms);
    set(limit_of(d)->other, now_ms, note);
}

static void a_callback_may_turn_the_wheel_itself(void **state)
{
    struct limit second = { 0 }, first = { .other = &second };

    (void)state;
    set(&first, START, turn_and_set);
    run_to(START + 5 * TICK); /* several ticks at once */
    assert_int_equal(first.expired, 1);
    run_to(START + 7 * TICK);
    assert_int_equal(second.expired, 1);
}

static void a_callback_may_free_what_has_the_limit(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct limit *l = tw_new(struct limit);

        set(l, START + 30, free_owner);
    }
    run_to(START + 100);
    assert_int_equal(wheel.count, 0);
}

static void thousands_at_random_keep_their_times(void **state)
{
    enum { LIMITS = 5000, MAX_STEP = 60 };
    struct dice dice = dice_new();
    struct limit *limits = tw_alloc(LIMITS, sizeof(*limits));
    int pending = 0;

    (void)state;
    for (size_t i = 0; i < LIMITS; i++)
        set(&limits[i], START + dice_roll(&dice, 4 * ONE_TURN), note);
    while (now_ms < START + 4 * ONE_TURN + TICK + MAX_STEP) {
        size_t i = (size_t)dice_roll(&dice, LIMITS);

        if (limits[i].expired == 0 && dice_roll(&dice, 3) == 0)
            set(&limits[i], now_ms + dice_roll(&dice, ONE_TURN), note);
        run_to(now_ms + dice_roll(&dice, MAX_STEP));
    }
    for (size_t i = 0; i < LIMITS; i++) {
        if (tw_deadline_is_set(&limits[i].d)) {
            assert_true(limits[i].wanted_ms + TICK > now_ms);
            assert_int_equal(limits[i].expired, 0);
            pending++;
            continue;
        }
        assert_int_equal(limits[i].expired, 1);
        assert_true(limits[i].expired_ms >= limits[i].wanted_ms);
        assert_true(limits[i].expired_ms <= limits[i].wanted_ms + TICK + MAX_STEP);
    }
    assert_int_equal(wheel.count, pending);
    free(limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_limit_expires_once_not_early_and_at_most_a_tick_late, begin),
        cmocka_unit_test_setup(a_limit_in_the_past_expires_with_the_next_tick, begin),
        cmocka_unit_test_setup(a_limit_of_several_turns_is_passed_over_until_its_own, begin),
        cmocka_unit_test_setup(after_a_long_pause_all_that_is_due_expires_and_nothing_else,
                               begin),
        cmocka_unit_test_setup(after_a_long_pause_new_limits_keep_their_time, begin),
        cmocka_unit_test_setup(setting_again_replaces_the_limit, begin),
        cmocka_unit_test_setup(a_cleared_limit_does_not_expire, begin),
        cmocka_unit_test_setup(a_callback_may_clear_one_that_is_due_in_the_same_moment, begin),
        cmocka_unit_test_setup(a_callback_may_postpone_one_that_is_due_in_the_same_moment,
                               begin),
        cmocka_unit_test_setup(a_limit_that_sets_itself_again_expires_once_a_tick, begin),
        cmocka_unit_test_setup(a_limit_set_into_the_past_by_a_callback_still_expires, begin),
        cmocka_unit_test_setup(a_callback_may_turn_the_wheel_itself, begin),
        cmocka_unit_test_setup(a_callback_may_free_what_has_the_limit, begin),
        cmocka_unit_test_setup(thousands_at_random_keep_their_times, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
