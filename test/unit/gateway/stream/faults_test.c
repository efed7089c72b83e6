/* faults_test.c - a device whose delivery is disturbed, and the others, whose is not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/faults.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/gateway/support/fake_till.h"

static struct tw_loop *loop;
static struct gw_faults faults;
static struct tw_deadline never; /* while one is set, nobody but wait_ms turns the clock */

static void on_never(struct tw_deadline *d)
{
    (void)d;
    fail();
}

static void undisturb(struct gw_session *s)
{
    s->is_disturbed = false;
}

static bool disturb(struct till *till, struct gw_fault_wish wish)
{
    till->session->is_disturbed = gw_faults_disturb(&faults, till->session, &wish);
    return till->session->is_disturbed;
}

static int open_faults(void **state)
{
    struct tenant *t;

    (void)open_tenant(state);
    t = *state;
    loop = tw_new(struct tw_loop);
    tw_loop_init(loop);
    tw_after(loop, &never, UINT64_C(3600000), on_never);
    gw_faults_start(&faults,
                    &(struct gw_faults_options){ loop, gw_session_writable, undisturb });
    t->all.faults = &faults;
    gw_hub_begin(&t->hub, 5, 1);
    return 0;
}

static int close_faults(void **state)
{
    (void)close_tenant(state);
    assert_int_equal(faults.count, 0); /* who leaves is disturbed no more */
    gw_faults_stop(&faults);
    tw_after_cancel(loop, &never);
    tw_loop_done(loop);
    free(loop);
    return 0;
}

static void wait_ms(uint64_t ms)
{
    loop->now_ms += ms;
    tw_deadlines_run(&loop->deadlines, loop->now_ms);
}

static struct till *join_disturbed(struct tenant *t, size_t i, struct gw_fault_wish wish)
{
    struct till *till = join_live(t, i);

    assert_true(disturb(till, wish));
    return till;
}

static void events_are_lost_and_the_rest_comes(void **state)
{
    struct tenant *t = *state;
    struct till *other = join_live(t, 0);
    struct till *till = join_disturbed(t, 1, (struct gw_fault_wish){ .drop = 2 });

    arrive_all(t, 6, 9);
    assert_buf(&till->heard, "connected@5 8 9");
    assert_buf(&other->heard, "connected@5 6 7 8 9");
    leave(till);
    till = join_since(t, 1, 5);
    assert_buf(&till->heard, "connected@9 6 7 8 9"); /* nothing is lost for who comes back */
}

static void events_come_twice(void **state)
{
    struct tenant *t = *state;
    struct till *till = join_disturbed(t, 0, (struct gw_fault_wish){ .duplicate = 2 });

    arrive_all(t, 6, 8);
    assert_buf(&till->heard, "connected@5 6 6 7 7 8");
}

static void nothing_comes_for_a_while_and_then_all_of_it(void **state)
{
    struct tenant *t = *state;
    struct till *other = join_live(t, 0);
    struct till *till = join_disturbed(t, 1, (struct gw_fault_wish){ .silent_ms = 30000 });

    arrive_all(t, 6, 7);
    wait_ms(29000);
    turn(t, 29000); /* nor is it closed for reading nothing */
    say(t, till, "{\"type\":\"ping\"}");
    assert_buf(&till->heard, "connected@5 pong");
    assert_buf(&other->heard, "connected@5 6 7");
    assert_int_equal(gw_hub_wants_older(&t->hub), 0);
    wait_ms(1100);
    assert_buf(&till->heard, "connected@5 pong 6 7");
    arrive_all(t, 8, 8);
    assert_buf(&till->heard, "connected@5 pong 6 7 8");
    assert_int_equal(till->close_code, 0);
}

/* The events of this test are old. */
static void a_delay_counts_from_when_the_event_happened(void **state)
{
    struct tenant *t = *state;
    struct till *till = join_disturbed(t, 0, (struct gw_fault_wish){ .delay_ms = 30000 });

    arrive_all(t, 6, 7);
    assert_buf(&till->heard, "connected@5 6 7");
}

static void it_is_over_after_a_minute(void **state)
{
    struct tenant *t = *state;
    struct till *till =
        join_disturbed(t, 0, (struct gw_fault_wish){ .drop = 1000, .silent_ms = 1000 });

    wait_ms(1100);
    arrive_all(t, 6, 6);
    wait_ms(58000);
    arrive_all(t, 7, 7);
    assert_buf(&till->heard, "connected@5");
    wait_ms(1000);
    assert_int_equal(faults.count, 0);
    arrive_all(t, 8, 8);
    assert_buf(&till->heard, "connected@5 8");
}

static void a_newer_one_takes_its_place(void **state)
{
    struct tenant *t = *state;
    struct till *till = join_disturbed(t, 0, (struct gw_fault_wish){ .silent_ms = 60000 });

    arrive_all(t, 6, 6);
    assert_true(
        gw_faults_disturb(&faults, till->session, &(struct gw_fault_wish){ .drop = 1 }));
    wait_ms(100);
    arrive_all(t, 7, 7);
    assert_buf(&till->heard, "connected@5 7"); /* 6 waited, and was the next */
    assert_int_equal(faults.count, 1);
}

static void so_many_at_once_and_no_more(void **state)
{
    struct tenant *t = *state;
    struct till *till = join_live(t, 0);

    faults.count = GW_FAULTS;
    assert_false(
        gw_faults_disturb(&faults, till->session, &(struct gw_fault_wish){ .drop = 1 }));
    faults.count = 0;
    arrive_all(t, 6, 6);
    assert_buf(&till->heard, "connected@5 6");
}

static void a_process_that_ends_disturbs_nobody(void **state)
{
    struct tenant *t = *state;
    struct till *till = join_disturbed(t, 0, (struct gw_fault_wish){ .drop = 5 });

    gw_faults_stop(&faults);
    arrive_all(t, 6, 6);
    assert_buf(&till->heard, "connected@5 6");
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_faults, close_faults)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(events_are_lost_and_the_rest_comes),
        test(events_come_twice),
        test(nothing_comes_for_a_while_and_then_all_of_it),
        test(a_delay_counts_from_when_the_event_happened),
        test(it_is_over_after_a_minute),
        test(a_newer_one_takes_its_place),
        test(so_many_at_once_and_no_more),
        test(a_process_that_ends_disturbs_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
