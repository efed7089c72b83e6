/* loop_test.c - what is noted runs before the loop sleeps; limits on a real clock.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/loop.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/clock.h"
#include "test/unit/support/check.h"
#include "test/unit/support/net.h"

struct fixture {
    struct tw_loop *loop;
    char order[100]; /* the names of the notes that ran */
    size_t ran;
};

struct note {
    struct tw_later later;
    struct fixture *f;
    char name;
    struct note *other;
    int again; /* how often it notes itself once more */
};

struct limit {
    struct tw_deadline d;
    struct fixture *f;
    uint64_t expired_ms;
    int expired;
};

static int begin(void **state)
{
    struct fixture *f = tw_new(struct fixture);

    f->loop = net_loop_new();
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    net_loop_free(f->loop);
    free(f);
    return 0;
}

static struct note *note_of(struct tw_later *l)
{
    return tw_container_of(l, struct note, later);
}

static void run(struct tw_later *l)
{
    struct fixture *f = note_of(l)->f;

    assert_false(tw_list_linked(&l->link));
    f->order[f->ran % (sizeof(f->order) - 1)] = note_of(l)->name;
    f->ran++;
}

static void expire(struct tw_deadline *d)
{
    struct limit *l = tw_container_of(d, struct limit, d);

    l->expired++;
    l->expired_ms = tw_now_ms();
}

static void notes_run_once_in_their_order(void **state)
{
    struct fixture *f = *state;
    struct note a = { .f = f, .name = 'a' }, b = { .f = f, .name = 'b' },
                c = { .f = f, .name = 'c' };
    struct limit keeps_it_awake = { .f = f };

    tw_after(f->loop, &keeps_it_awake.d, 60000, expire);
    tw_later(f->loop, &a.later, run);
    tw_later(f->loop, &b.later, run);
    tw_later(f->loop, &a.later, run); /* noted already */
    tw_later(f->loop, &c.later, run);
    assert_int_equal(f->ran, 0); /* not from within the call */
    await(f->loop, f->ran >= 3);
    net_idle(f->loop, 30);
    assert_string_equal(f->order, "abc");
    tw_after_cancel(f->loop, &keeps_it_awake.d);
}

static void note_other(struct tw_later *l)
{
    run(l);
    tw_later(note_of(l)->f->loop, &note_of(l)->other->later, run);
}

static void a_note_made_by_a_note_runs_in_the_same_turn(void **state)
{
    struct fixture *f = *state;
    struct note a = { .f = f, .name = 'a' }, b = { .f = f, .name = 'b' };
    struct limit keeps_it_awake = { .f = f };

    a.other = &b;
    tw_after(f->loop, &keeps_it_awake.d, 60000, expire);
    tw_later(f->loop, &a.later, note_other);
    (void)uv_run(&f->loop->uv, UV_RUN_NOWAIT);
    assert_string_equal(f->order, "ab");
    tw_after_cancel(f->loop, &keeps_it_awake.d);
}

static void cancel_other(struct tw_later *l)
{
    run(l);
    tw_later_cancel(&note_of(l)->other->later);
}

static void a_note_may_cancel_one_that_waits_after_it(void **state)
{
    struct fixture *f = *state;
    struct note a = { .f = f, .name = 'a' }, b = { .f = f, .name = 'b' },
                c = { .f = f, .name = 'c' };
    struct limit keeps_it_awake = { .f = f };

    a.other = &b;
    tw_after(f->loop, &keeps_it_awake.d, 60000, expire);
    tw_later(f->loop, &a.later, cancel_other);
    tw_later(f->loop, &b.later, run);
    tw_later(f->loop, &c.later, run);
    await(f->loop, f->ran >= 2);
    net_idle(f->loop, 30);
    assert_string_equal(f->order, "ac");
    tw_later_cancel(&b.later); /* fine when it is not noted */
    tw_after_cancel(f->loop, &keeps_it_awake.d);
}

static void run_again(struct tw_later *l)
{
    run(l);
    if (note_of(l)->again-- > 0)
        tw_later(note_of(l)->f->loop, l, run_again);
}

static void a_note_that_keeps_coming_back_starves_no_other(void **state)
{
    struct fixture *f = *state;
    struct note a = { .f = f, .name = 'a', .again = 1000000 };
    struct limit l = { .f = f };
    size_t ran;

    tw_after(f->loop, &l.d, 30, expire);
    tw_later(f->loop, &a.later, run_again);
    await(f->loop, l.expired == 1);
    assert_true(f->ran < 1000000); /* the limit came in between */
    ran = f->ran;
    await(f->loop, f->ran > ran + 100); /* and it goes on, also now that no limit is set */
    tw_later_cancel(&a.later);
}

static void a_limit_expires_once_and_not_early(void **state)
{
    static const uint64_t afters[] = { 0, 1, 19, 20, 21, 50 };
    struct fixture *f = *state;

    for (size_t i = 0; i < TW_COUNT(afters); i++) {
        struct limit l = { .f = f };
        uint64_t before = tw_now_ms();

        tw_after(f->loop, &l.d, afters[i], expire);
        assert_int_equal(l.expired, 0);
        await(f->loop, l.expired > 0);
        assert_true(l.expired_ms - before >= afters[i]);
        assert_true(l.expired_ms - before < afters[i] + 2000); /* a busy machine */
        net_idle(f->loop, 25);
        assert_int_equal(l.expired, 1);
    }
}

