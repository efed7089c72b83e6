/* hub_resume_test.c - tills that come back: from memory, from the log, from another process.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/hub.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "gateway/orderweb/orderweb.h"
#include "test/unit/gateway/support/fake_till.h"

#define PAGE_ROWS 1000

/* The log's answer to "what lies after `after`": events `first` to `last`; it has dropped those
 * below `oldest`. */
static void answer_kept(struct tenant *t, uint64_t oldest, uint64_t after, uint64_t first,
                        uint64_t last, bool is_all)
{
    struct tw_event *events = tw_alloc(PAGE_ROWS, sizeof(*events));
    struct tw_buf *texts = tw_alloc(PAGE_ROWS, sizeof(*texts));
    size_t n = 0;

    for (uint64_t seq = first; seq <= last; seq++, n++) {
        texts[n].max = 1024;
        events[n] = event_of(&texts[n], seq, 0);
    }
    gw_hub_take_piece(&t->hub, &(struct gw_piece){ .after = after,
                                                   .events = events,
                                                   .count = n,
                                                   .through = n > 0 ? last : after,
                                                   .reaches_backlog = is_all,
                                                   .oldest = oldest });
    turn(t, 0);
    while (n > 0)
        tw_buf_done(&texts[--n]);
    free(texts);
    free(events);
}

static void answer_older(struct tenant *t, uint64_t after, uint64_t first, uint64_t last,
                         bool is_all)
{
    answer_kept(t, 1, after, first, last, is_all);
}

static void events_in_memory_come_first_and_then_live_ones(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5, 1);
    arrive_all(t, 6, 9);
    till = join_since(t, 0, 7);
    assert_buf(&till->heard, "connected@9 8 9");
    assert_int_equal(gw_hub_wants_older(&t->hub), 0);
    arrive_all(t, 10, 10);
    assert_buf(&till->heard, "connected@9 8 9 10");
    assert_int_equal(t->all.resumed.value, 1);
    assert_int_equal(t->all.resynced.value, 0);
}

static void a_till_that_missed_nothing_hears_live_events(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5, 1);
    till = join_since(t, 0, 5);
    assert_buf(&till->heard, "connected@5");
    assert_int_equal(gw_hub_wants_older(&t->hub), 0);
    arrive_all(t, 6, 7);
    assert_buf(&till->heard, "connected@5 6 7");
}

static void a_till_that_joined_before_the_head_was_known_resumes_with_it(void **state)
{
    struct tenant *t = *state;
    struct till *till = join_since(t, 0, 3);

    assert_int_equal(gw_hub_wants_older(&t->hub), 0);
    assert_int_equal(arrive(t, 6), GW_ADMIT_EARLY);
    assert_buf(&till->heard, "");
    gw_hub_begin(&t->hub, 5, 1);
    turn(t, 0);
    assert_buf(&till->heard, "connected@5");
    assert_int_equal(gw_hub_wants_older(&t->hub), 4);
    answer_older(t, 3, 4, 6, true); /* the log has 6 by now, and so has memory */
    assert_buf(&till->heard, "connected@5 4 5 6");
    arrive_all(t, 7, 7);
    assert_buf(&till->heard, "connected@5 4 5 6 7");
}

static void what_is_older_than_memory_is_read_from_the_log(void **state)
{
    struct tenant *t = *state;
    struct till *till, *next;

    gw_hub_begin(&t->hub, 50, 1);
    till = join_since(t, 0, 45);
    assert_int_equal(gw_hub_wants_older(&t->hub), 46);
    arrive_all(t, 51, 52); /* live ones wait their admitted */
    assert_buf(&till->heard, "connected@50");
    answer_older(t, 43, 44, 52, true); /* begun a little further back */
    assert_buf(&till->heard, "connected@50 46 47 48 49 50 51 52");
    assert_int_equal(gw_hub_wants_older(&t->hub), 0);
    next = join_since(t, 1, 43); /* and the next one finds it all in memory */
    assert_buf(&next->heard, "connected@52 44 45 46 47 48 49 50 51 52");
    assert_int_equal(gw_hub_wants_older(&t->hub), 0);
}

