/* encode_test.c - hex, base64, UTF-8, UUIDs and percent-encoding.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/encode.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "test/unit/support/check.h"

static void hex_is_lower_case(void **state)
{
    static const uint8_t bytes[] = { 0x00, 0x0f, 0xf0, 0xab, 0xff };
    char text[11] = "##########";

    (void)state;
    tw_hex(bytes, sizeof(bytes), text);
    assert_string_equal(text, "000ff0abff");
    tw_hex(bytes, 0, text);
    assert_string_equal(text, "000ff0abff");
}

static void hex_is_read_in_either_case_and_at_its_length_alone(void **state)
{
    static const char *const wrong[] = { "000ff0ab",   "000ff0abff0", "000ff0abffff",
                                         "000ff0abfg", "000ff0ab f",  "" };
    uint8_t bytes[5];

    (void)state;
    assert_true(tw_hex_decode(TW_LIT("000fF0aBff"), bytes, sizeof(bytes)));
    assert_memory_equal(bytes, "\x00\x0f\xf0\xab\xff", 5);
    for (size_t i = 0; i < TW_COUNT(wrong); i++)
        assert_row(!tw_hex_decode(tw_slice_of(wrong[i]), bytes, sizeof(bytes)), wrong[i]);
}

static const struct {
    const char *bytes, *padded, *bare;
} base64s[] = {
    /* RFC 4648 section 10 */
    { "", "", "" },
    { "f", "Zg==", "Zg" },
    { "f\x6f", "Zm8=", "Zm8" },
    { "foo", "Zm9v", "Zm9v" },
    { "foob", "Zm9vYg==", "Zm9vYg" },
    { "fooba", "Zm9vYmE=", "Zm9vYmE" },
    { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
    /* the two characters in which the alphabets differ */
    { "\xfb\xff\xbf", "+/+/", "-_-_" },
};

static void base64_is_that_of_rfc_4648(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(base64s); i++) {
        struct tw_buf padded = { .max = 100 }, bare = { .max = 100 }, back = { .max = 100 };

        tw_base64(&padded, tw_slice_of(base64s[i].bytes));
        tw_base64url(&bare, tw_slice_of(base64s[i].bytes));
        assert_buf(&padded, base64s[i].padded);
        assert_buf(&bare, base64s[i].bare);
        assert_true(tw_base64url_decode(&back, tw_slice_of(base64s[i].bare)));
        assert_buf(&back, base64s[i].bytes);
        tw_buf_clear(&back);
        assert_true(tw_base64_decode(&back, tw_slice_of(base64s[i].padded)));
        assert_buf(&back, base64s[i].bytes);
        tw_buf_done(&padded);
        tw_buf_done(&bare);
        tw_buf_done(&back);
    }
}

static void base64_comes_back_as_it_went_at_every_length(void **state)
{
    struct dice dice = dice_new();

    (void)state;
    for (size_t len = 0; len < 200; len++) {
        struct tw_buf bytes = { .max = 300 }, text = { .max = 300 }, back = { .max = 300 };

        for (size_t i = 0; i < len; i++)
            tw_buf_char(&bytes, (char)dice_roll(&dice, 256));
        tw_base64url(&text, tw_buf_view(&bytes));
        assert_true(tw_base64url_decode(&back, tw_buf_view(&text)));
        assert_true(tw_slice_eq(tw_buf_view(&back), tw_buf_view(&bytes)));
        tw_buf_clear(&text);
        tw_buf_clear(&back);
        tw_base64(&text, tw_buf_view(&bytes));
        assert_true(tw_base64_decode(&back, tw_buf_view(&text)));
        assert_true(tw_slice_eq(tw_buf_view(&back), tw_buf_view(&bytes)));
        tw_buf_done(&bytes);
        tw_buf_done(&text);
        tw_buf_done(&back);
    }
}

