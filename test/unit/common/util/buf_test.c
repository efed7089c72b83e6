/* buf_test.c - owned bytes with a limit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/buf.h"

#include "test/unit/support/check.h"

static void what_is_appended_can_be_read(void **state)
{
    struct tw_buf b = { .max = 100 };

    (void)state;
    tw_buf_append(&b, TW_LIT("ab"));
    tw_buf_append(&b, TW_EMPTY);
    tw_buf_text(&b, "cd");
    tw_buf_char(&b, '\0');
    assert_int_equal(b.len, 5);
    assert_memory_equal(b.at, "abcd", 5);
    assert_false(b.failed);
    tw_buf_done(&b);
}

static void numbers_are_written_in_decimal(void **state)
{
    struct tw_buf b = { .max = 200 };

    (void)state;
    tw_buf_u64(&b, 0);
    tw_buf_char(&b, ' ');
    tw_buf_u64(&b, UINT64_MAX);
    tw_buf_char(&b, ' ');
    tw_buf_i64(&b, INT64_MIN);
    tw_buf_char(&b, ' ');
    tw_buf_i64(&b, -1);
    tw_buf_char(&b, ' ');
    tw_buf_i64(&b, INT64_MAX);
    assert_buf(&b, "0 18446744073709551615 -9223372036854775808 -1 9223372036854775807");
    tw_buf_done(&b);
}

static void it_takes_exactly_its_limit(void **state)
{
    struct tw_buf b = { .max = 3 };

    (void)state;
    tw_buf_text(&b, "abc");
    assert_false(b.failed);
    tw_buf_text(&b, ""); /* nothing fits even when it is full */
    assert_false(b.failed);
    tw_buf_char(&b, 'd');
    assert_true(b.failed);
    assert_buf(&b, "abc");
    tw_buf_done(&b);
}

static void a_buffer_without_a_limit_takes_nothing(void **state)
{
    struct tw_buf b = { 0 };

    (void)state;
    tw_buf_char(&b, 'a');
    assert_true(b.failed);
    assert_int_equal(b.len, 0);
    tw_buf_done(&b);
}

static void an_append_that_does_not_fit_changes_nothing_and_ends_all(void **state)
{
    struct tw_buf b = { .max = 4 };

    (void)state;
    tw_buf_text(&b, "ab");
    tw_buf_text(&b, "cde"); /* not even its beginning */
    assert_true(b.failed);
    assert_buf(&b, "ab");
    tw_buf_text(&b, "c"); /* would fit, but the text would have a hole */
    tw_buf_u64(&b, 1);
    tw_buf_i64(&b, -1);
    assert_buf(&b, "ab");
    assert_null(tw_buf_room(&b, 1));
    tw_buf_done(&b);
}

static void a_length_near_the_largest_does_not_wrap_around(void **state)
{
    struct tw_buf b = { .max = 1000 };

    (void)state;
    tw_buf_text(&b, "abc");
    assert_null(tw_buf_room(&b, SIZE_MAX));
    assert_true(b.failed);
    tw_buf_clear(&b);
    tw_buf_text(&b, "abc");
    assert_null(tw_buf_room(&b, SIZE_MAX - 1));
    assert_true(b.failed);
    tw_buf_done(&b);
}

static void room_is_lent_and_counts_once_it_is_used(void **state)
{
    struct tw_buf b = { .max = 10 };
    char *room;

    (void)state;
    tw_buf_text(&b, "ab");
    room = tw_buf_room(&b, 8);
    assert_non_null(room);
    memcpy(room, "cdefghij", 8);
    assert_buf(&b, "ab");
    tw_buf_grew(&b, 3);
    assert_buf(&b, "abcde");
    assert_null(tw_buf_room(&b, 6));
    assert_true(b.failed);
    tw_buf_done(&b);
}