static void a_long_way_back_is_read_piece_by_piece(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 12, 1);
    till = join_since(t, 0, 0);
    assert_int_equal(gw_hub_wants_older(&t->hub), 1);
    answer_older(t, 0, 1, 5, false);
    assert_buf(&till->heard, "connected@12 1 2 3 4 5");
    assert_int_equal(gw_hub_wants_older(&t->hub), 6);
    answer_older(t, 5, 6, 10, false);
    assert_int_equal(gw_hub_wants_older(&t->hub), 11);
    answer_older(t, 10, 11, 12, false); /* it reaches what is in memory, so that is all */
    assert_buf(&till->heard, "connected@12 1 2 3 4 5 6 7 8 9 10 11 12");
    assert_int_equal(gw_hub_wants_older(&t->hub), 0);
    arrive_all(t, 13, 13);
    assert_buf(&till->heard, "connected@12 1 2 3 4 5 6 7 8 9 10 11 12 13");
}

static void the_log_may_have_no_events_where_a_restore_skipped_numbers(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5000, 1); /* the stream was told to go on after 5000 */
    till = join_since(t, 0, 3);
    answer_older(t, 3, 4, 5, true);
    assert_buf(&till->heard, "connected@5000 4 5");
    assert_int_equal(gw_hub_wants_older(&t->hub), 0);
    arrive_all(t, 5001, 5001);
    assert_buf(&till->heard, "connected@5000 4 5 5001");
}

static void a_piece_that_goes_beyond_the_skipped_numbers_joins_memory(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5000, 1);
    arrive_all(t, 5001, 5010);
    till = join_since(t, 0, 3);
    answer_older(t, 3, 5001, 5004, false); /* 4 to 5000 never were, and more lies after */
    assert_buf(&till->heard,
               "connected@5010 5001 5002 5003 5004 5005 5006 5007 5008 5009 5010");
    assert_int_equal(gw_hub_wants_older(&t->hub), 0);
}

static void a_till_that_has_all_until_the_skipped_numbers_has_missed_nothing(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5000, 1);
    till = join_since(t, 0, 3);
    answer_older(t, 3, 4, 3, true); /* 4 to 5000 never were, and nothing lies after */
    assert_buf(&till->heard, "connected@5000");
    assert_int_equal(gw_hub_wants_older(&t->hub), 0);
    arrive_all(t, 5001, 5001);
    assert_buf(&till->heard, "connected@5000 5001");
    assert_int_equal(t->all.resynced.value, 0);
}

static void events_that_are_no_longer_kept_lead_to_a_resync(void **state)
{
    struct tenant *t = *state;
    struct till *gone, *kept;

    gw_hub_begin(&t->hub, 50, 40);
    gone = join_since(t, 0, 38);
    assert_buf(&gone->heard, "connected@50 resync@50");
    assert_int_equal(gw_hub_wants_older(&t->hub), 0);
    kept = join_since(t, 1, 39); /* 40 is what it has not seen */
    assert_buf(&kept->heard, "connected@50");
    assert_int_equal(gw_hub_wants_older(&t->hub), 40);
    arrive_all(t, 51, 51);
    assert_buf(&gone->heard, "connected@50 resync@50 51");
    assert_int_equal(t->all.resynced.value, 1);
    answer_kept(t, 45, 39, 45, 50, true); /* 40 to 44 were pruned meanwhile */
    assert_buf(&kept->heard, "connected@50 resync@51");
    arrive_all(t, 52, 52);
    assert_buf(&kept->heard, "connected@50 resync@51 52");
    assert_int_equal(t->all.resynced.value, 2);
}

static void a_till_from_a_process_that_was_ahead_waits_for_the_log(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5, 1);
    till = join_since(t, 0, 7); /* another gateway has told it of 6 and 7 */
    assert_buf(&till->heard, "");
    assert_true(gw_cursor_has_gap(&t->hub.stream.cursor));
    gw_hub_log_read(&t->hub);
    gap_answer(t, 6, 8);
    assert_buf(&till->heard, "connected@8 8");
    assert_int_equal(t->all.resynced.value, 0);
}

