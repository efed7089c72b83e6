/* feed_test.c - reading the log for a hub: what is missing, and what sessions resume from.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/feed.h"

#include "common/util/base.h"
#include "common/util/err.h"
#include "test/unit/gateway/support/fake_gateway.h"

static struct gw_feed *feed_of(struct gateway *g)
{
    return tw_map_get(&g->hubs.by_tenant, TW_LIT(KITCHEN_ID));
}

/* The oldest call reads so many rows of the log after this seq. */
static void check_reading(struct gateway *g, const char *after, const char *rows)
{
    assert_non_null(strstr(fake_pool_sql(&g->pool), "pos.events_pieces("));
    assert_slice(fake_pool_param(&g->pool, 0), "{" KITCHEN_ID "}");
    assert_slice(fake_pool_param(&g->pool, 1), after);
    assert_slice(fake_pool_param(&g->pool, 2), rows);
}

static struct client *connect_live(struct gateway *g, size_t i)
{
    struct client *till = connect_orderweb(g, i, false, 0);

    if (!till->session->is_greeted)
        begin_stream(g, "16", "1");
    tw_buf_clear(&till->heard);
    return till;
}

/* --- What is missing -------------------------------------------------------------------------
 */

static void a_gap_is_read_from_the_log_when_its_time_is_over(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_live(g, 0);

    publish_order(g, 18); /* 17 got lost */
    assert_int_equal(fake_pool_count(&g->pool), 0);
    come_to(g, &feed_of(g)->gap);
    check_reading(g, "{16}", "{1000}");
    answer_log(g, 1, 17, 18, false);
    assert_seqs(till, "17 18");
    assert_int_equal(g->hubs.from_log.value, 1); /* 18 was here already */
    assert_int_equal(g->hubs.log_reads.value, 1);
    assert_false(tw_deadline_is_set(&feed_of(g)->gap));
}

static void a_gap_that_closes_by_itself_is_not_read(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_live(g, 0);

    publish_order(g, 18);
    assert_true(tw_deadline_is_set(&feed_of(g)->gap));
    publish_order(g, 17);
    assert_seqs(till, "17 18");
    assert_false(tw_deadline_is_set(&feed_of(g)->gap));
    assert_int_equal(g->hubs.log_reads.value, 0);
}

static void a_long_gap_is_read_piece_after_piece(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_live(g, 0);

    publish_order(g, 22);
    come_to(g, &feed_of(g)->gap);
    answer_log(g, 1, 17, 19, true);
    assert_seqs(till, "17 18 19");
    check_reading(g, "{19}", "{1000}"); /* at once */
    answer_log(g, 1, 20, 22, false);
    assert_seqs(till, "20 21 22");
}

static void a_gap_that_opens_during_a_reading_has_a_time_of_its_own(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_live(g, 0);

    publish_order(g, 18);
    come_to(g, &feed_of(g)->gap);
    publish_order(g, 20); /* the reading does not see 19 yet */
    answer_log(g, 1, 17, 18, false);
    assert_seqs(till, "17 18");
    assert_int_equal(fake_pool_count(&g->pool), 0);
    come_to(g, &feed_of(g)->gap);
    check_reading(g, "{18}", "{1000}");
    answer_log(g, 1, 19, 20, false);
    assert_seqs(till, "19 20");
}

static void a_reading_that_failed_is_tried_again(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_live(g, 0);

    publish_order(g, 18);
    come_to(g, &feed_of(g)->gap);
    fake_pool_fail(&g->pool, TW_ELOST, "");
    assert_int_equal(g->hubs.log_failures.value, 1);
    assert_int_equal(fake_pool_count(&g->pool), 0); /* not at once */
    come_to(g, &feed_of(g)->gap);
    answer_log(g, 1, 17, 18, false);
    assert_seqs(till, "17 18");
}