static void base64url_has_one_spelling_for_each_text(void **state)
{
    static const char *const bad[] = {
        "Z",    "Zg==", "Zg=",   "Zm9v=",  "Zm9vY",  "Zh",     "Zm9",   "Zm8=",
        "Zm+v", "Zm/v", "Zm 9v", "Zm9v\n", "\nZm9v", "Zm\r9v", "Zm9v.", "Zm\xc3\xa9v"
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        struct tw_buf out = { .max = 100 };

        assert_row(!tw_base64url_decode(&out, tw_slice_of(bad[i])), bad[i]);
        tw_buf_done(&out);
    }
}

static void base64_has_one_spelling_for_each_text_too(void **state)
{
    static const char *const bad[] = { "Z",          "Zg",          "Zg=",   "Zm8",
                                       "Zm9vY",      "Zh==",        "Zm9=",  "=",
                                       "==",         "====",        "Z===",  "Zg==Zg==",
                                       "Zm8=Zm9v",   "Zm9v====",    "Zm9v=", "=Zm9",
                                       "Zg=a",       "Zm-v",        "Zm_v",  "Zm 9",
                                       "Zm9\n",      "Zm9vYg\n=",   "\nZm9", "Zm9.",
                                       "Zm\xc3\xa9", "Zg==\n\n\n\n" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        struct tw_buf out = { .max = 100 };
        char *given = exact_copy(tw_slice_of(bad[i]));

        tw_buf_char(&out, 'x');
        assert_row(!tw_base64_decode(&out, tw_slice_from(given, strlen(bad[i]))), bad[i]);
        assert_buf(&out, "x");
        free(given);
        tw_buf_done(&out);
    }
}

static void decoded_base64_over_the_limit_is_refused(void **state)
{
    struct tw_buf out = { .max = 5 };

    (void)state;
    assert_true(tw_base64_decode(&out, TW_LIT("Zm9vYmE=")));
    tw_buf_clear(&out);
    assert_false(tw_base64_decode(&out, TW_LIT("Zm9vYmFy")));
    tw_buf_clear(&out);
    assert_false(tw_base64url_decode(&out, TW_LIT("Zm9vYmFy")));
    tw_buf_done(&out);
}

static void a_uuid_is_36_characters_of_hex_and_hyphens(void **state)
{
    static const char *const good[] = { "69fb5687-044a-48af-ac0e-d6b817aec684",
                                        "69FB5687-044A-48AF-AC0E-D6B817AEC684",
                                        "00000000-0000-0000-0000-000000000000" };
    static const char *const bad[] = { "",
                                       "69fb5687-044a-48af-ac0e-d6b817aec68",
                                       "69fb5687-044a-48af-ac0e-d6b817aec6844",
                                       "69fb5687-044a-48af-ac0ed6b817aec684-",
                                       "69fb5687+044a-48af-ac0e-d6b817aec684",
                                       "69fb5687-044a-48af-ac0e-d6b817aec68g",
                                       "-9fb5687-044a-48af-ac0e-d6b817aec684",
                                       "69fb5687044a48afac0ed6b817aec684",
                                       "{9fb5687-044a-48af-ac0e-d6b817aec68}" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(good); i++)
        assert_row(tw_is_uuid(tw_slice_of(good[i])), good[i]);
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        assert_row(!tw_is_uuid(tw_slice_of(bad[i])), bad[i]);
}

/* The plain way: read the bits, then ask whether that was the only way to write them. */
static size_t utf8_length(const unsigned char *p, size_t len)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t n = p[0] < 0x80 ? 1 : (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : 4;
    uint32_t c = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));

    if ((p[0] & 0xc0) == 0x80 || p[0] >= 0xf8 || n > len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : n;
}