static void or_for_redis_to_bring_what_it_has_seen(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5, 1);
    till = join_since(t, 0, 7);
    arrive_all(t, 6, 6);
    assert_buf(&till->heard, "");
    arrive_all(t, 7, 8);
    assert_buf(&till->heard, "connected@7 8");
}

static void an_event_that_the_log_does_not_have_was_never_written(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5, 1);
    till = join_since(t, 0, UINT64_MAX); /* or before a restore */
    gw_hub_log_read(&t->hub);
    assert_buf(&till->heard, "");
    gap_answer(t, 6, 6);
    assert_buf(&till->heard, "connected@6 resync@6");
    arrive_all(t, 7, 7);
    assert_buf(&till->heard, "connected@6 resync@6 7");
    assert_false(gw_cursor_has_gap(&t->hub.stream.cursor));
}

static void a_reading_that_began_before_a_till_joined_says_nothing_about_it(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5, 1);
    gw_hub_log_read(&t->hub);
    till = join_since(t, 0, 7);
    gap_answer(t, 6, 6); /* 7 was committed after that reading's sight */
    assert_buf(&till->heard, "");
    assert_true(gw_cursor_has_gap(&t->hub.stream.cursor)); /* so it is asked again */
    gw_hub_log_read(&t->hub);
    gap_answer(t, 7, 7);
    assert_buf(&till->heard, "connected@7");
}

/* It was sent nothing yet, so it may still ask to resume. */
static void a_till_that_catches_up_may_name_a_seq_that_is_ahead(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5, 1);
    till = join_live(t, 0);
    t->hub.stream.backlog.max_bytes = 3000; /* a handful of events */
    for (uint64_t seq = 6; seq <= 60; seq++) {
        struct tw_event ev = event_of(&t->text, seq, 0);

        (void)gw_stream_arrive(&t->hub.stream, &ev);
    }
    turn(t, 0); /* the first ones have left memory already */
    assert_int_equal(gw_hub_wants_older(&t->hub), 6);
    say(t, till, "{\"type\":\"resume\",\"since\":1000}");
    assert_true(gw_cursor_has_gap(&t->hub.stream.cursor));
    gw_hub_log_read(&t->hub);
    gap_answer(t, 61, 61);
    assert_buf(&till->heard, "connected@5 resync@61");
}

static void a_message_that_is_ahead_waits_for_the_log_too(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5, 1);
    till = join_live(t, 0);
    say(t, till, "{\"type\":\"resume\",\"since\":7}");
    assert_true(gw_cursor_has_gap(&t->hub.stream.cursor));
    arrive_all(t, 6, 6); /* it has seen that one */
    assert_buf(&till->heard, "connected@5");
    arrive_all(t, 7, 8);
    assert_buf(&till->heard, "connected@5 8");
}

/* resync says "the state as of seq, and what comes after it". */
static void a_till_that_must_fetch_the_state_hears_events_after_it(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 5, 1);
    till = join_live(t, 0);
    say(t, till, "{\"type\":\"resume\",\"since\":900}");
    arrive_all(t, 6, 7);
    gw_hub_log_read(&t->hub);
    gap_answer(t, 8, 8);
    arrive_all(t, 9, 9);
    assert_buf(&till->heard, "connected@5 resync@8 9");
}

static void a_full_socket_asks_for_nothing_older(void **state)
{
    struct tenant *t = *state;
    struct till *till;
    uint64_t before;

    gw_hub_begin(&t->hub, 50, 1);
    till = join_since(t, 0, 45);
    till->room = 0;
    assert_int_equal(gw_hub_wants_older(&t->hub), 0);
    till->room = 3;
    before = t->changes;
    gw_session_writable(till->session, gw_session_all(till->session)->now_ms);
    assert_true(t->changes > before); /* the owner hears that there is something to read */
    assert_int_equal(gw_hub_wants_older(&t->hub), 46);
    answer_older(t, 45, 46, 50, true);
    assert_buf(&till->heard, "connected@50 46 47 48");
    till->room = 100;
    gw_session_writable(till->session, gw_session_all(till->session)->now_ms);
    assert_buf(&till->heard, "connected@50 46 47 48 49 50");
}