static void growing_keeps_what_was_there(void **state)
{
    struct tw_buf b = { .max = 10000 };

    (void)state;
    for (size_t i = 0; i < b.max; i++)
        tw_buf_char(&b, (char)('a' + i % 26));
    assert_false(b.failed);
    assert_int_equal(b.len, b.max);
    for (size_t i = 0; i < b.max; i++)
        assert_int_equal(b.at[i], (char)('a' + i % 26));
    tw_buf_done(&b);
}

static void dropping_moves_the_rest_up(void **state)
{
    struct tw_buf b = { .max = 10 };

    (void)state;
    tw_buf_drop(&b, 1); /* of a buffer that never held anything */
    tw_buf_text(&b, "abcdef");
    tw_buf_drop(&b, 0);
    assert_buf(&b, "abcdef");
    tw_buf_drop(&b, 2);
    assert_buf(&b, "cdef");
    tw_buf_drop(&b, 4);
    assert_int_equal(b.len, 0);
    tw_buf_text(&b, "abc");
    tw_buf_drop(&b, SIZE_MAX);
    assert_int_equal(b.len, 0);
    tw_buf_done(&b);
}

static void clearing_forgets_the_failure_and_keeps_the_memory(void **state)
{
    struct tw_buf b = { .max = 3 };
    const char *at;

    (void)state;
    tw_buf_text(&b, "abc");
    at = b.at;
    tw_buf_text(&b, "d");
    tw_buf_clear(&b);
    assert_false(b.failed);
    assert_int_equal(b.len, 0);
    tw_buf_text(&b, "xyz");
    assert_buf(&b, "xyz");
    assert_ptr_equal(b.at, at);
    tw_buf_done(&b);
}

static void done_gives_the_memory_back_and_keeps_the_limit(void **state)
{
    struct tw_buf b = { .max = 3 };

    (void)state;
    tw_buf_done(&b); /* never held any */
    tw_buf_text(&b, "abcd");
    tw_buf_done(&b);
    assert_null(b.at);
    assert_false(b.failed);
    assert_int_equal(b.max, 3);
    tw_buf_text(&b, "abc");
    assert_buf(&b, "abc");
    tw_buf_done(&b);
}

static void what_is_expected_takes_its_memory_at_once_when_it_fits(void **state)
{
    struct tw_buf b = { .max = 1000 }, full = { .max = 3 }, none = { 0 };
    const char *at;

    (void)state;
    tw_buf_expect(&b, 700);
    at = b.at;
    assert_int_equal(b.cap, 700);
    for (int i = 0; i < 700; i++)
        tw_buf_char(&b, 'a');
    assert_ptr_equal(b.at, at);
    tw_buf_expect(&b, 5000); /* a hint, and no failure */
    assert_int_equal(b.cap, 700);
    assert_false(b.failed);
    tw_buf_text(&full, "abc");
    tw_buf_expect(&full, 1);
    assert_buf(&full, "abc");
    assert_false(full.failed);
    tw_buf_expect(&none, 1);
    assert_null(none.at);
    tw_buf_done(&b);
    tw_buf_done(&full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_can_be_read),
        cmocka_unit_test(numbers_are_written_in_decimal),
        cmocka_unit_test(it_takes_exactly_its_limit),
        cmocka_unit_test(a_buffer_without_a_limit_takes_nothing),
        cmocka_unit_test(an_append_that_does_not_fit_changes_nothing_and_ends_all),
        cmocka_unit_test(a_length_near_the_largest_does_not_wrap_around),
        cmocka_unit_test(room_is_lent_and_counts_once_it_is_used),
        cmocka_unit_test(growing_keeps_what_was_there),
        cmocka_unit_test(dropping_moves_the_rest_up),
        cmocka_unit_test(clearing_forgets_the_failure_and_keeps_the_memory),
        cmocka_unit_test(done_gives_the_memory_back_and_keeps_the_limit),
        cmocka_unit_test(what_is_expected_takes_its_memory_at_once_when_it_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
