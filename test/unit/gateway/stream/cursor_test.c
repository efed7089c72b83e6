/* cursor_test.c - each event once, in order: every step of the cursor by itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/cursor.h"

#include <stdlib.h>

#include "test/unit/support/check.h"

static enum gw_admit arrive(struct gw_cursor *c, uint64_t seq)
{
    struct tw_buf text = { .max = 32 };
    enum gw_admit admitted;

    tw_buf_text(&text, "event ");
    tw_buf_u64(&text, seq);
    admitted = gw_cursor_arrive(c, seq, tw_buf_view(&text));
    tw_buf_done(&text); /* what is held is a copy */
    return admitted;
}

/* Releases the next held event, checks its text, and tells its seq; 0 when there is none. */
static uint64_t release(struct gw_cursor *c)
{
    struct tw_buf want = { .max = 32 };
    uint64_t seq = 0;
    char *raw = NULL;
    size_t len = 0;

    if (!gw_cursor_release(c, &seq, &raw, &len))
        return 0;
    tw_buf_text(&want, "event ");
    tw_buf_u64(&want, seq);
    assert_true(tw_slice_eq(tw_slice_from(raw, len), tw_buf_view(&want)));
    assert_int_equal(c->at, seq);
    tw_buf_done(&want);
    free(raw);
    return seq;
}

static void events_are_held_until_the_head_is_known(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    assert_int_equal(arrive(&c, 42), GW_ADMIT_EARLY);
    assert_int_equal(arrive(&c, 40), GW_ADMIT_EARLY);
    assert_int_equal(arrive(&c, 41), GW_ADMIT_EARLY);
    assert_int_equal(arrive(&c, 41), GW_ADMIT_DUPLICATE);
    assert_int_equal(release(&c), 0);
    assert_false(gw_cursor_has_gap(&c)); /* nothing can be asked for yet */
    gw_cursor_begin(&c, 40);
    assert_int_equal(c.at, 40);
    assert_int_equal(release(&c), 41);
    assert_int_equal(release(&c), 42);
    assert_int_equal(release(&c), 0);
    assert_false(gw_cursor_has_gap(&c));
    gw_cursor_done(&c);
}

static void a_stream_may_begin_at_nothing(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_begin(&c, 0);
    assert_false(gw_cursor_has_gap(&c));
    assert_int_equal(arrive(&c, 1), GW_ADMIT_NOW);
    assert_int_equal(c.at, 1);
    gw_cursor_done(&c);
}

static void events_in_order_have_their_turn_at_once(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_begin(&c, 7);
    for (uint64_t seq = 8; seq < 100; seq++) {
        assert_int_equal(arrive(&c, seq), GW_ADMIT_NOW);
        assert_int_equal(release(&c), 0);
        assert_false(gw_cursor_has_gap(&c));
    }
    assert_int_equal(c.at, 99);
    assert_int_equal(c.held_count, 0);
    gw_cursor_done(&c);
}

static void an_event_that_was_handed_out_is_a_duplicate(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_begin(&c, 7);
    assert_int_equal(arrive(&c, 7), GW_ADMIT_DUPLICATE);
    assert_int_equal(arrive(&c, 1), GW_ADMIT_DUPLICATE);
    assert_int_equal(arrive(&c, 0), GW_ADMIT_DUPLICATE);
    assert_int_equal(arrive(&c, 8), GW_ADMIT_NOW);
    assert_int_equal(arrive(&c, 8), GW_ADMIT_DUPLICATE);
    assert_int_equal(gw_cursor_read(&c, 8), GW_ADMIT_DUPLICATE);
    assert_int_equal(c.duplicates, 5);
    assert_int_equal(c.at, 8);
    gw_cursor_done(&c);
}