static void utf8_has_exactly_the_ranges_of_rfc_3629(void **state)
{
    static const unsigned char edges[] = { 0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90,
                                           0x9f, 0xa0, 0xbf, 0xc0, 0xff };
    size_t good = 0;

    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            for (size_t i = 0; i < TW_COUNT(edges) * TW_COUNT(edges); i++) {
                unsigned char bytes[4] = { (unsigned char)first, (unsigned char)second,
                                           edges[i / TW_COUNT(edges)],
                                           edges[i % TW_COUNT(edges)] };
                size_t n = tw_utf8_char(tw_slice_from((const char *)bytes, 4));

                if (n != utf8_length(bytes, 4))
                    fail_msg("%02x %02x %02x %02x: %zu", bytes[0], bytes[1], bytes[2], bytes[3],
                             n);
                good += n > 0 ? 1 : 0;
            }
        }
    }
    assert_true(good > 0);
}

static void a_character_that_is_cut_off_is_none(void **state)
{
    static const char *const whole[] = { "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf",
                                         "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf" };

    (void)state;
    assert_int_equal(tw_utf8_char(TW_EMPTY), 0);
    for (size_t i = 0; i < TW_COUNT(whole); i++) {
        size_t len = strlen(whole[i]);

        assert_int_equal(tw_utf8_char(tw_slice_of(whole[i])), len);
        assert_true(tw_is_utf8(tw_slice_of(whole[i])));
        for (size_t cut = 1; cut < len; cut++) {
            char *part = exact_copy(tw_slice_from(whole[i], cut));

            assert_int_equal(tw_utf8_char(tw_slice_from(part, cut)), 0);
            assert_false(tw_is_utf8(tw_slice_from(part, cut)));
            free(part);
        }
    }
}

/* Each byte at each place of texts that are shorter and longer than a word. */
static void
a_plain_run_ends_at_the_first_byte_that_json_escapes_or_that_is_not_ascii(void **state)
{
    (void)state;
    for (size_t len = 1; len < 20; len++)
        for (size_t place = 0; place < len; place++)
            for (unsigned byte = 0; byte < 256; byte++) {
                bool is_plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
                char *text = exact_copy(TW_LIT("~ !#[]abc~~  zyxw-+/"));

                text[place] = (char)byte;
                assert_int_equal(tw_plain_run(tw_slice_from(text, len)),
                                 is_plain ? len : place);
                free(text);
            }
    assert_int_equal(tw_plain_run(TW_EMPTY), 0);
}

static void a_text_is_utf8_when_all_of_it_is(void **state)
{
    (void)state;
    assert_true(tw_is_utf8(TW_EMPTY));
    assert_true(tw_is_utf8(TW_LIT("caf\xc3\xa9 \xf0\x9f\x8d\x95\0!")));
    assert_false(tw_is_utf8(TW_LIT("caf\xe9")));
    assert_false(tw_is_utf8(TW_LIT("a\x80")));
    assert_false(tw_is_utf8(TW_LIT("\xed\xa0\xbd\xed\xbc\x95"))); /* a pair of surrogates */
    assert_false(tw_is_utf8(TW_LIT("\xc0\x80")));                 /* a NUL in two bytes */
}

static const struct {
    const char *text;
    const char *path, *query; /* null: refused */
} percents[] = {
    { "", "", "" },
    { "plain", "plain", "plain" },
    { "a%20b", "a b", "a b" },
    { "%41%5a%7a", "AZz", "AZz" },
    { "%c3%A9", "\xc3\xa9", "\xc3\xa9" },
    { "+44", "+44", " 44" }, /* a plus in a path is a plus */
    { "%2B44", "+44", "+44" },
    { "%252B", "%2B", "%2B" }, /* once, not twice */
    { "%25", "%", "%" },
    { "a/b?c", "a/b?c", "a/b?c" },
    { "%", NULL, NULL },
    { "%4", NULL, NULL },
    { "a%4", NULL, NULL },
    { "%4g", NULL, NULL },
    { "%g4", NULL, NULL },
    { "%%41", NULL, NULL },
    { "% 41", NULL, NULL },
    { "%+1", NULL, NULL },
    { "%00", NULL, NULL },
    { "a%00b", NULL, NULL },
    { "%ff", NULL, NULL },
    { "%c3", NULL, NULL },
    { "%c3%c3%a9", NULL, NULL },
    { "\xff", NULL, NULL },
    { "%ed%a0%80", NULL, NULL },
    { "%c0%af", NULL, NULL }, /* a slash in two bytes */
};

