/* stream_test.c - a tenant's events: in order, once, and where each of them is found.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/stream.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/gateway/support/rendering.h"
#include "test/unit/support/stream_events.h"

#define PIECE 20

/* A stream whose owner counts what it hears. */
struct owned {
    struct gw_memory memory;
    struct gw_stream stream;
    struct tw_buf text;
    unsigned changes;
    struct tw_event events[PIECE]; /* of a piece, and their texts */
    struct tw_buf texts[PIECE];
};

static void on_changed(struct gw_stream *s)
{
    tw_container_of(s, struct owned, stream)->changes++;
}

static const struct gw_stream_events events = { .changed = on_changed };

static int open_stream(void **state)
{
    struct owned *o = tw_new(struct owned);

    o->text.max = 100000;
    for (size_t i = 0; i < PIECE; i++)
        o->texts[i].max = 100000;
    gw_memory_init(&o->memory, 1000000);
    gw_stream_init(&o->stream, &kitchen, &o->memory, 100000, &events);
    *state = o;
    return 0;
}

static int close_stream(void **state)
{
    struct owned *o = *state;

    gw_stream_done(&o->stream);
    tw_buf_done(&o->text);
    for (size_t i = 0; i < PIECE; i++)
        tw_buf_done(&o->texts[i]);
    free(o);
    return 0;
}

static enum gw_admit arrive(struct owned *o, uint64_t seq)
{
    struct tw_event ev = event_of(&o->text, seq, 0);

    return gw_stream_arrive(&o->stream, &ev);
}

static enum gw_admit read_log(struct owned *o, uint64_t seq)
{
    struct tw_event ev = event_of(&o->text, seq, 0);

    return gw_stream_read(&o->stream, &ev);
}

static void begin(struct owned *o, uint64_t head, uint64_t oldest)
{
    assert_true(gw_stream_begin(&o->stream, head, oldest));
    gw_stream_release(&o->stream);
}

/* A piece with the events `first` to `last`, of a log that has dropped those below `oldest`. */
static uint64_t take_kept(struct owned *o, uint64_t oldest, uint64_t after, uint64_t first,
                          uint64_t last, bool reaches_backlog)
{
    struct gw_piece piece = { .after = after,
                              .events = o->events,
                              .through = last > after ? last : after,
                              .reaches_backlog = reaches_backlog,
                              .oldest = oldest };

    for (uint64_t seq = first; seq <= last; seq++, piece.count++)
        o->events[piece.count] = event_of(&o->texts[piece.count], seq, 0);
    return gw_stream_take_piece(&o->stream, &piece);
}

static uint64_t take_piece(struct owned *o, uint64_t after, uint64_t first, uint64_t last,
                           bool reaches_backlog)
{
    return take_kept(o, 1, after, first, last, reaches_backlog);
}

/* What is found from `seq` on, as "6 7 8". */
static void check_from(struct owned *o, uint64_t seq, const char *want)
{
    struct tw_buf out = { .max = 1000 };
    struct gw_backlog *b = gw_stream_source(&o->stream, seq);
    struct gw_entry *e;

    assert_non_null(b);
    while ((e = gw_backlog_from(b, seq)) != NULL) {
        tw_buf_text(&out, out.len > 0 ? " " : "");
        tw_buf_u64(&out, e->event.seq);
        seq = e->event.seq + 1;
    }
    assert_buf(&out, want);
    tw_buf_done(&out);
}

static void events_that_came_before_the_head_was_known_follow_it(void **state)
{
    struct owned *o = *state;

    assert_int_equal(arrive(o, 7), GW_ADMIT_EARLY);
    assert_int_equal(arrive(o, 5), GW_ADMIT_EARLY);
    assert_int_equal(arrive(o, 6), GW_ADMIT_EARLY);
    assert_true(gw_stream_begin(&o->stream, 5, 1));
    assert_int_equal(o->stream.cursor.at, 5); /* sessions get their positions now */
    gw_stream_release(&o->stream);
    check_from(o, 6, "6 7");
    assert_false(gw_stream_begin(&o->stream, 99, 50)); /* it is known already */
    assert_int_equal(o->stream.oldest, 1);
}

static void each_event_is_delivered_once_in_its_order(void **state)
{
    struct owned *o = *state;

    begin(o, 0, 1);
    assert_int_equal(arrive(o, 1), GW_ADMIT_NOW);
    assert_int_equal(arrive(o, 3), GW_ADMIT_EARLY);
    assert_int_equal(arrive(o, 1), GW_ADMIT_DUPLICATE);
    assert_int_equal(read_log(o, 2), GW_ADMIT_NOW); /* and 3 with it */
    assert_int_equal(read_log(o, 3), GW_ADMIT_DUPLICATE);
    check_from(o, 1, "1 2 3");
}