static void an_early_event_waits_for_those_before_it(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_begin(&c, 0);
    assert_int_equal(arrive(&c, 3), GW_ADMIT_EARLY);
    assert_true(gw_cursor_has_gap(&c));
    assert_int_equal(release(&c), 0);
    assert_int_equal(arrive(&c, 1), GW_ADMIT_NOW);
    assert_int_equal(release(&c), 0);
    assert_int_equal(arrive(&c, 2), GW_ADMIT_NOW);
    assert_int_equal(release(&c), 3);
    assert_int_equal(release(&c), 0);
    assert_false(gw_cursor_has_gap(&c));
    assert_int_equal(c.held_bytes, 0);
    gw_cursor_done(&c);
}

static void the_log_leads_over_a_gap_and_drops_what_was_held(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_begin(&c, 0);
    assert_int_equal(arrive(&c, 3), GW_ADMIT_EARLY);
    assert_int_equal(arrive(&c, 6), GW_ADMIT_EARLY);
    for (uint64_t seq = 1; seq <= 4; seq++)
        assert_int_equal(gw_cursor_read(&c, seq), GW_ADMIT_NOW);
    assert_int_equal(c.held_count, 1); /* 3 came from the log: once is enough */
    assert_int_equal(release(&c), 0);
    assert_int_equal(arrive(&c, 5), GW_ADMIT_NOW);
    assert_int_equal(release(&c), 6);
    gw_cursor_done(&c);
}

static void a_release_between_two_rows_of_the_log_makes_the_second_a_duplicate(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_begin(&c, 0);
    assert_int_equal(arrive(&c, 2), GW_ADMIT_EARLY);
    assert_int_equal(gw_cursor_read(&c, 1), GW_ADMIT_NOW);
    assert_int_equal(release(&c), 2);
    assert_int_equal(gw_cursor_read(&c, 2), GW_ADMIT_DUPLICATE);
    assert_int_equal(gw_cursor_read(&c, 3), GW_ADMIT_NOW);
    gw_cursor_done(&c);
}

static void the_log_may_have_skipped_numbers(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_begin(&c, 10);
    assert_int_equal(arrive(&c, 1001), GW_ADMIT_EARLY);
    assert_int_equal(gw_cursor_read(&c, 1001), GW_ADMIT_NOW); /* the next one that there is */
    assert_int_equal(c.at, 1001);
    assert_int_equal(c.held_count, 0);
    gw_cursor_log_end(&c);
    assert_false(gw_cursor_has_gap(&c));
    gw_cursor_done(&c);
}

static void a_head_beyond_the_cursor_is_a_gap(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_begin(&c, 10);
    assert_false(gw_cursor_saw_head(&c, 10));
    assert_false(gw_cursor_has_gap(&c));
    assert_false(gw_cursor_saw_head(&c, 12));
    assert_true(gw_cursor_has_gap(&c));
    assert_int_equal(arrive(&c, 11), GW_ADMIT_NOW);
    assert_true(gw_cursor_has_gap(&c));
    assert_int_equal(arrive(&c, 12), GW_ADMIT_NOW);
    assert_false(gw_cursor_has_gap(&c));
    gw_cursor_done(&c);
}

static void a_head_before_the_cursor_takes_it_back(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_begin(&c, 10);
    assert_int_equal(arrive(&c, 13), GW_ADMIT_EARLY);
    assert_true(gw_cursor_saw_head(&c, 4));
    assert_int_equal(c.at, 4);
    assert_int_equal(c.held_count, 0);
    assert_int_equal(c.held_bytes, 0);
    assert_false(gw_cursor_has_gap(&c));
    assert_int_equal(arrive(&c, 5), GW_ADMIT_NOW); /* the new history's */
    gw_cursor_done(&c);
}

static void somebody_who_knows_of_a_later_event_makes_a_gap(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_begin(&c, 10);
    gw_cursor_expect(&c, 10);
    gw_cursor_expect(&c, 3);
    assert_false(gw_cursor_has_gap(&c));
    gw_cursor_expect(&c, 11);
    assert_true(gw_cursor_has_gap(&c));
    gw_cursor_log_read(&c);
    gw_cursor_log_end(&c); /* there is no such event */
    assert_false(gw_cursor_has_gap(&c));
    gw_cursor_done(&c);
}

