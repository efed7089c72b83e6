/* json_scan_test.c - the strict scanner: what it takes, what it refuses, what it rewrites.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/util/json_scan.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/base.h"
#include "common/util/err.h"
#include "common/util/json.h"
#include "test/unit/support/check.h"

/* Scans a copy of exactly its size. The copy (free it) and its new length come out. */
static int scan_copy(struct tw_slice text, const struct tw_json_limits *limits, char **copy,
                     size_t *len, struct tw_json_fault *fault)
{
    *copy = exact_copy(text);
    *len = text.len;
    return tw_json_scan(*copy, len, limits, fault);
}

/* The scanner's answer alone. */
static int scan(struct tw_slice text, const struct tw_json_limits *limits)
{
    struct tw_json_fault fault = { 0, NULL };
    char *copy;
    size_t len;
    int r = scan_copy(text, limits, &copy, &len, &fault);

    if (r < 0)
        assert_true(fault.why != NULL && fault.at <= text.len);
    free(copy);
    return r;
}

static void check_accepted(struct tw_slice text, const char *want)
{
    struct tw_json_fault fault;
    struct tw_json *tree;
    char *copy;
    size_t len;
    int r = scan_copy(text, &tw_json_wide, &copy, &len, &fault);

    if (r < 0)
        fail_msg("%.*s: %s at %zu", (int)text.len, text.at, fault.why, fault.at);
    assert_slice(tw_slice_from(copy, len), want);
    tree = tw_json_parse(tw_slice_from(copy, len));
    assert_row(tree != NULL, want);
    tw_json_free(tree);
    free(copy);
}

static const struct {
    const char *text;
    const char *becomes; /* null: as it is */
    char kind;
} accepted[] = {
    { "{}", NULL, '{' },
    { "[]", NULL, '[' },
    { "null", NULL, 'n' },
    { "true", NULL, 't' },
    { "false", NULL, 'f' },
    { "0", NULL, '0' },
    { "-1", NULL, '0' },
    { "7", NULL, '0' },
    { "\"\"", NULL, '"' },
    { "\"x\"", NULL, '"' },
    { " \t\r\n{ \t\r\n} \t\r\n", "{}", '{' },
    { "[ ]", "[]", '[' },
    { " [ 1 , 2 ] ", "[1,2]", '[' },
    { "{ \"a\" : 1 , \"b\" : [ true , false , null ] }", "{\"a\":1,\"b\":[true,false,null]}",
      '{' },
    { "[[],{},[{}],{\"\":[]}]", NULL, '[' },
    { "{\"a\":{\"a\":{\"a\":1}}}", NULL, '{' },
    { "[{\"a\":1},{\"a\":1}]", NULL, '[' },
    { "{\"a\":1,\"A\":2,\"\":3,\" a\":4}", NULL, '{' },
    { "{\"x\":{\"b\":1},\"b\":2}", NULL, '{' },
    { "\"\\\"\\\\\\/\\n\\r\\t\"", NULL, '"' },
    { "\"\\u0041\\u00e9\\u20ac\\uD83C\\uDF55\\uFFFF\"", NULL, '"' },
    { "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8d\x95\"", NULL, '"' },
    { "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"", NULL, '"' },
    { "\" two  blanks  stay \"", NULL, '"' },
    { "[\"]\",\"}\",\"{\",\"[\",\",\",\":\"]", NULL, '[' },
};

static void all_of_the_grammar_is_taken_and_blanks_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(accepted); i++) {
        const char *text = accepted[i].text;

        check_accepted(tw_slice_of(text),
                       accepted[i].becomes == NULL ? text : accepted[i].becomes);
        assert_row(scan(tw_slice_of(text), &tw_json_wide) == accepted[i].kind, text);
    }
}

