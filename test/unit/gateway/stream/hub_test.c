/* hub_test.c - a tenant's stream and its tills: greeting, order, once, and who does not read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/hub.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/orderweb/orderweb.h"
#include "test/unit/gateway/support/fake_till.h"

static void nobody_is_greeted_before_the_head_is_known(void **state)
{
    struct tenant *t = *state;
    struct till *till = join_live(t, 0);

    assert_int_equal(arrive(t, 7), GW_ADMIT_EARLY);
    assert_int_equal(arrive(t, 5), GW_ADMIT_EARLY);
    assert_buf(&till->heard, "");
    gw_hub_begin(&t->hub, 5, 1);
    assert_buf(&till->heard, "connected@5");
    assert_int_equal(arrive(t, 6), GW_ADMIT_NOW);
    assert_buf(&till->heard, "connected@5 6 7");
}

static void events_held_after_the_head_follow_the_greeting(void **state)
{
    struct tenant *t = *state;
    struct till *till = join_live(t, 0);

    for (uint64_t seq = 8; seq >= 3; seq--)
        assert_int_equal(arrive(t, seq), GW_ADMIT_EARLY);
    gw_hub_begin(&t->hub, 5, 1);
    turn(t, 0);
    assert_buf(&till->heard, "connected@5 6 7 8");
    gw_hub_begin(&t->hub, 99, 1); /* it has begun already */
    turn(t, 0);
    assert_buf(&till->heard, "connected@5 6 7 8");
}

static void a_lost_message_is_read_from_the_log_and_nothing_comes_twice(void **state)
{
    struct tenant *t = *state;
    struct till *till = join_live(t, 0);

    gw_hub_begin(&t->hub, 0, 1);
    assert_int_equal(arrive(t, 1), GW_ADMIT_NOW);
    assert_int_equal(arrive(t, 3), GW_ADMIT_EARLY); /* 2 got lost in Redis */
    assert_buf(&till->heard, "connected@0 1");
    assert_true(gw_cursor_has_gap(&t->hub.stream.cursor));
    gap_read(t, 2, 3); /* the log's answer has 3 as well */
    assert_buf(&till->heard, "connected@0 1 2 3");
    assert_int_equal(arrive(t, 3), GW_ADMIT_DUPLICATE); /* a publisher that tried again */
    assert_int_equal(arrive(t, 1), GW_ADMIT_DUPLICATE);
    assert_buf(&till->heard, "connected@0 1 2 3");
    assert_int_equal(t->hub.stream.backlog.count, 3);
}

static void events_read_from_the_log_release_the_early_ones(void **state)
{
    struct tenant *t = *state;
    struct till *till = join_live(t, 0);

    gw_hub_begin(&t->hub, 0, 1);
    gw_hub_log_read(&t->hub); /* it sees no more than 2 */
    (void)arrive(t, 4);
    (void)arrive(t, 3);
    (void)arrive(t, 1);
    gap_answer(t, 1, 2);
    assert_buf(&till->heard, "connected@0 1 2 3 4");
    assert_int_equal(t->hub.stream.cursor.rejected, 0);
}

static void a_till_that_joins_later_hears_events_after_the_head(void **state)
{
    struct tenant *t = *state;
    struct till *late;

    gw_hub_begin(&t->hub, 5, 1);
    (void)join_live(t, 0);
    (void)arrive(t, 6);
    (void)arrive(t, 8);
    late = join_live(t, 1);
    assert_buf(&late->heard, "connected@6");
    (void)arrive(t, 7);
    assert_buf(&late->heard, "connected@6 7 8");
    assert_buf(&t->tills[0].heard, "connected@5 6 7 8");
}

static void all_hear_the_same_frame_which_was_encoded_once(void **state)
{
    struct tenant *t = *state;

    gw_hub_begin(&t->hub, 0, 1);
    for (size_t i = 0; i < TILLS; i++)
        (void)join_live(t, i);
    for (uint64_t seq = 1; seq <= 10; seq++) {
        (void)arrive(t, seq);
        for (size_t i = 1; i < TILLS; i++)
            assert_ptr_equal(t->tills[i].last, t->tills[0].last);
        assert_int_equal(t->tills[0].last->references, 1 + TILLS); /* the backlog's, theirs */
    }
    assert_int_equal(t->all.rendered.value, 10);
    assert_int_equal(t->all.messages_out.value, TILLS + TILLS * 10);
    assert_buf(&t->tills[4].heard, "connected@0 1 2 3 4 5 6 7 8 9 10");
}