static void the_owner_hears_of_what_is_new_and_not_of_what_is_not(void **state)
{
    struct owned *o = *state;

    begin(o, 0, 1);
    o->changes = 0;
    (void)arrive(o, 1);
    (void)arrive(o, 3);
    assert_int_equal(o->changes, 2);
    (void)arrive(o, 1);
    assert_int_equal(o->changes, 2);
    (void)read_log(o, 2);
    assert_int_equal(o->changes, 3);
    (void)read_log(o, 2);
    assert_int_equal(o->changes, 3);
}

static void a_head_before_the_cursor_takes_everything_back(void **state)
{
    struct owned *o = *state;

    begin(o, 0, 1);
    for (uint64_t seq = 1; seq <= 5; seq++)
        (void)arrive(o, seq);
    (void)arrive(o, 9); /* held */
    assert_true(gw_stream_saw_head(&o->stream, 2));
    assert_null(gw_stream_source(&o->stream, 1)); /* nothing of it is valid any more */
    assert_null(gw_stream_source(&o->stream, 2));
    assert_int_equal(arrive(o, 3), GW_ADMIT_NOW);
    check_from(o, 3, "3");
    assert_int_equal(o->stream.cursor.held_count, 0);
}

static void a_log_that_begins_further_on_is_continued_there(void **state)
{
    struct owned *o = *state;

    begin(o, 5, 1);
    (void)arrive(o, 6);
    (void)arrive(o, 9); /* held, and gone */
    (void)arrive(o, 101);
    assert_false(gw_stream_saw_oldest(&o->stream, 7)); /* all that comes next is there */
    check_from(o, 6, "6");
    assert_true(gw_stream_saw_oldest(&o->stream, 101));
    assert_null(gw_stream_source(&o->stream, 100)); /* nothing of before is valid any more */
    assert_false(gw_stream_keeps(&o->stream, 6));
    assert_true(gw_stream_keeps(&o->stream, 100));
    check_from(o, 101, "101"); /* which was held */
    assert_int_equal(o->stream.cursor.held_count, 0);
    assert_int_equal(read_log(o, 101), GW_ADMIT_DUPLICATE);
}

static void a_head_further_on_says_what_has_been_missed(void **state)
{
    struct owned *o = *state;

    assert_false(gw_stream_saw_head(&o->stream, 9)); /* nothing to compare it with */
    begin(o, 5, 1);
    assert_false(gw_stream_saw_head(&o->stream, 5));
    assert_false(gw_cursor_has_gap(&o->stream.cursor));
    assert_false(gw_stream_saw_head(&o->stream, 7));
    assert_true(gw_cursor_has_gap(&o->stream.cursor));
}

static void what_is_kept_can_be_resumed_from(void **state)
{
    struct owned *o = *state;

    begin(o, 9, 4);
    assert_false(gw_stream_keeps(&o->stream, 2)); /* 3 is gone */
    assert_true(gw_stream_keeps(&o->stream, 3));
    assert_true(gw_stream_keeps(&o->stream, 9));
    assert_false(gw_stream_keeps(&o->stream, 10)); /* it was never written */
}

static void a_piece_that_reaches_the_backlog_extends_it(void **state)
{
    struct owned *o = *state;

    begin(o, 9, 1);
    (void)arrive(o, 10);
    assert_null(gw_stream_source(&o->stream, 9));
    assert_int_equal(take_piece(o, 6, 7, 9, true), 0);
    assert_ptr_equal(gw_stream_source(&o->stream, 7), &o->stream.backlog);
    check_from(o, 7, "7 8 9 10");
    assert_null(gw_stream_source(&o->stream, 6));
}

static void what_the_backlog_has_no_room_for_is_the_page(void **state)
{
    struct owned *o = *state;

    begin(o, 9, 1);
    (void)arrive(o, 10);
    o->stream.backlog.max_bytes = (uint32_t)o->stream.backlog.bytes * 5 / 2; /* of two events */
    assert_int_equal(take_piece(o, 5, 6, 9, true), 0);
    check_from(o, 9, "9 10");
    assert_ptr_equal(gw_stream_source(&o->stream, 8), o->stream.page);
    check_from(o, 6, "6 7 8"); /* no event is kept twice */
    assert_int_equal(o->memory.bytes.value, o->stream.backlog.bytes + o->stream.page->bytes);
    gw_stream_drop_page(&o->stream);
    assert_null(gw_stream_source(&o->stream, 8));
    assert_int_equal(o->memory.bytes.value, o->stream.backlog.bytes);
}

static void a_piece_further_back_is_the_page_and_the_next_one_takes_its_place(void **state)
{
    struct owned *o = *state;

    begin(o, 100, 1);
    assert_int_equal(take_piece(o, 10, 11, 14, false), 0);
    assert_ptr_equal(gw_stream_source(&o->stream, 11), o->stream.page);
    check_from(o, 12, "12 13 14");
    assert_null(gw_stream_source(&o->stream, 15));
    assert_null(gw_stream_source(&o->stream, 10));
    assert_int_equal(take_piece(o, 14, 15, 16, false), 0);
    check_from(o, 15, "15 16");
    assert_null(gw_stream_source(&o->stream, 14));
}