static void the_log_is_read_first_for_the_till_that_lags_most(void **state)
{
    struct tenant *t = *state;

    gw_hub_begin(&t->hub, 50, 1);
    (void)join_since(t, 0, 45);
    (void)join_since(t, 1, 30);
    (void)join_since(t, 2, 40);
    (void)join_live(t, 3);
    assert_int_equal(gw_hub_wants_older(&t->hub), 31);
    answer_older(t, 30, 31, 50, true);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(t->tills[i].session->next_seq, 51);
    assert_int_equal(gw_hub_wants_older(&t->hub), 0);
}

static void
a_till_whose_events_left_memory_gets_them_from_the_log_when_it_reads_again(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    t->hub.stream.backlog.max_bytes = 3000; /* a handful of events */
    gw_hub_begin(&t->hub, 0, 1);
    till = join_live(t, 0);
    till->room = 2;
    arrive_all(t, 1, 40);
    assert_true(t->hub.stream.backlog.gone > 3);
    assert_buf(&till->heard, "connected@0 1 2");
    till->room = UINT64_MAX;
    gw_session_writable(till->session, gw_session_all(till->session)->now_ms);
    assert_int_equal(gw_hub_wants_older(&t->hub), 3);
    answer_older(t, 2, 3, 40, true);
    assert_int_equal(till->session->next_seq, 41);
    assert_int_equal(till->close_code, 0);
}

static void a_page_is_kept_as_long_as_a_till_reads_it(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 100, 1);
    till = join_since(t, 0, 10);
    till->room = 2; /* the greeting is one of them */
    turn(t, 0);
    answer_older(t, 10, 11, 14, false);
    turn(t, 0);
    gw_hub_drop_page(&t->hub);
    assert_int_equal(t->hub.stream.page->count, 4);
    till->room = UINT64_MAX;
    gw_session_writable(till->session, gw_session_all(till->session)->now_ms);
    assert_int_equal(till->session->next_seq, 15);
    gw_hub_drop_page(&t->hub);
    assert_null(t->hub.stream.page);
    assert_int_equal(t->memory.bytes.value, 0);
    assert_int_equal(gw_hub_wants_older(&t->hub), 15);
}

static void with_no_memory_at_all_each_reading_brings_the_next_event(void **state)
{
    struct tenant *t = *state;
    struct till *till;

    gw_hub_begin(&t->hub, 100, 1);
    till = join_since(t, 0, 90);
    turn(t, 0);
    t->memory.max_bytes = 1;
    for (uint64_t seq = 91; seq <= 100; seq++) {
        assert_int_equal(gw_hub_wants_older(&t->hub), seq);
        answer_older(t, seq - 1, seq, 100, true);
        turn(t, 0);
        assert_int_equal(till->session->next_seq, seq + 1);
    }
    assert_int_equal(gw_hub_wants_older(&t->hub), 0);
    arrive_all(t, 101, 102);
    assert_int_equal(till->session->next_seq, 103);
    assert_int_equal(till->close_code, 0);
}

/* Each till's place in what it must hear; checked against its text as it grows. */
static void check_heard(const struct till *till, uint64_t since, bool is_all)
{
    struct tw_slice rest = tw_buf_view(&till->heard), word = { NULL, 0 };
    uint64_t next = since + 1;

    if (rest.len == 0)
        return;
    assert_true(tw_slice_split(&rest, ' ', &word));
    assert_true(tw_slice_starts(word, TW_LIT("connected@")));
    while (tw_slice_split(&rest, ' ', &word)) {
        uint64_t seq = 0;

        if (!tw_slice_u64(word, &seq) || seq != next)
            fail_msg("behind %llu, at %llu: %.*s", (unsigned long long)since,
                     (unsigned long long)next, (int)till->heard.len, till->heard.at);
        next++;
    }
    if (is_all)
        assert_int_equal(till->session->next_seq, next);
}

