/* sendq_test.c - outgoing frames, in order and counted.
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/websocket/sendq.h"

#include <stdio.h>

#include "common/util/base.h"
#include "gateway/websocket/frame.h"
#include "test/unit/support/check.h"

#define PARTS 8

static void push(struct gw_sendq *q, const char *text)
{
    struct gw_frame *f = gw_frame_raw(tw_slice_of(text));

    gw_sendq_push(q, f);
    gw_frame_unref(f);
}

/* What one write would be, as text. */
static void check_gathered(struct gw_sendq *q, size_t most, const char *want)
{
    struct tw_slice parts[PARTS];
    struct tw_buf text = { .max = 1000 };
    size_t n = gw_sendq_gather(q, parts, most);

    assert_true(n <= most);
    assert_int_equal(q->in_flight, n);
    for (size_t i = 0; i < n; i++)
        tw_buf_append(&text, parts[i]);
    assert_buf(&text, want);
    tw_buf_done(&text);
}

static void frames_leave_in_the_order_of_their_arrival(void **state)
{
    struct gw_sendq q = { 0 };

    (void)state;
    push(&q, "a");
    push(&q, "bc");
    push(&q, "");
    push(&q, "d");
    assert_int_equal(q.count, 4);
    assert_int_equal(q.bytes, 4);
    check_gathered(&q, PARTS, "abcd");
    gw_sendq_written(&q);
    assert_int_equal(q.count, 0);
    assert_int_equal(q.bytes, 0);
    check_gathered(&q, PARTS, "");
    gw_sendq_written(&q);
    gw_sendq_done(&q);
}

static void one_write_takes_a_number_of_frames_and_the_rest_stays(void **state)
{
    struct gw_sendq q = { 0 };

    (void)state;
    push(&q, "a");
    push(&q, "b");
    push(&q, "c");
    check_gathered(&q, 2, "ab");
    push(&q, "d"); /* while those are on their way */
    assert_int_equal(q.in_flight, 2);
    assert_int_equal(q.in_flight_bytes, 2);
    assert_int_equal(q.bytes, 4);
    gw_sendq_written(&q);
    assert_int_equal(q.in_flight, 0);
    assert_int_equal(q.in_flight_bytes, 0);
    assert_int_equal(q.bytes, 2);
    check_gathered(&q, 2, "cd");
    gw_sendq_written(&q);
    gw_sendq_done(&q);
}

/* A list of all that a restaurant has is one frame, and may wait behind another such one. */
static void what_waits_behind_the_next_frame_is_counted(void **state)
{
    struct tw_slice parts[1];
    struct gw_sendq q = { 0 };

    (void)state;
    assert_int_equal(gw_sendq_behind_next(&q), 0);
    push(&q, "12345");
    assert_int_equal(gw_sendq_behind_next(&q), 0);
    push(&q, "123");
    assert_int_equal(gw_sendq_behind_next(&q), 3);
    assert_int_equal(gw_sendq_gather(&q, parts, 1), 1);
    assert_int_equal(gw_sendq_behind_next(&q), 0);
    push(&q, "1");
    assert_int_equal(gw_sendq_behind_next(&q), 1);
    gw_sendq_done(&q);
}

static void it_holds_a_reference_until_the_frame_is_written(void **state)
{
    struct gw_frame *f = gw_frame_raw(TW_LIT("shared"));
    struct gw_sendq a = { 0 }, b = { 0 };

    (void)state;
    gw_sendq_push(&a, f);
    gw_sendq_push(&b, f);
    gw_sendq_push(&b, f);
    assert_int_equal(f->references, 4);
    check_gathered(&b, PARTS, "sharedshared");
    gw_sendq_written(&b);
    assert_int_equal(f->references, 2);
    gw_sendq_done(&a); /* also what was never written */
    assert_int_equal(f->references, 1);
    gw_frame_unref(f);
    gw_sendq_done(&b);
}

