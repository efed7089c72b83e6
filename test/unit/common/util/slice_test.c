/* slice_test.c - borrowed bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/slice.h"

#include "common/util/base.h"
#include "test/unit/support/check.h"

static const struct tw_slice nothing = { NULL, 0 };

static void the_text_of_null_is_the_empty_slice(void **state)
{
    (void)state;
    assert_null(tw_slice_of(NULL).at);
    assert_int_equal(tw_slice_of(NULL).len, 0);
    assert_int_equal(tw_slice_of("abc").len, 3);
    assert_int_equal(TW_LIT("a\0b").len, 3);
}

static void slices_are_equal_when_length_and_bytes_are(void **state)
{
    (void)state;
    assert_true(tw_slice_eq(nothing, TW_LIT("")));
    assert_true(tw_slice_eq(TW_LIT("a\0b"), TW_LIT("a\0b")));
    assert_false(tw_slice_eq(TW_LIT("a\0b"), TW_LIT("a\0c")));
    assert_false(tw_slice_eq(TW_LIT("ab"), TW_LIT("abc")));
    assert_true(tw_slice_is(TW_LIT("abc"), "abc"));
    assert_false(tw_slice_is(TW_LIT("abc"), "ab"));
    assert_false(tw_slice_is(TW_LIT("a\0"), "a"));
}

static void only_ascii_letters_are_equal_in_both_cases(void **state)
{
    (void)state;
    assert_true(tw_slice_is_nocase(TW_LIT("X-Api-KEY"), "x-api-key"));
    assert_true(tw_slice_is_nocase(TW_LIT("azAZ"), "AZaz"));
    assert_false(tw_slice_is_nocase(TW_LIT("@"), "`")); /* just outside of A to Z and a to z */
    assert_false(tw_slice_is_nocase(TW_LIT("["), "{"));
    assert_false(
        tw_slice_is_nocase(TW_LIT("\xc3\x89"), "\xc3\xa9")); /* capital and small e acute */
    assert_false(tw_slice_is_nocase(TW_LIT("abc"), "abcd"));
    assert_true(tw_slice_is_nocase(nothing, ""));
}

static void a_prefix_may_be_empty_or_all(void **state)
{
    (void)state;
    assert_true(tw_slice_starts(TW_LIT("abc"), TW_LIT("ab")));
    assert_true(tw_slice_starts(TW_LIT("abc"), TW_LIT("abc")));
    assert_true(tw_slice_starts(TW_LIT("abc"), nothing));
    assert_true(tw_slice_starts(nothing, nothing));
    assert_false(tw_slice_starts(TW_LIT("ab"), TW_LIT("abc")));
    assert_false(tw_slice_starts(TW_LIT("abc"), TW_LIT("ac")));
}

static void skipping_all_or_more_leaves_nothing(void **state)
{
    (void)state;
    assert_slice(tw_slice_skip(TW_LIT("abc"), 0), "abc");
    assert_slice(tw_slice_skip(TW_LIT("abc"), 2), "c");
    assert_int_equal(tw_slice_skip(TW_LIT("abc"), 3).len, 0);
    assert_int_equal(tw_slice_skip(TW_LIT("abc"), SIZE_MAX).len, 0);
    assert_int_equal(tw_slice_skip(nothing, 1).len, 0);
}

static void trimming_takes_blanks_and_tabs_from_both_ends(void **state)
{
    (void)state;
    assert_slice(tw_slice_trim(TW_LIT(" \t a b\t ")), "a b");
    assert_slice(tw_slice_trim(TW_LIT("a")), "a");
    assert_slice(tw_slice_trim(TW_LIT("\r\na\n")), "\r\na\n"); /* no blanks of HTTP */
    assert_int_equal(tw_slice_trim(TW_LIT(" \t ")).len, 0);
    assert_int_equal(tw_slice_trim(nothing).len, 0);
}

static const struct {
    const char *text;
    const char *parts; /* each in brackets */
} splits[] = {
    { "a,b", "[a][b]" }, { "a,", "[a][]" },
    { ",a", "[][a]" },   { ",", "[][]" },
    { "abc", "[abc]" },  { "", "[]" },
    { ",,", "[][][]" },  { "GET /x,HEAD", "[GET /x][HEAD]" },
};

static void splitting_gives_every_part_also_the_empty_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(splits); i++) {
        struct tw_slice rest = tw_slice_of(splits[i].text), part;
        struct tw_buf parts = { .max = 100 };

        while (tw_slice_split(&rest, ',', &part)) {
            tw_buf_char(&parts, '[');
            tw_buf_append(&parts, part);
            tw_buf_char(&parts, ']');
        }
        assert_buf(&parts, splits[i].parts);
        tw_buf_done(&parts);
    }
}

static void nothing_has_no_parts(void **state)
{
    struct tw_slice rest = nothing, part = TW_LIT("untouched");

    (void)state;
    assert_false(tw_slice_split(&rest, ',', &part));
    assert_slice(part, "untouched");
}

static void a_number_is_digits_and_nothing_else(void **state)
{
    static const char *const bad[] = { "",
                                       " 1",
                                       "1 ",
                                       "+1",
                                       "-1",
                                       "1.0",
                                       "1e3",
                                       "0x1",
                                       "a",
                                       "1a",
                                       "18446744073709551616",
                                       "99999999999999999999",
                                       "184467440737095516150" };
    uint64_t n = 7;

    (void)state;
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        assert_row(!tw_slice_u64(tw_slice_of(bad[i]), &n), bad[i]);
        assert_int_equal(n, 7);
    }
    assert_false(tw_slice_u64(TW_LIT("1\0"), &n));
    assert_false(tw_slice_u64(nothing, &n));
    assert_true(tw_slice_u64(TW_LIT("0"), &n) && n == 0);
    assert_true(tw_slice_u64(TW_LIT("007"), &n) && n == 7);
    assert_true(tw_slice_u64(TW_LIT("18446744073709551615"), &n) && n == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_of_null_is_the_empty_slice),
        cmocka_unit_test(slices_are_equal_when_length_and_bytes_are),
        cmocka_unit_test(only_ascii_letters_are_equal_in_both_cases),
        cmocka_unit_test(a_prefix_may_be_empty_or_all),
        cmocka_unit_test(skipping_all_or_more_leaves_nothing),
        cmocka_unit_test(trimming_takes_blanks_and_tabs_from_both_ends),
        cmocka_unit_test(splitting_gives_every_part_also_the_empty_ones),
        cmocka_unit_test(nothing_has_no_parts),
        cmocka_unit_test(a_number_is_digits_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