static void events_that_nobody_hears_are_passed_over_and_not_rendered(void **state)
{
    struct tenant *t = *state;
    struct till *till = join_live(t, 0);
    struct tw_event ev;

    gw_hub_begin(&t->hub, 0, 1);
    (void)arrive(t, 1);
    ev = event_unheard(&t->text, 2);
    assert_int_equal(gw_stream_arrive(&t->hub.stream, &ev), GW_ADMIT_NOW);
    (void)arrive(t, 3);
    assert_buf(&till->heard, "connected@0 1 3");
    assert_int_equal(t->all.rendered.value, 2);
}

static void a_full_socket_keeps_its_position_and_continues_when_it_is_writable(void **state)
{
    struct tenant *t = *state;
    struct till *slow, *quick;

    gw_hub_begin(&t->hub, 0, 1);
    slow = join_live(t, 0);
    quick = join_live(t, 1);
    slow->room = 2;
    for (uint64_t seq = 1; seq <= 6; seq++)
        (void)arrive(t, seq);
    assert_buf(&quick->heard, "connected@0 1 2 3 4 5 6"); /* it has not waited */
    assert_buf(&slow->heard, "connected@0 1 2");
    slow->room = 1;
    gw_session_writable(slow->session, gw_session_all(slow->session)->now_ms);
    assert_buf(&slow->heard, "connected@0 1 2 3");
    slow->room = 100;
    gw_session_writable(slow->session, gw_session_all(slow->session)->now_ms);
    assert_buf(&slow->heard, "connected@0 1 2 3 4 5 6");
    assert_int_equal(t->all.rendered.value, 6); /* and what it missed was not encoded again */
    assert_int_equal(slow->close_code, 0);
}

static void a_burst_closes_nobody(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 0, 1);
    till = join_live(t, 0);
    till->room = 1;
    for (uint64_t seq = 1; seq <= 50; seq++) /* five times the limit, within a second */
        (void)arrive_large(t, seq, 1000);
    turn(t, 1000);
    assert_int_equal(till->close_code, 0);
    till->room = 100;
    gw_session_writable(till->session, gw_session_all(till->session)->now_ms);
    assert_int_equal(till->session->next_seq, 51);
    assert_int_equal(t->all.slow.value, 0);
}

static void a_till_that_lags_far_and_takes_nothing_for_a_second_is_closed(void **state)
{
    struct tenant *t = *state;
    struct till *slow, *quick;

    gw_hub_begin(&t->hub, 0, 1);
    slow = join_live(t, 0);
    quick = join_live(t, 1);
    slow->room = 0;
    for (uint64_t seq = 1; seq <= 20; seq++)
        (void)arrive_large(t, seq, 1000);
    turn(t, 1000);
    assert_int_equal(slow->close_code, 0);
    turn(t, 1);
    assert_int_equal(slow->close_code, 1013);
    assert_int_equal(quick->close_code, 0);
    assert_int_equal(t->all.slow.value, 1);
    (void)arrive(t, 21); /* nothing is sent to it any more, and it is not closed twice */
    turn(t, 100000);
    assert_buf(&slow->heard, "connected@0");
    assert_int_equal(quick->session->next_seq, 22);
}

static void a_till_that_lags_a_little_has_ten_seconds(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 0, 1);
    till = join_live(t, 0);
    till->room = 0;
    (void)arrive(t, 1);
    turn(t, 10000);
    assert_int_equal(till->close_code, 0);
    turn(t, 1);
    assert_int_equal(till->close_code, 1013);
}

static void each_frame_that_is_taken_restarts_the_time(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 0, 1);
    till = join_live(t, 0);
    till->room = 0;
    for (uint64_t seq = 1; seq <= 40; seq++)
        (void)arrive_large(t, seq, 1000);
    for (int i = 0; i < 25; i++) { /* slow, and far behind, and alive */
        turn(t, 900);
        till->room = 1;
        gw_session_writable(till->session, gw_session_all(till->session)->now_ms);
    }
    assert_int_equal(till->close_code, 0);
    assert_int_equal(till->session->next_seq, 26);
    turn(t, 500);
    turn(t, 501);
    turn(t, 501);
    assert_int_equal(till->close_code, 1013);
}

/* Over a thin line one batch takes longer than that. */
static void a_till_that_reads_steadily_is_not_closed(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 0, 1);
    till = join_live(t, 0);
    till->room = 0;
    for (uint64_t seq = 1; seq <= 40; seq++)
        (void)arrive_large(t, seq, 1000);
    for (int i = 0; i < 25; i++) {
        turn(t, 900);
        till->taken += 1;
    }
    turn(t, 900);
    assert_int_equal(till->close_code, 0);
    assert_int_equal(till->session->next_seq, 1);
    turn(t, 1001);
    assert_int_equal(till->close_code, 1013);
}

static void a_silent_tenants_full_socket_is_left_alone(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 0, 1);
    till = join_live(t, 0);
    till->room = 0;
    turn(t, 0);
    turn(t, 1000000); /* there is nothing that it could take */
    assert_int_equal(till->close_code, 0);
    till->room = 1;
    (void)arrive(t, 1);
    assert_buf(&till->heard, "connected@0 1");
}