static void nonsense_that_the_log_does_not_confirm_is_dropped(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_begin(&c, 10);
    assert_int_equal(arrive(&c, 5000000), GW_ADMIT_EARLY);
    assert_true(gw_cursor_has_gap(&c));
    gw_cursor_log_read(&c);
    gw_cursor_log_end(&c);
    assert_int_equal(c.rejected, 1);
    assert_int_equal(c.held_count, 0);
    assert_false(gw_cursor_has_gap(&c));
    assert_int_equal(arrive(&c, 11), GW_ADMIT_NOW);
    gw_cursor_done(&c);
}

static void an_event_that_came_while_the_log_was_read_is_not_doubted(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_begin(&c, 10);
    assert_int_equal(arrive(&c, 12), GW_ADMIT_EARLY);
    gw_cursor_log_read(&c);
    assert_int_equal(arrive(&c, 14), GW_ADMIT_EARLY); /* committed after the reading's sight */
    assert_int_equal(gw_cursor_read(&c, 11), GW_ADMIT_NOW);
    assert_int_equal(gw_cursor_read(&c, 12), GW_ADMIT_NOW);
    gw_cursor_log_end(&c);
    assert_int_equal(c.rejected, 0);
    assert_int_equal(c.held_count, 1);
    assert_true(gw_cursor_has_gap(&c)); /* 13 is still to be read */
    gw_cursor_log_read(&c);
    assert_int_equal(gw_cursor_read(&c, 13), GW_ADMIT_NOW);
    assert_int_equal(release(&c), 14);
    gw_cursor_log_end(&c);
    assert_false(gw_cursor_has_gap(&c));
    gw_cursor_done(&c);
}

static void a_head_that_the_log_does_not_reach_is_forgotten(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_begin(&c, 10);
    assert_false(gw_cursor_saw_head(&c, 13)); /* numbers that a restore skipped */
    gw_cursor_log_read(&c);
    assert_int_equal(gw_cursor_read(&c, 11), GW_ADMIT_NOW);
    gw_cursor_log_end(&c);
    assert_false(gw_cursor_has_gap(&c));
    gw_cursor_done(&c);
}

static void a_head_that_was_seen_while_the_log_was_read_is_not_forgotten(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_begin(&c, 10);
    assert_false(gw_cursor_saw_head(&c, 12));
    gw_cursor_log_read(&c);
    assert_false(gw_cursor_saw_head(&c, 13)); /* committed after the reading's sight */
    assert_int_equal(gw_cursor_read(&c, 11), GW_ADMIT_NOW);
    assert_int_equal(gw_cursor_read(&c, 12), GW_ADMIT_NOW);
    gw_cursor_log_end(&c);
    assert_true(gw_cursor_has_gap(&c));
    gw_cursor_log_read(&c);
    assert_int_equal(gw_cursor_read(&c, 13), GW_ADMIT_NOW);
    gw_cursor_log_end(&c);
    assert_false(gw_cursor_has_gap(&c));
    gw_cursor_done(&c);
}

static void so_many_early_ones_are_held_and_the_rest_is_read_later(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_begin(&c, 0);
    for (uint64_t i = 0; i < 3ULL * GW_MAX_HELD; i++) /* backwards, the worst order */
        assert_int_equal(arrive(&c, 3ULL * GW_MAX_HELD + 1 - i), GW_ADMIT_EARLY);
    assert_int_equal(c.held_count, GW_MAX_HELD);
    assert_true(gw_cursor_has_gap(&c));
    gw_cursor_log_read(&c);
    for (uint64_t seq = 1; seq <= 2ULL * GW_MAX_HELD + 1; seq++)
        assert_int_equal(gw_cursor_read(&c, seq), GW_ADMIT_NOW);
    for (uint64_t seq = 2ULL * GW_MAX_HELD + 2; seq <= 3ULL * GW_MAX_HELD + 1; seq++)
        assert_int_equal(release(&c), seq);
    assert_int_equal(release(&c), 0);
    assert_false(gw_cursor_has_gap(&c));
    gw_cursor_done(&c);
}