/* What the owner does when something older is wanted: a reading of so many rows. */
static bool read_older(struct tenant *t, struct dice *dice, uint64_t head)
{
    uint64_t wanted = gw_hub_wants_older(&t->hub);
    uint64_t rows = 1 + dice_roll(dice, 30), after, last;

    if (wanted == 0)
        return false;
    after = wanted - 1;
    after -= dice_roll(dice, 3) == 0 && after > 4 ? 4 : 0;
    last = after + rows < head ? after + rows : head;
    answer_older(t, after, after + 1, last, last == head);
    return true;
}

static void any_tills_at_any_pace_hear_everything_once_and_in_order(void **state)
{
    struct tenant *t = *state;
    struct dice dice = dice_new();
    uint64_t since[TILLS] = { 0 }, head = 100;

    t->hub.stream.backlog.max_bytes = 20000;
    t->memory.max_bytes = 1 + dice_roll(&dice, 30000);
    t->all.queue_bytes = SIZE_MAX / 4;
    gw_hub_begin(&t->hub, head, 1);
    for (int round = 0; round < 60000; round++) {
        size_t i = (size_t)dice_roll(&dice, TILLS);
        struct till *till = &t->tills[i];

        if (till->session == NULL) {
            since[i] = head - dice_roll(&dice, 100);
            till = join_since(t, i, since[i]);
            till->room = dice_roll(&dice, 5);
        } else if (dice_roll(&dice, 200) == 0) {
            check_heard(till, since[i], false);
            leave(till);
        } else {
            till->room = dice_roll(&dice, 20);
            gw_session_writable(till->session, gw_session_all(till->session)->now_ms);
        }
        if (dice_roll(&dice, 4) == 0)
            (void)arrive(t, ++head);
        if (dice_roll(&dice, 3) == 0)
            (void)read_older(t, &dice, head);
        if (dice_roll(&dice, 3) == 0)
            gw_hub_drop_page(&t->hub);
    }
    for (size_t i = 0; i < TILLS; i++)
        t->tills[i].room = UINT64_MAX;
    turn(t, 0);
    while (read_older(t, &dice, head)) {
    }
    for (size_t i = 0; i < TILLS; i++)
        if (t->tills[i].session != NULL)
            check_heard(&t->tills[i], since[i], true);
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_tenant, close_tenant)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(events_in_memory_come_first_and_then_live_ones),
        test(a_till_that_missed_nothing_hears_live_events),
        test(a_till_that_joined_before_the_head_was_known_resumes_with_it),
        test(what_is_older_than_memory_is_read_from_the_log),
        test(a_long_way_back_is_read_piece_by_piece),
        test(the_log_may_have_no_events_where_a_restore_skipped_numbers),
        test(a_piece_that_goes_beyond_the_skipped_numbers_joins_memory),
        test(a_till_that_has_all_until_the_skipped_numbers_has_missed_nothing),
        test(events_that_are_no_longer_kept_lead_to_a_resync),
        test(a_till_from_a_process_that_was_ahead_waits_for_the_log),
        test(or_for_redis_to_bring_what_it_has_seen),
        test(an_event_that_the_log_does_not_have_was_never_written),
        test(a_reading_that_began_before_a_till_joined_says_nothing_about_it),
        test(a_till_that_catches_up_may_name_a_seq_that_is_ahead),
        test(a_message_that_is_ahead_waits_for_the_log_too),
        test(a_till_that_must_fetch_the_state_hears_events_after_it),
        test(a_full_socket_asks_for_nothing_older),
        test(the_log_is_read_first_for_the_till_that_lags_most),
        test(a_till_whose_events_left_memory_gets_them_from_the_log_when_it_reads_again),
        test(a_page_is_kept_as_long_as_a_till_reads_it),
        test(with_no_memory_at_all_each_reading_brings_the_next_event),
        test(any_tills_at_any_pace_hear_everything_once_and_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