static const char *const malformed[] = {
    "",
    " ",
    "\n",
    "x",
    "nul",
    "nullx",
    "null1",
    "Null",
    "TRUE",
    "tru",
    "truefalse",
    "undefined",
    "NaN",
    "Infinity",
    "-Infinity",
    "'a'",
    "a",
    "{",
    "}",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[,]",
    "[1 2]",
    "[1,,2]",
    "[1:2]",
    "[1}",
    "{]",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":}",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{,}",
    "{,\"a\":1}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1;\"b\":2}",
    "{a:1}",
    "{1:1}",
    "{null:1}",
    "{\"a\":1]",
    "{\"a\":1}}",
    "[1]]",
    "1 2",
    "{} {}",
    "{}x",
    "[]//",
    "/**/1",
    "#\n1",
    ",",
    ":",
    "\"",
    "\"a",
    "\"\\\"",
    "\"\\",
    "\"\\x41\"",
    "\"\\'\"",
    "\"\\a\"",
    "\"\\0\"",
    "\"\\u\"",
    "\"\\u1\"",
    "\"\\u12\"",
    "\"\\u123\"",
    "\"\\u123g\"",
    "\"\\u12 4\"",
    "\"\\U0041\"",
    "\"\\u+041\"",
    "\"\\u0000\"",
    "\"x\\u0000y\"",
    "{\"a\\u0000b\":1}",
    "\"\\ud800\"",
    "\"\\ud83dx\"",
    "\"\\ud83d\\n\"",
    "\"\\ud83d\\u0041\"",
    "\"\\ud83d\\ue000\"",
    "\"\\ud83d\\udbff\"",
    "\"\\ud83d\\uffff\"",
    "\"\\ud83d\\ud83d\"",
    "\"\\udf55\"",
    "\"\\udf55\\ud83c\"",
    "\"\\ud83d\\udf5\"",
    "\"\\ud83d\\udf5",
    "\"\\ud83d\\",
    "\"\\ud83d",
    "\"a\tb\"",
    "\"a\nb\"",
    "\"a\rb\"",
    "\"\x01\"",
    "\"\x1f\"",
    "\"\x80\"",
    "\"\xc3\"",
    "\"\xc3(\"",
    "\"\xc0\x80\"",
    "\"\xe0\x80\x80\"",
    "\"\xed\xa0\x80\"",
    "\"\xed\xa0\xbd\xed\xbc\x95\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xf8\x88\x80\x80\x80\"",
    "\"\xff\"",
    "{\"\xff\":1}",
    "\xef\xbb\xbf",
    "\xef\xbb\xbf\xef\xbb\xbf{}",
    " \xef\xbb\xbf{}",
    "{\xef\xbb\xbf}",
    "\xc2\xa0{}",
    "{}\x0b",
    "\x0c{}",
    "[\xe2\x80\xa8]",
};

static void everything_else_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(malformed); i++)
        assert_row(scan(tw_slice_of(malformed[i]), &tw_json_wide) == TW_ESYNTAX, malformed[i]);
}

static void a_raw_nul_is_refused_wherever_it_stands(void **state)
{
    static const struct tw_slice texts[] = {
        { "\0", 1 },    { "{}\0", 3 },     { "\"a\0b\"", 5 },
        { "[1\0]", 4 }, { "\"\\\0\"", 4 }, { "tru\0", 4 },
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(texts); i++)
        assert_int_equal(scan(texts[i], &tw_json_wide), TW_ESYNTAX);
}

/* Numbers: those of test/samples/vectors.json and what lies around each limit. */
static const struct {
    const char *text;
    int wide; /* '0' when it is taken, else the error */
} numbers[] = {
    { "25.00", '0' },
    { "25", '0' },
    { "25.0", '0' },
    { "25.000", '0' },
    { "2.5e1", '0' },
    { "0.01", '0' },
    { "85.50", '0' },
    { "0.30000000000000004", '0' },
    { "33.339999999999996", '0' },
    { "85.51", '0' },
    { "0", '0' },
    { "0.00", '0' },
    { "-0", '0' },
    { "-25.00", '0' },
    { "0.001", '0' },
    { "10.005", '0' },
    { "25.001", '0' },
    { "0.0000001", '0' },
    { "100000000", '0' },
    { "1e9", '0' },
    { "1e131071", '0' },
    { "1e131073", TW_ETOOBIG },
    { "1e131072", TW_ETOOBIG },
    { "10e131071", TW_ETOOBIG },
    { "10e131070", '0' },
    { "0.1e131072", '0' },
    { "0.1e131073", TW_ETOOBIG },
    { "1e-400", '0' },
    { "1e-16383", '0' },
    { "1e-16384", TW_ETOOBIG },
    { "1.5e-16382", '0' },
    { "1.5e-16383", TW_ETOOBIG },
    { "1e99", '0' },
    { "9007199254740993", '0' },
    { "12345.0", '0' },
    { "1e3", '0' },
    { "1.5", '0' },
    { "1E3", '0' },
    { "1e+3", '0' },
    { "1e-3", '0' },
    { "1e003", '0' },
    { "-0.0e-0", '0' },
    { "1e999999999999999999999", TW_ETOOBIG },
    { "1e-99999999999999999999", TW_ETOOBIG },
    { "0e99999999999", TW_ETOOBIG },
    { "12345678901234567890123456789012", '0' },         /* 32 bytes */
    { "123456789012345678901234567890123", TW_ETOOBIG }, /* 33 */
    { "-1234567890123456789012345678901", '0' },
    { "-12345678901234567890123456789012", TW_ETOOBIG },
    { "0.123456789012345678901234567890", '0' },
    { "0.1234567890123456789012345678901", TW_ETOOBIG },
    { "025.00", TW_ESYNTAX },
    { "+25", TW_ESYNTAX },
    { ".5", TW_ESYNTAX },
    { "25.", TW_ESYNTAX },
    { "00", TW_ESYNTAX },
    { "-00", TW_ESYNTAX },
    { "-01", TW_ESYNTAX },
    { "-", TW_ESYNTAX },
    { "--1", TW_ESYNTAX },
    { "-a", TW_ESYNTAX },
    { "1e", TW_ESYNTAX },
    { "1e+", TW_ESYNTAX },
    { "1e-", TW_ESYNTAX },
    { "1e+-1", TW_ESYNTAX },
    { "1.e1", TW_ESYNTAX },
    { "1.5.5", TW_ESYNTAX },
    { "1-2", TW_ESYNTAX },
    { "0x10", TW_ESYNTAX },
    { "1_000", TW_ESYNTAX },
    { "1,5", TW_ESYNTAX },
    { "1e1.5", TW_ESYNTAX },
    { "1ee1", TW_ESYNTAX },
    { "1f", TW_ESYNTAX },
    { "25 00", TW_ESYNTAX },
};