static void check_percent(const char *text, bool plus_is_blank, const char *want)
{
    char *given = exact_copy(tw_slice_of(text));
    struct tw_buf out = { .max = 100 };

    tw_buf_text(&out, "x");
    assert_row(tw_percent_decode(&out, tw_slice_from(given, strlen(text)), plus_is_blank) ==
                   (want != NULL),
               text);
    if (want != NULL)
        assert_slice(tw_slice_skip(tw_buf_view(&out), 1), want);
    assert_int_equal(out.at[0], 'x');
    tw_buf_done(&out);
    free(given);
}

static void percent_decoding_refuses_what_is_broken_and_what_is_no_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(percents); i++) {
        check_percent(percents[i].text, false, percents[i].path);
        check_percent(percents[i].text, true, percents[i].query);
    }
}

static void a_decoded_text_over_the_limit_is_refused(void **state)
{
    struct tw_buf out = { .max = 3 };

    (void)state;
    assert_true(tw_percent_decode(&out, TW_LIT("a%41a"), false));
    tw_buf_clear(&out);
    assert_false(tw_percent_decode(&out, TW_LIT("a%41aa"), false));
    tw_buf_done(&out);
}

static void a_nul_that_stands_there_raw_is_refused_as_well(void **state)
{
    struct tw_buf out = { .max = 30 };

    (void)state;
    assert_false(tw_percent_decode(&out, TW_LIT("a\0b"), false));
    tw_buf_done(&out);
}

static void a_plain_line_has_nothing_that_acts_on_a_printer(void **state)
{
    static const char *const good[] = { "", "till 1", "caf\xc3\xa9 \xf0\x9f\x8d\x95",
                                        "a\xc2\xa0z" };
    static const char *const bad[] = { "a\tb",      "a\nb",          "\x1bp",        "a\x7f",
                                       "a\xc2\x9f", "a\xe2\x80\xae", "\xe2\x81\xa9", "\xff" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(good); i++)
        assert_true(tw_is_plain_line(tw_slice_of(good[i])));
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        assert_false(tw_is_plain_line(tw_slice_of(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_line_has_nothing_that_acts_on_a_printer),
        cmocka_unit_test(hex_is_lower_case),
        cmocka_unit_test(hex_is_read_in_either_case_and_at_its_length_alone),
        cmocka_unit_test(base64_is_that_of_rfc_4648),
        cmocka_unit_test(base64_comes_back_as_it_went_at_every_length),
        cmocka_unit_test(base64url_has_one_spelling_for_each_text),
        cmocka_unit_test(base64_has_one_spelling_for_each_text_too),
        cmocka_unit_test(decoded_base64_over_the_limit_is_refused),
        cmocka_unit_test(a_uuid_is_36_characters_of_hex_and_hyphens),
        cmocka_unit_test(utf8_has_exactly_the_ranges_of_rfc_3629),
        cmocka_unit_test(a_character_that_is_cut_off_is_none),
        cmocka_unit_test(
            a_plain_run_ends_at_the_first_byte_that_json_escapes_or_that_is_not_ascii),
        cmocka_unit_test(a_text_is_utf8_when_all_of_it_is),
        cmocka_unit_test(percent_decoding_refuses_what_is_broken_and_what_is_no_text),
        cmocka_unit_test(a_decoded_text_over_the_limit_is_refused),
        cmocka_unit_test(a_nul_that_stands_there_raw_is_refused_as_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