static void an_empty_queue_owns_nothing(void **state)
{
    struct gw_sendq q = { 0 };

    (void)state;
    gw_sendq_done(&q);
    push(&q, "a");
    assert_non_null(q.ring);
    check_gathered(&q, PARTS, "a");
    gw_sendq_written(&q);
    assert_null(q.ring);
    push(&q, "b");
    check_gathered(&q, PARTS, "b");
    gw_sendq_done(&q); /* with a write under way: the connection broke */
    assert_null(q.ring);
    assert_int_equal(q.count + q.bytes + q.in_flight, 0);
}

static void the_ring_keeps_its_order_while_frames_come_and_go(void **state)
{
    struct dice dice = dice_new();
    struct gw_sendq q = { 0 };
    uint64_t pushed = 0, written = 0;

    (void)state;
    for (int step = 0; step < 50000; step++) {
        char text[24];

        if (dice_roll(&dice, 2) == 0) {
            (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)pushed++);
            push(&q, text);
        } else {
            struct tw_slice parts[PARTS];
            size_t n = gw_sendq_gather(&q, parts, 1 + (size_t)dice_roll(&dice, PARTS));

            for (size_t i = 0; i < n; i++) {
                (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)written++);
                assert_slice(parts[i], text);
            }
            gw_sendq_written(&q);
        }
        assert_int_equal(q.count, pushed - written);
    }
    gw_sendq_done(&q);
}

static void a_queue_with_many_bytes_or_frames_is_not_writable(void **state)
{
    struct gw_sendq bytes = { 0 }, frames = { 0 };
    char large[131073] = { 0 };

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    assert_true(gw_sendq_is_writable(&bytes));
    push(&bytes, large);
    assert_false(gw_sendq_is_writable(&bytes));
    for (int i = 0; i < 128; i++) {
        assert_true(gw_sendq_is_writable(&frames));
        push(&frames, "");
    }
    assert_false(gw_sendq_is_writable(&frames));
    gw_sendq_done(&bytes);
    gw_sendq_done(&frames);
}

static void a_queue_in_flight_is_not_writable(void **state)
{
    struct gw_sendq q = { 0 };

    (void)state;
    push(&q, "a");
    check_gathered(&q, PARTS, "a");
    assert_false(gw_sendq_is_writable(&q));
    gw_sendq_written(&q);
    assert_true(gw_sendq_is_writable(&q));
    gw_sendq_done(&q);
}

static void a_sender_that_was_refused_hears_once_that_the_queue_reopens(void **state)
{
    struct gw_sendq q = { 0 };

    (void)state;
    assert_false(gw_sendq_reopens(&q)); /* no sender was refused */
    push(&q, "a");
    check_gathered(&q, PARTS, "a");
    assert_false(gw_sendq_is_writable(&q));
    assert_false(gw_sendq_reopens(&q));
    gw_sendq_written(&q); /* also when the ring goes with the last frame */
    assert_true(gw_sendq_reopens(&q));
    assert_false(gw_sendq_reopens(&q));
    gw_sendq_done(&q);
}

static void frames_are_taken_out_one_by_one(void **state)
{
    struct gw_sendq q = { 0 };
    struct gw_frame *f;

    (void)state;
    assert_null(gw_sendq_shift(&q));
    push(&q, "a");
    push(&q, "b");
    f = gw_sendq_shift(&q);
    assert_slice(gw_frame_bytes(f), "a");
    gw_frame_unref(f);
    f = gw_sendq_shift(&q);
    assert_slice(gw_frame_bytes(f), "b");
    gw_frame_unref(f);
    assert_null(gw_sendq_shift(&q));
    assert_null(q.ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_leave_in_the_order_of_their_arrival),
        cmocka_unit_test(one_write_takes_a_number_of_frames_and_the_rest_stays),
        cmocka_unit_test(what_waits_behind_the_next_frame_is_counted),
        cmocka_unit_test(it_holds_a_reference_until_the_frame_is_written),
        cmocka_unit_test(an_empty_queue_owns_nothing),
        cmocka_unit_test(a_queue_with_many_bytes_or_frames_is_not_writable),
        cmocka_unit_test(a_queue_in_flight_is_not_writable),
        cmocka_unit_test(a_sender_that_was_refused_hears_once_that_the_queue_reopens),
        cmocka_unit_test(frames_are_taken_out_one_by_one),
        cmocka_unit_test(the_ring_keeps_its_order_while_frames_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