static void a_wheel_that_stood_still_starts_from_now(void **state)
{
    struct fixture *f = *state;
    struct limit first = { .f = f }, second = { .f = f };
    uint64_t before;

    tw_after(f->loop, &first.d, 1, expire);
    await(f->loop, first.expired == 1);
    net_idle(f->loop, 100); /* no limit is set: the wheel does not turn */
    before = tw_now_ms();
    tw_after(f->loop, &second.d, 60, expire);
    await(f->loop, second.expired == 1);
    assert_true(second.expired_ms - before >= 60);
}

static void a_cancelled_limit_lets_the_loop_end(void **state)
{
    struct fixture *f = *state;
    struct limit l = { .f = f };

    tw_after(f->loop, &l.d, 60000, expire);
    tw_after_cancel(f->loop, &l.d);
    tw_loop_run(f->loop);
    assert_int_equal(l.expired, 0);
}

static void stop_loop(struct tw_deadline *d)
{
    tw_loop_stop(tw_container_of(d, struct limit, d)->f->loop);
}

static void a_stopped_loop_returns_although_there_is_more_to_do(void **state)
{
    struct fixture *f = *state;
    struct limit stops = { .f = f }, waits = { .f = f };

    tw_after(f->loop, &waits.d, 60000, expire);
    tw_after(f->loop, &stops.d, 10, stop_loop);
    tw_loop_run(f->loop);
    assert_true(tw_deadline_is_set(&waits.d));
    tw_after_cancel(f->loop, &waits.d);
}

/* --- While the process stands still ----------------------------------------------------------
 */

/* The loop has stood still since 35 seconds ago. Its ticker runs. */
static void stand_still(struct tw_loop *loop)
{
    struct limit any = { 0 };

    tw_after(loop, &any.d, 60000, expire);
    tw_after_cancel(loop, &any.d);
    loop->now_ms -= 35000;
    loop->read_ms -= 35000;
    tw_deadlines_init(&loop->deadlines, loop->now_ms);
}

static void a_limit_has_the_time_that_it_had_before_the_pause(void **state)
{
    struct fixture *f = *state;
    struct limit soon = { .f = f }, later = { .f = f };
    uint64_t began_ms;

    stand_still(f->loop);
    began_ms = f->loop->now_ms;
    tw_deadline_set(&f->loop->deadlines, &soon.d, began_ms + 100, expire);
    tw_deadline_set(&f->loop->deadlines, &later.d, began_ms + 30000, expire);
    await(f->loop, soon.expired == 1);
    assert_int_equal(later.expired, 0);
    assert_in_range(f->loop->now_ms - began_ms, 100, 30000); /* it has not seen the pause */
    assert_true(tw_loop_age_ms(f->loop) - began_ms >= 35000);
    tw_after_cancel(f->loop, &later.d);
}

static void sleeping_without_a_limit_is_no_pause(void **state)
{
    struct fixture *f = *state;
    struct limit soon = { .f = f };
    uint64_t began_ms;

    stand_still(f->loop); /* nothing was due: it slept */
    began_ms = f->loop->now_ms;
    tw_after(f->loop, &soon.d, 10, expire);
    await(f->loop, soon.expired == 1);
    assert_true(f->loop->now_ms - began_ms >= 35000);
}

static uint64_t late_by_50_ms(const struct tw_histogram *h)
{
    uint64_t n = 0;

    for (int i = 0; i <= TW_HISTOGRAM_BOUNDS; i++)
        n += tw_histogram_bounds_us[i] > 50000 ? h->counts[i] : 0;
    return n;
}

static void expire_slowly(struct tw_deadline *d)
{
    uint64_t began_ms = tw_now_ms();

    while (tw_now_ms() - began_ms < 120)
        ;
    expire(d);
}

static void a_turn_that_takes_long_is_noted(void **state)
{
    struct fixture *f = *state;
    struct limit slow = { .f = f }, soon = { .f = f };
    uint64_t before;

    tw_after(f->loop, &slow.d, 40, expire_slowly);
    tw_after(f->loop, &soon.d, 400, expire);
    before = late_by_50_ms(&f->loop->lag);
    await(f->loop, soon.expired == 1);
    assert_true(late_by_50_ms(&f->loop->lag) > before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(notes_run_once_in_their_order, begin, end),
        cmocka_unit_test_setup_teardown(a_note_made_by_a_note_runs_in_the_same_turn, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_note_may_cancel_one_that_waits_after_it, begin, end),
        cmocka_unit_test_setup_teardown(a_note_that_keeps_coming_back_starves_no_other, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_limit_expires_once_and_not_early, begin, end),
        cmocka_unit_test_setup_teardown(a_wheel_that_stood_still_starts_from_now, begin, end),
        cmocka_unit_test_setup_teardown(a_cancelled_limit_lets_the_loop_end, begin, end),
        cmocka_unit_test_setup_teardown(a_stopped_loop_returns_although_there_is_more_to_do,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_limit_has_the_time_that_it_had_before_the_pause,
                                        begin, end),
        cmocka_unit_test_setup_teardown(sleeping_without_a_limit_is_no_pause, begin, end),
        cmocka_unit_test_setup_teardown(a_turn_that_takes_long_is_noted, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