static void a_piece_says_where_the_log_begins_when_it_lacks_what_was_asked_for(void **state)
{
    struct owned *o = *state;

    begin(o, 100, 1);
    assert_int_equal(take_kept(o, 31, 10, 31, 33, false), 31);
    assert_int_equal(o->stream.oldest, 31);
    assert_false(gw_stream_keeps(&o->stream, 29));
    assert_true(gw_stream_keeps(&o->stream, 30));
    assert_int_equal(take_kept(o, 101, 40, 41, 40, true), 101); /* there is nothing at all */
    assert_int_equal(o->stream.oldest, 101);
    assert_ptr_equal(gw_stream_source(&o->stream, 41),
                     &o->stream.backlog); /* not asked again */
}

static void seqs_that_are_kept_and_not_there_never_were(void **state)
{
    struct owned *o = *state;

    begin(o, 100, 1);
    assert_int_equal(take_piece(o, 10, 31, 33, false), 0);
    check_from(o, 11, "31 32 33");
    assert_int_equal(take_piece(o, 33, 34, 33, true), 0);
    (void)arrive(o, 101);
    check_from(o, 34, "101");
    assert_true(gw_stream_keeps(&o->stream, 10));
}

static void what_has_come_to_memory_meanwhile_is_not_taken_twice(void **state)
{
    struct owned *o = *state;

    begin(o, 9, 1);
    (void)arrive(o, 10);
    (void)arrive(o, 11);
    assert_int_equal(take_piece(o, 7, 8, 11, false), 0); /* read up to 11 */
    check_from(o, 8, "8 9 10 11");
}

static void a_piece_of_before_the_stream_went_back_is_dropped(void **state)
{
    struct owned *o = *state;

    begin(o, 50, 1);
    assert_true(gw_stream_saw_head(&o->stream, 5));
    assert_int_equal(take_piece(o, 40, 41, 43, false), 0);
    assert_null(gw_stream_source(&o->stream, 5));
    assert_int_equal(take_piece(o, 4, 5, 5, true), 0);
    check_from(o, 5, "5");
}

static enum gw_admit arrive_erasure(struct owned *o, uint64_t seq)
{
    struct tw_event ev = event_with(&o->text, seq, "customer.erased", "{\"kind\":\"api\"}",
                                    "{\"customerId\":1001,\"orderIds\":[]}");

    return gw_stream_arrive(&o->stream, &ev);
}

/* Whoever is still behind reads it in the log, where the customer is not. */
static void what_was_before_an_erasure_is_in_memory_no_more(void **state)
{
    struct owned *o = *state;

    begin(o, 3, 1);
    (void)arrive(o, 4);
    assert_int_equal(take_piece(o, 0, 1, 2, false), 0);
    assert_non_null(gw_stream_source(&o->stream, 1));
    assert_non_null(gw_stream_source(&o->stream, 4));
    assert_int_equal(arrive_erasure(o, 5), GW_ADMIT_NOW);
    assert_null(gw_stream_source(&o->stream, 1));
    assert_null(gw_stream_source(&o->stream, 4));
    check_from(o, 5, "5");
    (void)arrive(o, 6);
    check_from(o, 5, "5 6");

    assert_int_equal(arrive_erasure(o, 8), GW_ADMIT_EARLY); /* one that had to wait */
    assert_int_equal(read_log(o, 7), GW_ADMIT_NOW);
    assert_null(gw_stream_source(&o->stream, 7));
    check_from(o, 8, "8");
}

#define test(function) cmocka_unit_test_setup_teardown(function, open_stream, close_stream)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(events_that_came_before_the_head_was_known_follow_it),
        test(each_event_is_delivered_once_in_its_order),
        test(the_owner_hears_of_what_is_new_and_not_of_what_is_not),
        test(a_head_before_the_cursor_takes_everything_back),
        test(a_log_that_begins_further_on_is_continued_there),
        test(a_head_further_on_says_what_has_been_missed),
        test(what_is_kept_can_be_resumed_from),
        test(a_piece_that_reaches_the_backlog_extends_it),
        test(what_the_backlog_has_no_room_for_is_the_page),
        test(a_piece_further_back_is_the_page_and_the_next_one_takes_its_place),
        test(a_piece_says_where_the_log_begins_when_it_lacks_what_was_asked_for),
        test(seqs_that_are_kept_and_not_there_never_were),
        test(what_has_come_to_memory_meanwhile_is_not_taken_twice),
        test(a_piece_of_before_the_stream_went_back_is_dropped),
        test(what_was_before_an_erasure_is_in_memory_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