static void a_stream_that_went_back_closes_its_sessions(void **state)
{
    struct tenant *t = *state;
    struct till *till, *again;

    gw_hub_begin(&t->hub, 5, 1);
    till = join_live(t, 0);
    (void)arrive(t, 6);
    (void)arrive(t, 9);
    assert_true(gw_hub_saw_head(&t->hub, 3)); /* a restore */
    assert_int_equal(till->close_code, 1013);
    assert_int_equal(t->all.slow.value, 0);
    leave(till);
    again = join_live(t, 1);
    assert_buf(&again->heard, "connected@3");
    assert_int_equal(arrive(t, 4), GW_ADMIT_NOW); /* the new history's */
    assert_buf(&again->heard, "connected@3 4");
    assert_buf(&till->heard, "connected@5 6");
}

static void a_head_further_on_says_what_was_missed(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    assert_false(gw_hub_saw_head(&t->hub, 50)); /* its own head is not known yet */
    gw_hub_begin(&t->hub, 5, 1);
    till = join_live(t, 0);
    assert_false(gw_hub_saw_head(&t->hub, 5));
    assert_false(gw_cursor_has_gap(&t->hub.stream.cursor));
    assert_false(gw_hub_saw_head(&t->hub, 7));
    assert_true(gw_cursor_has_gap(&t->hub.stream.cursor));
    gap_read(t, 6, 7);
    assert_buf(&till->heard, "connected@5 6 7");
    assert_int_equal(till->close_code, 0);
}

static void an_event_that_never_was_is_never_heard(void **state)
{
    struct tenant *t = *state;
    struct till *till = join_live(t, 0);

    gw_hub_begin(&t->hub, 5, 1);
    assert_int_equal(arrive(t, 4000000), GW_ADMIT_EARLY);
    gap_read(t, 6, 6);
    assert_int_equal(t->hub.stream.cursor.rejected, 1);
    (void)arrive(t, 7);
    assert_buf(&till->heard, "connected@5 6 7");
}

static void the_owner_is_told_whenever_there_is_something_to_do(void **state)
{
    struct tenant *t = *state;
    struct till *till;
    uint64_t before;

    gw_hub_begin(&t->hub, 5, 1);
    assert_int_equal(t->changes, 1);
    till = join_live(t, 0);
    before = t->changes;
    (void)arrive(t, 6);
    assert_int_equal(t->changes, ++before);
    (void)arrive(t, 9); /* a gap */
    assert_int_equal(t->changes, ++before);
    (void)arrive(t, 6); /* a duplicate is nothing */
    assert_int_equal(t->changes, before);
    leave(till);
    assert_int_equal(t->changes, ++before);
    assert_int_equal(t->hub.session_count, 0);
}

static void a_till_that_left_hears_no_more(void **state)
{
    struct tenant *t = *state;

    gw_hub_begin(&t->hub, 0, 1);
    for (size_t i = 0; i < 3; i++)
        (void)join_live(t, i);
    (void)arrive(t, 1);
    leave(&t->tills[1]);
    (void)arrive(t, 2);
    assert_buf(&t->tills[0].heard, "connected@0 1 2");
    assert_buf(&t->tills[1].heard, "connected@0 1");
    assert_buf(&t->tills[2].heard, "connected@0 1 2");
    assert_int_equal(t->hub.session_count, 2);
    assert_int_equal(t->all.open[0].value, 2);
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_tenant, close_tenant)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(nobody_is_greeted_before_the_head_is_known),
        test(events_held_after_the_head_follow_the_greeting),
        test(a_lost_message_is_read_from_the_log_and_nothing_comes_twice),
        test(events_read_from_the_log_release_the_early_ones),
        test(a_till_that_joins_later_hears_events_after_the_head),
        test(all_hear_the_same_frame_which_was_encoded_once),
        test(events_that_nobody_hears_are_passed_over_and_not_rendered),
        test(a_full_socket_keeps_its_position_and_continues_when_it_is_writable),
        test(a_burst_closes_nobody),
        test(a_till_that_lags_far_and_takes_nothing_for_a_second_is_closed),
        test(a_till_that_lags_a_little_has_ten_seconds),
        test(each_frame_that_is_taken_restarts_the_time),
        test(a_till_that_reads_steadily_is_not_closed),
        test(a_silent_tenants_full_socket_is_left_alone),
        test(a_stream_that_went_back_closes_its_sessions),
        test(a_head_further_on_says_what_was_missed),
        test(an_event_that_never_was_is_never_heard),
        test(the_owner_is_told_whenever_there_is_something_to_do),
        test(a_till_that_left_hears_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