static void a_head_that_could_not_be_read_is_asked_for_again(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_orderweb(g, 0, false, 0);

    fake_link_confirm(&g->hubs.subscriber, KITCHEN_CHANNEL);
    end_turn(g);
    fake_pool_fail(&g->pool, TW_EDOWN, "");
    come_to(g, &feed_of(g)->gap);
    fake_pool_no_row(&g->pool); /* no such tenant yet */
    come_to(g, &feed_of(g)->gap);
    answer_head(g, "16", "1");
    assert_seqs(till, "connected@16");
    assert_int_equal(g->hubs.log_failures.value, 2);
}

static void a_row_that_is_no_event_is_passed_over(void **state)
{
    static const char event[] = "{\"seq\":19,\"type\":\"order.created\",\"at\":\"" EVENT_AT
                                "\",\"origin\":{},\"data\":{"
                                "\"orderSource\":\"online\"}}";
    static const char *const cells[] = {
        "1", "17", "{\"seq\":17}", "f", NULL, "1", "18", "nonsense", "f",  NULL,
        "1", "19", event,          "f", NULL, "1", NULL, NULL,       NULL, "1",
    };
    struct gateway *g = *state;
    struct client *till = connect_live(g, 0);

    publish_order(g, 19);
    come_to(g, &feed_of(g)->gap);
    fake_pool_answer(&g->pool, cells, 4, 5);
    end_turn(g);
    assert_seqs(till, "19");
    assert_int_equal(g->hubs.garbage.value, 2);
}

static void an_event_that_is_not_in_the_log_never_was(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_live(g, 0);

    publish_order(g, 99);
    come_to(g, &feed_of(g)->gap);
    answer_log(g, 1, 17, 16, false); /* none */
    assert_int_equal(g->hubs.rejected.value, 1);
    publish_order(g, 17);
    assert_seqs(till, "17");
    assert_int_equal(fake_pool_count(&g->pool), 0);
}

static void
a_stream_that_was_raised_goes_on_there_and_its_sessions_fetch_the_state(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_live(g, 0);

    publish_order(g, 1000018);
    come_to(g, &feed_of(g)->gap);
    check_reading(g, "{16}", "{1000}");
    answer_log(g, 1000017, 1000017, 1000018, false);
    assert_seqs(till, "resync@1000016 1000017 1000018");
    assert_false(tw_deadline_is_set(&feed_of(g)->gap));
}

static void a_process_that_stops_reads_no_more(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_live(g, 0);

    publish_order(g, 18);
    come_to(g, &feed_of(g)->gap);
    g->hubs.is_stopped = true;
    answer_log(g, 1, 17, 18, true);
    assert_seqs(till, "");
    assert_int_equal(fake_pool_count(&g->pool), 0);
    g->hubs.is_stopped = false;
}

/* --- For sessions that resume ----------------------------------------------------------------
 */

static void what_a_session_resumes_from_is_read_from_the_log(void **state)
{
    struct gateway *g = *state;
    struct client *till;

    (void)connect_live(g, 0);
    till = connect_orderweb(g, 1, true, 13);
    assert_seqs(till, "connected@16");
    come_to(g, &feed_of(g)->older);
    check_reading(g, "{13}", "{3}"); /* what is missing, no more */
    answer_log(g, 1, 14, 16, true);
    assert_seqs(till, "14 15 16");
    till = connect_orderweb(g, 2, true, 14);
    assert_seqs(till, "connected@16 15 16"); /* from memory */
    assert_int_equal(g->hubs.older_reads.value, 1);
    till = connect_orderweb(g, 3, true, 11);
    come_to(g, &feed_of(g)->older);
    check_reading(g, "{11}", "{2}");
    answer_log(g, 1, 12, 13, true);
    assert_seqs(till, "connected@16 12 13 14 15 16");
}

static void sessions_that_want_a_piece_at_the_same_time_share_a_reading(void **state)
{
    struct gateway *g = *state;
    struct client *one, *other;

    (void)connect_live(g, 0);
    one = connect_orderweb(g, 1, true, 15);
    other = connect_orderweb(g, 2, true, 13);
    assert_int_equal(fake_pool_count(&g->pool), 0); /* the first one waits a moment */
    come_to(g, &feed_of(g)->older);
    answer_log(g, 1, 1, 16, false);
    assert_seqs(one, "connected@16 16");
    assert_seqs(other, "connected@16 14 15 16");
    assert_int_equal(g->hubs.older_reads.value, 1);
}

