/* json_write_test.c - JSON strings and members.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/json_write.h"

#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/encode.h"
#include "common/util/json_scan.h"
#include "common/util/json_view.h"
#include "test/unit/support/check.h"

static const struct {
    struct tw_slice text;
    const char *json, *ascii;
} strings[] = {
    { { NULL, 0 }, "\"\"", "\"\"" },
    { { "abc", 3 }, "\"abc\"", "\"abc\"" },
    { { "\"\\/", 3 }, "\"\\\"\\\\/\"", "\"\\\"\\\\/\"" },
    { { "\b\f\n\r\t", 5 }, "\"\\b\\f\\n\\r\\t\"", "\"\\b\\f\\n\\r\\t\"" },
    { { "\0\x01\x1f\x7f", 4 },
      "\"\\u0000\\u0001\\u001f\\u007f\"",
      "\"\\u0000\\u0001\\u001f\\u007f\"" },
    { { "caf\xc3\xa9", 5 }, "\"caf\xc3\xa9\"", "\"caf\\u00e9\"" },
    { { "\xe2\x82\xac", 3 }, "\"\xe2\x82\xac\"", "\"\\u20ac\"" },
    { { "\xf0\x9f\x8d\x95", 4 }, "\"\xf0\x9f\x8d\x95\"", "\"\\ud83c\\udf55\"" },
    { { "\xf4\x8f\xbf\xbf", 4 }, "\"\xf4\x8f\xbf\xbf\"", "\"\\udbff\\udfff\"" },
    { { "a\xff\xc3", 3 }, "\"a\\ufffd\\ufffd\"", "\"a\\ufffd\\ufffd\"" },
    { { "\xed\xa0\x80!", 4 }, "\"\\ufffd\\ufffd\\ufffd!\"", "\"\\ufffd\\ufffd\\ufffd!\"" },
};

static void a_string_is_escaped_as_rfc_8259_asks(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(strings); i++) {
        char *text = exact_copy(strings[i].text);
        struct tw_buf json = { .max = 200 }, ascii = { .max = 200 };

        tw_json_put(&json, tw_slice_from(text, strings[i].text.len));
        tw_json_put_ascii(&ascii, tw_slice_from(text, strings[i].text.len));
        assert_buf(&json, strings[i].json);
        assert_buf(&ascii, strings[i].ascii);
        tw_buf_done(&json);
        tw_buf_done(&ascii);
        free(text);
    }
}

static void members_are_separated_by_commas(void **state)
{
    struct tw_buf out = { .max = 200 };

    (void)state;
    tw_buf_char(&out, '{');
    tw_json_member(&out, "a", TW_LIT("x\"{"));
    tw_json_member_raw(&out, "b", TW_LIT("1.50"));
    tw_json_member_raw(&out, "c", TW_LIT("{"));
    tw_json_member(&out, "d", TW_LIT(""));
    tw_json_member_raw(&out, "e", TW_LIT("[]"));
    tw_buf_text(&out, "},\"f\":[{");
    tw_json_member(&out, "g", TW_LIT("["));
    tw_json_member(&out, "h", TW_LIT("{"));
    tw_buf_text(&out, "}]}");
    assert_buf(&out, "{\"a\":\"x\\\"{\",\"b\":1.50,\"c\":{\"d\":\"\",\"e\":[]},"
                     "\"f\":[{\"g\":\"[\",\"h\":\"{\"}]}");
    tw_buf_done(&out);
}

/* Random text, of characters of all lengths. */
static void put_random_text(struct dice *dice, struct tw_buf *text)
{
    uint64_t n = dice_roll(dice, 40);

    for (; n > 0; n--) {
        char bytes[4];
        size_t len;

        do {
            for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (char)(dice_roll(dice, 3) == 0 ? dice_roll(dice, 256)
                                                          : 0x80 + dice_roll(dice, 64));
            len = tw_utf8_char(tw_slice_from(bytes, sizeof(bytes)));
        } while (len == 0);
        tw_buf_append(text, tw_slice_from(bytes, len));
    }
}

static void what_is_written_reads_as_what_it_was(void **state)
{
    struct dice dice = dice_new();

    (void)state;
    for (int round = 0; round < 5000; round++) {
        struct tw_buf text = { .max = 1000 }, json = { .max = 4000 }, back = { .max = 1000 };

        put_random_text(&dice, &text);
        tw_json_put(&json, tw_buf_view(&text));
        assert_true(tw_json_string(&back, tw_buf_view(&json)));
        assert_true(tw_slice_eq(tw_buf_view(&back), tw_buf_view(&text)));
        tw_buf_clear(&json);
        tw_buf_clear(&back);
        tw_json_put_ascii(&json, tw_buf_view(&text));
        for (size_t i = 0; i < json.len; i++)
            assert_in_range(json.at[i], 0x20, 0x7e);
        assert_true(tw_json_string(&back, tw_buf_view(&json)));
        assert_true(tw_slice_eq(tw_buf_view(&back), tw_buf_view(&text)));
        tw_buf_done(&text);
        tw_buf_done(&json);
        tw_buf_done(&back);
    }
}

static void any_bytes_become_valid_json(void **state)
{
    struct dice dice = dice_new();

    (void)state;
    for (int round = 0; round < 5000; round++) {
        struct tw_buf bytes = { .max = 100 }, json = { .max = 1000 };
        struct tw_json_fault fault;
        size_t len;

        for (uint64_t n = dice_roll(&dice, 60); n > 0;
             n--) /* but NUL, which the scanner refuses */
            tw_buf_char(&bytes, (char)(1 + dice_roll(&dice, 255)));
        tw_json_put(&json, tw_buf_view(&bytes));
        len = json.len;
        assert_int_equal(tw_json_scan(json.at, &len, &tw_json_wide, &fault), '"');
        tw_buf_done(&bytes);
        tw_buf_done(&json);
    }
}

static void a_number_is_written_in_all_its_digits(void **state)
{
    struct tw_buf out = { .max = 100 };

    (void)state;
    tw_buf_char(&out, '{');
    tw_json_member_u64(&out, "seq", 0);
    tw_json_member_u64(&out, "last", UINT64_MAX);
    tw_buf_char(&out, '}');
    assert_slice(tw_buf_view(&out), "{\"seq\":0,\"last\":18446744073709551615}");
    tw_buf_done(&out);
}

static void what_does_not_fit_fails_the_buffer(void **state)
{
    struct tw_buf out = { .max = 10 };

    (void)state;
    tw_json_member(&out, "name", TW_LIT("text"));
    assert_true(out.failed);
    assert_true(out.len <= 10);
    tw_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_is_escaped_as_rfc_8259_asks),
        cmocka_unit_test(members_are_separated_by_commas),
        cmocka_unit_test(what_is_written_reads_as_what_it_was),
        cmocka_unit_test(any_bytes_become_valid_json),
        cmocka_unit_test(a_number_is_written_in_all_its_digits),
        cmocka_unit_test(what_does_not_fit_fails_the_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