static void so_many_bytes_are_held(void **state)
{
    struct gw_cursor c = { 0 };
    size_t n = GW_HELD_BYTES / 4;
    char *raw = calloc(1, n + 1);

    (void)state;
    assert_non_null(raw);
    gw_cursor_begin(&c, 0);
    for (uint64_t seq = 2; seq < 6; seq++)
        assert_int_equal(gw_cursor_arrive(&c, seq, tw_slice_from(raw, n)), GW_ADMIT_EARLY);
    assert_int_equal(c.held_bytes, GW_HELD_BYTES);
    assert_int_equal(gw_cursor_arrive(&c, 6, tw_slice_from(raw, 1)), GW_ADMIT_EARLY);
    assert_int_equal(c.held_count, 4);
    assert_true(gw_cursor_has_gap(&c));
    assert_int_equal(gw_cursor_read(&c, 2), GW_ADMIT_NOW);
    assert_int_equal(c.held_bytes, 3 * n);
    gw_cursor_done(&c);
    free(raw);
}

static void one_that_was_too_much_to_hold_is_asked_for(void **state)
{
    struct gw_cursor c = { 0 };
    char *raw = calloc(1, GW_HELD_BYTES + 1);

    (void)state;
    assert_non_null(raw);
    gw_cursor_begin(&c, 5);
    assert_int_equal(gw_cursor_arrive(&c, 9, tw_slice_from(raw, GW_HELD_BYTES + 1)),
                     GW_ADMIT_EARLY);
    assert_int_equal(c.held_count, 0);
    assert_true(gw_cursor_has_gap(&c));
    gw_cursor_done(&c);
    free(raw);
}

static void an_ended_cursor_is_an_empty_one(void **state)
{
    struct gw_cursor c = { 0 };

    (void)state;
    gw_cursor_done(&c);
    gw_cursor_begin(&c, 1);
    assert_int_equal(arrive(&c, 9), GW_ADMIT_EARLY);
    gw_cursor_done(&c);
    assert_false(c.is_known);
    assert_int_equal(c.held_count, 0);
    assert_int_equal(arrive(&c, 1), GW_ADMIT_EARLY);
    gw_cursor_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_held_until_the_head_is_known),
        cmocka_unit_test(a_stream_may_begin_at_nothing),
        cmocka_unit_test(events_in_order_have_their_turn_at_once),
        cmocka_unit_test(an_event_that_was_handed_out_is_a_duplicate),
        cmocka_unit_test(an_early_event_waits_for_those_before_it),
        cmocka_unit_test(the_log_leads_over_a_gap_and_drops_what_was_held),
        cmocka_unit_test(a_release_between_two_rows_of_the_log_makes_the_second_a_duplicate),
        cmocka_unit_test(the_log_may_have_skipped_numbers),
        cmocka_unit_test(a_head_beyond_the_cursor_is_a_gap),
        cmocka_unit_test(a_head_before_the_cursor_takes_it_back),
        cmocka_unit_test(somebody_who_knows_of_a_later_event_makes_a_gap),
        cmocka_unit_test(nonsense_that_the_log_does_not_confirm_is_dropped),
        cmocka_unit_test(an_event_that_came_while_the_log_was_read_is_not_doubted),
        cmocka_unit_test(a_head_that_the_log_does_not_reach_is_forgotten),
        cmocka_unit_test(a_head_that_was_seen_while_the_log_was_read_is_not_forgotten),
        cmocka_unit_test(so_many_early_ones_are_held_and_the_rest_is_read_later),
        cmocka_unit_test(so_many_bytes_are_held),
        cmocka_unit_test(one_that_was_too_much_to_hold_is_asked_for),
        cmocka_unit_test(an_ended_cursor_is_an_empty_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