static void live_events_wait_until_the_session_has_caught_up(void **state)
{
    struct gateway *g = *state;
    struct client *till;

    (void)connect_live(g, 0);
    till = connect_orderweb(g, 1, true, 14);
    come_to(g, &feed_of(g)->older);
    publish_order(g, 17);
    assert_seqs(till, "connected@16");
    answer_log(g, 1, 1, 17, false);
    assert_seqs(till, "15 16 17");
}

static void events_that_left_memory_during_a_reading_are_in_the_next_one(void **state)
{
    struct gateway *g = *state;
    struct client *till;

    (void)connect_live(g, 0);
    till = connect_orderweb(g, 1, true, 14);
    come_to(g, &feed_of(g)->older);
    feed_of(g)->hub.stream.backlog.max_bytes = 1; /* the newest one alone stays */
    publish_order(g, 17);
    publish_order(g, 18);
    publish_order(g, 19);
    answer_log(g, 1, 1, 16, false);
    assert_seqs(till, "connected@16 15 16");
    come_to(g, &feed_of(g)->older);
    answer_log(g, 1, 1, 19, false);
    assert_seqs(till, "17 18 19");
}

static void a_session_far_back_gets_one_piece_after_the_other(void **state)
{
    struct gateway *g = *state;
    struct client *till = connect_orderweb(g, 0, true, 1000);

    begin_stream(g, "5000", "1");
    come_to(g, &feed_of(g)->older);
    check_reading(g, "{1000}", "{1000}");
    answer_log(g, 1, 1001, 1003, true);
    assert_seqs(till, "connected@5000 1001 1002 1003");
    come_to(g, &feed_of(g)->older);
    check_reading(g, "{1003}", "{1000}");
    answer_log(g, 1, 1004, 1004, true);
    assert_seqs(till, "1004");
}

static void what_the_log_no_longer_has_must_be_fetched(void **state)
{
    struct gateway *g = *state;
    struct client *till;

    (void)connect_live(g, 0);
    till = connect_orderweb(g, 1, true, 3);
    come_to(g, &feed_of(g)->older);
    answer_log(g, 9, 9, 16, false); /* it was cut meanwhile */
    assert_seqs(till, "connected@16 resync@16");
    publish_order(g, 17);
    assert_seqs(till, "17");
}

static void a_piece_that_could_not_be_read_is_tried_again(void **state)
{
    struct gateway *g = *state;
    struct client *till;

    (void)connect_live(g, 0);
    till = connect_orderweb(g, 1, true, 14);
    come_to(g, &feed_of(g)->older);
    fake_pool_fail(&g->pool, TW_ETIMEOUT, "");
    come_to(g, &feed_of(g)->older);
    answer_log(g, 1, 1, 16, false);
    assert_seqs(till, "connected@16 15 16");
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_gateway, close_gateway)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_gap_is_read_from_the_log_when_its_time_is_over),
        test(a_gap_that_closes_by_itself_is_not_read),
        test(a_long_gap_is_read_piece_after_piece),
        test(a_gap_that_opens_during_a_reading_has_a_time_of_its_own),
        test(a_reading_that_failed_is_tried_again),
        test(a_head_that_could_not_be_read_is_asked_for_again),
        test(a_row_that_is_no_event_is_passed_over),
        test(an_event_that_is_not_in_the_log_never_was),
        test(a_stream_that_was_raised_goes_on_there_and_its_sessions_fetch_the_state),
        test(a_process_that_stops_reads_no_more),
        test(what_a_session_resumes_from_is_read_from_the_log),
        test(sessions_that_want_a_piece_at_the_same_time_share_a_reading),
        test(live_events_wait_until_the_session_has_caught_up),
        test(events_that_left_memory_during_a_reading_are_in_the_next_one),
        test(a_session_far_back_gets_one_piece_after_the_other),
        test(what_the_log_no_longer_has_must_be_fetched),
        test(a_piece_that_could_not_be_read_is_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