static void a_number_is_taken_when_numeric_can_hold_it(void **state)
{
    char text[100];

    (void)state;
    for (size_t i = 0; i < TW_COUNT(numbers); i++) {
        int r = scan(tw_slice_of(numbers[i].text), &tw_json_wide);

        if (r != numbers[i].wide)
            fail_msg("%s: %d", numbers[i].text, r);
        (void)snprintf(text, sizeof(text), "{\"amount\":%s}", numbers[i].text);
        r = scan(tw_slice_of(text), &tw_json_wide);
        assert_row(numbers[i].wide == '0' ? r == '{' : r < 0, text);
        if (numbers[i].wide == '0')
            check_accepted(tw_slice_of(text), text); /* its digits stay as they are */
    }
}

/* At most 40 digits before or after the point, once it is written out. */
static void where_numbers_are_printed_they_have_so_many_digits(void **state)
{
    static const char *const good[] = { "0",     "-12.50", "9007199254740993", "1e39",
                                        "1e-40", "10e38",  "0.1e40",           "1.5e-39" };
    static const char *const bad[] = { "1e40",   "1e-41", "10e39", "1.5e-40",
                                       "0.1e41", "1e99",  "1e-99", "1e131071" };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(good); i++)
        assert_row(scan(tw_slice_of(good[i]), &tw_json_narrow) == '0', good[i]);
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        assert_row(scan(tw_slice_of(bad[i]), &tw_json_narrow) == TW_ETOOBIG, bad[i]);
}

static int scan_nested(size_t depth, bool objects, const struct tw_json_limits *limits)
{
    struct tw_buf text = { .max = 4096 };
    int r;

    for (size_t i = 0; i < depth; i++)
        tw_buf_text(&text, objects && i % 2 == 0 ? "{\"a\":" : "[");
    tw_buf_text(&text, "1");
    for (size_t i = depth; i-- > 0;)
        tw_buf_text(&text, objects && i % 2 == 0 ? "}" : "]");
    r = scan(tw_buf_view(&text), limits);
    tw_buf_done(&text);
    return r;
}

static void nesting_ends_at_the_limit(void **state)
{
    struct tw_json_limits flat = { .depth = 2, .number_bytes = 32, .magnitude = 40 };

    (void)state;
    assert_int_equal(scan_nested(64, false, &tw_json_wide), '[');
    assert_int_equal(scan_nested(65, false, &tw_json_wide), TW_ETOOBIG);
    assert_int_equal(scan_nested(64, true, &tw_json_wide), '{');
    assert_int_equal(scan_nested(65, true, &tw_json_wide), TW_ETOOBIG);
    assert_int_equal(scan_nested(1000, false, &tw_json_wide), TW_ETOOBIG);
    assert_int_equal(scan_nested(2, true, &flat), '{');
    assert_int_equal(scan_nested(3, true, &flat), TW_ETOOBIG);
    /* it is the depth that counts, not how many there are */
    assert_int_equal(scan(TW_LIT("[[1],[2],[3],[4],{},{},[]]"), &flat), '[');
}

static void a_member_that_is_given_twice_is_refused_however_it_is_written(void **state)
{
    static const char *const twice[] = {
        "{\"a\":1,\"a\":1}",
        "{\"amount\":1,\"amount\":100,\"orderId\":1}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"\\u0061\":1,\"a\":2}",
        "{\"\":1,\"\":2}",
        "{\"\xc3\xa9\":1,\"\\u00E9\":2}",
        "{\"\xf0\x9f\x8d\x95\":1,\"\\ud83c\\udf55\":2}",
        "{\"/\":1,\"\\/\":2}",
        "{\"\\n\":1,\"\\u000a\":2}",
        "{\"a\":1,\"b\":2,\"c\":3,\"b\":4}",
        "{\"a\":{\"b\":1,\"c\":[{}]},\"a\":2}",
        "{\"a\":{\"b\":1,\"b\":2}}",
        "[{\"a\":1},{\"a\":1,\"a\":1}]",
        "{\"a\":1,\"a\\u0001\":2}", /* the same once it is rewritten */
        "{\"a\xe2\x80\xae\":1,\"a\":2}",
    };

    (void)state;
    for (size_t i = 0; i < TW_COUNT(twice); i++)
        assert_row(scan(tw_slice_of(twice[i]), &tw_json_wide) == TW_EDUPLICATE, twice[i]);
}

static const struct {
    const char *text, *becomes;
} cleaned[] = {
    /* the command that opens a cash drawer, from test/samples/vectors.json */
    { "\"\\u001bp\\u0001\\u0019\\u00fa\"", "\"p\\u00fa\"" },
    { "\"a\\u202eb\"", "\"ab\"" },
    { "\"line\\nbreak\\tand tab\\r\"", "\"line\\nbreak\\tand tab\\r\"" },
    { "\"\\u0009\\u000a\\u000D\"", "\"\\u0009\\u000a\\u000D\"" },
    { "\"a\\bb\\fc\"", "\"abc\"" },
    { "\"\\u0001\\u0008\\u000b\\u000c\\u000e\\u001F\"", "\"\"" },
    { "\"\\u0020\\u007e\"", "\"\\u0020\\u007e\"" },
    { "\"\\u007f\\u0080\\u009f\\u00a0\"", "\"\\u00a0\"" },
    { "\"\\u2029\\u202a\\u202b\\u202c\\u202d\\u202e\\u202f\"", "\"\\u2029\\u202f\"" },
    { "\"\\u2065\\u2066\\u2067\\u2068\\u2069\\u206a\"", "\"\\u2065\\u206a\"" },
    { "\"a\x7f"
      "b\"",
      "\"ab\"" },
    { "\"\xc2\x80\xc2\x9f\xc2\xa0\"", "\"\xc2\xa0\"" },
    { "\"\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf\"", "\"\xe2\x80\xa9\xe2\x80\xaf\"" },
    { "\"\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa\"", "\"\xe2\x81\xa5\xe2\x81\xaa\"" },
    { "{\"a\\u0007b\": \"c\\u0007\"}", "{\"ab\":\"c\"}" },
    { "[ \"\\u202a+44 7700\\u00a0900456\\u202c\" ]", "[\"+44 7700\\u00a0900456\"]" },
};

static void control_and_direction_characters_leave_strings(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(cleaned); i++)
        check_accepted(tw_slice_of(cleaned[i].text), cleaned[i].becomes);
}

static const struct {
    const char *text;
    size_t at;
} faults[] = {
    { "", 0 },
    { "x", 0 },
    { " x", 1 },
    { "[1,x]", 3 },
    { "{\"a\":1,}", 7 },
    { "{} x", 3 },
    { "{\"a\" 1}", 5 },
    { "\"ab", 3 },
    { "[1,025]", 3 },
    { "\"a\xff\"", 2 },
    { "\"a\\x\"", 2 },
    { "[1 2]", 3 },
    { "[", 1 },
    { "\"a\\u0000\"", 2 },
    { "[ \"\\ud83d\" ]", 3 },
};

static void a_fault_says_where_and_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(faults); i++) {
        struct tw_json_fault fault = { 999, NULL };
        char *copy;
        size_t len;

        assert_int_equal(
            scan_copy(tw_slice_of(faults[i].text), &tw_json_wide, &copy, &len, &fault),
            TW_ESYNTAX);
        assert_row(fault.at == faults[i].at, faults[i].text);
        assert_true(strlen(fault.why) > 0);
        free(copy);
    }
}

static void a_byte_order_mark_before_the_value_is_skipped(void **state)
{
    char text[] = "\xef\xbb\xbf {\"a\": 1}";
    size_t len = strlen(text);
    struct tw_json_fault fault;

    (void)state;
    assert_int_equal(tw_json_scan(text, &len, &tw_json_wide, &fault), '{');
    assert_slice(tw_slice_from(text, len), "{\"a\":1}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_the_grammar_is_taken_and_blanks_go),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(a_raw_nul_is_refused_wherever_it_stands),
        cmocka_unit_test(a_number_is_taken_when_numeric_can_hold_it),
        cmocka_unit_test(where_numbers_are_printed_they_have_so_many_digits),
        cmocka_unit_test(nesting_ends_at_the_limit),
        cmocka_unit_test(a_member_that_is_given_twice_is_refused_however_it_is_written),
        cmocka_unit_test(control_and_direction_characters_leave_strings),
        cmocka_unit_test(a_fault_says_where_and_why),
        cmocka_unit_test(a_byte_order_mark_before_the_value_is_skipped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
